//! Rust for the messages: one module for each, with its structures and how they are read and written.
//!
//! What is generated is kept short, because the compiler spends its time on it: every loop over elements and every
//! rule about lengths stands once, in `src/reader.rs` and `src/writer.rs`; the version that is read or written
//! is known to the reader and the writer.

use super::definition::{Base, Definition, Field, Kind, Struct, Value, Versions};
use super::names::snake;
use std::fmt::Write;

/// The module of one message.
pub(crate) fn module(definition: &Definition) -> Result<String, String> {
    let mut out = String::new();
    put(&mut out, format_args!("/// The structures of `{}`.\n", definition.name));
    put(&mut out, format_args!("pub mod {} {{\nuse super::*;\n", snake(&definition.name)));
    for each in &definition.structs {
        structure(&mut out, definition, each).map_err(|error| format!("{}: {error}", definition.name))?;
    }
    message(&mut out, definition);
    out.push_str("}\n");
    put(&mut out, format_args!("pub use {}::{};\n", snake(&definition.name), definition.name));
    Ok(out)
}

/// Appends formatted text; writing to a `String` cannot fail.
pub(crate) fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn message(out: &mut String, definition: &Definition) {
    let Versions { min, max } = definition.versions;
    let name = &definition.name;
    put(
        out,
        format_args!(
            "impl Message for {name} {{\nconst NAME: &'static str = \"{name}\";\n\
             const VERSIONS: Versions = Versions {{ min: {min}, max: {max} }};\n\
             const FLEXIBLE: Option<i16> = {:?};\n}}\n",
            definition.flexible
        ),
    );
    if let Kind::Request(_) = definition.kind {
        let api = name.strip_suffix("Request").unwrap_or(name);
        put(
            out,
            format_args!(
                "impl Request for {name} {{\nconst KEY: ApiKey = ApiKey::{api};\ntype Response = super::{api}Response;\n}}\n"
            ),
        );
    }
}

fn structure(out: &mut String, definition: &Definition, each: &Struct) -> Result<(), String> {
    for field in &each.fields {
        check(definition, field).map_err(|error| format!("{}.{}: {error}", each.name, field.name))?;
    }
    let plain_default = each.fields.iter().all(default_is_rusts);
    put(out, format_args!("/// `{}`, versions {}.\n", each.name, text(each.versions)));
    let derive_default = if plain_default { ", Default" } else { "" };
    put(
        out,
        format_args!("#[derive(Clone, Debug, PartialEq{derive_default})]\npub struct {} {{\n", each.name),
    );
    for field in &each.fields {
        put(
            out,
            format_args!(
                "/// {}\npub {}: {},\n",
                describe(each, field),
                snake(&field.name),
                rust_type(field)
            ),
        );
    }
    out.push_str("}\n");
    if !plain_default {
        put(out, format_args!("impl Default for {} {{\nfn default() -> Self {{\nSelf {{\n", each.name));
        for field in &each.fields {
            put(out, format_args!("{}: {},\n", snake(&field.name), default_value(field)));
        }
        out.push_str("}\n}\n}\n");
    }
    put(out, format_args!("impl Readable for {} {{\n", each.name));
    put(out, format_args!("const MIN_SIZE: usize = {};\n", smallest(definition, each)?.max(1)));
    read(out, definition, each);
    put(out, format_args!("}}\nimpl Writable for {} {{\n", each.name));
    write(out, definition, each);
    errors(out, definition, each);
    out.push_str("}\n");
    Ok(())
}

