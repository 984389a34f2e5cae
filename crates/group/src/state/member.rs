//! A member of a consumer group, as its records say (Kafka's `ConsumerGroupMember`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ottla_model::Uuid;

use crate::Text;
use crate::request::Client;
use crate::state::classic::Protocol;

/// The epoch with which a member leaves.
pub(crate) const LEAVE: i32 = -1;
/// The epoch with which a static member leaves and will come back; also its epoch until then.
pub(crate) const LEAVE_FOR_NOW: i32 = -2;

/// Partitions by topic, each with the epoch in which the member got it. A topic without partitions is not in it.
pub type Owned = BTreeMap<Uuid, BTreeMap<i32, i32>>;

/// How far a member is on its way to the target assignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberState {
    /// It has what its epoch's target gives it.
    #[default]
    Stable,
    /// It has to give partitions back before it moves on.
    Unrevoked,
    /// It is in the target's epoch and waits for partitions that others have not given back.
    Unreleased,
    /// A state of a later Kafka: it has to give everything back and join again.
    Unknown,
}

impl MemberState {
    /// The number in the record.
    #[must_use]
    pub const fn code(self) -> i8 {
        match self {
            Self::Stable => 0,
            Self::Unrevoked => 1,
            Self::Unreleased => 2,
            Self::Unknown => 127,
        }
    }

    /// The state of a number.
    #[must_use]
    pub const fn from_code(code: i8) -> Self {
        match code {
            0 => Self::Stable,
            1 => Self::Unrevoked,
            2 => Self::Unreleased,
            _ => Self::Unknown,
        }
    }
}

/// What a member that speaks the classic protocol said when it joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicMember {
    /// How long it may be silent.
    pub session_timeout_ms: i32,
    /// What it offers, preferred first.
    pub protocols: Arc<[Protocol]>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id, chosen by the client, or by the broker for old clients.
    pub id: Text,
    /// The epoch it was told last; −2 while a static member is away, −1 between its tombstones.
    pub epoch: i32,
    /// The epoch before; a client that lost the last answer still comes with this one.
    pub previous_epoch: i32,
    /// How far it is.
    pub state: MemberState,
    /// `group.instance.id`.
    pub instance_id: Option<Text>,
    /// `client.rack`.
    pub rack: Option<Text>,
    /// The client as it came last.
    pub client: Client,
    /// Topics by name.
    pub topics: Arc<BTreeSet<Text>>,
    /// Topics by pattern; an empty one is none.
    pub pattern: Option<Text>,
    /// How long it may take to give partitions back; −1 until it said so.
    pub rebalance_timeout_ms: i32,
    /// The assignor it asks for.
    pub assignor: Option<Text>,
    /// Set when it speaks the classic protocol.
    pub classic: Option<Arc<ClassicMember>>,
    /// What it was told to own.
    pub assigned: Arc<Owned>,
    /// What it was told to give back and still owns.
    pub revoking: Arc<Owned>,
}

impl Member {
    /// A member before its first record.
    #[must_use]
    pub fn new(id: Text) -> Self {
        Self {
            id,
            epoch: 0,
            previous_epoch: -1,
            state: MemberState::Stable,
            instance_id: None,
            rack: None,
            client: Client::default(),
            topics: Arc::default(),
            pattern: Some(Text::from("")),
            rebalance_timeout_ms: -1,
            assignor: None,
            classic: None,
            assigned: Arc::default(),
            revoking: Arc::default(),
        }
    }

    /// Whether it speaks the classic protocol.
    #[must_use]
    pub const fn is_classic(&self) -> bool {
        self.classic.is_some()
    }

    /// The pattern, when it has one.
    #[must_use]
    pub fn pattern(&self) -> Option<&Text> {
        self.pattern.as_ref().filter(|pattern| !pattern.is_empty())
    }

    /// Whether it has everything of an epoch's target.
    #[must_use]
    pub fn has_reached(&self, target_epoch: i32) -> bool {
        self.state == MemberState::Stable && self.epoch == target_epoch
    }

    /// Everything it owns, that to be given back included.
    pub(crate) fn holds(&self) -> impl Iterator<Item = (Uuid, i32)> + '_ {
        let flat = |owned: &'_ Owned| -> Vec<(Uuid, i32)> {
            owned
                .iter()
                .flat_map(|(topic, partitions)| partitions.keys().map(|partition| (*topic, *partition)))
                .collect()
        };
        flat(&self.assigned).into_iter().chain(flat(&self.revoking))
    }

    /// The epoch in which it got a partition that it owns or gives back.
    #[must_use]
    pub fn assignment_epoch(&self, topic: Uuid, partition: i32) -> Option<i32> {
        let of = |owned: &Owned| owned.get(&topic)?.get(&partition).copied();
        of(&self.assigned).or_else(|| of(&self.revoking))
    }

    /// Moves to an epoch, or says the same one again; the one before is remembered either way.
    pub(crate) const fn enter(&mut self, epoch: i32) {
        self.previous_epoch = self.epoch;
        self.epoch = epoch;
    }
}
