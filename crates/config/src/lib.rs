//! One table of every setting: name, type, default, scope, synonyms, doc, and whether it is obeyed.
//!
//! Everything that has to do with settings is printed or decided from the table: the check of a properties
//! file, [`BrokerConfig`], [`LogSettings`], DescribeConfigs, AlterConfigs and the docs page. Invariant: nothing that a user gives
//! is silently ignored; it is obeyed, kept with a reason, refused with a remedy, or warned of. Reading files,
//! the environment and the command line is left to those who may.

pub mod alter;
mod broker_config;
pub mod describe;
pub mod environment;
mod given;
pub mod limits;
pub mod listeners;
mod log_settings;
pub mod markdown;
pub mod names;
mod properties;
mod resolve;
mod setting;
pub mod synonyms;
pub mod table;
pub mod value;

pub use broker_config::{
    AckDurable, BrokerConfig, DirectoriesConfig, LogFormat, MetadataLogConfig, NetworkConfig, TopicsConfig,
};
pub use given::{ConfigError, ConfigMap, Given, GivenValue, Origin, Problem};
pub use log_settings::{CleanupPolicy, LogSettings, TimestampType, TopicCompression};
pub use properties::{Entry, Properties, PropertiesError};
pub use resolve::{Layers, Resolved, Source};
pub use setting::{Change, Check, Importance, Kind, Preset, Setting, Status};
