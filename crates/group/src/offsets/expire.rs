//! Offsets that go: those of deleted groups and topics, and those that nobody has used for long.

use std::collections::BTreeMap;

use ottla_model::{Millis, Uuid};

use super::{Committed, tombstone};
use crate::Text;
use crate::change::Decision;
use crate::context::Context;
use crate::limits::{MAX_TOMBSTONE_BYTES, MAX_TOMBSTONES};
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

/// What one decision may still write.
struct Room {
    records: usize,
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { records: MAX_TOMBSTONES, bytes: MAX_TOMBSTONE_BYTES }
    }
}

impl Room {
    const fn is_used_up(&self) -> bool {
        self.records == 0 || self.bytes == 0
    }

    fn take(&mut self, group: &str, topic: &str) {
        self.records = self.records.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(group.len() + topic.len());
    }
}

/// Lets old offsets go, and groups that have neither members nor offsets; a bounded number at a time.
pub(crate) fn expire(shard: &Shard, decision: &mut Decision, context: &Context) {
    let mut room = Room::default();
    for (id, group) in &shard.groups {
        if room.is_used_up() {
            return;
        }
        let age = Age::of(group);
        let mut all_gone = !shard.offsets.has_pending(id) && !matches!(age, Age::Never);
        for (topic, partitions) in shard.offsets.of_group(id) {
            let read = group.is_subscribed_to(topic);
            for (partition, committed) in partitions {
                let over = age.is_over(committed, context.now.wall, context.settings.offsets_retention_ms);
                if read || !over || room.is_used_up() || shard.offsets.is_pending(id, topic, *partition) {
                    all_gone = false;
                } else {
                    decision.record(tombstone(id, topic, *partition));
                    room.take(id, topic);
                }
            }
        }
        if all_gone && group.is_empty() {
            group.tombstones(id, decision);
            room.take(id, "");
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
    let mut gone: BTreeMap<&str, Vec<Uuid>> = BTreeMap::new();
    for (topic, id) in topics {
        gone.entry(topic).or_default().push(*id);
    }
    let is_gone = |topic: &str, committed: &Committed| {
        let ids = gone.get(topic);
        ids.is_some_and(|ids| committed.topic_id.is_zero() || ids.contains(&committed.topic_id))
    };
    let decided = shard.offsets.of_topics(gone.keys().copied());
    let pending = shard.offsets.pending();
    let pending = pending.map(|((group, topic, partition), at)| (group, topic, *partition, at));
    let mut room = Room::default();
    for (group, topic, partition, committed) in decided.chain(pending) {
        if room.is_used_up() {
            return;
        }
        if is_gone(topic, committed) {
            decision.record(tombstone(group, topic, partition));
            room.take(group, topic);
        }
    }
}
