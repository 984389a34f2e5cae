//! What differs between two images, found by what was touched and not by comparing everything.

use std::collections::{BTreeMap, BTreeSet};

use ottla_model::{NodeId, Uuid};

use crate::configs::ConfigResource;
use crate::image::Image;
use crate::partition::Partition;
use crate::topics::Topic;

/// What records touched. What a record touches and a later one restores is still touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Whether a feature level was written.
    pub features: bool,
    /// Brokers.
    pub brokers: BTreeSet<NodeId>,
    /// Controllers.
    pub controllers: BTreeSet<NodeId>,
    /// Topics, with the partitions touched in each.
    pub topics: BTreeMap<Uuid, BTreeSet<i32>>,
    /// Configured resources.
    pub configs: BTreeSet<ConfigResource>,
    /// Whether a quota was.
    pub quotas: bool,
    /// Whether producer ids were given out.
    pub producer_ids: bool,
    /// Whether an ACL was.
    pub acls: bool,
    /// Whether a SCRAM credential was.
    pub scram: bool,
    /// Whether a delegation token was.
    pub tokens: bool,
}

impl Touched {
    /// Adds what later records touched.
    pub fn merge(&mut self, later: Self) {
        let Self {
            features,
            brokers,
            controllers,
            topics,
            configs,
            quotas,
            producer_ids,
            acls,
            scram,
            tokens,
        } = later;
        self.features |= features;
        self.brokers.extend(brokers);
        self.controllers.extend(controllers);
        for (topic, partitions) in topics {
            self.topics.entry(topic).or_default().extend(partitions);
        }
        self.configs.extend(configs);
        self.quotas |= quotas;
        self.producer_ids |= producer_ids;
        self.acls |= acls;
        self.scram |= scram;
        self.tokens |= tokens;
    }

    /// Whether nothing was touched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The step from one published image to the next.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    /// What was visible.
    pub before: Image,
    /// What is visible.
    pub after: Image,
    /// What lies between them.
    pub touched: Touched,
}

/// A partition that was touched. Both sides are `None` for one that came and went between the images.
#[derive(Clone, Copy, Debug)]
pub struct PartitionStep<'a> {
    /// The topic as it is, or as it was when it is gone.
    pub topic: &'a Topic,
    /// The partition's number.
    pub number: i32,
    /// The partition as it was.
    pub before: Option<&'a Partition>,
    /// The partition as it is.
    pub after: Option<&'a Partition>,
}

impl Delta {
    /// Topics that appeared.
    pub fn created_topics(&self) -> impl Iterator<Item = &Topic> {
        let ids = self.touched.topics.keys().copied();
        ids.filter(|id| self.before.topics.get(*id).is_none()).filter_map(|id| self.after.topics.get(id))
    }

    /// Topics that are gone, as they were.
    pub fn deleted_topics(&self) -> impl Iterator<Item = &Topic> {
        let ids = self.touched.topics.keys().copied();
        ids.filter(|id| self.after.topics.get(*id).is_none()).filter_map(|id| self.before.topics.get(id))
    }

    /// Partitions that appeared, changed or are gone; of a deleted topic, all.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionStep<'_>> {
        self.touched.topics.iter().flat_map(|(id, numbers)| self.topic_steps(*id, numbers))
    }

    fn topic_steps<'a>(&'a self, id: Uuid, numbers: &'a BTreeSet<i32>) -> Vec<PartitionStep<'a>> {
        let (before, after) = (self.before.topics.get(id), self.after.topics.get(id));
        let Some(topic) = after.or(before) else {
            return Vec::new();
        };
        let of = |side: Option<&'a Topic>, number: i32| side.and_then(|topic| topic.partitions.get(&number));
        let step = |number: i32| PartitionStep {
            topic,
            number,
            before: of(before, number),
            after: of(after, number),
        };
        match after {
            Some(_) => numbers.iter().map(|number| step(*number)).filter(PartitionStep::is_change).collect(),
            None => topic.partitions.keys().map(|number| step(*number)).collect(),
        }
    }
}

impl PartitionStep<'_> {
    fn is_change(&self) -> bool {
        self.before != self.after
    }
}
