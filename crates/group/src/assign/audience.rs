//! Who listens to what: topics grouped by the set of members that subscribe to them.
//!
//! Members of a group mostly subscribe to the same topics, so a group has few audiences, often one. Assignors deal to
//! an audience at a time: what costs one step for each pair of member and topic is paid for each audience instead.
//! Invariant: every existing topic with a subscriber is in exactly one audience.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ottla_model::Uuid;

use super::{Subscriber, Topics};

/// Topics that the very same members subscribe to.
pub(super) struct Audience {
    /// With their number of partitions, at least 1; ascending.
    pub(super) topics: Vec<(Uuid, i32)>,
    /// Positions in the list that was asked about; ascending, never empty.
    pub(super) members: Vec<usize>,
}

/// Members with equal subscriptions.
struct Class<'a> {
    topics: &'a Arc<BTreeSet<Uuid>>,
    members: Vec<usize>,
}

/// The audiences among `members`, in an order that depends on nothing but the arguments.
pub(super) fn audiences(members: &[&Subscriber], topics: &dyn Topics) -> Vec<Audience> {
    let classes = classes(members);
    let mut listening: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
    for (number, class) in classes.iter().enumerate() {
        for topic in class.topics.iter() {
            listening.entry(*topic).or_default().push(number);
        }
    }
    let mut shared: BTreeMap<Vec<usize>, Vec<(Uuid, i32)>> = BTreeMap::new();
    for (topic, numbers) in listening {
        let partitions = topics.partitions(topic);
        if partitions > 0 {
            shared.entry(numbers).or_default().push((topic, partitions));
        }
    }
    shared
        .into_iter()
        .map(|(numbers, topics)| Audience { topics, members: members_of(&classes, &numbers) })
        .collect()
}

fn classes<'a>(members: &[&'a Subscriber]) -> Vec<Class<'a>> {
    let mut classes: Vec<Class<'a>> = Vec::new();
    let mut numbers: BTreeMap<&BTreeSet<Uuid>, usize> = BTreeMap::new();
    let mut last: Option<(&Arc<BTreeSet<Uuid>>, usize)> = None;
    for (position, member) in members.iter().enumerate() {
        let number = match last {
            // A neighbour mostly shares the very set: two sets are compared only when they are two.
            Some((topics, number)) if Arc::ptr_eq(topics, &member.topics) => number,
            _ => *numbers.entry(&member.topics).or_insert(classes.len()),
        };
        last = Some((&member.topics, number));
        match classes.get_mut(number) {
            Some(class) => class.members.push(position),
            None => classes.push(Class { topics: &member.topics, members: vec![position] }),
        }
    }
    classes
}

fn members_of(classes: &[Class<'_>], numbers: &[usize]) -> Vec<usize> {
    let chosen = numbers.iter().filter_map(|number| classes.get(*number));
    let mut members: Vec<usize> = chosen.flat_map(|class| class.members.iter().copied()).collect();
    members.sort_unstable();
    members
}
