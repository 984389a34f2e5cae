//! The state of one partition of `__consumer_offsets`: every request to what decides it, every change to what it
//! changes.

use ottla_machine::{Machine, Outcome, Position};
use ottla_model::{ErrorCode, NO_PRODUCER_ID, Now, ProducerId, Tick};
use ottla_wire::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest,
};
use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue};

use crate::change::{Change, Decision, Volatile};
use crate::classic::{self, Joining, Step};
use crate::consumer;
use crate::context::Context;
use crate::leaving;
use crate::offsets;
use crate::record::{Record, ReplayError};
use crate::refusal::Refusal;
use crate::reply::{Replies, Reply, Waiter};
use crate::request::{Ask, Client, Request};
use crate::state::classic::ClassicGroup;
use crate::state::{Committed, Shard};
use crate::state::{ForeignGroup, ForeignKind, Group};
use crate::timers::TimerKey;

impl Machine for Shard {
    type Request = Ask;
    type Reply = Replies;
    type Record = Change;
    type Context = Context;
    type Error = ReplayError;

    fn decide(&self, ask: Ask, context: &Context) -> Outcome<Change, Replies> {
        self.decide_on(&ask, context)
    }

    fn apply(&mut self, change: &Change, at: Position) -> Result<(), ReplayError> {
        match change {
            Change::Append(record) => self.replay(record, NO_PRODUCER_ID, at),
            Change::Volatile(Volatile::Classic(id, group)) => {
                self.groups.insert(id.clone(), Group::Classic(group.clone()));
                Ok(())
            }
            Change::Volatile(Volatile::Consumer(id, change)) => {
                if let Some(Group::Consumer(group)) = self.groups.get_mut(id) {
                    group.settle(change);
                }
                Ok(())
            }
            Change::Volatile(Volatile::Timer(key, at)) => {
                self.timers.set(key, *at);
                Ok(())
            }
        }
    }

    fn snapshot(&self) -> Vec<Change> {
        let groups = self.groups.iter().flat_map(|(id, group)| match group {
            Group::Classic(group) if group.protocol_type.is_none() && group.generation == 0 => Vec::new(),
            Group::Classic(group) => vec![classic::record(id, group)],
            Group::Consumer(group) => consumer::snapshot(id, group),
            // Its records are not understood: they stay in the log.
            Group::Foreign(_) => Vec::new(),
        });
        groups.chain(offsets::snapshot(&self.offsets)).map(Change::Append).collect()
    }
}

impl Shard {
    /// As [`Machine::decide`], of a request that the caller keeps: it may have to be refused after all.
    pub fn decide_on(&self, ask: &Ask, context: &Context) -> Outcome<Change, Replies> {
        let mut decision = Decision::default();
        let to = &mut decision;
        let Ask { waiter, client, version, request } = ask;
        let (waiter, version) = (*waiter, *version);
        match request {
            Request::Join(join) => self.join(to, waiter, client, version, join, context),
            Request::Sync(sync) => self.sync(to, waiter, sync, context),
            Request::Heartbeat(heartbeat) => self.heartbeat(to, waiter, heartbeat, context),
            Request::Leave(leave) => self.leave(to, waiter, version, leave, context),
            Request::Commit(commit) => offsets::commit(self, to, waiter, version, commit, context),
            Request::DeleteOffsets(delete) => offsets::delete(self, to, waiter, delete),
            Request::DeleteGroup(id) => self.delete_group(to, waiter, id),
            Request::ConsumerHeartbeat(beat) => {
                consumer::heartbeat(self, to, waiter, client, version, beat, context);
            }
            Request::Expired(key) => self.expired(to, key, context),
            Request::TopicsDeleted(topics) => offsets::topics_deleted(self, to, topics),
            Request::TopicsChanged => consumer::topics_changed(self, to, context),
            Request::Loaded => self.loaded(to, context),
            Request::ExpireOffsets => offsets::expire(self, to, context),
        }
        decision.into_outcome()
    }

