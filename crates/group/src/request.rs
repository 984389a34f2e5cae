//! What is asked of a shard.

use ottla_model::{ErrorCode, Uuid};
use ottla_wire::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, HeartbeatRequest, HeartbeatResponse,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, OffsetCommitRequest,
    OffsetDeleteRequest, OffsetDeleteResponse, SyncGroupRequest, SyncGroupResponse,
};

use crate::Text;
use crate::refusal::Refusal;
use crate::reply::{Reply, Waiter};
use crate::timers::TimerKey;

/// A request and who waits for its reply.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who waits.
    pub waiter: Waiter,
    /// The client.
    pub client: Client,
    /// The version of the API.
    pub version: i16,
    /// What is asked.
    pub request: Request,
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// `client.id`; free text.
    pub id: Text,
    /// Its address, in Kafka's form (`/127.0.0.1`).
    pub host: Text,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Request {
    /// JoinGroup (11).
    Join(JoinGroupRequest),
    /// SyncGroup (14).
    Sync(SyncGroupRequest),
    /// Heartbeat (12).
    Heartbeat(HeartbeatRequest),
    /// LeaveGroup (13).
    Leave(LeaveGroupRequest),
    /// OffsetCommit (8), names and ids resolved, topics that do not exist taken out.
    Commit(OffsetCommitRequest),
    /// OffsetDelete (47), topics that do not exist taken out.
    DeleteOffsets(OffsetDeleteRequest),
    /// DeleteGroups (42), one group.
    DeleteGroup(Text),
    /// ConsumerGroupHeartbeat (68).
    ConsumerHeartbeat(ConsumerGroupHeartbeatRequest),
    /// A deadline has passed.
    Expired(TimerKey),
    /// Topics that are gone: their offsets go.
    TopicsDeleted(Vec<(Text, Uuid)>),
    /// Topics that came, went or grew: groups that subscribe to them look again.
    TopicsChanged,
    /// The shard has been loaded: deadlines begin.
    Loaded,
    /// Offsets and groups that nobody has used for long go.
    ExpireOffsets,
}

impl Request {
    /// The refusal of the whole request in the form of its answer; `None` where nobody waits or each part is
    /// answered for itself.
    #[must_use]
    pub fn refused(&self, code: ErrorCode) -> Option<Reply> {
        let error_code = code.code();
        match self {
            Self::Join(request) => Some(Reply::Join(JoinGroupResponse {
                error_code,
                member_id: request.member_id.clone(),
                ..Default::default()
            })),
            Self::Sync(_) => Some(Reply::Sync(SyncGroupResponse { error_code, ..Default::default() })),
            Self::Heartbeat(_) => {
                Some(Reply::Heartbeat(HeartbeatResponse { error_code, ..Default::default() }))
            }
            Self::Leave(_) => Some(Reply::Leave(LeaveGroupResponse { error_code, ..Default::default() })),
            Self::Commit(request) => Some(Reply::Commit(crate::offsets::refuse_commit(request, code))),
            Self::DeleteOffsets(_) => {
                Some(Reply::DeleteOffsets(OffsetDeleteResponse { error_code, ..Default::default() }))
            }
            Self::DeleteGroup(_) => Some(Reply::DeleteGroup(Err(Refusal::from(code)))),
            Self::ConsumerHeartbeat(_) => Some(Reply::ConsumerHeartbeat(ConsumerGroupHeartbeatResponse {
                error_code,
                ..Default::default()
            })),
            Self::Expired(_)
            | Self::TopicsDeleted(_)
            | Self::TopicsChanged
            | Self::Loaded
            | Self::ExpireOffsets => None,
        }
    }
}