/// The error codes that a structure carries, itself or deeper; nothing is written where there are none.
fn errors(out: &mut String, definition: &Definition, each: &Struct) {
    if !has_errors(definition, each, 0) {
        return;
    }
    out.push_str("fn each_error(&self, told: &mut dyn FnMut(i16)) {\n");
    for field in &each.fields {
        let name = snake(&field.name);
        let target = match &field.base {
            Base::Int16 if is_error_code(field) => {
                put(out, format_args!("told(self.{name});\n"));
                continue;
            }
            Base::Struct(target) => definition.find(target),
            _ => None,
        };
        if !target.is_some_and(|target| has_errors(definition, target, 0)) {
            continue;
        }
        let each = match (field.array, field.nullable.is_some()) {
            (true, true) => ".iter().flatten()",
            (true, false) | (false, true) => ".iter()",
            (false, false) => {
                put(out, format_args!("self.{name}.each_error(told);\n"));
                continue;
            }
        };
        put(out, format_args!("for each in self.{name}{each} {{\neach.each_error(told);\n}}\n"));
    }
    out.push_str("}\n");
}

fn is_error_code(field: &Field) -> bool {
    field.name == "ErrorCode" && field.base == Base::Int16 && !field.array
}

/// Structures are not nested deeper than a definition is indented; the bound is for one that names itself.
fn has_errors(definition: &Definition, each: &Struct, depth: usize) -> bool {
    each.fields.iter().any(|field| match &field.base {
        Base::Struct(name) if depth < 8 => {
            definition.find(name).is_some_and(|target| has_errors(definition, target, depth + 1))
        }
        _ => is_error_code(field),
    })
}

/// Refuses what the generated code could not express.
fn check(definition: &Definition, field: &Field) -> Result<(), String> {
    if let Base::Struct(name) = &field.base {
        let target = definition.find(name).ok_or_else(|| format!("{name} is not defined"))?;
        if field.versions.min < target.versions.min || target.versions.max < field.versions.max {
            return Err(format!("{name} does not exist in every version of the field"));
        }
        if !field.array && field.nullable.is_some_and(|nullable| nullable != field.versions) {
            return Err("a structure is nullable in all versions of its field or in none".to_owned());
        }
    }
    if let Some((_, tagged)) = field.tag {
        if !tagged.each().all(|version| definition.is_flexible(version)) {
            return Err("tagged in a version that is not flexible".to_owned());
        }
        if field.nullable.is_some_and(|nullable| nullable != field.versions) {
            return Err("a tagged field is nullable in all its versions or in none".to_owned());
        }
    }
    if field.default == Value::Null && field.nullable.is_none() {
        return Err("null cannot be the default of what is never null".to_owned());
    }
    if field.base == Base::Records && (field.array || field.tag.is_some()) {
        return Err("records are neither tagged nor in an array".to_owned());
    }
    Ok(())
}

fn text(versions: Versions) -> String {
    if versions.min == versions.max {
        versions.min.to_string()
    } else {
        format!("{}-{}", versions.min, versions.max)
    }
}

fn describe(owner: &Struct, field: &Field) -> String {
    let mut out = format!("`{}`", field.name);
    if field.versions != owner.versions {
        put(&mut out, format_args!(", versions {}", text(field.versions)));
    }
    match field.nullable {
        Some(nullable) if nullable != field.versions => {
            put(&mut out, format_args!(", null in {}", text(nullable)))
        }
        _ => {}
    }
    if let Some((tag, _)) = field.tag {
        put(&mut out, format_args!(", tag {tag}"));
    }
    out.push('.');
    out
}

fn rust_type(field: &Field) -> String {
    let base = match &field.base {
        Base::Bool => "bool",
        Base::Int8 => "i8",
        Base::Int16 => "i16",
        Base::Uint16 => "u16",
        Base::Int32 => "i32",
        Base::Uint32 => "u32",
        Base::Int64 => "i64",
        Base::Float64 => "f64",
        Base::Uuid => "Uuid",
        Base::String => "Str",
        Base::Bytes => "Bytes",
        Base::Records => return "Option<Records>".to_owned(),
        Base::Struct(name) => name,
    };
    let base = if field.array { format!("Vec<{base}>") } else { base.to_owned() };
    if field.nullable.is_some() { format!("Option<{base}>") } else { base }
}

fn default_is_rusts(field: &Field) -> bool {
    match field.default {
        Value::Zero => field.nullable.is_none() || field.base == Base::Records,
        Value::Null => true,
        Value::True | Value::Number(_) => false,
    }
}

