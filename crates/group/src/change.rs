//! What a decision yields: changes, replies, and notes for people.

use ottla_machine::Outcome;
use ottla_model::Tick;
use ottla_wire::messages::{
    ConsumerGroupHeartbeatResponse, HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse,
    OffsetCommitResponse, OffsetDeleteResponse, SyncGroupResponse,
};
use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue};

use crate::Text;
use crate::classic::ClassicGroup;
use crate::consumer::ConsumerVolatile;
use crate::timers::TimerKey;

/// One step of the shard's state.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Appended to the log, then applied; applied again when the shard is loaded.
    Append(Record),
    /// Applied after the records of its decision; gone when the shard is dropped.
    Volatile(Volatile),
}

/// A record of `__consumer_offsets`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The key.
    pub key: ConsumerOffsetsKey,
    /// The value and the version it is written in; `None` deletes.
    pub value: Option<(ConsumerOffsetsValue, i16)>,
}

/// State that no record carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Volatile {
    /// A classic group as it is from now on, with those who wait in it.
    Classic(Text, Box<ClassicGroup>),
    /// Something of a consumer group that no record carries.
    Consumer(Text, ConsumerVolatile),
    /// A deadline is set anew, or is no more.
    Timer(TimerKey, Option<Tick>),
}

/// Who waits for a reply: a number that the host gave out and never gives twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Waiter(pub u64);

impl Waiter {
    /// Nobody: the request came from the shard itself (a deadline, a change of topics).
    pub const NOBODY: Self = Self(0);
}

/// What one answers.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // each is the response of its API
pub enum Reply {
    Join(JoinGroupResponse),
    Sync(SyncGroupResponse),
    Heartbeat(HeartbeatResponse),
    Leave(LeaveGroupResponse),
    Commit(OffsetCommitResponse),
    DeleteOffsets(OffsetDeleteResponse),
    ConsumerHeartbeat(ConsumerGroupHeartbeatResponse),
    /// DeleteGroups (42), one group of it.
    DeleteGroup(Result<(), crate::Refusal>),
}

/// The replies of a decision, and what people are told of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replies {
    /// To whom and what. A waiter is answered once.
    pub replies: Vec<(Waiter, Reply)>,
    /// For log and metrics.
    pub notes: Vec<Note>,
}

/// Why a group is rebalanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the name of each is its meaning
pub enum Reason {
    MemberJoined,
    MemberRejoined,
    LeaderRejoined,
    MemberChanged,
    MemberLeft,
    SessionExpired,
    RebalanceExpired,
    SyncExpired,
    StaticMemberReplaced,
    TopicsChanged,
    ProtocolChanged,
    OverCapacity,
}

impl Reason {
    /// As it stands in a metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MemberJoined => "member_joined",
            Self::MemberRejoined => "member_rejoined",
            Self::LeaderRejoined => "leader_rejoined",
            Self::MemberChanged => "member_changed",
            Self::MemberLeft => "member_left",
            Self::SessionExpired => "session_expired",
            Self::RebalanceExpired => "rebalance_expired",
            Self::SyncExpired => "sync_expired",
            Self::StaticMemberReplaced => "static_member_replaced",
            Self::TopicsChanged => "topics_changed",
            Self::ProtocolChanged => "protocol_changed",
            Self::OverCapacity => "over_capacity",
        }
    }
}

/// Something that people want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A rebalance has begun, or a new epoch.
    Rebalance {
        /// The group.
        group: Text,
        /// The generation or epoch it had.
        generation: i32,
        /// Why.
        reason: Reason,
        /// Whose doing it was; empty when nobody's.
        member: Text,
        /// What the client said, or what was found; may be empty.
        detail: String,
    },
    /// Every member has its part again.
    Settled {
        /// The group.
        group: Text,
        /// The generation or epoch.
        generation: i32,
        /// Members.
        members: usize,
        /// Since the rebalance began, in milliseconds.
        took_ms: u64,
    },
}

/// Gathers what a decision yields.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    records: Vec<Change>,
    volatile: Vec<Change>,
    replies: Replies,
}

impl Decision {
    /// To be appended.
    pub(crate) fn record(&mut self, record: Record) {
        self.records.push(Change::Append(record));
    }

    /// To be applied after the records.
    pub(crate) fn volatile(&mut self, change: Volatile) {
        self.volatile.push(Change::Volatile(change));
    }

    /// A deadline is set anew.
    pub(crate) fn deadline(&mut self, key: TimerKey, at: Tick) {
        self.volatile(Volatile::Timer(key, Some(at)));
    }

    /// A deadline is no more.
    pub(crate) fn cancel(&mut self, key: TimerKey) {
        self.volatile(Volatile::Timer(key, None));
    }

    /// An answer, when somebody waits for it.
    pub(crate) fn reply(&mut self, to: Waiter, reply: Reply) {
        if to != Waiter::NOBODY {
            self.replies.replies.push((to, reply));
        }
    }

    /// For people.
    pub(crate) fn note(&mut self, note: Note) {
        self.replies.notes.push(note);
    }

    /// Takes over what another decision yields, after what this one yields.
    pub(crate) fn absorb(&mut self, other: Self) {
        let Self { mut records, mut volatile, replies: Replies { mut replies, mut notes } } = other;
        self.records.append(&mut records);
        self.volatile.append(&mut volatile);
        self.replies.replies.append(&mut replies);
        self.replies.notes.append(&mut notes);
    }

    /// The whole, records first.
    pub(crate) fn into_outcome(self) -> Outcome<Change, Replies> {
        let Self { mut records, mut volatile, replies } = self;
        records.append(&mut volatile);
        Outcome { records, reply: replies }
    }
}
