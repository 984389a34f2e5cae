//! One table of every setting: name, type, default, scope, synonyms, doc, and whether it is obeyed.

mod log_settings;

pub use log_settings::{CleanupPolicy, LogSettings, TimestampType, TopicCompression};
