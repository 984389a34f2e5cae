//! What the notation says, as values: definitions, their fields, the versions of each.
//!
//! Invariant: versions of a field lie within those of the structure that contains it.

/// An inclusive range of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    /// First version.
    pub(crate) min: i16,
    /// Last version.
    pub(crate) max: i16,
}

impl Versions {
    /// Whether `version` is in the range.
    pub(crate) fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }

    /// Every version of the range.
    pub(crate) fn each(self) -> impl Iterator<Item = i16> {
        self.min..=self.max
    }
}

/// What a definition is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request of an API.
    Request(i16),
    /// The response of an API.
    Response(i16),
    /// A record of the metadata log, by its key.
    Metadata(i16),
    /// The key of a coordinator's record.
    LogKey(LogRecord),
    /// The value of a coordinator's record.
    LogValue(LogRecord),
    /// Anything else.
    Data,
}

/// Which record of which coordinator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogRecord {
    /// The log's name in capitals and small letters.
    pub(crate) log: String,
    /// The record's type.
    pub(crate) number: i16,
    /// The record's name, without `Key` and `Value`.
    pub(crate) name: String,
}

/// An API: a request and its response.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    /// Its number.
    pub(crate) key: i16,
    /// Its name.
    pub(crate) name: String,
    /// Served on the listeners of brokers.
    pub(crate) broker: bool,
    /// Served on the listeners of controllers.
    pub(crate) controller: bool,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    /// What it is for.
    pub(crate) kind: Kind,
    /// Kafka's name.
    pub(crate) name: String,
    /// The versions that exist.
    pub(crate) versions: Versions,
    /// The first flexible version.
    pub(crate) flexible: Option<i16>,
    /// Whether the last version is still being worked on.
    pub(crate) unstable: bool,
    /// The message's own structure comes first, then those it contains.
    pub(crate) structs: Vec<Struct>,
}

impl Definition {
    /// Whether a version is flexible.
    pub(crate) fn is_flexible(&self, version: i16) -> bool {
        self.flexible.is_some_and(|first| version >= first)
    }

    /// The structure of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Struct> {
        self.structs.iter().find(|s| s.name == name)
    }
}

/// A structure: fields in the order in which they are written.
#[derive(Clone, Debug)]
pub(crate) struct Struct {
    /// Kafka's name.
    pub(crate) name: String,
    /// The versions in which it appears.
    pub(crate) versions: Versions,
    /// Its fields.
    pub(crate) fields: Vec<Field>,
}

/// A field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Kafka's name.
    pub(crate) name: String,
    /// The type of the field, or of an element.
    pub(crate) base: Base,
    /// Whether it is an array of that.
    pub(crate) array: bool,
    /// The versions that have it.
    pub(crate) versions: Versions,
    /// The versions in which it may be null.
    pub(crate) nullable: Option<Versions>,
    /// Its tag, and the versions in which it is tagged.
    pub(crate) tag: Option<(u32, Versions)>,
    /// May be dropped when a version does not have it.
    pub(crate) ignorable: bool,
    /// Keeps the old form of its length.
    pub(crate) never_compact: bool,
    /// What it is when nobody said.
    pub(crate) default: Value,
}

/// A type without its brackets and question mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Float64,
    Uuid,
    String,
    Bytes,
    Records,
    Struct(String),
}

/// A default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Zero, false or empty; null for records.
    Zero,
    /// Null.
    Null,
    /// True.
    True,
    /// A number.
    Number(i64),
}
