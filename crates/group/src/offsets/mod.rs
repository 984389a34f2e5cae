//! Committed offsets: stored, looked up, and let go.

mod commit;
mod expire;
mod fetch;

use ottla_wire::messages::{OffsetCommitKey, OffsetCommitValue};
use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue};

use crate::record::Record;
use crate::state::{Committed, Offsets};

pub(crate) use commit::{commit, delete, refuse_commit};
pub(crate) use expire::{delete_all, expire, topics_deleted};

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
