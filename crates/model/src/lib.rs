//! Words that every room shares: ids, names, epochs, error codes, time as plain numbers.
//!
//! Nothing here computes more than its own text form. What needs a clock, a file or a rule
//! lives in the room that owns it.

mod error_code;
mod time;
mod topic;
mod uuid;

pub use error_code::ErrorCode;
pub use time::{Millis, Now, Tick};
pub use topic::{InvalidTopicName, TopicName, TopicPartition};
pub use uuid::{InvalidUuid, Uuid};

/// A record's position in its partition: unique, assigned on append, never reused.
pub type Offset = i64;
/// Raised at each change of a partition's leader; written into every batch.
pub type LeaderEpoch = i32;
/// A node of the cluster (`node.id`).
pub type NodeId = i32;
/// The metadata offset of a broker's registration: one for each process start.
pub type BrokerEpoch = i64;
/// An idempotent producer, unique in the cluster for ever.
pub type ProducerId = i64;
/// Raised each time a producer id changes hands.
pub type ProducerEpoch = i16;

/// No leader epoch is known (Kafka's `NO_PARTITION_LEADER_EPOCH`).
pub const NO_LEADER_EPOCH: LeaderEpoch = -1;
/// No producer id: the batch is not idempotent (Kafka's `NO_PRODUCER_ID`).
pub const NO_PRODUCER_ID: ProducerId = -1;
/// No producer epoch (Kafka's `NO_PRODUCER_EPOCH`).
pub const NO_PRODUCER_EPOCH: ProducerEpoch = -1;
/// No sequence number (Kafka's `NO_SEQUENCE`).
pub const NO_SEQUENCE: i32 = -1;
