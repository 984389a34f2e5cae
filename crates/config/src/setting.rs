//! What the table says about one setting, and the short words its rows are written with.
//!
//! Invariant: a row's default, if it has one, passes the row's own check (a test walks the table).
//! Reading a value is the matter of `value`.

/// The type of a value; what Kafka calls `ConfigDef.Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Boolean,
    /// Text, trimmed.
    String,
    /// 32 bits.
    Int,
    /// 16 bits.
    Short,
    /// 64 bits.
    Long,
    /// A floating point number.
    Double,
    /// Values separated by commas.
    List,
    /// The name of a Java class; kept as text.
    Class,
    /// Text that is never shown.
    Password,
}

impl Kind {
    /// The number of this type in DescribeConfigs (protocol key 32); 0 is "unknown".
    pub const fn wire_id(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Short => 4,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
            Self::Class => 8,
            Self::Password => 9,
        }
    }

    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Int => "int",
            Self::Short => "short",
            Self::Long => "long",
            Self::Double => "double",
            Self::List => "list",
            Self::Class => "class",
            Self::Password => "password",
        }
    }
}

/// Which values of its type a setting takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    /// Every value of the type.
    Any,
    /// A whole number within both bounds.
    Range(i64, i64),
    /// A floating point number within both bounds.
    Real(f64, f64),
    /// One of these words, as written.
    OneOf(&'static [&'static str]),
    /// One of these words, in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// A list without duplicates; of these words only, if any are given.
    Items {
        /// The words allowed; none given allows all.
        allowed: &'static [&'static str],
        /// Whether the list may be empty.
        may_be_empty: bool,
    },
    /// Text of at least one character.
    NotEmpty,
    /// −1 (the library's default) or 1 to 9.
    GzipLevel,
    /// `partition:broker` pairs, or `*`.
    ThrottledReplicas,
    /// A list without empty elements; what comes twice counts once.
    Elements,
    /// `earliest`, `latest`, or `by_duration:` and an ISO 8601 duration that is not negative.
    OffsetReset,
}

/// The value of a setting that nobody gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// This text.
    Value(&'static str),
    /// No value; another setting or the surroundings decide.
    Null,
    /// Kafka does not start without one; what Ottla does is told by the row's doc.
    Required,
}

/// How much an operator should care; DescribeConfigs has no field for it, the docs page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the words are the meaning
pub enum Importance {
    High,
    Medium,
    Low,
}

/// When a setting can change (Kafka's `DynamicBrokerConfig`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// At a start only.
    Static,
    /// While running, for one broker or for all.
    ClusterWide,
    /// While running, for one broker only.
    PerBroker,
    /// While running, for each topic.
    Topic,
    /// While running, for each group.
    Group,
    /// While running, for each subscription to clients' metrics.
    ClientMetrics,
}

/// What Ottla makes of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does what it does in Kafka.
    Obeyed,
    /// Stored and shown for the way back to Kafka; without effect here, for this reason.
    Kept(&'static str),
    /// A value other than the default stops the start; this is what to do instead.
    Refused(&'static str),
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// As in a properties file.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// The value when none is given.
    pub preset: Preset,
    /// The values that are allowed.
    pub check: Check,
    /// How much it matters.
    pub importance: Importance,
    /// When it can change.
    pub change: Change,
    /// Shown only when somebody set it (Kafka's `defineInternal`).
    pub internal: bool,
    /// What becomes of it here.
    pub status: Status,
    /// One line for people.
    pub doc: &'static str,
}

impl Setting {
    /// Whether its value is a secret that no answer and no log line shows.
    pub const fn is_sensitive(&self) -> bool {
        matches!(self.kind, Kind::Password)
    }

    /// Whether it can change while the broker runs.
    pub const fn is_dynamic(&self) -> bool {
        !matches!(self.change, Change::Static)
    }

    /// The default as text; `None` when there is none.
    pub const fn default(&self) -> Option<&'static str> {
        match self.preset {
            Preset::Value(text) => Some(text),
            Preset::Null | Preset::Required => None,
        }
    }
}

/// A row begun: its kind and name; the rest has the commonest values until said otherwise.
const fn row(kind: Kind, name: &'static str) -> Setting {
    Setting {
        name,
        kind,
        preset: Preset::Null,
        check: Check::Any,
        importance: Importance::Medium,
        change: Change::Static,
        internal: false,
        status: Status::Obeyed,
        doc: "",
    }
}

pub(crate) const fn boolean(name: &'static str) -> Setting {
    row(Kind::Boolean, name)
}
pub(crate) const fn string(name: &'static str) -> Setting {
    row(Kind::String, name)
}
pub(crate) const fn int(name: &'static str) -> Setting {
    row(Kind::Int, name)
}
pub(crate) const fn short(name: &'static str) -> Setting {
    row(Kind::Short, name)
}
pub(crate) const fn long(name: &'static str) -> Setting {
    row(Kind::Long, name)
}
pub(crate) const fn double(name: &'static str) -> Setting {
    row(Kind::Double, name)
}
pub(crate) const fn list(name: &'static str) -> Setting {
    row(Kind::List, name)
}
pub(crate) const fn class(name: &'static str) -> Setting {
    row(Kind::Class, name)
}
pub(crate) const fn password(name: &'static str) -> Setting {
    row(Kind::Password, name)
}

impl Setting {
    pub(crate) const fn is(mut self, default: &'static str) -> Self {
        self.preset = Preset::Value(default);
        self
    }
    pub(crate) const fn required(mut self) -> Self {
        self.preset = Preset::Required;
        self
    }
    pub(crate) const fn at_least(mut self, least: i64) -> Self {
        self.check = Check::Range(least, i64::MAX);
        self
    }
    pub(crate) const fn between(mut self, least: i64, most: i64) -> Self {
        self.check = Check::Range(least, most);
        self
    }
    pub(crate) const fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }
    pub(crate) const fn one_of(self, words: &'static [&'static str]) -> Self {
        self.check(Check::OneOf(words))
    }
    pub(crate) const fn items(self) -> Self {
        self.check(Check::Items { allowed: &[], may_be_empty: true })
    }
    pub(crate) const fn some_items(self) -> Self {
        self.check(Check::Items { allowed: &[], may_be_empty: false })
    }
    pub(crate) const fn high(mut self) -> Self {
        self.importance = Importance::High;
        self
    }
    pub(crate) const fn low(mut self) -> Self {
        self.importance = Importance::Low;
        self
    }
    pub(crate) const fn cluster_wide(mut self) -> Self {
        self.change = Change::ClusterWide;
        self
    }
    pub(crate) const fn per_broker(mut self) -> Self {
        self.change = Change::PerBroker;
        self
    }
    pub(crate) const fn topic(mut self) -> Self {
        self.change = Change::Topic;
        self
    }
    pub(crate) const fn group(mut self) -> Self {
        self.change = Change::Group;
        self
    }
    pub(crate) const fn client_metrics(mut self) -> Self {
        self.change = Change::ClientMetrics;
        self
    }
    pub(crate) const fn internal(mut self) -> Self {
        self.internal = true;
        self
    }
    pub(crate) const fn obeyed(mut self, doc: &'static str) -> Self {
        self.status = Status::Obeyed;
        self.doc = doc;
        self
    }
    pub(crate) const fn kept(mut self, why: &'static str, doc: &'static str) -> Self {
        self.status = Status::Kept(why);
        self.doc = doc;
        self
    }
    pub(crate) const fn refused(mut self, remedy: &'static str, doc: &'static str) -> Self {
        self.status = Status::Refused(remedy);
        self.doc = doc;
        self
    }
}
