//! The book of one assignment: all partitions in a row, who owns each, and how many each member owns.
//!
//! Members and partitions are numbers here: a member's is its position in the order of member ids, a partition's its
//! position in the row. Invariant: a member's load is the number of partitions whose owner it is, and an owner
//! subscribes to what it owns. Who should own what is decided elsewhere.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use ottla_model::Uuid;

use crate::assign::audience::{Audience, audiences};
use crate::assign::{Assignment, Subscriber, Topics};

/// Partitions of the topics of one audience.
pub(super) struct Share {
    /// Who subscribes to them; ascending, never empty.
    pub(super) members: Vec<usize>,
    /// Where they stand in the row; never empty.
    pub(super) partitions: Range<usize>,
}

impl Share {
    /// Most partitions for each member first, then the smaller audience: it has the least choice.
    pub(super) fn tightest_first(&self, other: &Self) -> Ordering {
        let ours = self.partitions.len().saturating_mul(other.members.len());
        let theirs = other.partitions.len().saturating_mul(self.members.len());
        theirs
            .cmp(&ours)
            .then(self.members.len().cmp(&other.members.len()))
            .then(self.partitions.start.cmp(&other.partitions.start))
    }
}

struct Member {
    rack: Option<usize>,
    load: usize,
}

struct Partition {
    topic: Uuid,
    number: i32,
    owner: Option<usize>,
}

/// The book; see the head of the file.
pub(super) struct Ledger<'a> {
    members: Vec<Member>,
    partitions: Vec<Partition>,
    /// Racks that a member is in, numbered.
    racks: BTreeMap<Arc<str>, usize>,
    topics: &'a dyn Topics,
}

impl<'a> Ledger<'a> {
    /// A book in which each member owns what it owned, as far as that exists, it still subscribes to it and no member
    /// before it owned it; and the shares to deal.
    pub(super) fn open(
        members: &BTreeMap<Arc<str>, Subscriber>,
        topics: &'a dyn Topics,
    ) -> (Self, Vec<Share>) {
        let subscribers: Vec<&Subscriber> = members.values().collect();
        let racks: BTreeSet<&Arc<str>> =
            subscribers.iter().filter_map(|member| member.rack.as_ref()).collect();
        let racks: BTreeMap<Arc<str>, usize> =
            racks.into_iter().enumerate().map(|(number, rack)| (Arc::clone(rack), number)).collect();
        let rack = |member: &Subscriber| member.rack.as_ref().and_then(|rack| racks.get(rack).copied());
        let mut ledger = Self {
            members: subscribers.iter().map(|member| Member { rack: rack(member), load: 0 }).collect(),
            partitions: Vec::new(),
            racks,
            topics,
        };
        let mut rows = BTreeMap::new();
        let shares = audiences(&subscribers, topics)
            .into_iter()
            .map(|audience| ledger.add(audience, &mut rows))
            .collect();
        for (number, member) in subscribers.iter().enumerate() {
            ledger.restore(number, member, &rows);
        }
        (ledger, shares)
    }

    /// Puts an audience's partitions at the end of the row and notes in `rows` where each topic stands.
    fn add(&mut self, audience: Audience, rows: &mut BTreeMap<Uuid, Range<usize>>) -> Share {
        let start = self.partitions.len();
        for (topic, count) in audience.topics {
            let first = self.partitions.len();
            self.partitions.extend((0..count).map(|number| Partition { topic, number, owner: None }));
            rows.insert(topic, first..self.partitions.len());
        }
        Share { members: audience.members, partitions: start..self.partitions.len() }
    }

    fn restore(&mut self, number: usize, member: &Subscriber, rows: &BTreeMap<Uuid, Range<usize>>) {
        for (topic, owned) in member.owned.iter() {
            let Some(row) = rows.get(topic).filter(|_| member.topics.contains(topic)) else {
                continue;
            };
            for partition in owned.iter().filter_map(|partition| usize::try_from(*partition).ok()) {
                let partition = row.start.saturating_add(partition);
                if partition < row.end && self.owner(partition).is_none() {
                    self.give(partition, number);
                }
            }
        }
    }

    /// Who owns a partition.
    pub(super) fn owner(&self, partition: usize) -> Option<usize> {
        self.partitions.get(partition)?.owner
    }

    /// How many partitions a member owns.
    pub(super) fn load(&self, member: usize) -> usize {
        self.members.get(member).map_or(0, |member| member.load)
    }

    /// How many members there are.
    pub(super) fn members(&self) -> usize {
        self.members.len()
    }

    /// Makes `member` the owner of a partition, whoever owned it.
    pub(super) fn give(&mut self, partition: usize, member: usize) {
        let Some(row) = self.partitions.get_mut(partition) else {
            return;
        };
        if let Some(giver) = row.owner.replace(member).and_then(|giver| self.members.get_mut(giver)) {
            giver.load -= 1;
        }
        if let Some(taker) = self.members.get_mut(member) {
            taker.load += 1;
        }
    }

    /// The rack of a member.
    pub(super) fn rack(&self, member: usize) -> Option<usize> {
        self.members.get(member)?.rack
    }

    /// The racks of a partition in which this group has members; ascending.
    pub(super) fn racks(&self, partition: usize) -> Vec<usize> {
        let Some(row) = self.partitions.get(partition).filter(|_| !self.racks.is_empty()) else {
            return Vec::new();
        };
        let racks = self.topics.racks(row.topic, row.number);
        racks.iter().filter_map(|rack| self.racks.get(rack).copied()).collect()
    }

    /// Whether a partition has a replica in a member's rack.
    pub(super) fn is_near(&self, partition: usize, member: usize) -> bool {
        self.rack(member).is_some_and(|rack| self.racks(partition).contains(&rack))
    }

    /// What each member owns, in the order of members.
    pub(super) fn close(self) -> Vec<Assignment> {
        let mut target = vec![Assignment::new(); self.members.len()];
        for partition in self.partitions {
            if let Some(assignment) = partition.owner.and_then(|owner| target.get_mut(owner)) {
                assignment.entry(partition.topic).or_default().insert(partition.number);
            }
        }
        target
    }
}
