//! A consumer as a little state machine: joins, leads or follows, beats, commits, and forgets when told to.

use std::collections::BTreeSet;

use bytes::Bytes;
use ottla_group::{Reply, Request, Waiter};
use ottla_model::{ErrorCode, Tick};
use ottla_wire::messages::join_group_request::JoinGroupRequestProtocol;
use ottla_wire::messages::leave_group_request::MemberIdentity;
use ottla_wire::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use ottla_wire::messages::sync_group_request::SyncGroupRequestAssignment;
use ottla_wire::messages::*;
use ottla_wire::{Message, Str};

pub(crate) const TOPIC: &str = "t";
pub(crate) const PARTITIONS: u8 = 6;
const BEAT_MS: u64 = 2_000;

/// How far a client has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Has to send a JoinGroup.
    Out,
    /// Waits for the answer to one.
    Joining(Waiter),
    /// Has to send a SyncGroup.
    Joined,
    /// Waits for the answer to one.
    Syncing(Waiter),
    /// Knows its part.
    Member,
    /// Does nothing any more: it has died, left, or was fenced.
    Gone,
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) instance: Option<String>,
    /// Of its JoinGroup.
    pub(crate) version: i16,
    pub(crate) session_ms: i32,
    pub(crate) rebalance_ms: i32,
    pub(crate) phase: Phase,
    pub(crate) id: String,
    pub(crate) generation: i32,
    /// What it has to assign, when it leads.
    members: Vec<String>,
    pub(crate) owned: BTreeSet<u8>,
    next_beat: Tick,
    protocols: Vec<&'static str>,
    /// It is silent until then.
    pub(crate) stalled_until: Tick,
}

impl Client {
    pub(crate) fn new(name: String, group: &str, instance: Option<String>, version: i16) -> Self {
        Self {
            name,
            group: group.to_owned(),
            instance,
            version,
            session_ms: 6_000,
            rebalance_ms: 8_000,
            phase: Phase::Out,
            id: String::new(),
            generation: -1,
            members: Vec::new(),
            owned: BTreeSet::new(),
            next_beat: Tick(0),
            protocols: vec!["range"],
            stalled_until: Tick(0),
        }
    }

    fn instance(&self) -> Option<Str> {
        self.instance.as_deref().map(Into::into)
    }

    /// What it asks at this moment, if anything. The caller sends it and tells the waiter with `sent`.
    pub(crate) fn due(&mut self, now: Tick) -> Option<Request> {
        if now < self.stalled_until {
            return None;
        }
        match self.phase {
            Phase::Out => Some(self.join()),
            Phase::Joined => Some(self.sync()),
            Phase::Member if now >= self.next_beat => {
                self.next_beat = now.plus_millis(BEAT_MS);
                Some(self.heartbeat())
            }
            Phase::Joining(_) | Phase::Syncing(_) | Phase::Member | Phase::Gone => None,
        }
    }

    pub(crate) fn sent(&mut self, request: &Request, waiter: Waiter) {
        match request {
            Request::Join(_) => self.phase = Phase::Joining(waiter),
            Request::Sync(_) => self.phase = Phase::Syncing(waiter),
            _ => {}
        }
    }

    fn join(&self) -> Request {
        let subscription = ConsumerProtocolSubscription { topics: vec![TOPIC.into()], ..Default::default() };
        let metadata = Bytes::from([&[0, 0], &subscription.to_bytes(0).unwrap()[..]].concat());
        let offer =
            |name: &&str| JoinGroupRequestProtocol { name: (*name).into(), metadata: metadata.clone() };
        Request::Join(JoinGroupRequest {
            group_id: self.group.as_str().into(),
            session_timeout_ms: self.session_ms,
            rebalance_timeout_ms: self.rebalance_ms,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance(),
            protocol_type: "consumer".into(),
            protocols: self.protocols.iter().map(offer).collect(),
            reason: None,
        })
    }

    /// Offers something else from now on, and has to join for it. `range` comes first always: a group that was loaded
    /// knows of its members no other than the one they chose.
    pub(crate) fn change(&mut self) {
        self.protocols = if self.protocols.len() == 1 { vec!["range", "sticky"] } else { vec!["range"] };
        if self.phase == Phase::Member {
            self.phase = Phase::Out;
        }
    }

    fn sync(&self) -> Request {
        let assignments = self.members.iter().enumerate().map(|(at, id)| {
            let part = (0..PARTITIONS).filter(|partition| usize::from(*partition) % self.members.len() == at);
            SyncGroupRequestAssignment {
                member_id: id.as_str().into(),
                assignment: part.map(letter).collect(),
            }
        });
        Request::Sync(SyncGroupRequest {
            group_id: self.group.as_str().into(),
            generation_id: self.generation,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance(),
            protocol_type: Some("consumer".into()),
            protocol_name: None,
            assignments: assignments.collect(),
        })
    }

