//! Groups to assign, and the judge of what every assignment must be.

mod properties;
mod range;
mod sizes;
mod uniform;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ottla_model::Uuid;

use super::*;

pub(super) type Members = BTreeMap<Arc<str>, Subscriber>;
pub(super) type Target = BTreeMap<Arc<str>, Assignment>;

/// Topics with their partition counts and, by partition modulo, racks.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    pub(super) partitions: BTreeMap<Uuid, i32>,
    pub(super) racks: Vec<BTreeSet<Arc<str>>>,
}

impl Topics for Cluster {
    fn partitions(&self, topic: Uuid) -> i32 {
        self.partitions.get(&topic).copied().unwrap_or(0)
    }

    fn racks(&self, _topic: Uuid, partition: i32) -> BTreeSet<Arc<str>> {
        let Ok(partition) = usize::try_from(partition) else {
            return BTreeSet::new();
        };
        self.racks.get(partition % self.racks.len().max(1)).cloned().unwrap_or_default()
    }
}

/// The topic of this number.
pub(super) fn topic(number: u32) -> Uuid {
    let mut bytes = [0; 16];
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    Uuid::from_bytes(bytes)
}

/// A cluster without racks, of topics `(number, partitions)`.
pub(super) fn cluster(topics: &[(u32, i32)]) -> Cluster {
    Cluster {
        partitions: topics.iter().map(|(number, count)| (topic(*number), *count)).collect(),
        racks: Vec::new(),
    }
}

/// An assignment written as `(topic, partitions)`.
pub(super) fn owning(topics: &[(u32, &[i32])]) -> Assignment {
    topics.iter().map(|(number, partitions)| (topic(*number), partitions.iter().copied().collect())).collect()
}

/// A member that subscribes to these topics and owned these partitions.
pub(super) fn member(topics: &[u32], owned: &[(u32, &[i32])]) -> Subscriber {
    Subscriber {
        topics: Arc::new(topics.iter().map(|number| topic(*number)).collect()),
        owned: Arc::new(owning(owned)),
        ..Subscriber::default()
    }
}

/// A group of named members.
pub(super) fn group<const N: usize>(members: [(&str, Subscriber); N]) -> Members {
    members.into_iter().map(|(id, member)| (id.into(), member)).collect()
}

/// The same group once it has what `target` says.
pub(super) fn settled(members: &Members, target: &Target) -> Members {
    let mut members = members.clone();
    for (id, member) in &mut members {
        member.owned = Arc::new(target[id].clone());
    }
    members
}

/// How many partitions a member has.
pub(super) fn load(assignment: &Assignment) -> usize {
    assignment.values().map(BTreeSet::len).sum()
}

/// Loads in the order of member ids.
pub(super) fn loads(target: &Target) -> Vec<usize> {
    target.values().map(load).collect()
}

/// How many partitions have another owner than the one that they had.
pub(super) fn moved(members: &Members, target: &Target) -> usize {
    let kept = |(id, assignment): (&Arc<str>, &Assignment)| -> usize {
        let owned = &members[id].owned;
        assignment
            .iter()
            .map(|(topic, now)| owned.get(topic).map_or(0, |before| before.intersection(now).count()))
            .sum()
    };
    loads(target).iter().sum::<usize>() - target.iter().map(kept).sum::<usize>()
}

/// What every assignment must be: each member is in it, and each partition of each subscribed topic belongs to exactly
/// one member, which subscribes to the topic; there is nothing else in it.
pub(super) fn judge(members: &Members, cluster: &Cluster, target: &Target) -> Result<(), String> {
    if !members.keys().eq(target.keys()) {
        return Err("members are missing or invented".into());
    }
    let subscribed: BTreeSet<Uuid> =
        members.values().flat_map(|member| member.topics.iter().copied()).collect();
    let numbers = |topic: Uuid| (0..cluster.partitions(topic)).map(move |number| (topic, number));
    let mut free: BTreeSet<(Uuid, i32)> = subscribed.into_iter().flat_map(numbers).collect();
    for (id, assignment) in target {
        for (topic, partitions) in assignment {
            if partitions.is_empty() || !members[id].topics.contains(topic) {
                return Err(format!("{id} does not subscribe to {topic}, or has nothing of it"));
            }
            for partition in partitions {
                if !free.remove(&(*topic, *partition)) {
                    return Err(format!("{topic}-{partition} has two owners or does not exist"));
                }
            }
        }
    }
    if free.is_empty() { Ok(()) } else { Err(format!("nobody owns {free:?}")) }
}

#[test]
fn the_judge_finds_a_second_owner_a_stranger_and_an_orphan() {
    let cluster = cluster(&[(1, 2), (2, 1)]);
    let members = group([("A", member(&[1], &[])), ("B", member(&[1], &[]))]);
    let verdict = |a: &[(u32, &[i32])], b: &[(u32, &[i32])]| {
        judge(&members, &cluster, &Target::from([("A".into(), owning(a)), ("B".into(), owning(b))]))
    };
    assert_eq!(verdict(&[(1, &[0])], &[(1, &[1])]), Ok(()));
    assert!(verdict(&[(1, &[0, 1])], &[(1, &[1])]).is_err(), "a second owner");
    assert!(verdict(&[(1, &[0])], &[(1, &[1]), (2, &[0])]).is_err(), "a stranger");
    assert!(verdict(&[(1, &[0])], &[(1, &[])]).is_err(), "an orphan");
    assert!(verdict(&[(1, &[0, 2])], &[(1, &[1])]).is_err(), "a partition that does not exist");
    let alone = Target::from([("A".into(), owning(&[(1, &[0, 1])]))]);
    assert!(judge(&members, &cluster, &alone).is_err(), "a member without an entry");
}

#[test]
fn an_assignor_is_found_by_the_name_that_it_tells() {
    for assignor in [Assignor::Uniform, Assignor::Range] {
        assert_eq!(Assignor::from_name(assignor.name()), Some(assignor));
    }
    assert_eq!(Assignor::from_name("Uniform"), None);
    assert_eq!(Assignor::from_name("simple"), None);
}

#[test]
fn a_group_without_members_topics_or_partitions_gets_nothing() {
    for assignor in [Assignor::Uniform, Assignor::Range] {
        assert_eq!(assignor.assign(&Members::new(), &cluster(&[(1, 3)])), Target::new());
        for subscribed in [&[][..], &[2]] {
            let members = group([("A", member(subscribed, &[(1, &[0])]))]);
            let target = assignor.assign(&members, &cluster(&[(1, 3)]));
            assert_eq!(target, Target::from([("A".into(), Assignment::new())]));
        }
    }
}
