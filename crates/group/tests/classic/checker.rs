//! What must hold whatever happens: a naive model of what clients were told and of what they committed.
//!
//! It knows no rule of the group's protocol: only the log, the requests, and the replies.

use std::collections::{BTreeMap, BTreeSet};

use ottla_group::{Change, Group, Record, Reply, Request, Waiter};
use ottla_machine::Machine;
use ottla_model::Millis;
use ottla_wire::messages::{GroupMetadataValue, OffsetCommitRequest};
use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue};

use crate::client::partitions;
use crate::stand::{Decided, Entry, Stand, replayed};
use crate::trace;

/// What was broken, and how.
pub(crate) type Verdict = Result<(), String>;

type Place = (String, i32);

/// An offset, and when it was committed.
type Kept = (i64, Millis);

/// A life of a group: from its first record to its deletion.
type Life = (String, usize);

#[derive(Default)]
pub(crate) struct Checker {
    /// Requests without an answer, and whether it was decided.
    open: BTreeMap<Waiter, (Request, Option<Life>)>,
    /// Who was told to own a partition in a generation.
    owners: BTreeMap<(Life, i32), BTreeMap<u8, String>>,
    /// The highest generation that a SyncGroup was answered in.
    highest: BTreeMap<Life, i32>,
    /// Members of a generation as JoinGroup told them.
    told: BTreeSet<(Life, i32, String)>,
    /// Offsets as they were committed, and when.
    table: BTreeMap<Place, Kept>,
    /// What the table was before, by the end of the log after the change.
    journal: Vec<(usize, Place, Option<Kept>)>,
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

impl Checker {
    pub(crate) fn asked(&mut self, waiter: Waiter, request: Request) {
        self.open.insert(waiter, (request, None));
    }

    /// Every answer that is not out is lost, and what the log has above `kept`.
    pub(crate) fn crashed(&mut self, kept: usize) {
        self.open.clear();
        while self.journal.last().is_some_and(|(end, ..)| *end > kept) {
            let (_, place, before) = self.journal.pop().unwrap();
            match before {
                Some(before) => self.table.insert(place, before),
                None => self.table.remove(&place),
            };
        }
    }

    fn set(&mut self, end: usize, place: Place, to: Option<Kept>) {
        let before = match to {
            Some(to) => self.table.insert(place.clone(), to),
            None => self.table.remove(&place),
        };
        self.journal.push((end, place, before));
    }

    /// A decision was made of a request; replies to others may have come with it.
    pub(crate) fn decided(&mut self, asked: &Request, decided: &Decided, stand: &Stand) -> Verdict {
        for (waiter, reply) in &decided.replies {
            let Some((request, life)) = self.open.get_mut(waiter) else {
                return Err(format!("{waiter:?} is answered and does not wait"));
            };
            ensure(life.is_none(), || format!("{waiter:?} is answered twice"))?;
            let group = group_of(request).to_owned();
            *life = Some((group.clone(), lives(&stand.log, &group)));
            if let (Request::Sync(sync), Reply::Sync(answer)) = (&*request, reply)
                && answer.error_code == 0
            {
                let logged = last_group(&stand.log, &group).map(|group| group.generation);
                ensure(logged == Some(sync.generation_id), || {
                    format!("S25: generation {} is answered, the log has {logged:?}", sync.generation_id)
                })?;
            }
        }
        if let (Request::Commit(commit), Some((_, Reply::Commit(answer)))) = (asked, decided.replies.first())
        {
            let codes = answer.topics.iter().flat_map(|topic| &topic.partitions);
            if codes.map(|partition| partition.error_code).all(|code| code == 0) {
                self.committed(commit, stand)?;
            }
        }
        self.removed(asked, &decided.records, stand)?;
        self.are_gone(asked, decided)?;
        self.same_offsets(stand)
    }

