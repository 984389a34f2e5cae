//! Offsets from records, and the ends of transactions that commit some.

use std::collections::btree_map::Entry;

use ottla_model::{NO_PRODUCER_ID, Offset, ProducerId};
use ottla_wire::messages::{LegacyOffsetCommitValue, OffsetCommitValue};

use super::{Committed, Offsets};

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