fn default_value(field: &Field) -> String {
    match field.default {
        Value::True => "true".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Zero if !default_is_rusts(field) => "Some(Default::default())".to_owned(),
        Value::Zero | Value::Null => "Default::default()".to_owned(),
    }
}

/// An expression that is true when the field does not hold its default.
fn differs(field: &Field) -> String {
    let name = format!("self.{}", snake(&field.name));
    let variable = field.array || matches!(field.base, Base::String | Base::Bytes);
    match field.default {
        Value::Null => format!("{name}.is_some()"),
        Value::True => format!("!{name}"),
        Value::Number(number) => format!("{name} != {number}"),
        Value::Zero if field.base == Base::Records => format!("{name}.is_some()"),
        Value::Zero if field.nullable.is_some() && variable => {
            format!("{name}.as_ref().is_none_or(|x| !x.is_empty())")
        }
        Value::Zero if field.nullable.is_some() => format!("{name} != Some(Default::default())"),
        Value::Zero if variable => format!("!{name}.is_empty()"),
        Value::Zero => match &field.base {
            Base::Bool => name,
            Base::Float64 => format!("{name} != 0.0"),
            Base::Uuid => format!("{name} != Uuid::ZERO"),
            Base::Struct(base) => format!("{name} != {base}::default()"),
            _ => format!("{name} != 0"),
        },
    }
}

/// A condition on `v` that holds in `versions`, given that it is in `scope`; none when it always does.
fn condition(versions: Versions, scope: Versions) -> Option<String> {
    let Versions { min, max } = versions;
    match (min <= scope.min, scope.max <= max) {
        (true, true) => None,
        (false, true) => Some(format!("v >= {min}")),
        (true, false) => Some(format!("v <= {max}")),
        (false, false) if min == max => Some(format!("v == {min}")),
        (false, false) => Some(format!("({min}..={max}).contains(&v)")),
    }
}

/// Whether a body asks for `v`, in one of the forms of [`condition`].
fn needs_version(body: &str) -> bool {
    ["v >= ", "v <= ", "v == ", "contains(&v)"].iter().any(|form| body.contains(form))
}

/// The versions of `field` in which it stands in the row, not among the tagged fields.
fn untagged(field: &Field) -> Option<Versions> {
    match field.tag {
        None => Some(field.versions),
        Some((_, tagged)) if tagged.min <= field.versions.min => None,
        Some((_, tagged)) => Some(Versions { min: field.versions.min, max: tagged.min - 1 }),
    }
}

fn read(out: &mut String, definition: &Definition, each: &Struct) {
    let mut body = String::new();
    for field in &each.fields {
        let Some(versions) = untagged(field) else { continue };
        let assign = format!("m.{} = {}", snake(&field.name), read_value(field, versions, false));
        match condition(versions, each.versions) {
            None => put(&mut body, format_args!("{assign};\n")),
            Some(condition) => put(&mut body, format_args!("if {condition} {{ {assign}; }}\n")),
        }
    }
    if definition.is_flexible(each.versions.max) {
        let tagged: Vec<&Field> = each.fields.iter().filter(|field| field.tag.is_some()).collect();
        if tagged.is_empty() {
            body.push_str("r.skip_tags()?;\n");
        } else {
            read_tags(&mut body, each, &tagged);
        }
    }
    let mutable = if body.contains("m.") { "mut " } else { "" };
    let reader = if body.is_empty() { "_r" } else { "r" };
    put(out, format_args!("fn read({reader}: &mut Reader) -> Result<Self, DecodeError> {{\n"));
    out.push_str(if needs_version(&body) { "let v = r.version();\n" } else { "" });
    put(out, format_args!("let {mutable}m = Self::default();\n{body}Ok(m)\n}}\n"));
}

