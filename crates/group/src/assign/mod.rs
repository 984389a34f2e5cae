//! Assignors of the server: who of a consumer group owns which partitions (KIP-848).
//!
//! An assignor is a function of who subscribes to what and who owned what before; it knows no group, epoch or time.
//! Invariant of every assignor: each partition of each subscribed topic goes to exactly one member that subscribes
//! to it; topics that nobody subscribes to, or that do not exist, are in nobody's assignment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ottla_model::Uuid;

mod audience;
mod range;
#[cfg(test)]
mod tests;
mod uniform;

/// Partitions by topic. A topic without partitions is not in it.
pub type Assignment = BTreeMap<Uuid, BTreeSet<i32>>;

/// One member as an assignor sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriber {
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    /// `client.rack`.
    pub rack: Option<Arc<str>>,
    /// What it subscribes to, patterns resolved.
    pub topics: Arc<BTreeSet<Uuid>>,
    /// What the last target assignment gave it.
    pub owned: Arc<Assignment>,
}

/// What an assignor may know of topics.
pub trait Topics {
    /// How many partitions a topic has; 0 for one that does not exist.
    fn partitions(&self, topic: Uuid) -> i32;

    /// Racks of the brokers that hold a replica of a partition; empty when none is known.
    fn racks(&self, topic: Uuid, partition: i32) -> BTreeSet<Arc<str>>;
}

/// The assignors, as members ask for them and `group.consumer.assignors` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    /// Even over all topics, and sticky.
    Uniform,
    /// A contiguous range of each topic.
    Range,
}

impl Assignor {
    /// The assignor of this name; names are compared as they are.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Uniform, Self::Range].into_iter().find(|assignor| assignor.name() == name)
    }

    /// Its name on the wire and in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// The assignment of every member, by member id; empty for one that gets nothing.
    #[must_use]
    pub fn assign(
        self,
        members: &BTreeMap<Arc<str>, Subscriber>,
        topics: &dyn Topics,
    ) -> BTreeMap<Arc<str>, Assignment> {
        match self {
            Self::Uniform => uniform::assign(members, topics),
            Self::Range => range::assign(members, topics),
        }
    }
}
