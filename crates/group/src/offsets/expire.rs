//! Offsets that go: those of deleted groups and topics, and those that nobody has used for long.

use ottla_model::{Millis, Uuid};

use super::{Committed, tombstone};
use crate::Text;
use crate::change::Decision;
use crate::context::Context;
use crate::limits::MAX_TOMBSTONES;
use crate::record::Record;
use crate::state::Group;
use crate::state::Shard;
use crate::state::classic::{ClassicGroup, State};

/// From when on an offset of a group gets older.
enum Age {
    /// From its own commit.
    Commit,
    /// From the moment the group lost its last member.
    Since(Millis),
    /// It does not: the group is at work.
    Never,
}

impl Age {
    fn of(group: &Group) -> Self {
        match group {
            Group::Classic(group) => Self::of_classic(group),
            // A topic that a group reads is left out by the caller.
            Group::Consumer(_) => Self::Commit,
            Group::Foreign(_) => Self::Never,
        }
    }

    fn of_classic(group: &ClassicGroup) -> Self {
        match (&group.protocol_type, group.state) {
            (None, _) => Self::Commit,
            (Some(_), State::Empty) => group.since.map_or(Self::Commit, Self::Since),
            (Some(_), State::Stable) if group.is_of_consumers() && group.subscribed.is_some() => Self::Commit,
            (Some(_), State::Stable | State::PreparingRebalance | State::CompletingRebalance) => Self::Never,
        }
    }

    fn is_over(&self, committed: &Committed, now: Millis, retention_ms: Millis) -> bool {
        let from = match self {
            Self::Commit => committed.committed_at,
            Self::Since(since) => *since,
            Self::Never => return false,
        };
        committed.expires_at.map_or(now.saturating_sub(from) >= retention_ms, |expires_at| now >= expires_at)
    }
}

/// Lets old offsets go, and groups that have neither members nor offsets; a bounded number at a time.
pub(crate) fn expire(shard: &Shard, decision: &mut Decision, context: &Context) {
    let mut left = MAX_TOMBSTONES;
    for (id, group) in &shard.groups {
        if left == 0 {
            return;
        }
        let age = Age::of(group);
        let mut all_gone = !shard.offsets.has_pending(id) && !matches!(age, Age::Never);
        for (topic, partitions) in shard.offsets.of_group(id) {
            let read = group.is_subscribed_to(topic);
            for (partition, committed) in partitions {
                let over = age.is_over(committed, context.now.wall, context.settings.offsets_retention_ms);
                if read || !over || left == 0 || shard.offsets.is_pending(id, topic, *partition) {
                    all_gone = false;
                } else {
                    decision.record(tombstone(id, topic, *partition));
                    left -= 1;
                }
            }
        }
        if all_gone && group.is_empty() {
            group.tombstones(id, decision);
            left = left.saturating_sub(1);
        }
    }
}

/// Every offset of a group goes.
pub(crate) fn delete_all(shard: &Shard, id: &str, decision: &mut Decision) {
    for (topic, partitions) in shard.offsets.of_group(id) {
        for partition in partitions.keys() {
            decision.record(tombstone(id, topic, *partition));
        }
    }
    let pending = shard.offsets.pending().map(|(place, _)| place);
    for (_, topic, partition) in pending.filter(|(name, _, _)| &**name == id) {
        if shard.offsets.get(id, topic, *partition).is_none() {
            decision.record(tombstone(id, topic, *partition));
        }
    }
}

/// The offsets of topics that are gone, a bounded number at a time.
pub(crate) fn topics_deleted(shard: &Shard, decision: &mut Decision, topics: &[(Text, Uuid)]) {
    let gone = |name: &str, committed: &Committed| {
        let of = |(topic, id): &(Text, Uuid)| {
            &**topic == name && (committed.topic_id.is_zero() || committed.topic_id == *id)
        };
        topics.iter().any(of)
    };
    let pending = shard.offsets.pending();
    let pending = pending.map(|((group, topic, partition), at)| (group, topic, *partition, at));
    let records: Vec<Record> = shard
        .offsets
        .iter()
        .chain(pending)
        .filter(|(_, topic, _, committed)| gone(topic, committed))
        .take(MAX_TOMBSTONES)
        .map(|(group, topic, partition, _)| tombstone(group, topic, partition))
        .collect();
    for record in records {
        decision.record(record);
    }
}