fn read_tags(body: &mut String, each: &Struct, tagged: &[&Field]) {
    body.push_str("for _ in 0..r.tag_count()? {\nlet tag = r.tag()?;\nmatch tag.number {\n");
    for field in tagged {
        let Some((number, versions)) = field.tag else { continue };
        let assign = format!("m.{} = {}", snake(&field.name), read_value(field, versions, true));
        match condition(versions, each.versions) {
            None => put(body, format_args!("{number} => {assign},\n")),
            Some(condition) => {
                put(
                    body,
                    format_args!(
                        "{number} if {condition} => {assign},\n{number} => return Err(r.early_tag({number})),\n"
                    ),
                );
            }
        }
    }
    body.push_str("_ => r.skip_tag(tag)?,\n}\nr.end_tag(tag)?;\n}\n");
}

fn read_value(field: &Field, versions: Versions, tagged: bool) -> String {
    let nullable = match field.nullable {
        None => Some("false".to_owned()),
        Some(nullable) => condition(nullable, versions),
    };
    let or_null = |name: &str| match (&field.nullable, &nullable) {
        (None, _) => format!("r.{name}()?"),
        (Some(_), None) => format!("r.{name}_or_null(true)?"),
        (Some(_), Some(condition)) => format!("r.{name}_or_null({condition})?"),
    };
    if field.array {
        return or_null("array");
    }
    match &field.base {
        Base::Bool => "r.bool()?".to_owned(),
        Base::Int8 => "r.i8()?".to_owned(),
        Base::Int16 => "r.i16()?".to_owned(),
        Base::Uint16 => "r.u16()?".to_owned(),
        Base::Int32 => "r.i32()?".to_owned(),
        Base::Uint32 => "r.u32()?".to_owned(),
        Base::Int64 => "r.i64()?".to_owned(),
        Base::Float64 => "r.f64()?".to_owned(),
        Base::Uuid => "r.uuid()?".to_owned(),
        Base::String if field.never_compact => or_null("classic_string"),
        Base::String => or_null("string"),
        Base::Bytes => or_null("bytes"),
        Base::Records => format!("r.records({})?", nullable.unwrap_or_else(|| "true".to_owned())),
        Base::Struct(name) if field.nullable.is_some() => {
            let present = if tagged { "tagged_is_present" } else { "is_present" };
            format!("if r.{present}()? {{ Some({name}::read(r)?) }} else {{ None }}")
        }
        Base::Struct(name) => format!("{name}::read(r)?"),
    }
}

fn write(out: &mut String, definition: &Definition, each: &Struct) {
    let mut body = String::new();
    for field in &each.fields {
        if let Some(condition) = condition(field.versions, each.versions)
            && !field.ignorable
        {
            put(
                &mut body,
                format_args!(
                    "if !({condition}) && {} {{ return Err(w.absent(\"{}\")); }}\n",
                    differs(field),
                    field.name
                ),
            );
        }
        let Some(versions) = untagged(field) else { continue };
        let statement = write_value(field, versions, false);
        match condition(versions, each.versions) {
            None => put(&mut body, format_args!("{statement};\n")),
            Some(condition) => put(&mut body, format_args!("if {condition} {{ {statement}; }}\n")),
        }
    }
    if definition.is_flexible(each.versions.max) {
        let mut tagged: Vec<(u32, Versions, &Field)> = each
            .fields
            .iter()
            .filter_map(|field| field.tag.map(|(number, versions)| (number, versions, field)))
            .collect();
        tagged.sort_by_key(|(number, ..)| *number);
        if tagged.is_empty() {
            body.push_str("w.no_tags();\n");
        } else {
            write_tags(&mut body, definition, each, &tagged);
        }
    }
    let writer = if body.is_empty() { "_w" } else { "w" };
    put(out, format_args!("fn write(&self, {writer}: &mut Writer) -> Result<(), EncodeError> {{\n"));
    out.push_str(if needs_version(&body) { "let v = w.version();\n" } else { "" });
    put(out, format_args!("{body}Ok(())\n}}\n"));
}

