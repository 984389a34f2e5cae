//! The level of the node's own log, as operators read and change it through the protocol (BROKER_LOGGER resources
//! of DescribeConfigs and IncrementalAlterConfigs, KIP-412).
//!
//! There is one logger, Kafka's `root`: the program sets its level, this room only speaks Kafka's words.

use ottla_config::alter::Operation;
use ottla_controller::Refusal;
use ottla_model::ErrorCode;

/// The only logger.
pub(crate) const ROOT: &str = "root";

/// Kafka's words (`LogLevelConfig`) and ours; ours has nothing graver than an error.
const LEVELS: [(&str, &str); 6] = [
    ("DEBUG", "debug"),
    ("ERROR", "error"),
    ("FATAL", "error"),
    ("INFO", "info"),
    ("TRACE", "trace"),
    ("WARN", "warn"),
];

/// The log of the program. Changes take effect at once and end with the process.
pub trait LogControl: Send + Sync + 'static {
    /// The level now, in capitals.
    fn level(&self) -> String;
    /// Sets the level: `trace`, `debug`, `info`, `warn`, `error` or `off`. Whether the word is one of them.
    fn set_level(&self, level: &str) -> bool;
}

/// What the changes of a BROKER_LOGGER resource come to: the level to set, if one is named.
pub(crate) fn wanted(changes: &[(&str, Operation, Option<&str>)]) -> Result<Option<&'static str>, Refusal> {
    let mut wanted = None;
    for (logger, operation, value) in changes {
        match operation {
            Operation::Set | Operation::Delete if *logger != ROOT => {
                let message = format!("Logger {logger} does not exist! The only one here is {ROOT}.");
                return Err(Refusal { code: ErrorCode::InvalidConfig, message: Some(message) });
            }
            Operation::Set => wanted = Some(level(value.unwrap_or_default())?),
            Operation::Delete => {
                let message = format!("Removing the log level of the {ROOT} logger is not allowed");
                return Err(Refusal { code: ErrorCode::InvalidRequest, message: Some(message) });
            }
            Operation::Append | Operation::Subtract => {
                let word = if *operation == Operation::Append { "APPEND" } else { "SUBTRACT" };
                let message = format!("{word} operation is not allowed for the BROKER_LOGGER resource");
                return Err(Refusal { code: ErrorCode::InvalidRequest, message: Some(message) });
            }
        }
    }
    Ok(wanted)
}

fn level(word: &str) -> Result<&'static str, Refusal> {
    let known = LEVELS.iter().find(|(known, _)| *known == word);
    known.map(|(_, ours)| *ours).ok_or_else(|| {
        let words = LEVELS.map(|(known, _)| known).join(", ");
        let message = format!(
            "Cannot set the log level of {ROOT} to {word} as it is not a supported log level. Valid log levels are {words}"
        );
        Refusal { code: ErrorCode::InvalidConfig, message: Some(message) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(
        logger: &str,
        operation: Operation,
        value: Option<&str>,
    ) -> Result<Option<&'static str>, ErrorCode> {
        wanted(&[(logger, operation, value)]).map_err(|refusal| refusal.code)
    }

    #[test]
    fn the_root_logger_takes_kafkas_levels() {
        assert_eq!(code(ROOT, Operation::Set, Some("DEBUG")), Ok(Some("debug")));
        assert_eq!(code(ROOT, Operation::Set, Some("FATAL")), Ok(Some("error")));
        assert_eq!(code(ROOT, Operation::Set, Some("loud")), Err(ErrorCode::InvalidConfig));
    }

    #[test]
    fn other_loggers_and_other_operations_are_refused() {
        assert_eq!(code("kafka.Kafka", Operation::Set, Some("INFO")), Err(ErrorCode::InvalidConfig));
        assert_eq!(code(ROOT, Operation::Delete, None), Err(ErrorCode::InvalidRequest));
        assert_eq!(code(ROOT, Operation::Append, Some("INFO")), Err(ErrorCode::InvalidRequest));
    }
}
