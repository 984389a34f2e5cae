//! Who waits for what, and what people are told of a decision.

use ottla_wire::messages::{
    ConsumerGroupHeartbeatResponse, HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse,
    OffsetCommitResponse, OffsetDeleteResponse, SyncGroupResponse,
};

use ottla_model::ErrorCode;

use crate::Text;
use crate::refusal::Refusal;

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
    DeleteGroup(Result<(), Refusal>),
}

impl Reply {
    /// The refusal in its place: what it tells is not true, or may be lost.
    #[must_use]
    pub fn refused(self, code: ErrorCode) -> Self {
        let error_code = code.code();
        match self {
            Self::Join(JoinGroupResponse { member_id, .. }) => {
                Self::Join(JoinGroupResponse { error_code, member_id, ..Default::default() })
            }
            Self::Sync(_) => Self::Sync(SyncGroupResponse { error_code, ..Default::default() }),
            Self::Heartbeat(_) => Self::Heartbeat(HeartbeatResponse { error_code, ..Default::default() }),
            Self::Leave(_) => Self::Leave(LeaveGroupResponse { error_code, ..Default::default() }),
            Self::Commit(mut commit) => {
                let partitions = commit.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
                partitions.for_each(|partition| partition.error_code = error_code);
                Self::Commit(commit)
            }
            Self::DeleteOffsets(_) => {
                Self::DeleteOffsets(OffsetDeleteResponse { error_code, ..Default::default() })
            }
            Self::ConsumerHeartbeat(_) => {
                Self::ConsumerHeartbeat(ConsumerGroupHeartbeatResponse { error_code, ..Default::default() })
            }
            Self::DeleteGroup(_) => Self::DeleteGroup(Err(Refusal::from(code))),
        }
    }
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