    /// What was to be deleted is no more.
    fn are_gone(&self, asked: &Request, decided: &Decided) -> Verdict {
        let stays: Vec<&Place> = match (asked, decided.replies.first()) {
            (Request::DeleteGroup(group), Some((_, Reply::DeleteGroup(Ok(()))))) => {
                self.table.keys().filter(|(of, _)| **of == **group).collect()
            }
            (Request::DeleteOffsets(delete), Some((_, Reply::DeleteOffsets(answer)))) => {
                let done = answer.topics.iter().flat_map(|topic| &topic.partitions);
                let done: Vec<i32> = done
                    .filter(|partition| partition.error_code == 0)
                    .map(|partition| partition.partition_index)
                    .collect();
                let goes = |(of, number): &&Place| **of == *delete.group_id && done.contains(number);
                self.table.keys().filter(goes).collect()
            }
            (Request::TopicsDeleted(_), _) if !decided.records.is_empty() => self.table.keys().collect(),
            _ => Vec::new(),
        };
        ensure(stays.is_empty(), || format!("deleted and still there: {stays:?}"))
    }

    fn committed(&mut self, commit: &OffsetCommitRequest, stand: &Stand) -> Verdict {
        let group = commit.group_id.to_string();
        let (generation, member) = (commit.generation_id_or_member_epoch, commit.member_id.to_string());
        let last = last_group(&stand.log, &group);
        let admitted = match last {
            _ if generation < 0 => last.is_none_or(|last| last.members.is_empty()),
            Some(last) if generation == last.generation => {
                last.members.iter().any(|known| *known.member_id == *member)
            }
            Some(last) if generation < last.generation => false,
            // A generation that has joined and has no assignment yet.
            Some(_) | None => {
                let life = (group.clone(), lives(&stand.log, &group));
                self.told.contains(&(life, generation, member.clone()))
            }
        };
        ensure(admitted, || format!("I28: a commit of {member:?} in generation {generation} is accepted"))?;
        for topic in &commit.topics {
            for at in &topic.partitions {
                let place = (group.clone(), at.partition_index);
                self.set(stand.log.len(), place, Some((at.committed_offset, stand.now.wall)));
            }
        }
        Ok(())
    }

    /// Offsets go when a client asks, or when nobody has used them for long.
    fn removed(&mut self, asked: &Request, records: &[Record], stand: &Stand) -> Verdict {
        for record in records.iter().filter(|record| record.value.is_none()) {
            let ConsumerOffsetsKey::OffsetCommit(key) = &record.key else { continue };
            let place = (key.group.to_string(), key.partition);
            let may_go = match asked {
                Request::DeleteGroup(group) => **group == *key.group,
                Request::DeleteOffsets(delete) => delete.group_id == key.group,
                Request::TopicsDeleted(_) => true,
                Request::ExpireOffsets => self.is_old(&place, stand),
                _ => false,
            };
            ensure(may_go, || format!("the offset of {place:?} goes and nobody has asked"))?;
            self.set(stand.log.len(), place, None);
        }
        Ok(())
    }

    fn is_old(&self, place: &Place, stand: &Stand) -> bool {
        let log = &stand.log;
        let before = log.iter().rposition(|entry| !is_tombstone(entry)).map_or(0, |last| last + 1);
        let oldest = stand.now.wall - stand.settings.offsets_retention_ms;
        let last = last_group(&log[..before], &place.0);
        match last.filter(|last| !last.protocol_type.is_empty()) {
            Some(last) => last.members.is_empty() && last.current_state_timestamp <= oldest,
            None => self.table.get(place).is_some_and(|(_, at)| *at <= oldest),
        }
    }

    fn same_offsets(&self, stand: &Stand) -> Verdict {
        let found = stand.shard.offsets();
        let found: BTreeMap<Place, i64> =
            found.map(|(group, _, number, at)| ((group.to_string(), number), at.offset)).collect();
        let expected = self.table.iter().map(|(place, (offset, _))| (place.clone(), *offset)).collect();
        ensure(found == expected, || format!("I30: the offsets are {found:?}, committed were {expected:?}"))
    }

    /// A reply leaves; the request that it answers.
    pub(crate) fn released(&mut self, waiter: Waiter, reply: &Reply) -> Result<Request, String> {
        let (request, life) = self.open.remove(&waiter).expect("checked when it was decided");
        let life = life.expect("checked when it was decided");
        match (&request, reply) {
            (Request::Join(_), Reply::Join(join)) if join.error_code == 0 => {
                self.told.insert((life, join.generation_id, join.member_id.to_string()));
            }
            (Request::Sync(sync), Reply::Sync(answer)) if answer.error_code == 0 => {
                let generation = sync.generation_id;
                let owner = sync.group_instance_id.as_deref().unwrap_or(&sync.member_id);
                self.forward(&life, generation)?;
                let owners = self.owners.entry((life.clone(), generation)).or_default();
                for partition in partitions(&answer.assignment) {
                    let first = owners.entry(partition).or_insert_with(|| owner.to_owned());
                    ensure(first == owner, || {
                        format!("I26: {first} and {owner} own {partition} in generation {generation}")
                    })?;
                }
                self.highest.insert(life, generation);
            }
            (Request::Commit(commit), Reply::Commit(answer)) => {
                let generation = commit.generation_id_or_member_epoch;
                let mut codes = answer.topics.iter().flat_map(|topic| &topic.partitions);
                if generation >= 0 && codes.all(|partition| partition.error_code == 0) {
                    self.forward(&life, generation)?;
                }
            }
            _ => {}
        }
        Ok(request)
    }

