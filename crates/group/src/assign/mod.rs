//! Assignors of the server: who of a consumer group owns which partitions (KIP-848).
//!
//! An assignor is a function of who subscribes to what and who owned what before; it knows no group, epoch or time.
//! Invariant of every assignor: each partition of each subscribed topic goes to exactly one member that subscribes
//! to it; topics that nobody subscribes to, or that do not exist, are in nobody's assignment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ottla_model::Uuid;

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

/// An assignor by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    /// `uniform`.
    Uniform,
    /// `range`.
    Range,
}
