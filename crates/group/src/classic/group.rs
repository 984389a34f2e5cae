//! One classic group as a value, and the rules that concern it alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use ottla_model::{ErrorCode, Millis, Tick};

use crate::Text;
use crate::change::Waiter;
use crate::request::Client;

/// The protocol type of consumers; others (Kafka Connect) choose their own.
pub(crate) const CONSUMER: &str = "consumer";

/// Where a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No members; it may keep offsets.
    Empty,
    /// Waits for its members to join.
    PreparingRebalance,
    /// Waits for its leader's assignment.
    CompletingRebalance,
    /// Every member has its assignment.
    Stable,
}

impl State {
    /// Kafka's spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// A way of assigning that a member offers, and what it says for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Its name: `range`.
    pub name: Text,
    /// Opaque to the broker; for consumers their subscription.
    pub metadata: Bytes,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Given out by the broker.
    pub id: Text,
    /// `group.instance.id`.
    pub instance_id: Option<Text>,
    /// The client as it came.
    pub client: Client,
    /// How long it may take to join again.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent.
    pub session_timeout_ms: i32,
    /// What it offers, preferred first. Not empty.
    pub protocols: Arc<[Protocol]>,
    /// Its part of the last assignment; empty before the first.
    pub assignment: Bytes,
    /// Its JoinGroup waits for the others.
    pub joining: Option<Waiter>,
    /// Its SyncGroup waits for the leader.
    pub syncing: Option<Waiter>,
    /// It has joined for the first time and does not know its id yet.
    pub is_new: bool,
}

impl Member {
    /// What it says for a protocol; nothing for one that it does not offer.
    #[must_use]
    pub fn metadata(&self, protocol: &str) -> Option<&Bytes> {
        self.protocols.iter().find(|offered| &*offered.name == protocol).map(|offered| &offered.metadata)
    }
}

/// A classic group.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassicGroup {
    /// Where it stands.
    pub state: State,
    /// Since when; `None` for groups written before Kafka kept it.
    pub since: Option<Millis>,
    /// Whether it was empty when the rebalance began: it then waits for more members to come.
    pub initial: Option<InitialDelay>,
    /// Rises with each completed join phase.
    pub generation: i32,
    /// `consumer`, `connect`, …; `None` for a group that only keeps offsets.
    pub protocol_type: Option<Text>,
    /// What the members chose; `None` while the group is empty.
    pub protocol: Option<Text>,
    /// Who assigns; a member, unless there is none.
    pub leader: Option<Text>,
    /// By id.
    pub members: BTreeMap<Text, Arc<Member>>,
    /// Member ids by `group.instance.id`; exactly those of the static members.
    pub statics: BTreeMap<Text, Text>,
    /// Ids given out whose clients have not joined with them yet.
    pub pending: BTreeSet<Text>,
    /// Members of this generation that have not asked for their assignment.
    pub unsynced: BTreeSet<Text>,
    /// Topics that the members of the current generation subscribe to; `None` when that is not known.
    pub subscribed: Option<Arc<BTreeSet<Text>>>,
    /// When the rebalance began.
    pub rebalancing_since: Tick,
}

/// How long the first rebalance of an empty group still waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialDelay {
    /// The delay under way.
    pub delay_ms: i32,
    /// What is left of the longest rebalance timeout.
    pub remaining_ms: i32,
    /// Somebody has come since the delay began.
    pub more_came: bool,
}