    fn forward(&self, life: &Life, generation: i32) -> Verdict {
        let highest = self.highest.get(life).copied().unwrap_or(0);
        ensure(generation >= highest, || {
            format!("I27: generation {generation} of {life:?} is served after {highest}")
        })
    }

    /// Whoever waits will wait for ever.
    pub(crate) fn nobody_waits(&self) -> Verdict {
        ensure(self.open.is_empty(), || format!("never answered: {:?}", self.open))
    }

    /// The log gives the state again: the offsets, and every group that is not in a rebalance.
    pub(crate) fn log_gives_the_state(stand: &Stand) -> Verdict {
        let settled = |name: &str| {
            let group = stand.shard.groups().find(|(id, _)| &***id == name);
            group.is_none_or(|(_, group)| matches!(group.state(), "Stable" | "Empty"))
        };
        let look = |shard: &ottla_group::Shard| -> Vec<Record> {
            let changes = shard.snapshot().into_iter();
            let records = changes.map(|change| match change {
                Change::Append(record) => record,
                Change::Volatile(change) => panic!("{change:?} in a snapshot"),
            });
            let is_settled = |record: &Record| match &record.key {
                ConsumerOffsetsKey::GroupMetadata(key) => settled(&key.group),
                _ => true,
            };
            records.filter(is_settled).collect()
        };
        let (live, loaded) = (look(&stand.shard), look(&replayed(&stand.log)));
        let other = |one: &[Record], two: &[Record]| -> Vec<String> {
            one.iter().filter(|record| !two.contains(record)).map(trace::record).collect()
        };
        ensure(live == loaded, || {
            let (more, less) = (other(&loaded, &live), other(&live, &loaded));
            format!("the log gives {more:?}, the shard has {less:?}")
        })?;
        let names = |shard: &ottla_group::Shard| -> Vec<String> {
            shard.groups().map(|(id, group)| format!("{id} {}", Group::kind(group))).collect()
        };
        let (live, loaded) = (names(&stand.shard), names(&replayed(&stand.log)));
        ensure(live == loaded, || format!("the log gives the groups {loaded:?}, the shard has {live:?}"))
    }
}

fn group_of(request: &Request) -> &str {
    match request {
        Request::Join(request) => &request.group_id,
        Request::Sync(request) => &request.group_id,
        Request::Heartbeat(request) => &request.group_id,
        Request::Leave(request) => &request.group_id,
        Request::Commit(request) => &request.group_id,
        Request::DeleteGroup(group) => group,
        Request::DeleteOffsets(request) => &request.group_id,
        other => panic!("nobody asks {other:?}"),
    }
}

fn is_tombstone(entry: &Entry) -> bool {
    matches!(entry, Entry::Record(record, _) if record.value.is_none())
}

/// How many times a group has been deleted.
fn lives(log: &[Entry], group: &str) -> usize {
    log.iter().filter(|entry| is_tombstone(entry) && is_of(entry, group)).count()
}

fn is_of(entry: &Entry, group: &str) -> bool {
    let Entry::Record(record, _) = entry else { return false };
    matches!(&record.key, ConsumerOffsetsKey::GroupMetadata(key) if *key.group == *group)
}

/// A group as the log has it last.
fn last_group<'a>(log: &'a [Entry], group: &str) -> Option<&'a GroupMetadataValue> {
    match log.iter().rfind(|entry| is_of(entry, group))? {
        Entry::Record(record, _) => match &record.value {
            Some((ConsumerOffsetsValue::GroupMetadata(value), _)) => Some(value),
            Some(_) | None => None,
        },
        Entry::Marker(..) => None,
    }
}
