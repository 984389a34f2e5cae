//! One decision about one classic group: the group as it becomes, and what the decision yields.

use ottla_model::ErrorCode;
use ottla_wire::messages::join_group_response::JoinGroupResponseMember;
use ottla_wire::messages::{JoinGroupResponse, SyncGroupResponse};

use crate::Text;
use crate::change::{Decision, Volatile};
use crate::classic::records;
use crate::context::Context;
use crate::limits::MIN_JOIN_AGAIN_MS;
use crate::reply::{Note, Reason, Reply, Waiter};
use crate::state::classic::{ClassicGroup, InitialDelay, Member, State};
use crate::timers::TimerKey;

/// How long a member that has joined for the first time may wait for the others, whatever its session: it has no id
/// to be heard by yet.
pub(crate) const NEW_MEMBER_JOIN_MS: i32 = 5 * 60 * 1000;

/// A group on its way to its next value.
pub(crate) struct Step<'a> {
    pub(crate) id: Text,
    pub(crate) group: ClassicGroup,
    pub(crate) decision: &'a mut Decision,
    pub(crate) context: &'a Context,
}

impl<'a> Step<'a> {
    pub(crate) fn new(
        id: &str,
        group: ClassicGroup,
        decision: &'a mut Decision,
        context: &'a Context,
    ) -> Self {
        Self { id: id.into(), group, decision, context }
    }

    /// The group is as it has become.
    pub(crate) fn finish(self) {
        self.decision.volatile(Volatile::Classic(self.id, Box::new(self.group)));
    }

    /// The session of a member begins anew.
    pub(crate) fn hear(&mut self, member: &str, millis: i32) {
        let key = TimerKey::Session { group: self.id.clone(), member: member.into() };
        self.decision.deadline(key, self.context.after_millis(millis));
    }

    /// A member or pending id leaves; what it waits for ends.
    pub(crate) fn remove(&mut self, member: &str) {
        self.decision.cancel(TimerKey::Session { group: self.id.clone(), member: member.into() });
        let Some(gone) = self.group.remove(member) else { return };
        if let Some(waiter) = gone.joining {
            self.decision.reply(waiter, refuse_join("", ErrorCode::UnknownMemberId));
        }
        if let Some(waiter) = gone.syncing {
            self.decision.reply(waiter, refuse_sync(ErrorCode::UnknownMemberId));
        }
    }

    /// A rebalance begins where one can; otherwise the one under way may be over.
    pub(crate) fn rebalance_or_complete(&mut self, reason: Reason, member: &str, detail: &str) {
        if self.group.state == State::PreparingRebalance {
            self.complete_if_all_joined();
        } else {
            self.rebalance(reason, member, detail);
        }
    }

    /// Begins a rebalance.
    pub(crate) fn rebalance(&mut self, reason: Reason, member: &str, detail: &str) {
        if self.group.state == State::CompletingRebalance {
            self.end_syncs(ErrorCode::RebalanceInProgress);
        }
        self.group.unsynced.clear();
        self.decision.cancel(TimerKey::Sync { group: self.id.clone() });
        self.decision.note(Note::Rebalance {
            group: self.id.clone(),
            generation: self.group.generation,
            reason,
            member: member.into(),
            detail: detail.to_owned(),
        });
        let was_empty = self.group.state == State::Empty;
        self.group.enter(State::PreparingRebalance, self.context.now);
        self.group.rebalancing_since = self.context.now.tick;
        if was_empty {
            let delay_ms = self.context.settings.initial_rebalance_delay_ms;
            let remaining_ms = self.group.rebalance_timeout_ms().saturating_sub(delay_ms).max(0);
            self.group.initial = Some(InitialDelay { delay_ms, remaining_ms, more_came: false });
            self.join_deadline(delay_ms);
        } else if self.group.all_joined() {
            self.complete();
        } else {
            self.join_deadline(self.group.rebalance_timeout_ms());
        }
    }

    pub(crate) fn join_deadline(&mut self, millis: i32) {
        let key = TimerKey::Join { group: self.id.clone() };
        self.decision.deadline(key, self.context.after_millis(millis));
    }

    /// Ends the join phase when nobody is waited for. The first one of an empty group only ends by its deadline.
    pub(crate) fn complete_if_all_joined(&mut self) {
        let waits = self.group.state == State::PreparingRebalance && self.group.initial.is_none();
        if waits && self.group.all_joined() {
            self.complete();
        }
    }