    /// Sets a deadline: of one whose decision could not be appended.
    pub fn set_deadline(&mut self, key: &TimerKey, at: Tick) {
        self.timers.set(key, Some(at));
    }

    /// Applies a record of the log; `producer` is that of its batch when it belongs to a transaction.
    ///
    /// # Errors
    /// When the record contradicts the state.
    pub fn replay(&mut self, record: &Record, producer: ProducerId, at: Position) -> Result<(), ReplayError> {
        use ConsumerOffsetsKey as Key;
        use ConsumerOffsetsValue as Value;
        let value = record.value.as_ref().map(|(value, _)| value);
        match (&record.key, value) {
            (Key::OffsetCommit(key), Some(Value::OffsetCommit(value))) => {
                let committed = Committed::read(value, at.offset);
                self.committed((&key.group, &key.topic, key.partition), committed, producer);
            }
            (Key::LegacyOffsetCommit(key), Some(Value::LegacyOffsetCommit(value))) => {
                let committed = Committed::read_legacy(value, at.offset);
                self.committed((&key.group, &key.topic, key.partition), committed, producer);
            }
            (Key::OffsetCommit(key), None) => self.offsets.remove(&key.group, &key.topic, key.partition),
            (Key::LegacyOffsetCommit(key), None) => {
                self.offsets.remove(&key.group, &key.topic, key.partition)
            }
            (Key::GroupMetadata(key), Some(Value::GroupMetadata(value))) => {
                let group = Box::new(classic::read(value));
                self.groups.insert((&*key.group).into(), Group::Classic(group));
            }
            (Key::GroupMetadata(key), None) => {
                if matches!(self.groups.get(&*key.group), Some(Group::Classic(_))) {
                    self.groups.remove(&*key.group);
                }
            }
            (key, value) => match foreign(key) {
                Some((id, kind, is_group)) => self.replay_foreign(id, kind, is_group, value.is_some()),
                None => return consumer::replay(&mut self.groups, record),
            },
        }
        Ok(())
    }

    /// A transaction that committed offsets has ended.
    pub fn end_transaction(&mut self, producer: ProducerId, commit: bool) {
        self.offsets.end_transaction(producer, commit);
    }

    fn committed(&mut self, place: (&str, &str, i32), committed: Committed, producer: ProducerId) {
        if !self.groups.contains_key(place.0) {
            let now = Now { wall: committed.committed_at, tick: Tick::default() };
            self.groups.insert(place.0.into(), Group::Classic(Box::new(ClassicGroup::empty(now))));
        }
        self.offsets.put(place, committed, producer);
    }

    /// A group of a foreign kind comes with its first record and goes with that of the group itself.
    fn replay_foreign(&mut self, id: &str, kind: ForeignKind, is_group: bool, is_there: bool) {
        if is_there {
            self.groups.insert(id.into(), Group::Foreign(ForeignGroup { kind }));
        } else if is_group && matches!(self.groups.get(id), Some(Group::Foreign(_))) {
            self.groups.remove(id);
        }
    }

