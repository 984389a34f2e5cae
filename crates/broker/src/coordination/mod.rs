//! Groups at work on this node: how requests come to a shard and replies back, what looks after the shards, the topic
//! that keeps them, and how far behind they are.
//!
//! A handler submits and waits; the machine behind the shard may answer it at once, when the log is acknowledged,
//! or when other members have done their part.

mod lag;
mod submit;
mod task;
mod topic;

pub(crate) use lag::write_metrics;
pub(crate) use submit::{group_reply, read_reply, write_timeout};
pub(crate) use task::{expire_offsets, published, run};
pub(crate) use topic::{OFFSETS_TOPIC, ensure};
