//! What the user gave, from all sources, before anything is made of it.
//!
//! Later sources win: defaults, file, environment, command line. Invariant: every value remembers where it
//! came from, so that an error can name file and line. Values are text here; the table says what they mean.

use crate::environment::FromEnvironment;
use crate::limits::MAX_SHOWN_CHARS;
use crate::names;
use crate::properties::Properties;
use crate::setting::{Preset, Setting, Status};
use crate::table;
use crate::value::{self, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Names and values, as metadata records hold them.
pub type ConfigMap = BTreeMap<String, String>;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A properties file.
    File {
        /// As the user named it.
        path: String,
        /// From 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag of the command line, as typed.
    Flag(String),
    /// What `ottla` assumes when it is started without a file.
    Assumed,
    /// A metadata record (a change made while running).
    Record,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{path}, line {line}"),
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Assumed => f.write_str("default of a start without a file"),
            Self::Record => f.write_str("configuration stored in the cluster"),
        }
    }
}

/// A value and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenValue {
    /// As written.
    pub text: String,
    /// Where.
    pub origin: Origin,
}

/// All values that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    values: BTreeMap<String, GivenValue>,
    warnings: Vec<String>,
}

/// One reason why the broker does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the value stands; `None` when what is wrong is that there is none.
    pub origin: Option<Origin>,
    /// What is wrong, and what to do.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Everything that keeps the broker from starting, found in one pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// A text cut to a length that fits a line.
pub(crate) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

impl Given {
    /// Takes over a properties file; `path` as the user named it.
    pub fn add_file(&mut self, path: &str, properties: &Properties) {
        if let Some(line) = properties.non_ascii_line {
            self.warnings.push(format!(
                "{path}, line {line}: bytes outside ASCII are read as ISO-8859-1, as Kafka reads them; write \\uXXXX"
            ));
        }
        let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in &properties.entries {
            if let Some(earlier) = lines.insert(&entry.key, entry.line) {
                let key = shown(&entry.key);
                self.warnings.push(format!(
                    "{path}, line {}: {key} is given a second time; line {earlier} is without effect",
                    entry.line
                ));
            }
            self.set(&entry.key, &entry.value, Origin::File { path: path.to_owned(), line: entry.line });
        }
    }

    /// Takes over what the environment gives.
    pub fn add_environment(&mut self, settings: &[FromEnvironment]) {
        for setting in settings {
            self.set(&setting.name, &setting.value, Origin::Environment(setting.variable.clone()));
        }
    }

    /// Sets one value, over whatever was there.
    pub fn set(&mut self, name: &str, text: &str, origin: Origin) {
        self.values.insert(name.to_owned(), GivenValue { text: text.to_owned(), origin });
    }

    /// Forgets one value.
    pub fn unset(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// The value given for `name`.
    pub fn get(&self, name: &str) -> Option<&GivenValue> {
        self.values.get(name)
    }

    /// Whether somebody gave `name`.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Every name given, with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &GivenValue)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// These values with the changes made while running over them: those for all brokers, then those for this
    /// one. What is not a dynamic setting, waits for a new start, or has a value that its row does not take, is
    /// left out, so that one bad record does not undo the others.
    pub fn overlaid(&self, cluster: &ConfigMap, broker: &ConfigMap) -> Self {
        let mut result = self.clone();
        for (name, text) in cluster.iter().chain(broker) {
            let row = table::broker(name).filter(|row| row.is_dynamic() && !names::is_bound_once(name));
            if row.is_some_and(|row| problem(name, row, text).is_none()) {
                result.set(name, text, Origin::Record);
            }
        }
        result
    }

    /// What is worth a line at the start, in the order of names: what nobody knows, what Kafka 4 no longer has, and what
    /// is kept without effect although it was changed.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        warnings.extend(self.iter().filter_map(|(name, given)| warning(name, given)));
        warnings
    }

    /// Every value checked against its row, and every refused one.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, given) in self.iter() {
            let row = table::broker(name).or_else(|| names::of_listener(name));
            if let Some(text) = row.and_then(|row| problem(name, row, &given.text)) {
                problems.push(Problem { origin: Some(given.origin.clone()), text });
            }
        }
        problems
    }

    /// The value of a row: given and good, else the default, else `None`. A bad value counts as not given here;
    /// [`Given::problems`] tells of it.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        let row = table::broker(name)?;
        let given = self.get(name).and_then(|given| value::parse(row, &given.text).ok());
        given.or_else(|| row.default().and_then(|text| value::parse(row, text).ok()))
    }
}

fn problem(name: &str, row: &Setting, text: &str) -> Option<String> {
    let value = match value::parse(row, text) {
        Ok(value) => value,
        Err(_) if row.is_sensitive() => {
            return Some(format!("{name}: the value is not {}", value::expected(row)));
        }
        Err(_) => return Some(format!("{name}={}: expected {}", shown(text.trim()), value::expected(row))),
    };
    let Status::Refused(remedy) = row.status else { return None };
    let default = row.default().and_then(|text| value::parse(row, text).ok());
    let empty = value.to_string().is_empty();
    (!empty && Some(value) != default)
        .then(|| format!("{name}={} cannot be served: {remedy}", shown(text.trim())))
}

fn warning(name: &str, given: &GivenValue) -> Option<String> {
    let shown_name = shown(name);
    if let Some(row) = table::broker(name) {
        let Status::Kept(why) = row.status else { return None };
        let changed = match row.preset {
            Preset::Value(default) => value::parse(row, &given.text) != value::parse(row, default),
            Preset::Null | Preset::Required => !given.text.trim().is_empty(),
        };
        return changed.then(|| format!("{}: {name} is kept without effect: {why}", given.origin));
    }
    if names::of_listener(name).is_some() {
        return Some(format!(
            "{}: {shown_name} is kept without effect: there are no settings for single listeners so far",
            given.origin
        ));
    }
    if let Some(remedy) = names::gone(name) {
        return Some(format!("{}: {shown_name} is gone since Kafka 4: {remedy}", given.origin));
    }
    if names::is_passed_on(name) {
        return None;
    }
    let hint = names::nearest(name).map(|known| format!("; did you mean {known}?")).unwrap_or_default();
    Some(format!("{}: {shown_name} is no setting that Kafka 4.4 or Ottla knows{hint}", given.origin))
}
