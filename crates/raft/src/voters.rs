//! Who votes: the set of voters, and each one's identity and addresses (Kafka's `VoterSet`, `ReplicaKey`).
//!
//! A voter is a node *and* a directory: a node that lost its metadata directory is another voter (KIP-853). Where the
//! directory is not known (voters from configuration) the node id alone decides.

use std::collections::BTreeMap;
use std::fmt;

use ottla_model::{NodeId, Offset, Uuid};

/// A replica of the metadata log: the node and the id of its metadata directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplicaKey {
    /// `node.id`.
    pub id: NodeId,
    /// `directory.id` of the metadata directory; [`Uuid::ZERO`] when not known.
    pub directory: Uuid,
}

impl fmt::Display for ReplicaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} with directory {}", self.id, self.directory)
    }
}

/// An address of a voter's controller listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// A range of `kraft.version` levels, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KRaftVersions {
    /// The lowest level.
    pub min: i16,
    /// The highest level.
    pub max: i16,
}

/// One voter as a Voters record describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Who.
    pub key: ReplicaKey,
    /// Where its controller listens.
    pub endpoints: Vec<Endpoint>,
    /// What it speaks.
    pub versions: KRaftVersions,
}

/// The voters of the quorum, by node id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voters(BTreeMap<NodeId, Voter>);

impl Voters {
    /// A set; of two voters with one node id the later counts.
    #[must_use]
    pub fn new(voters: impl IntoIterator<Item = Voter>) -> Self {
        Self(voters.into_iter().map(|voter| (voter.key.id, voter)).collect())
    }

    /// All of them, by node id.
    pub fn iter(&self) -> impl Iterator<Item = &Voter> {
        self.0.values()
    }

    /// Their node ids, ascending.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.0.keys().copied()
    }

    /// The voter of a node.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&Voter> {
        self.0.get(&id)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody votes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `count` voters are more than half.
    #[must_use]
    pub fn is_majority(&self, count: usize) -> bool {
        count > self.0.len() / 2
    }

    /// The same set with this voter's addresses and range in place of what is recorded of it.
    #[must_use]
    pub fn updated(&self, voter: Voter) -> Self {
        let mut voters = self.0.clone();
        voters.insert(voter.key.id, voter);
        Self(voters)
    }
}

/// Where the set of voters was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VotersSource {
    /// `controller.quorum.voters`: `kraft.version` 0, never written to the log.
    Configured,
    /// The 0-0 checkpoint of the format command (KIP-1170): not in the log yet.
    Bootstrap,
    /// A Voters record at this offset of the log, or in the snapshot that ends there.
    Log(Offset),
}
