//! Committed offsets.
//!
//! An offset that was committed inside a transaction is *pending* until the transaction's marker; nothing here
//! begins such a transaction, but Kafka may have left some in the log. Invariant: an offset exists only beside a
//! group of its name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ottla_model::{LeaderEpoch, Millis, NO_PRODUCER_ID, Offset, ProducerId, Uuid};
use ottla_wire::messages::{LegacyOffsetCommitValue, OffsetCommitValue};

use crate::Text;

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
    /// Those of transactions that are not decided: group, topic, partition.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (&(Text, Text, i32), &Committed)> {
        self.pending.values().flatten()
    }

    /// One offset.
    pub(crate) fn get(&self, group: &str, topic: &str, partition: i32) -> Option<&Committed> {
        self.by_group.get(group)?.get(topic)?.get(&partition)
    }

    /// All offsets of a group, by topic.
    pub(crate) fn of_group(&self, group: &str) -> impl Iterator<Item = (&Text, &Partitions)> {
        self.by_group.get(group).into_iter().flatten()
    }

    /// The offsets of all groups in some topics.
    pub(crate) fn of_topics<'a>(
        &'a self,
        topics: impl Iterator<Item = &'a str> + Clone,
    ) -> impl Iterator<Item = (&'a Text, &'a Text, i32, &'a Committed)> {
        self.by_group.iter().flat_map(move |(group, known)| {
            let known = topics.clone().filter_map(|topic| known.get_key_value(topic));
            known.flat_map(move |(topic, partitions)| {
                partitions.iter().map(move |(partition, committed)| (group, topic, *partition, committed))
            })
        })
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

impl Committed {
    /// As a record has it.
    pub(crate) fn read(value: &OffsetCommitValue, record: Offset) -> Self {
        Self {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: (&*value.metadata).into(),
            committed_at: value.commit_timestamp,
            expires_at: (value.expire_timestamp != -1).then_some(value.expire_timestamp),
            topic_id: value.topic_id,
            record,
        }
    }

    /// As a record of the oldest form has it.
    pub(crate) fn read_legacy(value: &LegacyOffsetCommitValue, record: Offset) -> Self {
        let LegacyOffsetCommitValue { offset, metadata, commit_timestamp } = value;
        let (offset, commit_timestamp, metadata) = (*offset, *commit_timestamp, metadata.clone());
        Self::read(&OffsetCommitValue { offset, metadata, commit_timestamp, ..Default::default() }, record)
    }
}

impl Offsets {
    /// A record sets an offset; of a transaction, it is pending.
    pub(crate) fn put(
        &mut self,
        (group, topic, partition): (&str, &str, i32),
        committed: Committed,
        producer: ProducerId,
    ) {
        if producer == NO_PRODUCER_ID {
            self.store((group, topic, partition), committed);
        } else {
            let place = (group.into(), topic.into(), partition);
            self.pending.entry(producer).or_default().insert(place, committed);
        }
    }

    fn store(&mut self, (group, topic, partition): (&str, &str, i32), committed: Committed) {
        // The names are there already for all but the first commit: they are not copied again.
        if let Some(slot) = self.by_group.get_mut(group).and_then(|topics| topics.get_mut(topic)) {
            self.count += usize::from(slot.insert(partition, committed).is_none());
            return;
        }
        let topics = self.by_group.entry(group.into()).or_default();
        topics.entry(topic.into()).or_default().insert(partition, committed);
        self.count += 1;
    }

    /// A record takes an offset away, pending ones too.
    pub(crate) fn remove(&mut self, group: &str, topic: &str, partition: i32) {
        if let Some(topics) = self.by_group.get_mut(group) {
            if let Some(partitions) = topics.get_mut(topic) {
                self.count -= usize::from(partitions.remove(&partition).is_some());
                if partitions.is_empty() {
                    topics.remove(topic);
                }
            }
            if topics.is_empty() {
                self.by_group.remove(group);
            }
        }
        if !self.pending.is_empty() {
            let place = (group.into(), topic.into(), partition);
            for offsets in self.pending.values_mut() {
                offsets.remove(&place);
            }
        }
    }

    /// A transaction has ended: what it commits counts unless something later does.
    pub(crate) fn end_transaction(&mut self, producer: ProducerId, commit: bool) {
        let Entry::Occupied(pending) = self.pending.entry(producer) else { return };
        let pending = pending.remove();
        if !commit {
            return;
        }
        for ((group, topic, partition), committed) in pending {
            let known = self.get(&group, &topic, partition);
            if known.is_none_or(|known| known.record < committed.record) {
                self.store((&group, &topic, partition), committed);
            }
        }
    }
}
