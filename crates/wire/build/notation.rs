//! Reads the notation of `spec/README.md` into definitions. Refuses what it does not understand, with file and line;
//! says nothing about Rust.

use super::definition::{Api, Base, Definition, Field, Kind, LogRecord, Struct, Value, Versions};

/// Everything that the files of `spec` say.
#[derive(Default, Debug)]
pub(crate) struct Spec {
    /// Every API.
    pub(crate) apis: Vec<Api>,
    /// Every message.
    pub(crate) definitions: Vec<Definition>,
}

/// Parses one file into `spec`. The error names the file and the line.
pub(crate) fn parse(file: &str, text: &str, spec: &mut Spec) -> Result<(), String> {
    let mut parser = Parser { spec, open: Vec::new(), api: None, log: None, record: None };
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim_end();
        if !line.is_empty() {
            parser.line(line).map_err(|error| format!("{file}:{}: {error}", index + 1))?;
        }
    }
    Ok(())
}

/// A structure whose fields may follow, at this depth.
struct Open {
    depth: usize,
    index: usize,
}

struct Parser<'a> {
    spec: &'a mut Spec,
    open: Vec<Open>,
    api: Option<Api>,
    log: Option<String>,
    record: Option<(i16, String)>,
}

impl Parser<'_> {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let depth = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.split_whitespace().collect();
        match (depth, words.as_slice()) {
            (0, words) => self.heading(words),
            (_, ["struct", name, versions @ ..]) => self.structure(depth, name, versions.first().copied()),
            (_, [name, base, rest @ ..]) => self.field(depth, name, base, rest),
            _ => Err("a field has a name and a type".to_owned()),
        }
    }

    fn heading(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["api", key, name, listeners @ ..] => {
                let api = Api {
                    key: number(key)?,
                    name: (*name).to_owned(),
                    broker: listeners.contains(&"broker"),
                    controller: listeners.contains(&"controller"),
                };
                self.spec.apis.push(api.clone());
                self.api = Some(api);
                Ok(())
            }
            ["log", name] => {
                self.log = Some((*name).to_owned());
                Ok(())
            }
            ["record", key, name] => {
                self.record = Some((number(key)?, (*name).to_owned()));
                Ok(())
            }
            ["request", rest @ ..] => {
                let api = self.api.clone().ok_or("a request belongs to an api")?;
                self.message(Kind::Request(api.key), format!("{}Request", api.name), rest)
            }
            ["response", rest @ ..] => {
                let api = self.api.clone().ok_or("a response belongs to an api")?;
                self.message(Kind::Response(api.key), format!("{}Response", api.name), rest)
            }
            ["key", rest @ ..] => {
                let record = self.log_record()?;
                let name = format!("{}Key", record.name);
                self.message(Kind::LogKey(record), name, rest)
            }
            ["value", rest @ ..] => {
                let record = self.log_record()?;
                let name = format!("{}Value", record.name);
                self.message(Kind::LogValue(record), name, rest)
            }
            ["metadata", key, name, rest @ ..] => {
                self.message(Kind::Metadata(number(key)?), (*name).to_owned(), rest)
            }
            ["data", name, rest @ ..] => self.message(Kind::Data, (*name).to_owned(), rest),
            _ => Err("not a heading".to_owned()),
        }
    }

    fn log_record(&self) -> Result<LogRecord, String> {
        let log = self.log.clone().ok_or("a record belongs to a log")?;
        let (number, name) = self.record.clone().ok_or("a key or a value belongs to a record")?;
        Ok(LogRecord { log, number, name })
    }

    fn message(&mut self, kind: Kind, name: String, rest: &[&str]) -> Result<(), String> {
        let (first, mut rest) = rest.split_first().ok_or("the versions are missing")?;
        let versions = versions(first, Versions { min: 0, max: i16::MAX })?;
        if versions.max == i16::MAX {
            return Err("a message has a last version".to_owned());
        }
        let mut flexible = None;
        if let ["flexible", from, more @ ..] = rest {
            flexible = Some(number(from.trim_end_matches('+'))?);
            rest = more;
        }
        let unstable = match rest {
            [] => false,
            ["unstable-latest"] => true,
            _ => return Err(format!("not understood: {}", rest.join(" "))),
        };
        let root = Struct { name: name.clone(), versions, fields: Vec::new() };
        self.spec.definitions.push(Definition {
            kind,
            name,
            versions,
            flexible,
            unstable,
            structs: vec![root],
        });
        self.open = vec![Open { depth: 2, index: 0 }];
        Ok(())
    }

    fn definition(&mut self) -> Result<&mut Definition, String> {
        self.spec.definitions.last_mut().ok_or_else(|| "fields need a message above them".to_owned())
    }

    /// The index of the structure whose fields stand at `depth`.
    fn owner(&mut self, depth: usize) -> Result<usize, String> {
        while self.open.last().is_some_and(|open| open.depth > depth) {
            self.open.pop();
        }
        match self.open.last() {
            Some(open) if open.depth == depth => Ok(open.index),
            _ => Err("the line is indented under something that has no fields".to_owned()),
        }
    }

    fn structure(&mut self, depth: usize, name: &str, range: Option<&str>) -> Result<(), String> {
        self.owner(depth)?;
        let all = self.definition()?.versions;
        let range = range.map_or(Ok(all), |text| versions(text, all))?;
        self.open_struct(depth, name, range)
    }

    fn open_struct(&mut self, depth: usize, name: &str, range: Versions) -> Result<(), String> {
        let definition = self.definition()?;
        if definition.find(name).is_some() {
            return Err(format!("{name} is defined twice"));
        }
        let index = definition.structs.len();
        definition.structs.push(Struct { name: name.to_owned(), versions: range, fields: Vec::new() });
        self.open.push(Open { depth: depth + 2, index });
        Ok(())
    }

    fn field(&mut self, depth: usize, name: &str, base: &str, rest: &[&str]) -> Result<(), String> {
        // A deeper line opens the structure that the field above it names.
        if self.open.last().is_some_and(|open| open.depth + 2 == depth) {
            self.open_named_above(depth)?;
        }
        let owner = self.owner(depth)?;
        let scope = self.definition()?.structs.get(owner).ok_or("no such structure")?.versions;
        let field = field(name, base, rest, scope)?;
        let owner = self.definition()?.structs.get_mut(owner).ok_or("no such structure")?;
        owner.fields.push(field);
        Ok(())
    }

    fn open_named_above(&mut self, depth: usize) -> Result<(), String> {
        let above = self.owner(depth - 2)?;
        let above = self.definition()?.structs.get(above).and_then(|owner| owner.fields.last()).cloned();
        match above {
            Some(Field { base: Base::Struct(name), versions, .. }) => {
                self.open_struct(depth - 2, &name, versions)
            }
            _ => Err("the line above is not of a structure's type".to_owned()),
        }
    }
}

