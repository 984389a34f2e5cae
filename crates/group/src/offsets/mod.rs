//! Committed offsets: stored, looked up, and let go.
//!
//! An offset that was committed inside a transaction is *pending* until the transaction's marker; nothing here
//! begins such a transaction, but Kafka may have left some in the log. Invariant: an offset exists only beside a
//! group of its name.

mod commit;
mod expire;
mod fetch;
mod replay;

use std::collections::BTreeMap;

use ottla_model::{LeaderEpoch, Millis, Offset, ProducerId, Uuid};
use ottla_wire::messages::{OffsetCommitKey, OffsetCommitValue};
use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue};

use crate::Text;
use crate::change::Record;

pub(crate) use commit::{commit, delete, refuse_commit};
pub(crate) use expire::{delete_all, expire, topics_deleted};

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Where the group reads on.
    pub offset: Offset,
    /// The epoch of the record before it, −1 when the client did not say.
    pub leader_epoch: LeaderEpoch,
    /// The client's own note.
    pub metadata: Box<str>,
    /// When it was committed.
    pub committed_at: Millis,
    /// When it goes, where an old client said so.
    pub expires_at: Option<Millis>,
    /// The topic's id, zero in old records.
    pub topic_id: Uuid,
    /// Where its record stands in the shard's log.
    pub record: Offset,
}

type Partitions = BTreeMap<i32, Committed>;
type Topics = BTreeMap<Text, Partitions>;

/// The offsets of a shard.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Offsets {
    by_group: BTreeMap<Text, Topics>,
    /// Those of transactions that are not decided.
    pending: BTreeMap<ProducerId, BTreeMap<(Text, Text, i32), Committed>>,
    count: usize,
}

impl Offsets {
    /// One offset.
    pub(crate) fn get(&self, group: &str, topic: &str, partition: i32) -> Option<&Committed> {
        self.by_group.get(group)?.get(topic)?.get(&partition)
    }

    /// All offsets of a group, by topic.
    pub(crate) fn of_group(&self, group: &str) -> impl Iterator<Item = (&Text, &Partitions)> {
        self.by_group.get(group).into_iter().flatten()
    }

    /// Whether a transaction that is not decided commits one.
    pub(crate) fn is_pending(&self, group: &str, topic: &str, partition: i32) -> bool {
        let names = |(name, of, number): &(Text, Text, i32)| {
            &**name == group && &**of == topic && *number == partition
        };
        self.pending.values().any(|offsets| offsets.keys().any(names))
    }

    /// Whether a transaction that is not decided commits for the group.
    pub(crate) fn has_pending(&self, group: &str) -> bool {
        self.pending.values().any(|offsets| offsets.keys().any(|(name, _, _)| &**name == group))
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// Every group with offsets, and how it stands in each partition.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Text, &Text, i32, &Committed)> {
        self.by_group.iter().flat_map(|(group, topics)| {
            topics.iter().flat_map(move |(topic, partitions)| {
                partitions.iter().map(move |(partition, committed)| (group, topic, *partition, committed))
            })
        })
    }
}

fn key(group: &str, topic: &str, partition: i32) -> ConsumerOffsetsKey {
    let (group, topic) = (group.into(), topic.into());
    ConsumerOffsetsKey::OffsetCommit(OffsetCommitKey { group, topic, partition })
}

/// The version of a value without and with an expiry of its own, as Kafka 4.4 writes them.
const VERSION: i16 = 4;
const VERSION_WITH_EXPIRY: i16 = 1;

fn record(group: &str, topic: &str, partition: i32, committed: &Committed) -> Record {
    let value = OffsetCommitValue {
        offset: committed.offset,
        leader_epoch: committed.leader_epoch,
        metadata: (&*committed.metadata).into(),
        commit_timestamp: committed.committed_at,
        expire_timestamp: committed.expires_at.unwrap_or(-1),
        topic_id: committed.topic_id,
    };
    let version = if committed.expires_at.is_some() { VERSION_WITH_EXPIRY } else { VERSION };
    Record {
        key: key(group, topic, partition),
        value: Some((ConsumerOffsetsValue::OffsetCommit(value), version)),
    }
}

fn tombstone(group: &str, topic: &str, partition: i32) -> Record {
    Record { key: key(group, topic, partition), value: None }
}

/// Records that give the decided offsets again.
pub(crate) fn snapshot(offsets: &Offsets) -> impl Iterator<Item = Record> {
    offsets.iter().map(|(group, topic, partition, committed)| record(group, topic, partition, committed))
}
