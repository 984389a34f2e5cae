//! `KAFKA_*` names of the environment, as Kafka's container image turns them into settings
//! (`KafkaDockerWrapper`, the image's `configure` script).
//!
//! `KAFKA_LOG_DIRS` is `log.dirs`; two underscores stand for `_`, three for `-`. What the image keeps for
//! the Java machine is left out. The environment itself is read by whoever has one.

use crate::properties::{Properties, PropertiesError};

const PREFIX: &str = "KAFKA_";

/// Names with the prefix that are no settings in the image.
const EXCLUDED: &[&str] = &[
    "KAFKA_VERSION",
    "KAFKA_HEAP_OPTS",
    "KAFKA_LOG4J_OPTS",
    "KAFKA_OPTS",
    "KAFKA_JMX_OPTS",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
    "KAFKA_JMX_HOSTNAME",
];

/// A setting that the environment gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromEnvironment {
    /// The variable.
    pub variable: String,
    /// The setting's name.
    pub name: String,
    /// Its value, unescaped as in a properties file: the image writes one.
    pub value: String,
}

/// The name of the setting that a variable gives, if it gives one.
pub fn setting_name(variable: &str) -> Option<String> {
    if EXCLUDED.contains(&variable) {
        return None;
    }
    let name = variable.strip_prefix(PREFIX)?;
    Some(name.to_lowercase().replace('_', ".").replace("...", "-").replace("..", "_"))
}

/// The settings in `variables`, by name of the variable. `KAFKA_ADVERTISED_LISTENERS` without
/// `KAFKA_LISTENERS` gives that too, bound to all addresses, as in the image.
pub fn settings(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<FromEnvironment>, PropertiesError> {
    let mut found = Vec::new();
    for (variable, value) in variables {
        let Some(name) = setting_name(&variable) else { continue };
        for entry in Properties::read(&format!("{name}={value}"))?.entries {
            found.push(FromEnvironment { variable: variable.clone(), name: entry.key, value: entry.value });
        }
    }
    found.sort_by(|a, b| a.variable.cmp(&b.variable));
    let has = |name: &str| found.iter().any(|setting| setting.name == name && !setting.value.is_empty());
    if has("advertised.listeners") && !has("listeners") {
        let advertised = found.iter().find(|setting| setting.name == "advertised.listeners").cloned();
        found.extend(advertised.map(|setting| FromEnvironment {
            name: "listeners".into(),
            value: bound_to_all(&setting.value),
            variable: setting.variable,
        }));
    }
    Ok(found)
}

/// Each host replaced by 0.0.0.0.
fn bound_to_all(listeners: &str) -> String {
    let rebound = |listener: &str| match (listener.split_once("://"), listener.rsplit_once(':')) {
        (Some((name, _)), Some((_, port))) => format!("{name}://0.0.0.0:{port}"),
        _ => listener.to_owned(),
    };
    listeners.split(',').map(rebound).collect::<Vec<_>>().join(",")
}