    fn join(
        &self,
        decision: &mut Decision,
        waiter: Waiter,
        client: &Client,
        version: i16,
        request: &JoinGroupRequest,
        context: &Context,
    ) {
        let (id, member) = (&*request.group_id, &*request.member_id);
        let sessions = context.settings.min_session_timeout_ms..=context.settings.max_session_timeout_ms;
        let refusal = if id.is_empty() {
            Some(ErrorCode::InvalidGroupId)
        } else if !sessions.contains(&request.session_timeout_ms) {
            Some(ErrorCode::InvalidSessionTimeout)
        } else {
            None
        };
        if let Some(code) = refusal {
            decision.reply(waiter, classic::refuse_join(member, code));
            return;
        }
        let joining = Joining { waiter, client, version, request };
        match self.groups.get(id) {
            Some(Group::Classic(group)) => {
                classic::join(Step::new(id, ClassicGroup::clone(group), decision, context), &joining, false);
            }
            Some(Group::Consumer(group)) if !group.is_empty() => {
                consumer::join_classic(self, decision, waiter, client, version, request, context);
            }
            Some(Group::Foreign(_)) => {
                decision.reply(waiter, classic::refuse_join("", ErrorCode::InconsistentGroupProtocol));
            }
            Some(Group::Consumer(_)) | None if !member.is_empty() => {
                decision.reply(waiter, classic::refuse_join(member, ErrorCode::UnknownMemberId));
            }
            known @ (None | Some(Group::Consumer(_))) => {
                let group = ClassicGroup::empty(context.now);
                let offered = request.protocols.iter().map(|protocol| &*protocol.name);
                // Only a join that is taken puts another group in the place of an empty one.
                if let Some(former) = known.filter(|_| group.supports(&request.protocol_type, offered)) {
                    former.tombstones(id, decision);
                }
                classic::join(Step::new(id, group, decision, context), &joining, true);
            }
        }
    }

    fn sync(&self, decision: &mut Decision, waiter: Waiter, request: &SyncGroupRequest, context: &Context) {
        let id = &*request.group_id;
        if id.is_empty() {
            decision.reply(waiter, classic::refuse_sync(ErrorCode::InvalidGroupId));
            return;
        }
        match self.groups.get(id) {
            Some(Group::Classic(group)) => {
                classic::sync(Step::new(id, ClassicGroup::clone(group), decision, context), waiter, request);
            }
            Some(Group::Consumer(group)) if !group.is_empty() => {
                consumer::sync_classic(self, decision, waiter, request, context);
            }
            Some(Group::Consumer(_) | Group::Foreign(_)) | None => {
                decision.reply(waiter, classic::refuse_sync(ErrorCode::UnknownMemberId));
            }
        }
    }

    fn heartbeat(
        &self,
        decision: &mut Decision,
        waiter: Waiter,
        request: &HeartbeatRequest,
        context: &Context,
    ) {
        let refuse = |code: ErrorCode| {
            Reply::Heartbeat(HeartbeatResponse { error_code: code.code(), ..Default::default() })
        };
        if request.group_id.is_empty() {
            decision.reply(waiter, refuse(ErrorCode::InvalidGroupId));
            return;
        }
        match self.groups.get_key_value(&*request.group_id) {
            Some((id, Group::Classic(group))) => {
                classic::heartbeat(id, group, decision, waiter, request, context);
            }
            Some((_, Group::Consumer(_))) => {
                consumer::heartbeat_classic(self, decision, waiter, request, context);
            }
            Some((_, Group::Foreign(_))) | None => decision.reply(waiter, refuse(ErrorCode::UnknownMemberId)),
        }
    }

    fn leave(
        &self,
        decision: &mut Decision,
        waiter: Waiter,
        version: i16,
        request: &LeaveGroupRequest,
        context: &Context,
    ) {
        let id = &*request.group_id;
        match self.groups.get(id) {
            _ if id.is_empty() => {
                if let Some(reply) = Request::Leave(request.clone()).refused(ErrorCode::InvalidGroupId) {
                    decision.reply(waiter, reply);
                }
            }
            Some(Group::Classic(group)) => {
                let step = Step::new(id, ClassicGroup::clone(group), decision, context);
                classic::leave(step, waiter, version, request);
            }
            Some(Group::Consumer(_)) => {
                consumer::leave_classic(self, decision, waiter, version, request, context);
            }
            Some(Group::Foreign(_)) | None => {
                decision.reply(waiter, Reply::Leave(leaving::unknown(request, version)));
            }
        }
    }

