//! The decisions of the cluster's controller: topics, configs, registrations, features, producer ids.
//!
//! A decision is a function of the image, the request and a context: it yields records and a
//! reply and changes nothing. The host appends the records in one batch and replays them into the
//! image; the reply leaves when they are committed (`machine`). Requests and replies are those of
//! the protocol wherever it has one, so that a local and a remote controller are asked alike.

mod brokers;
mod configs;
mod context;
mod create_partitions;
mod create_topics;
mod decide;
mod delete_topics;
mod features;
mod limits;
mod partition_change;
mod partitions;
mod placement;
mod producer_ids;
mod refusal;
mod request;

pub use context::Context;
pub use decide::decide;
pub use refusal::Refusal;
pub use request::{ConfigChange, ConfigChanges, NewBroker, Reply, Request};
