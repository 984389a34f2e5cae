//! Reading the text of a value, and writing it back as Kafka shows it.
//!
//! Invariant: what [`parse`] accepts is what Kafka's `ConfigDef.parseType` and validators accept, and
//! `parse(v.to_string())` is `v` again. Rules between several settings stand with whoever reads them.

use crate::duration;
use crate::setting::{Check, Kind, Setting};
use std::fmt;

/// A value that passed its check.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a boolean.
    Boolean(bool),
    /// Of an int, short or long.
    Number(i64),
    /// Of a double.
    Real(f64),
    /// Of a string, class or password.
    Text(String),
    /// Of a list; the elements trimmed.
    List(Vec<String>),
}

/// A value that a setting does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidValue {
    /// The setting.
    pub name: String,
    /// The text that was given; empty for a secret.
    pub text: String,
    /// What would have been taken.
    pub expected: String,
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid value {} for configuration {}: expected {}", self.text, self.name, self.expected)
    }
}

impl std::error::Error for InvalidValue {}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Real(value) => f.write_str(&java_double(*value)),
            Self::Text(value) => f.write_str(value),
            Self::List(value) => f.write_str(&value.join(",")),
        }
    }
}

/// A double as Java's `Double.toString` writes it: plain from 10⁻³ to 10⁷, else with an exponent.
fn java_double(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

/// Reads `text` as a value of `setting`.
pub fn parse(setting: &Setting, text: &str) -> Result<Value, InvalidValue> {
    let trimmed = trim(text);
    let value = typed(setting.kind, trimmed).filter(|value| allowed(setting.check, value));
    let value =
        value.map(|value| if setting.check == Check::Elements { without_repeats(value) } else { value });
    value.ok_or_else(|| InvalidValue {
        name: setting.name.to_owned(),
        text: if setting.is_sensitive() { String::new() } else { trimmed.to_owned() },
        expected: expected(setting),
    })
}

/// Each element of a list where it stands first.
fn without_repeats(value: Value) -> Value {
    let Value::List(items) = value else { return value };
    let mut kept: Vec<String> = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    Value::List(kept)
}

/// What Java's `String.trim` takes away: everything up to the space character.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

fn typed(kind: Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Boolean if text.eq_ignore_ascii_case("true") => Some(Value::Boolean(true)),
        Kind::Boolean if text.eq_ignore_ascii_case("false") => Some(Value::Boolean(false)),
        Kind::Boolean => None,
        Kind::Short => text.parse::<i16>().ok().map(|n| Value::Number(n.into())),
        Kind::Int => text.parse::<i32>().ok().map(|n| Value::Number(n.into())),
        Kind::Long => text.parse::<i64>().ok().map(Value::Number),
        Kind::Double => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::Real),
        Kind::List => Some(Value::List(elements(text))),
        Kind::String | Kind::Class | Kind::Password => Some(Value::Text(text.to_owned())),
    }
}

/// The elements of a list: separated by commas, trimmed; an empty text has none.
pub(crate) fn elements(text: &str) -> Vec<String> {
    let text = trim(text);
    if text.is_empty() { Vec::new() } else { text.split(',').map(|part| trim(part).to_owned()).collect() }
}

fn allowed(check: Check, value: &Value) -> bool {
    match (check, value) {
        (Check::Range(least, most), Value::Number(number)) => (least..=most).contains(number),
        (Check::Real(least, most), Value::Real(number)) => (least..=most).contains(number),
        (Check::OneOf(words), Value::Text(text)) => words.contains(&text.as_str()),
        (Check::OneOfAnyCase(words), Value::Text(text)) => words.iter().any(|w| w.eq_ignore_ascii_case(text)),
        (Check::NotEmpty, Value::Text(text)) => !text.is_empty(),
        (Check::GzipLevel, Value::Number(level)) => *level == -1 || (1..=9).contains(level),
        (Check::Items { allowed, may_be_empty }, Value::List(items)) => {
            (may_be_empty || !items.is_empty())
                && items.iter().all(|item| !item.is_empty())
                && items.iter().all(|item| allowed.is_empty() || allowed.contains(&item.as_str()))
                && items
                    .iter()
                    .enumerate()
                    .all(|(at, item)| !items.iter().take(at).any(|other| other == item))
        }
        (Check::ThrottledReplicas, Value::List(items)) => {
            items.len() == 1 && items.iter().all(|item| item == "*")
                || items.iter().all(|item| is_replica(item))
        }
        (Check::Elements, Value::List(items)) => items.iter().all(|item| !item.is_empty()),
        (Check::OffsetReset, Value::Text(text)) => is_offset_reset(text),
        // A check of another type than the row's is a slip in the table; the test that walks it finds it.
        (Check::Any, _) => true,
        _ => false,
    }
}

/// `partition:broker`, both whole numbers.
fn is_replica(item: &str) -> bool {
    let whole = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    item.split_once(':').is_some_and(|(partition, broker)| whole(partition) && whole(broker))
}

/// Where a share group begins (`ShareGroupAutoOffsetResetStrategy`).
fn is_offset_reset(text: &str) -> bool {
    let back = text.strip_prefix("by_duration:").and_then(duration::nanos);
    text == "earliest" || text == "latest" || back.is_some_and(|nanos| nanos >= 0)
}

/// What a setting takes, for people: `a whole number of at least 1`.
pub fn expected(setting: &Setting) -> String {
    match setting.check {
        Check::Range(least, i64::MAX) => {
            format!("a whole number ({}) of at least {least}", setting.kind.word())
        }
        Check::Range(least, most) => format!("a whole number from {least} to {most}"),
        Check::Real(least, most) => format!("a number from {least} to {most}"),
        Check::OneOf(words) => format!("one of {}", words.join(", ")),
        Check::OneOfAnyCase(words) => format!("one of {} (in any case)", words.join(", ")),
        Check::Items { allowed: [], may_be_empty: true } => {
            "a list separated by commas, without duplicates".into()
        }
        Check::Items { allowed: [], may_be_empty: false } => {
            "a list of at least one, separated by commas, without duplicates".into()
        }
        Check::Items { allowed, .. } => {
            format!("a list, separated by commas and without duplicates, of {}", allowed.join(", "))
        }
        Check::NotEmpty => "a text that is not empty".into(),
        Check::GzipLevel => "-1 or a whole number from 1 to 9".into(),
        Check::ThrottledReplicas => "partition:broker pairs separated by commas, or *".into(),
        Check::Elements => "a list separated by commas".into(),
        Check::OffsetReset => "earliest, latest, or by_duration:PnDTnHnMn.nS".into(),
        Check::Any => match setting.kind {
            Kind::Boolean => "true or false".into(),
            Kind::Int | Kind::Short | Kind::Long => format!("a whole number ({})", setting.kind.word()),
            Kind::Double => "a number".into(),
            Kind::List => "a list separated by commas".into(),
            Kind::String | Kind::Class | Kind::Password => "a text".into(),
        },
    }
}
