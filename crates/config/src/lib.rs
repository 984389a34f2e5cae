//! One table of every setting: name, type, default, scope, synonyms, doc, and whether it is obeyed.
//!
//! Everything that has to do with settings is printed or decided from the table: the check of a properties
//! file, [`BrokerConfig`], [`LogSettings`], DescribeConfigs, AlterConfigs and the docs page. Invariant: nothing that a user gives
//! is silently ignored; it is obeyed, kept with a reason, refused with a remedy, or warned of. Reading files,
//! the environment and the command line is left to those who may.

pub mod alter;
mod broker_config;
mod client_metrics_settings;
pub mod describe;
mod duration;
pub mod environment;
mod given;
mod group_bounds;
mod group_settings;
mod groups_config;
pub mod limits;
pub mod listeners;
mod log_settings;
pub mod markdown;
pub mod names;
mod properties;
mod reader;
mod resolve;
mod setting;
pub mod synonyms;
pub mod table;
pub mod value;

pub use broker_config::{
    AckDurable, BrokerConfig, DirectoriesConfig, LogFormat, MetadataLogConfig, NetworkConfig, TopicsConfig,
};
pub use client_metrics_settings::{ClientMetricsSettings, Selector};
pub use given::{ConfigError, ConfigMap, Given, GivenValue, Origin, Problem};
pub use group_settings::GroupSettings;
pub use groups_config::{ConsumerAssignor, GroupsConfig, MigrationPolicy};
pub use log_settings::{CleanupPolicy, LogSettings, TimestampType, TopicCompression};
pub use properties::{Entry, Properties, PropertiesError};
pub use resolve::{Layers, Resolved, Source};
pub use setting::{Change, Check, Importance, Kind, Preset, Setting, Status};