    fn heartbeat(&self) -> Request {
        Request::Heartbeat(HeartbeatRequest {
            group_id: self.group.as_str().into(),
            generation_id: self.generation,
            member_id: self.id.as_str().into(),
            group_instance_id: self.instance(),
        })
    }

    pub(crate) fn commit(&self, partition: u8, offset: i64) -> Request {
        commit(&self.group, &self.id, self.generation, self.instance(), partition, offset)
    }

    pub(crate) fn leave(&mut self) -> Request {
        self.phase = Phase::Gone;
        let (member_id, group_instance_id) = (self.id.as_str().into(), self.instance());
        Request::Leave(LeaveGroupRequest {
            group_id: self.group.as_str().into(),
            member_id: Str::new(),
            members: vec![MemberIdentity { member_id, group_instance_id, reason: None }],
        })
    }

    /// Its connection is gone, and with it every answer that it waits for.
    pub(crate) fn disconnected(&mut self) {
        match self.phase {
            Phase::Joining(_) | Phase::Syncing(_) | Phase::Joined => self.phase = Phase::Out,
            Phase::Out | Phase::Member | Phase::Gone => {}
        }
    }

    /// An answer to something that it has asked.
    pub(crate) fn answered(&mut self, waiter: Waiter, request: &Request, reply: &Reply) {
        match (request, reply) {
            (Request::Join(_), Reply::Join(join)) if self.phase == Phase::Joining(waiter) => {
                self.joined(join)
            }
            (Request::Sync(_), Reply::Sync(sync)) if self.phase == Phase::Syncing(waiter) => {
                if sync.error_code == 0 {
                    self.owned = partitions(&sync.assignment);
                    self.phase = Phase::Member;
                } else {
                    self.refused(sync.error_code);
                }
            }
            (Request::Heartbeat(beat), Reply::Heartbeat(answer)) if self.phase == Phase::Member => {
                // What concerns its former self does not concern it.
                let current = *beat.member_id == *self.id && beat.generation_id == self.generation;
                if current && answer.error_code != 0 {
                    self.refused(answer.error_code);
                }
            }
            _ => {}
        }
    }

    fn joined(&mut self, join: &JoinGroupResponse) {
        if join.error_code == ErrorCode::MemberIdRequired.code() {
            self.id = join.member_id.to_string();
            self.phase = Phase::Out;
        } else if join.error_code != 0 {
            self.refused(join.error_code);
        } else {
            self.id = join.member_id.to_string();
            self.generation = join.generation_id;
            let leads = *join.leader == *self.id && !join.skip_assignment;
            let members = join.members.iter().filter(|_| leads).map(|member| member.member_id.to_string());
            self.members = members.collect();
            self.owned.clear();
            self.phase = Phase::Joined;
        }
    }

    fn refused(&mut self, code: i16) {
        self.owned.clear();
        self.phase = Phase::Out;
        match ErrorCode::from_code(code).unwrap() {
            ErrorCode::FencedInstanceId => self.phase = Phase::Gone,
            ErrorCode::UnknownMemberId => self.forget(),
            ErrorCode::IllegalGeneration => self.generation = -1,
            ErrorCode::RebalanceInProgress | ErrorCode::CoordinatorNotAvailable => {}
            other => panic!("{} is told {other}", self.name),
        }
    }

    /// Begins anew.
    pub(crate) fn forget(&mut self) {
        (self.id, self.generation) = (String::new(), -1);
        self.owned.clear();
        self.phase = Phase::Out;
    }
}

/// A commit of one offset.
pub(crate) fn commit(
    group: &str,
    member: &str,
    generation: i32,
    instance: Option<Str>,
    partition: u8,
    offset: i64,
) -> Request {
    let at = OffsetCommitRequestPartition {
        partition_index: partition.into(),
        committed_offset: offset,
        committed_leader_epoch: -1,
        committed_metadata: None,
    };
    let topic = OffsetCommitRequestTopic { name: TOPIC.into(), partitions: vec![at], ..Default::default() };
    Request::Commit(OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: generation,
        member_id: member.into(),
        group_instance_id: instance,
        retention_time_ms: -1,
        topics: vec![topic],
    })
}

/// How a partition stands in an assignment.
fn letter(partition: u8) -> u8 {
    b'0' + partition
}

/// The partitions of an assignment.
pub(crate) fn partitions(assignment: &[u8]) -> BTreeSet<u8> {
    assignment.iter().map(|letter| letter - b'0').collect()
}
