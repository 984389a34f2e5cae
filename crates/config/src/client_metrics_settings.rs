//! A subscription to clients' own metrics (KIP-714), typed: which metrics, how often, of which clients.
//!
//! Invariant: what [`ClientMetricsSettings::read`] accepts is what Kafka's `ClientMetricsConfigs.validate` accepts,
//! except for patterns of a kind that cannot be matched in linear time (look-around, back references).

use std::fmt;

use regex::{Regex, RegexBuilder};

use crate::given::{ConfigMap, shown};
use crate::limits::MAX_PATTERN_BYTES;
use crate::setting::Setting;
use crate::table;
use crate::value::{self, InvalidValue, Value};

/// What a pattern of a subscription looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // the words are Kafka's
pub enum Selector {
    ClientInstanceId,
    ClientId,
    ClientSoftwareName,
    ClientSoftwareVersion,
    ClientSourceAddress,
    ClientSourcePort,
}

impl Selector {
    /// By its name in `match`.
    fn parse(name: &str) -> Option<Self> {
        match name {
            "client_instance_id" => Some(Self::ClientInstanceId),
            "client_id" => Some(Self::ClientId),
            "client_software_name" => Some(Self::ClientSoftwareName),
            "client_software_version" => Some(Self::ClientSoftwareVersion),
            "client_source_address" => Some(Self::ClientSourceAddress),
            "client_source_port" => Some(Self::ClientSourcePort),
            _ => None,
        }
    }
}

/// Why a subscription cannot be so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the text of each is its meaning
pub enum ClientMetricsError {
    Unknown(String),
    Invalid(InvalidValue),
    Interval(i64),
    Pattern(String),
}

impl fmt::Display for ClientMetricsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "Unknown client metrics configuration: {}", shown(name)),
            Self::Invalid(invalid) => write!(f, "{invalid}"),
            Self::Interval(given) => write!(
                f,
                "interval.ms={given} must be from {} to {}",
                ClientMetricsSettings::MIN_INTERVAL_MS,
                ClientMetricsSettings::MAX_INTERVAL_MS
            ),
            Self::Pattern(text) => write!(
                f,
                "Illegal client matching pattern: {}; expected SELECTOR=PATTERN, with a regular expression",
                shown(text)
            ),
        }
    }
}

impl std::error::Error for ClientMetricsError {}

/// One subscription.
#[derive(Clone, Debug)]
pub struct ClientMetricsSettings {
    /// Beginnings of metric names; `*` is all.
    pub metrics: Vec<String>,
    /// Milliseconds between two reports.
    pub interval_ms: i32,
    /// Patterns that must all match, each the whole text; none matches every client. A selector stands once.
    pub matching: Vec<(Selector, Regex)>,
}

impl ClientMetricsSettings {
    /// The shortest interval.
    pub const MIN_INTERVAL_MS: i64 = 100;
    /// The longest interval: an hour.
    pub const MAX_INTERVAL_MS: i64 = 3_600_000;
    /// The interval when none is set, and that of a client that no subscription matches.
    pub const DEFAULT_INTERVAL_MS: i32 = 300_000;

    /// Reads a subscription's values; each is checked.
    pub fn read(values: &ConfigMap) -> Result<Self, ClientMetricsError> {
        let mut settings =
            Self { metrics: Vec::new(), interval_ms: Self::DEFAULT_INTERVAL_MS, matching: Vec::new() };
        for (name, text) in values {
            let row = table::client_metrics(name).ok_or_else(|| ClientMetricsError::Unknown(name.clone()))?;
            settings.take(row, value::parse(row, text).map_err(ClientMetricsError::Invalid)?)?;
        }
        Ok(settings)
    }

    fn take(&mut self, row: &Setting, value: Value) -> Result<(), ClientMetricsError> {
        match (row.name, value) {
            ("metrics", Value::List(metrics)) => self.metrics = metrics,
            ("interval.ms", Value::Number(given)) => {
                let allowed = (Self::MIN_INTERVAL_MS..=Self::MAX_INTERVAL_MS).contains(&given);
                let interval = i32::try_from(given).ok().filter(|_| allowed);
                self.interval_ms = interval.ok_or(ClientMetricsError::Interval(given))?;
            }
            (_, Value::List(patterns)) => {
                for text in patterns {
                    let (selector, pattern) =
                        pattern(&text).ok_or_else(|| ClientMetricsError::Pattern(text.clone()))?;
                    self.matching.retain(|(known, _)| *known != selector);
                    self.matching.push((selector, pattern));
                }
            }
            (_, Value::Boolean(_) | Value::Number(_) | Value::Real(_) | Value::Text(_)) => {}
        }
        Ok(())
    }
}

/// `SELECTOR=PATTERN`; equals signs at the end are no part of it, as with Java's `String.split`.
fn pattern(text: &str) -> Option<(Selector, Regex)> {
    let (name, pattern) =
        text.trim_end_matches('=').split_once('=').filter(|(_, rest)| !rest.contains('='))?;
    let compiled = |text: &str| RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).build().ok();
    // A pattern that closes a bracket of ours is none by itself.
    compiled(pattern.trim())?;
    let regex = compiled(&format!("^(?:{})$", pattern.trim()))?;
    Some((Selector::parse(name.trim())?, regex))
}
