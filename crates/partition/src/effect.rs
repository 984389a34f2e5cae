//! What happened to a partition, as facts with new values.

use ottla_model::{LeaderEpoch, Offset, Uuid};

/// A partition by the id of its topic: what a deleted and re-created topic cannot be mistaken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId {
    /// The topic's id.
    pub topic: Uuid,
    /// Numbered from 0.
    pub partition: i32,
}

/// A partition's marks after something happened to it. Marks only grow, except `end_offset` at a
/// truncation; so effects may be handed on in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Whose.
    pub partition: PartitionId,
    /// The first offset that can be read.
    pub start_offset: Offset,
    /// One past the last record.
    pub end_offset: Offset,
    /// Everything below is on this node's disk.
    pub durable_offset: Offset,
    /// Everything below may be answered as written.
    pub acknowledged_offset: Offset,
    /// Everything below may be read.
    pub high_watermark: Offset,
    /// Everything below is decided: no open transaction.
    pub last_stable_offset: Offset,
    /// The leader epoch in which it happened.
    pub leader_epoch: LeaderEpoch,
    /// The partition is no longer served here: it left, or its log failed.
    pub failed: bool,
}
