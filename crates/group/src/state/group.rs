//! A group of any kind, and what is asked of all kinds alike.

use ottla_model::ErrorCode;

use crate::state::classic::{CONSUMER, ClassicGroup, State};
use crate::state::consumer::ConsumerGroup;

/// A group by its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Group {
    /// Members choose their partitions among themselves; also groups that only keep offsets.
    Classic(Box<ClassicGroup>),
    /// The broker assigns (KIP-848).
    Consumer(Box<ConsumerGroup>),
    /// A kind that is not served here: its records stay untouched.
    Foreign(ForeignGroup),
}

/// A group that only Kafka serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignGroup {
    /// Its kind.
    pub kind: ForeignKind,
}

/// Kinds of groups that are known and not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the name of each is its meaning
pub enum ForeignKind {
    Share,
    Streams,
}

impl Group {
    /// `Group.GroupType` in Kafka's spelling.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Classic(_) => "classic",
            Self::Consumer(_) => "consumer",
            Self::Foreign(ForeignGroup { kind: ForeignKind::Share }) => "share",
            Self::Foreign(ForeignGroup { kind: ForeignKind::Streams }) => "streams",
        }
    }

    /// Its state in Kafka's spelling. Nobody here tells what one of a foreign kind does: its members are not served.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self {
            Self::Classic(group) => group.state.name(),
            Self::Consumer(group) => group.state_name(),
            Self::Foreign(_) => "Empty",
        }
    }

    /// Its protocol type as ListGroups tells it.
    #[must_use]
    pub fn protocol_type(&self) -> &str {
        match self {
            Self::Classic(group) => group.protocol_type.as_deref().unwrap_or_default(),
            Self::Consumer(_) => CONSUMER,
            Self::Foreign(ForeignGroup { kind: ForeignKind::Share }) => "share",
            Self::Foreign(ForeignGroup { kind: ForeignKind::Streams }) => "streams",
        }
    }

    /// Whether it has no members. One of a foreign kind is never taken for empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Classic(group) => group.state == State::Empty,
            Self::Consumer(group) => group.is_empty(),
            Self::Foreign(_) => false,
        }
    }

    /// How many members it has.
    #[must_use]
    pub fn members(&self) -> usize {
        match self {
            Self::Classic(group) => group.members.len(),
            Self::Consumer(group) => group.member_count(),
            Self::Foreign(_) => 0,
        }
    }

    /// Whether a member reads from a topic.
    #[must_use]
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        match self {
            Self::Classic(group) => group.is_subscribed_to(topic),
            Self::Consumer(group) => group.is_subscribed_to(topic),
            Self::Foreign(_) => true,
        }
    }

    /// Whether it may be deleted.
    pub(crate) fn admits_deletion(&self) -> Result<(), ErrorCode> {
        match self {
            Self::Foreign(_) => Err(ErrorCode::GroupIdNotFound),
            Self::Classic(_) | Self::Consumer(_) if self.is_empty() => Ok(()),
            Self::Classic(_) | Self::Consumer(_) => Err(ErrorCode::NonEmptyGroup),
        }
    }
}
