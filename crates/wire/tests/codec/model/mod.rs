//! A second, slow and simple codec to hold the generated one against: values as trees, written and read by walking
//! the definitions themselves.
//!
//! It shares the parser of the notation with the build, and nothing else.

#[path = "../../../build/definition.rs"]
#[allow(dead_code)] // the generator needs more of it than the tests
pub mod definition;
pub mod dice;
#[path = "../../../build/notation.rs"]
pub mod notation;
pub mod typed;

use definition::{Base, Definition, Field, Struct, Value};
use dice::Dice;
use std::fs;
use std::path::{Path, PathBuf};

/// Every definition of `spec`.
pub fn spec() -> notation::Spec {
    let mut spec = notation::Spec::default();
    for file in files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/spec"))) {
        notation::parse(&file.display().to_string(), &fs::read_to_string(&file).unwrap(), &mut spec).unwrap();
    }
    spec
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "spec") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A value of a field, or of an element.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    Null,
    Number(i64),
    Float(u64),
    Uuid([u8; 16]),
    Bytes(Vec<u8>),
    Array(Vec<Tree>),
    Struct(Vec<Tree>),
}

/// Why a tree cannot be written in a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Absent,
    Null,
}

/// The default of a whole structure.
pub fn default_struct(definition: &Definition, each: &Struct) -> Tree {
    Tree::Struct(each.fields.iter().map(|field| default_value(definition, field)).collect())
}

fn default_value(definition: &Definition, field: &Field) -> Tree {
    match (field.default, &field.base) {
        (Value::Null, _) => Tree::Null,
        (Value::True, _) => Tree::Number(1),
        (Value::Number(number), _) => Tree::Number(number),
        (Value::Zero, _) if field.array => Tree::Array(Vec::new()),
        (Value::Zero, Base::Records) => Tree::Null,
        (Value::Zero, Base::String | Base::Bytes) => Tree::Bytes(Vec::new()),
        (Value::Zero, Base::Float64) => Tree::Float(0),
        (Value::Zero, Base::Uuid) => Tree::Uuid([0; 16]),
        (Value::Zero, Base::Struct(name)) => default_struct(definition, definition.find(name).unwrap()),
        (Value::Zero, _) => Tree::Number(0),
    }
}

/// A value with the fields of `version` drawn by lot and the others at their defaults.
pub fn any_struct(definition: &Definition, each: &Struct, version: i16, dice: &mut Dice, depth: u32) -> Tree {
    let fields = each.fields.iter().map(|field| {
        if !field.versions.contains(version) || (field.tag.is_some() && dice.one_in(3)) {
            return default_value(definition, field);
        }
        if field.nullable.is_some_and(|nullable| nullable.contains(version)) && dice.one_in(4) {
            return Tree::Null;
        }
        if field.array {
            let most = if depth == 0 { 4 } else { 3 };
            return Tree::Array(
                (0..dice.below(most)).map(|_| any_base(definition, field, version, dice, depth)).collect(),
            );
        }
        any_base(definition, field, version, dice, depth)
    });
    Tree::Struct(fields.collect())
}

fn any_base(definition: &Definition, field: &Field, version: i16, dice: &mut Dice, depth: u32) -> Tree {
    let bits = dice.extreme();
    match &field.base {
        Base::Bool => Tree::Number(bits & 1),
        Base::Int8 => Tree::Number((bits as i8).into()),
        Base::Int16 => Tree::Number((bits as i16).into()),
        Base::Uint16 => Tree::Number((bits as u16).into()),
        Base::Int32 => Tree::Number((bits as i32).into()),
        Base::Uint32 => Tree::Number((bits as u32).into()),
        Base::Int64 => Tree::Number(bits),
        Base::Float64 => Tree::Float(f64::from(bits as i32).to_bits()),
        Base::Uuid => Tree::Uuid(dice.bytes(16).try_into().unwrap()),
        Base::String => Tree::Bytes(dice.text().into_bytes()),
        Base::Bytes | Base::Records => {
            let len = if dice.one_in(20) { 6_000 } else { dice.below(200) };
            Tree::Bytes(dice.bytes(len))
        }
        Base::Struct(name) => {
            any_struct(definition, definition.find(name).unwrap(), version, dice, depth + 1)
        }
    }
}

/// Writes a tree as Kafka would.
pub fn write(definition: &Definition, tree: &Tree, version: i16) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::new();
    write_struct(definition, &definition.structs[0], tree, version, &mut out)?;
    Ok(out)
}