    /// Ends the join phase: who has not joined is out, unless it is a static member.
    pub(crate) fn complete(&mut self) {
        self.decision.cancel(TimerKey::Join { group: self.id.clone() });
        let missing =
            |member: &&std::sync::Arc<Member>| member.joining.is_none() && member.instance_id.is_none();
        let missing: Vec<Text> =
            self.group.members.values().filter(missing).map(|member| member.id.clone()).collect();
        for member in missing {
            self.remove(&member);
        }
        if !self.group.members.is_empty() && !self.group.elect_leader() {
            // Static members alone, none of which has come: they are waited for again.
            self.join_deadline(self.group.rebalance_timeout_ms().max(MIN_JOIN_AGAIN_MS));
            return;
        }
        self.group.next_generation(self.context.now);
        if self.group.state == State::Empty {
            self.decision.record(records::group(&self.id, &self.group));
            self.settled();
            return;
        }
        self.answer_joins();
        let key = TimerKey::Sync { group: self.id.clone() };
        self.decision.deadline(key, self.context.after_millis(self.group.rebalance_timeout_ms()));
    }

    fn answer_joins(&mut self) {
        let members: Vec<Text> = self.group.members.keys().cloned().collect();
        for id in members {
            let reply = self.joined(&id);
            let mut waiter = None;
            let mut session = 0;
            self.group.update(&id, |member| {
                waiter = member.joining.take();
                member.is_new = false;
                session = member.session_timeout_ms;
            });
            if let Some(waiter) = waiter {
                self.decision.reply(waiter, Reply::Join(reply));
            }
            self.hear(&id, session);
            self.group.unsynced.insert(id);
        }
    }

    /// The answer to a member that has joined the present generation.
    pub(crate) fn joined(&self, id: &str) -> JoinGroupResponse {
        let members = if self.group.is_leader(id) { self.listed_members() } else { Vec::new() };
        JoinGroupResponse {
            generation_id: self.group.generation,
            protocol_type: self.group.protocol_type.as_deref().map(Into::into),
            protocol_name: self.group.protocol.as_deref().map(Into::into),
            leader: self.group.leader.as_deref().unwrap_or_default().into(),
            member_id: id.into(),
            members,
            ..Default::default()
        }
    }

    fn listed_members(&self) -> Vec<JoinGroupResponseMember> {
        let protocol = self.group.protocol.as_deref().unwrap_or_default();
        let listed = |member: &std::sync::Arc<Member>| JoinGroupResponseMember {
            member_id: (&*member.id).into(),
            group_instance_id: member.instance_id.as_deref().map(Into::into),
            metadata: member.metadata(protocol).cloned().unwrap_or_default(),
        };
        self.group.members.values().map(listed).collect()
    }

    /// Ends the waits for the leader's assignment.
    fn end_syncs(&mut self, code: ErrorCode) {
        let waiting: Vec<(Text, Waiter, i32)> = self.syncing().collect();
        for (id, waiter, session) in waiting {
            self.group.update(&id, |member| member.syncing = None);
            self.decision.reply(waiter, refuse_sync(code));
            self.hear(&id, session);
        }
    }

    fn syncing(&self) -> impl Iterator<Item = (Text, Waiter, i32)> + '_ {
        let one = |member: &std::sync::Arc<Member>| {
            member.syncing.map(|waiter| (member.id.clone(), waiter, member.session_timeout_ms))
        };
        self.group.members.values().filter_map(one)
    }

    /// The leader's assignment is everybody's.
    pub(crate) fn answer_syncs(&mut self) {
        let waiting: Vec<(Text, Waiter, i32)> = self.syncing().collect();
        for (id, waiter, session) in waiting {
            let reply = self.synced(&id);
            self.group.update(&id, |member| member.syncing = None);
            self.decision.reply(waiter, Reply::Sync(reply));
            self.hear(&id, session);
        }
    }

    /// The answer to a member that asks for its part.
    pub(crate) fn synced(&self, id: &str) -> SyncGroupResponse {
        SyncGroupResponse {
            protocol_type: self.group.protocol_type.as_deref().map(Into::into),
            protocol_name: self.group.protocol.as_deref().map(Into::into),
            assignment: self
                .group
                .members
                .get(id)
                .map(|member| member.assignment.clone())
                .unwrap_or_default(),
            ..Default::default()
        }
    }

    /// The rebalance is over.
    pub(crate) fn settled(&mut self) {
        self.decision.note(Note::Settled {
            group: self.id.clone(),
            generation: self.group.generation,
            members: self.group.members.len(),
            took_ms: self.context.now.tick.millis_since(self.group.rebalancing_since),
        });
    }
}

/// A refused JoinGroup.
pub(crate) fn refuse_join(member: &str, code: ErrorCode) -> Reply {
    Reply::Join(JoinGroupResponse { error_code: code.code(), member_id: member.into(), ..Default::default() })
}

/// A refused SyncGroup.
pub(crate) fn refuse_sync(code: ErrorCode) -> Reply {
    Reply::Sync(SyncGroupResponse { error_code: code.code(), ..Default::default() })
}
