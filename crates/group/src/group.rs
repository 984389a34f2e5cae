//! A group of any kind.

use crate::classic::ClassicGroup;
use crate::consumer::ConsumerGroup;

/// A group by its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Group {
    /// Members choose their partitions among themselves; also groups that only keep offsets.
    Classic(Box<ClassicGroup>),
    /// The broker assigns (KIP-848).
    Consumer(Box<ConsumerGroup>),
    /// A kind that is not served here: its records stay untouched.
    Foreign(ForeignKind),
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
            Self::Foreign(ForeignKind::Share) => "share",
            Self::Foreign(ForeignKind::Streams) => "streams",
        }
    }
}
