//! Changes of configurations: what a change makes of a value, and whether the outcome may be stored
//! (AlterConfigs 33, IncrementalAlterConfigs 44, CreateTopics 19; `ConfigurationControlManager`,
//! `DynamicBrokerConfig.validateConfigs`, `LogConfig.validate`, `GroupConfig.validate`, `ClientMetricsConfigs.validate`).
//!
//! Invariant: nothing is stored that a reader would have to pass over. Who may change what, and writing the
//! records, is left to the controller.

use crate::broker_config::BrokerConfig;
use crate::client_metrics_settings::{ClientMetricsError, ClientMetricsSettings};
use crate::given::{ConfigMap, shown};
use crate::group_bounds::{BOUNDED, Bounded, SESSIONS};
use crate::limits::MAX_VALUE_BYTES;
use crate::names;
use crate::reader::Reader;
use crate::resolve::Layers;
use crate::setting::{Change, Kind, Setting, Status};
use crate::table;
use crate::value::{self, InvalidValue, Value};
use ottla_model::ErrorCode;
use std::collections::BTreeMap;
use std::fmt;

/// Whose configuration changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One topic's.
    Topic,
    /// One broker's.
    Broker,
    /// The default of all brokers.
    Cluster,
    /// One group's.
    Group,
    /// One subscription's to clients' metrics.
    ClientMetrics,
}

/// What IncrementalAlterConfigs does to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Takes the place of it.
    Set,
    /// Takes it away.
    Delete,
    /// Adds elements to a list.
    Append,
    /// Takes elements out of a list.
    Subtract,
}

impl Operation {
    /// By its number in the request.
    pub const fn from_wire(id: i8) -> Option<Self> {
        match id {
            0 => Some(Self::Set),
            1 => Some(Self::Delete),
            2 => Some(Self::Append),
            3 => Some(Self::Subtract),
            _ => None,
        }
    }
}

/// Why a change is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the text of each is its meaning
pub enum AlterError {
    UnknownTopicSetting(String),
    InvalidTopicValue(InvalidValue),
    InvalidBrokerValue(InvalidValue),
    NotAList { name: String, operation: Operation },
    NoValue(String),
    TooLong(String),
    NotDynamic(String),
    NeedsOneBroker(String),
    NeedsListener(String),
    AtStartOnly(String),
    Refused { name: String, remedy: &'static str },
    Unworkable(String),
    CompactionLags { least: i64, most: i64 },
    MinIsrOfBroker,
    MinIsrRemoved,
    UnknownGroupSetting(String),
    InvalidGroupValue(InvalidValue),
    OutOfBrokerBounds { name: &'static str, value: i64, least: i64, most: i64 },
    SessionNotLonger { session: &'static str, heartbeat: &'static str },
    UnknownAssignor { name: String, known: String },
    InternalDeadLetterTopic,
    Subscription(ClientMetricsError),
}

impl AlterError {
    /// The code that a client sees.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownTopicSetting(_)
            | Self::InvalidTopicValue(_)
            | Self::NotAList { .. }
            | Self::TooLong(_)
            | Self::Refused { .. }
            | Self::CompactionLags { .. }
            | Self::MinIsrOfBroker
            | Self::MinIsrRemoved
            | Self::UnknownGroupSetting(_)
            | Self::InvalidGroupValue(_)
            | Self::OutOfBrokerBounds { .. }
            | Self::SessionNotLonger { .. }
            | Self::UnknownAssignor { .. }
            | Self::InternalDeadLetterTopic
            | Self::Subscription(ClientMetricsError::Invalid(_) | ClientMetricsError::Pattern(_)) => {
                ErrorCode::InvalidConfig
            }
            Self::InvalidBrokerValue(_)
            | Self::NoValue(_)
            | Self::NotDynamic(_)
            | Self::NeedsOneBroker(_)
            | Self::NeedsListener(_)
            | Self::AtStartOnly(_)
            | Self::Unworkable(_)
            | Self::Subscription(ClientMetricsError::Unknown(_) | ClientMetricsError::Interval(_)) => {
                ErrorCode::InvalidRequest
            }
        }
    }
}

