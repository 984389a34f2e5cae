//! The metadata of the cluster: levels, records, the image they add up to, and its files.
//!
//! Pure: records in, values out. [`Image`] is the state, [`Timeline`] moves it along the log, [`Delta`] says what
//! differs between two of them. Left to others: what may be decided (`controller`), the log and the disk (`quorum`),
//! what a setting means (`config`).

mod access;
pub mod batch;
pub mod bootstrap;
pub mod checkpoint;
mod cluster;
mod configs;
mod delta;
mod error;
pub mod features;
mod image;
mod levels;
pub mod limits;
mod partition;
mod parts;
mod replay;
mod snapshot;
mod timeline;
mod topics;

pub use access::{Acl, DelegationToken, QuotaEntity, ScramCredential, ScramMechanism};
pub use cluster::{Broker, Controller, Listener, SecurityProtocol, SupportedFeature};
pub use configs::{ConfigKind, ConfigResource, Configs};
pub use delta::{Delta, PartitionStep, Touched};
pub use error::ReplayError;
pub use image::{Features, Image};
pub use levels::MetadataVersion;
pub use partition::{NO_LEADER_CHANGE, Partition, Recovery};
pub use parts::{Map, Text};
pub use timeline::{Provenance, Timeline};
pub use topics::{Topic, Topics};

#[cfg(test)]
mod tests;
