//! The rules of one partition's replicas: acks, min ISR, high watermark, acknowledged offset.
//!
//! Values in, values out. Who holds the log and who talks to followers is the business of
//! `partition` and `broker`. While each partition has one replica the rules are short; they are
//! stated for any number, so that replication adds followers, not rules.

mod acks;
mod leader;

pub use acks::{Acks, InvalidAcks};
pub use leader::{AckDurable, LeaderView, NotEnoughReplicas};