fn write_struct(
    definition: &Definition,
    each: &Struct,
    tree: &Tree,
    version: i16,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let Tree::Struct(values) = tree else { panic!("{tree:?} for {}", each.name) };
    let mut tagged = Vec::new();
    for (field, value) in each.fields.iter().zip(values) {
        let is_default = *value == default_value(definition, field);
        if !field.versions.contains(version) {
            if !field.ignorable && !is_default {
                return Err(Refused::Absent);
            }
            continue;
        }
        match field.tag {
            Some((number, versions)) if versions.contains(version) => {
                if !is_default {
                    let mut body = Vec::new();
                    write_value(definition, field, value, version, true, &mut body)?;
                    tagged.push((number, body));
                }
            }
            _ => write_value(definition, field, value, version, false, out)?,
        }
    }
    if definition.is_flexible(version) {
        tagged.sort();
        uvarint(tagged.len(), out);
        for (number, body) in tagged {
            uvarint(number as usize, out);
            uvarint(body.len(), out);
            out.extend(body);
        }
    }
    Ok(())
}

fn write_value(
    definition: &Definition,
    field: &Field,
    value: &Tree,
    version: i16,
    tagged: bool,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let nullable = field.nullable.is_some_and(|nullable| nullable.contains(version));
    if *value == Tree::Null && !nullable {
        return Err(Refused::Null);
    }
    let compact = definition.is_flexible(version) && !field.never_compact;
    let short = field.base == Base::String && !field.array;
    match value {
        Tree::Null if matches!(field.base, Base::Struct(_)) && !field.array => {
            out.push(if tagged { 0 } else { 0xff })
        }
        Tree::Null if compact => out.push(0),
        Tree::Null if short => out.extend([0xff; 2]),
        Tree::Null => out.extend([0xff; 4]),
        Tree::Array(elements) => {
            length(elements.len(), compact, false, out);
            for element in elements {
                write_base(definition, &field.base, element, version, compact, out)?;
            }
        }
        value => {
            if matches!(field.base, Base::Struct(_)) && field.nullable.is_some() {
                out.push(1);
            }
            write_base(definition, &field.base, value, version, compact, out)?;
        }
    }
    Ok(())
}

fn write_base(
    definition: &Definition,
    base: &Base,
    value: &Tree,
    version: i16,
    compact: bool,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    match (base, value) {
        (Base::Bool | Base::Int8, Tree::Number(number)) => out.extend((*number as i8).to_be_bytes()),
        (Base::Int16 | Base::Uint16, Tree::Number(number)) => out.extend((*number as i16).to_be_bytes()),
        (Base::Int32 | Base::Uint32, Tree::Number(number)) => out.extend((*number as i32).to_be_bytes()),
        (Base::Int64, Tree::Number(number)) => out.extend(number.to_be_bytes()),
        (Base::Float64, Tree::Float(bits)) => out.extend(bits.to_be_bytes()),
        (Base::Uuid, Tree::Uuid(bytes)) => out.extend(bytes),
        (Base::String | Base::Bytes | Base::Records, Tree::Bytes(bytes)) => {
            length(bytes.len(), compact, *base == Base::String, out);
            out.extend(bytes);
        }
        (Base::Struct(name), tree) => {
            write_struct(definition, definition.find(name).unwrap(), tree, version, out)?;
        }
        (base, value) => panic!("{value:?} for {base:?}"),
    }
    Ok(())
}

fn length(len: usize, compact: bool, short: bool, out: &mut Vec<u8>) {
    if compact {
        uvarint(len + 1, out);
    } else if short {
        out.extend((len as i16).to_be_bytes());
    } else {
        out.extend((len as i32).to_be_bytes());
    }
}

pub fn uvarint(mut value: usize, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The default with every array of the first level `outer` elements long, and of the second `inner`: nothing is smaller for its count.
pub fn crowded(definition: &Definition, each: &Struct, version: i16, outer: usize, inner: usize) -> Tree {
    let fields = each.fields.iter().map(|field| {
        let default = default_value(definition, field);
        if !field.versions.contains(version) || field.tag.is_some() {
            return default;
        }
        if !field.array {
            return match (&field.base, default) {
                (Base::Struct(name), _) => {
                    crowded(definition, definition.find(name).unwrap(), version, outer, inner)
                }
                (Base::String | Base::Bytes | Base::Records, Tree::Null) => Tree::Bytes(Vec::new()),
                (_, default) => default,
            };
        }
        let element = match &field.base {
            Base::Struct(name) => crowded(definition, definition.find(name).unwrap(), version, inner, 0),
            Base::String | Base::Bytes => Tree::Bytes(Vec::new()),
            Base::Uuid => Tree::Uuid([0; 16]),
            _ => Tree::Number(0),
        };
        Tree::Array(vec![element; outer])
    });
    Tree::Struct(fields.collect())
}