fn write_tags(body: &mut String, definition: &Definition, each: &Struct, tagged: &[(u32, Versions, &Field)]) {
    let all_flexible = definition.is_flexible(each.versions.min);
    if !all_flexible {
        body.push_str("if w.is_flexible() {\n");
    }
    body.push_str("let mut tags = w.begin_tags();\n");
    for (number, versions, field) in tagged {
        let guard =
            condition(*versions, each.versions).map_or(String::new(), |condition| format!("{condition} && "));
        put(
            body,
            format_args!(
                "if {guard}{} {{ let tag = w.begin_tag(&mut tags, {number}); {}; w.end_tag(tag, \"{}\")?; }}\n",
                differs(field),
                write_value(field, *versions, true),
                field.name
            ),
        );
    }
    body.push_str("w.end_tags(tags);\n");
    if !all_flexible {
        body.push_str("}\n");
    }
}

fn write_value(field: &Field, versions: Versions, tagged: bool) -> String {
    let name = format!("self.{}", snake(&field.name));
    let allowed =
        field.nullable.map(|nullable| condition(nullable, versions).unwrap_or_else(|| "true".to_owned()));
    let or_null = |method: &str, how: &str| match &allowed {
        None => format!("w.{method}(&{name}, \"{}\")?", field.name),
        Some(allowed) => format!("w.{method}_or_null({name}{how}, {allowed}, \"{}\")?", field.name),
    };
    if field.array {
        return or_null("array", ".as_deref()");
    }
    match &field.base {
        Base::Bool => format!("w.bool({name})"),
        Base::Int8 => format!("w.i8({name})"),
        Base::Int16 => format!("w.i16({name})"),
        Base::Uint16 => format!("w.u16({name})"),
        Base::Int32 => format!("w.i32({name})"),
        Base::Uint32 => format!("w.u32({name})"),
        Base::Int64 => format!("w.i64({name})"),
        Base::Float64 => format!("w.f64({name})"),
        Base::Uuid => format!("w.uuid({name})"),
        Base::String if field.never_compact => or_null("classic_string", ".as_deref()"),
        Base::String => or_null("string", ".as_deref()"),
        Base::Bytes => or_null("bytes", ".as_deref()"),
        Base::Records => {
            format!(
                "w.records({name}.as_ref(), {}, \"{}\")?",
                allowed.as_deref().unwrap_or("false"),
                field.name
            )
        }
        Base::Struct(_) if field.nullable.is_some() => {
            let method = if tagged { "tagged_or_null" } else { "structure_or_null" };
            format!("w.{method}({name}.as_ref())?")
        }
        Base::Struct(_) => format!("{name}.write(w)?"),
    }
}

/// The fewest bytes that a structure takes in any of its versions.
fn smallest(definition: &Definition, each: &Struct) -> Result<usize, String> {
    each.versions
        .each()
        .map(|version| smallest_in(definition, each, version, 0))
        .try_fold(usize::MAX, |least, size| Ok(least.min(size?)))
}

fn smallest_in(definition: &Definition, each: &Struct, version: i16, depth: usize) -> Result<usize, String> {
    if depth > 20 {
        return Err(format!("{} contains itself", each.name));
    }
    let flexible = definition.is_flexible(version);
    let mut size = usize::from(flexible);
    for field in &each.fields {
        if !untagged(field).is_some_and(|versions| versions.contains(version)) {
            continue;
        }
        size += match &field.base {
            _ if field.array => {
                if flexible {
                    1
                } else {
                    4
                }
            }
            Base::Bool | Base::Int8 => 1,
            Base::Int16 | Base::Uint16 => 2,
            Base::Int32 | Base::Uint32 => 4,
            Base::Int64 | Base::Float64 => 8,
            Base::Uuid => 16,
            Base::String => {
                if flexible && !field.never_compact {
                    1
                } else {
                    2
                }
            }
            Base::Bytes | Base::Records => {
                if flexible {
                    1
                } else {
                    4
                }
            }
            Base::Struct(_) if field.nullable.is_some() => 1,
            Base::Struct(name) => {
                let target = definition.find(name).ok_or_else(|| format!("{name} is not defined"))?;
                smallest_in(definition, target, version, depth + 1)?
            }
        };
    }
    Ok(size)
}