fn field(name: &str, base: &str, rest: &[&str], scope: Versions) -> Result<Field, String> {
    let (base, nullable) = base.strip_suffix('?').map_or((base, false), |base| (base, true));
    let (base, array) = base.strip_prefix("[]").map_or((base, false), |base| (base, true));
    let mut rest = rest;
    let mut range = scope;
    if let [first, more @ ..] = rest
        && first.starts_with(|c: char| c.is_ascii_digit())
    {
        range = versions(first, scope)?;
        rest = more;
    }
    let mut field = Field {
        name: name.to_owned(),
        base: base_type(base)?,
        array,
        versions: range,
        nullable: nullable.then_some(range),
        tag: None,
        ignorable: false,
        never_compact: false,
        default: Value::Zero,
    };
    while !rest.is_empty() {
        rest = attribute(&mut field, rest, range)?;
    }
    Ok(field)
}

/// Takes one attribute; what remains is returned.
fn attribute<'a, 'b>(
    field: &mut Field,
    rest: &'a [&'b str],
    range: Versions,
) -> Result<&'a [&'b str], String> {
    match rest {
        ["null", in_versions, rest @ ..] => {
            field.nullable = Some(versions(in_versions, range)?);
            Ok(rest)
        }
        ["key", rest @ ..] => Ok(rest),
        ["ignorable", rest @ ..] => {
            field.ignorable = true;
            Ok(rest)
        }
        ["never-compact", rest @ ..] => {
            field.never_compact = true;
            Ok(rest)
        }
        ["tag", tag, rest @ ..] => {
            let tag = tag.parse().map_err(|_| format!("not a tag: {tag}"))?;
            match rest {
                [from, rest @ ..] if from.starts_with(|c: char| c.is_ascii_digit()) => {
                    field.tag = Some((tag, versions(from, range)?));
                    Ok(rest)
                }
                _ => {
                    field.tag = Some((tag, range));
                    Ok(rest)
                }
            }
        }
        ["=", value, rest @ ..] => {
            field.default = match *value {
                "null" => Value::Null,
                "true" => Value::True,
                number => Value::Number(number.parse().map_err(|_| format!("not a default: {number}"))?),
            };
            Ok(rest)
        }
        _ => Err(format!("not understood: {}", rest.join(" "))),
    }
}

fn base_type(name: &str) -> Result<Base, String> {
    Ok(match name {
        "bool" => Base::Bool,
        "int8" => Base::Int8,
        "int16" => Base::Int16,
        "uint16" => Base::Uint16,
        "int32" => Base::Int32,
        "uint32" => Base::Uint32,
        "int64" => Base::Int64,
        "float64" => Base::Float64,
        "uuid" => Base::Uuid,
        "string" => Base::String,
        "bytes" => Base::Bytes,
        "records" => Base::Records,
        name if name.starts_with(|c: char| c.is_ascii_uppercase()) => Base::Struct(name.to_owned()),
        name => return Err(format!("unknown type {name}")),
    })
}

/// A range, cut to `scope`, within which it must begin and end.
fn versions(text: &str, scope: Versions) -> Result<Versions, String> {
    let range = if let Some(min) = text.strip_suffix('+') {
        Versions { min: number(min)?, max: scope.max }
    } else if let Some((min, max)) = text.split_once('-') {
        Versions { min: number(min)?, max: number(max)? }
    } else {
        Versions { min: number(text)?, max: number(text)? }
    };
    if scope.min <= range.min && range.min <= range.max && range.max <= scope.max {
        Ok(range)
    } else {
        Err(format!("versions {text} do not lie within {}-{}", scope.min, scope.max))
    }
}

fn number(text: &str) -> Result<i16, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}
