//! The assignor `range` (Kafka's `RangeAssignor`): each topic is cut into one contiguous range for each subscriber.
//!
//! Subscribers stand in one order for all topics, so topics with equal counts and equal subscribers are cut alike and a
//! member owns the same numbers of each. What members owned before plays no part, as in Kafka: an assignment stays
//! while the order does, which is what an instance id is for. Racks play no part either.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::audience::audiences;
use super::{Assignment, Subscriber, Topics};

/// Each member's ranges; a member beyond the number of partitions has none.
pub(super) fn assign(
    members: &BTreeMap<Arc<str>, Subscriber>,
    topics: &dyn Topics,
) -> BTreeMap<Arc<str>, Assignment> {
    let mut seated: Vec<(&Arc<str>, &Subscriber)> = members.iter().collect();
    seated.sort_by_cached_key(|(id, member)| place(id, member));
    let subscribers: Vec<&Subscriber> = seated.iter().map(|(_, member)| *member).collect();
    let mut target = vec![Assignment::new(); seated.len()];
    for audience in audiences(&subscribers, topics) {
        for (topic, partitions) in audience.topics {
            for (member, range) in audience.members.iter().zip(ranges(partitions, audience.members.len())) {
                if let Some(assignment) = target.get_mut(*member) {
                    assignment.insert(topic, range.collect());
                }
            }
        }
    }
    seated.into_iter().zip(target).map(|((id, _), assignment)| (Arc::clone(id), assignment)).collect()
}

/// Where a member stands: static members by instance id, then the others by member id. Java compares strings by their
/// UTF-16 units.
fn place(id: &str, member: &Subscriber) -> (bool, Vec<u16>) {
    let name = member.instance_id.as_deref().unwrap_or(id);
    (member.instance_id.is_none(), name.encode_utf16().collect())
}

/// Cuts `partitions` into ranges that differ by one at most, longer ones first, and stops when none is left.
fn ranges(partitions: i32, members: usize) -> impl Iterator<Item = Range<i32>> {
    let members = i32::try_from(members).unwrap_or(i32::MAX).max(1);
    let (length, longer) = (partitions / members, partitions % members);
    (0..members)
        .map(move |number| {
            let start = number * length + number.min(longer);
            start..start + length + i32::from(number < longer)
        })
        .take_while(|range| !range.is_empty())
}