    fn delete_group(&self, decision: &mut Decision, waiter: Waiter, id: &str) {
        let result = match self.groups.get(id) {
            None => Err(ErrorCode::GroupIdNotFound),
            Some(group) => group.admits_deletion().map(|()| group),
        };
        let answer = result.map(|group| {
            offsets::delete_all(self, id, decision);
            group.tombstones(id, decision);
        });
        decision.reply(waiter, Reply::DeleteGroup(answer.map_err(Refusal::from)));
    }

    fn expired(&self, decision: &mut Decision, key: &TimerKey, context: &Context) {
        match self.groups.get(key.group()) {
            Some(Group::Classic(group)) => {
                classic::expired(Step::new(key.group(), ClassicGroup::clone(group), decision, context), key);
            }
            Some(Group::Consumer(_)) => consumer::expired(self, decision, key, context),
            Some(Group::Foreign(_)) | None => {}
        }
    }

    fn loaded(&self, decision: &mut Decision, context: &Context) {
        for (id, group) in &self.groups {
            match group {
                Group::Classic(group) => classic::loaded(id, group, decision, context),
                Group::Consumer(group) => consumer::loaded(id, group, decision, context),
                Group::Foreign(_) => {}
            }
        }
    }

    /// Takes a deadline that has passed; ask for its decision with [`Request::Expired`].
    pub fn take_expired(&mut self, now: Tick) -> Option<TimerKey> {
        self.timers.pop(now)
    }

    /// When to look for deadlines again; not later than the first.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        self.timers.next()
    }

    /// Answers for everybody who waits: the shard is no longer served here.
    #[must_use]
    pub fn release(&self, code: ErrorCode) -> Replies {
        let mut decision = Decision::default();
        for group in self.groups.values() {
            match group {
                Group::Classic(group) => classic::release(group, code, &mut decision),
                // Nobody waits in a consumer group.
                Group::Consumer(_) | Group::Foreign(_) => {}
            }
        }
        decision.into_outcome().reply
    }
}

/// A record of a kind that is not served here: its group, and whether the record is that of the group itself.
fn foreign(key: &ConsumerOffsetsKey) -> Option<(&str, ForeignKind, bool)> {
    use ConsumerOffsetsKey as Key;
    use ForeignKind::{Share, Streams};
    Some(match key {
        Key::ShareGroupMetadata(key) => (&key.group_id, Share, true),
        Key::ShareGroupMemberMetadata(key) => (&key.group_id, Share, false),
        Key::ShareGroupTargetAssignmentMetadata(key) => (&key.group_id, Share, false),
        Key::ShareGroupTargetAssignmentMember(key) => (&key.group_id, Share, false),
        Key::ShareGroupCurrentMemberAssignment(key) => (&key.group_id, Share, false),
        Key::ShareGroupStatePartitionMetadata(key) => (&key.group_id, Share, false),
        Key::StreamsGroupMetadata(key) => (&key.group_id, Streams, true),
        Key::StreamsGroupMemberMetadata(key) => (&key.group_id, Streams, false),
        Key::StreamsGroupTargetAssignmentMetadata(key) => (&key.group_id, Streams, false),
        Key::StreamsGroupTargetAssignmentMember(key) => (&key.group_id, Streams, false),
        Key::StreamsGroupCurrentMemberAssignment(key) => (&key.group_id, Streams, false),
        Key::StreamsGroupTopology(key) => (&key.group_id, Streams, false),
        Key::LegacyOffsetCommit(_)
        | Key::OffsetCommit(_)
        | Key::GroupMetadata(_)
        | Key::ConsumerGroupMetadata(_)
        | Key::ConsumerGroupPartitionMetadata(_)
        | Key::ConsumerGroupMemberMetadata(_)
        | Key::ConsumerGroupTargetAssignmentMetadata(_)
        | Key::ConsumerGroupTargetAssignmentMember(_)
        | Key::ConsumerGroupCurrentMemberAssignment(_)
        | Key::ConsumerGroupRegularExpression(_) => return None,
    })
}