impl fmt::Display for AlterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTopicSetting(name) => write!(f, "Unknown topic config name: {}", shown(name)),
            Self::InvalidTopicValue(invalid)
            | Self::InvalidBrokerValue(invalid)
            | Self::InvalidGroupValue(invalid) => write!(f, "{invalid}"),
            Self::NotAList { name, operation } => {
                write!(f, "{operation:?} is for lists, and {} is none; set the whole value", shown(name))
            }
            Self::NoValue(name) => {
                write!(f, "{} needs a value; delete it to go back to the default", shown(name))
            }
            Self::TooLong(name) => {
                write!(f, "The value of {} is longer than {MAX_VALUE_BYTES} bytes", shown(name))
            }
            Self::NotDynamic(name) => {
                write!(f, "{name} changes at a start only; set it in server.properties")
            }
            Self::NeedsOneBroker(name) => {
                write!(f, "{name} changes for one broker at a time; name the broker")
            }
            Self::NeedsListener(name) => {
                write!(f, "{name} changes for one listener at a time: listener.name.NAME.{name}")
            }
            Self::AtStartOnly(name) => {
                write!(
                    f,
                    "{} cannot change while running yet; set it in server.properties and start anew",
                    shown(name)
                )
            }
            Self::Refused { name, remedy } => write!(f, "{name} cannot be served: {remedy}"),
            Self::Unworkable(why) => f.write_str(why),
            Self::CompactionLags { least, most } => {
                write!(
                    f,
                    "min.compaction.lag.ms ({least}) must not be more than max.compaction.lag.ms ({most})"
                )
            }
            Self::MinIsrOfBroker => f.write_str(
                "min.insync.replicas cannot be set for one broker while eligible leader replicas are on",
            ),
            Self::MinIsrRemoved => f.write_str(
                "min.insync.replicas of the cluster cannot be removed while eligible leader replicas are on",
            ),
            Self::UnknownGroupSetting(name) => write!(f, "Unknown group config name: {}", shown(name)),
            Self::OutOfBrokerBounds { name, value, least, most } => {
                write!(f, "{name}={value} is not what the broker allows: ")?;
                match (*least, *most) {
                    (i64::MIN, most) => write!(f, "at most {most}"),
                    (least, i64::MAX) => write!(f, "at least {least}"),
                    (least, most) => write!(f, "from {least} to {most}"),
                }
            }
            Self::SessionNotLonger { session, heartbeat } => {
                write!(f, "{session} must be greater than {heartbeat}")
            }
            Self::UnknownAssignor { name, known } => {
                write!(f, "streams.assignor.name={}: the broker has {}", shown(name), shown(known))
            }
            Self::InternalDeadLetterTopic => {
                f.write_str("errors.deadletterqueue.topic.name must not begin with __, as internal topics do")
            }
            Self::Subscription(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for AlterError {}

/// The value after an operation on the value that the resource itself has; `None` when it has none then.
/// A list that the resource does not have starts from the default.
pub fn next_value(
    scope: Scope,
    name: &str,
    current: Option<&str>,
    operation: Operation,
    operand: Option<&str>,
) -> Result<Option<String>, AlterError> {
    let operand = match (operation, operand) {
        (Operation::Delete, _) => return Ok(None),
        (_, None) => return Err(AlterError::NoValue(name.to_owned())),
        (Operation::Set, Some(text)) => return Ok(Some(text.to_owned())),
        (Operation::Append | Operation::Subtract, Some(text)) => text,
    };
    let row = match scope {
        Scope::Topic => table::topic(name),
        Scope::Broker | Scope::Cluster => table::broker(name),
        // Kafka's controller does not know the types of these (`KafkaRaftServer.configSchema`).
        Scope::Group | Scope::ClientMetrics => None,
    };
    let Some(row) = row.filter(|row| row.kind == Kind::List) else {
        return Err(AlterError::NotAList { name: name.to_owned(), operation });
    };
    let mut items = value::elements(current.or(row.default()).unwrap_or_default());
    items.retain(|item| !item.is_empty());
    for item in value::elements(operand) {
        if operation == Operation::Subtract {
            items.retain(|known| *known != item);
        } else if !items.contains(&item) {
            items.push(item);
        }
    }
    Ok(Some(items.join(",")))
}

/// Whether `min.insync.replicas` may change so while eligible leader replicas are on (rule 123 of `kafka.md`);
/// `value` is what it would become. Its change also clears the eligible replicas, which is the controller's to record.
pub fn check_min_isr(scope: Scope, name: &str, value: Option<&str>, elr: bool) -> Result<(), AlterError> {
    match scope {
        _ if !elr || name != "min.insync.replicas" => Ok(()),
        Scope::Broker => Err(AlterError::MinIsrOfBroker),
        Scope::Cluster if value.is_none() => Err(AlterError::MinIsrRemoved),
        Scope::Cluster | Scope::Topic | Scope::Group | Scope::ClientMetrics => Ok(()),
    }
}

/// Whether a topic can have these values as its own: the whole outcome of a change, or what CreateTopics asks for.
pub fn check_topic(configs: &ConfigMap, layers: &Layers<'_>) -> Result<(), AlterError> {
    for (name, text) in configs {
        check_topic_value(name, text)?;
    }
    let lag = |name: &str| {
        let resolved = table::topic(name).and_then(|row| layers.topic_setting(configs, row).value);
        if let Some(Value::Number(number)) = resolved { number } else { 0 }
    };
    let (least, most) = (lag("min.compaction.lag.ms"), lag("max.compaction.lag.ms"));
    if least > most { Err(AlterError::CompactionLags { least, most }) } else { Ok(()) }
}

/// Whether a topic can have this one value.
pub fn check_topic_value(name: &str, text: &str) -> Result<(), AlterError> {
    let Some(row) = table::topic(name) else {
        return Err(AlterError::UnknownTopicSetting(name.to_owned()));
    };
    check_length(name, text)?;
    let value = value::parse(row, text).map_err(AlterError::InvalidTopicValue)?;
    check_refused(row, &value)
}

/// A value that would stop the start is not stored either.
fn check_refused(row: &Setting, value: &Value) -> Result<(), AlterError> {
    match row.status {
        Status::Refused(remedy) if Some(value.to_string().as_str()) != row.default() => {
            Err(AlterError::Refused { name: row.name.to_owned(), remedy })
        }
        Status::Refused(_) | Status::Kept(_) | Status::Obeyed => Ok(()),
    }
}

/// Whether one broker, or all, can have these values: the whole outcome of a change. `config` is what the
/// broker runs with. Names that are no rows are stored, as in Kafka.
pub fn check_broker(configs: &ConfigMap, scope: Scope, config: &BrokerConfig) -> Result<(), AlterError> {
    for (name, text) in configs {
        check_broker_value(name, text, scope)?;
    }
    let changed = match scope {
        Scope::Broker => config.given.overlaid(&ConfigMap::new(), configs),
        Scope::Cluster | Scope::Topic | Scope::Group | Scope::ClientMetrics => {
            config.given.overlaid(configs, &ConfigMap::new())
        }
    };
    BrokerConfig::load(changed).map(drop).map_err(|error| AlterError::Unworkable(error.to_string()))
}

fn check_broker_value(name: &str, text: &str, scope: Scope) -> Result<(), AlterError> {
    check_length(name, text)?;
    if names::of_listener(name).is_some() || names::is_bound_once(name) {
        return Err(AlterError::AtStartOnly(name.to_owned()));
    }
    let Some(row) = table::broker(name) else { return Ok(()) };
    if !row.is_dynamic() {
        return Err(AlterError::NotDynamic(name.to_owned()));
    }
    if name.starts_with("ssl.") {
        return Err(AlterError::NeedsListener(name.to_owned()));
    }
    if row.change == Change::PerBroker && scope != Scope::Broker {
        return Err(AlterError::NeedsOneBroker(name.to_owned()));
    }
    let value = value::parse(row, text).map_err(AlterError::InvalidBrokerValue)?;
    check_refused(row, &value)
}

/// Whether a group can have these values as its own: the whole outcome of a change, on a broker that was started
/// with `config`.
pub fn check_group(configs: &ConfigMap, config: &BrokerConfig) -> Result<(), AlterError> {
    let mut numbers = BTreeMap::new();
    for (name, text) in configs {
        let row = table::group(name).ok_or_else(|| AlterError::UnknownGroupSetting(name.clone()))?;
        check_length(name, text)?;
        if let Value::Number(number) = value::parse(row, text).map_err(AlterError::InvalidGroupValue)? {
            numbers.insert(row.name, number);
        }
    }
    let reader = Reader::of(&config.given);
    for bounded in BOUNDED {
        let (least, most) = bounded.range(&reader);
        match numbers.get(bounded.group) {
            Some(&value) if value < least || value > most => {
                return Err(AlterError::OutOfBrokerBounds { name: bounded.group, value, least, most });
            }
            Some(_) | None => {}
        }
    }
    check_sessions(&numbers, &reader)?;
    check_names(configs, &reader)
}

/// A session that a group has of its own, or a heartbeat interval, goes with the other one of the group or the broker.
fn check_sessions(numbers: &BTreeMap<&str, i64>, reader: &Reader<'_>) -> Result<(), AlterError> {
    for (session, heartbeat) in SESSIONS {
        let own = |name: &str| numbers.get(name).copied();
        let behind = |name: &str| Bounded::of(name).map_or(0, |bounded| reader.number(bounded.broker));
        let effective = |name: &str| own(name).unwrap_or_else(|| behind(name));
        let concerned = own(session).or(own(heartbeat)).is_some();
        if concerned && effective(session) <= effective(heartbeat) {
            return Err(AlterError::SessionNotLonger { session, heartbeat });
        }
    }
    Ok(())
}

/// Names of what must exist elsewhere, or must not.
fn check_names(configs: &ConfigMap, reader: &Reader<'_>) -> Result<(), AlterError> {
    let known = reader.items("group.streams.assignors");
    if let Some(name) = configs.get("streams.assignor.name").filter(|name| !known.contains(name)) {
        return Err(AlterError::UnknownAssignor { name: name.clone(), known: known.join(", ") });
    }
    let dead_letters = configs.get("errors.deadletterqueue.topic.name");
    if dead_letters.is_some_and(|name| name.trim_start().starts_with("__")) {
        return Err(AlterError::InternalDeadLetterTopic);
    }
    Ok(())
}

/// Whether a subscription to clients' metrics can have these values: the whole outcome of a change.
pub fn check_client_metrics(configs: &ConfigMap) -> Result<(), AlterError> {
    configs.iter().try_for_each(|(name, text)| check_length(name, text))?;
    ClientMetricsSettings::read(configs).map(drop).map_err(AlterError::Subscription)
}

fn check_length(name: &str, text: &str) -> Result<(), AlterError> {
    if text.len() > MAX_VALUE_BYTES { Err(AlterError::TooLong(name.to_owned())) } else { Ok(()) }
}
