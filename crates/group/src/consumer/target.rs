//! The target assignment of a whole group: its members and topics, put before an assignor.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ottla_metadata::Image;
use ottla_model::Uuid;

use crate::Text;
use crate::assign::{Assignment, Subscriber, Topics};
use crate::context::Context;
use crate::state::consumer::ConsumerGroup;
use crate::state::member::Member;

/// What every member shall own. Members that get nothing are in it.
pub(crate) fn compute(group: &ConsumerGroup, context: &Context) -> BTreeMap<Text, Assignment> {
    let mut subscriptions = Subscriptions { group, image: &context.image, known: BTreeMap::new() };
    let mut subscribers: BTreeMap<Text, Subscriber> = BTreeMap::new();
    for member in group.members.values() {
        let subscriber = Subscriber {
            instance_id: member.instance_id.clone(),
            rack: member.rack.clone(),
            topics: subscriptions.of(member),
            owned: group.target(&member.id),
        };
        subscribers.insert(member.id.clone(), subscriber);
    }
    let mut targets = group.assignor(&context.settings).assign(&subscribers, &Described(&context.image));
    for member in subscribers.keys() {
        targets.entry(member.clone()).or_default();
    }
    targets
}

/// Topics by name, and a pattern.
type Subscription<'a> = (&'a BTreeSet<Text>, Option<&'a Text>);

/// The topics of members; those that subscribe to the same share one set.
struct Subscriptions<'a> {
    group: &'a ConsumerGroup,
    image: &'a Image,
    known: BTreeMap<Subscription<'a>, Arc<BTreeSet<Uuid>>>,
}

impl<'a> Subscriptions<'a> {
    fn of(&mut self, member: &'a Member) -> Arc<BTreeSet<Uuid>> {
        let key = (&*member.topics, member.pattern());
        if let Some(known) = self.known.get(&key) {
            return Arc::clone(known);
        }
        let resolved = member.pattern().and_then(|pattern| self.group.patterns.get(pattern));
        let names = member.topics.iter().chain(resolved.iter().flat_map(|resolved| &resolved.topics));
        let ids: Arc<BTreeSet<Uuid>> =
            Arc::new(names.filter_map(|name| self.image.topics.id_of(name)).collect());
        self.known.insert(key, Arc::clone(&ids));
        ids
    }
}

/// The topics of the cluster, as assignors see them.
struct Described<'a>(&'a Image);

impl Topics for Described<'_> {
    fn partitions(&self, topic: Uuid) -> i32 {
        let count = self.0.topics.get(topic).map_or(0, |topic| topic.partitions.size());
        i32::try_from(count).unwrap_or(i32::MAX)
    }

    fn racks(&self, topic: Uuid, partition: i32) -> BTreeSet<Text> {
        let replicas =
            self.0.topics.partition(topic, partition).map_or(&[][..], |partition| &partition.replicas);
        replicas.iter().filter_map(|broker| self.0.brokers.get(broker)?.rack.clone()).collect()
    }
}
