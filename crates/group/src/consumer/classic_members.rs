//! Members of a consumer group that speak the classic protocol: JoinGroup (11), SyncGroup (14), Heartbeat (12) and
//! LeaveGroup (13), answered from the state of the consumer group.
//!
//! A member's epoch is its generation. It is told to join again whenever there is something for it to give back or
//! to get; it gives back by joining without it, and gets by the SyncGroup that follows.

use std::sync::Arc;

use bytes::Bytes;
use ottla_model::ErrorCode;
use ottla_wire::messages::leave_group_request::MemberIdentity;
use ottla_wire::messages::leave_group_response::MemberResponse;
use ottla_wire::messages::{
    ConsumerProtocolSubscription, HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, SyncGroupRequest, SyncGroupResponse,
};

use crate::Text;
use crate::change::Decision;
use crate::classic;
use crate::consumer::draft::Draft;
use crate::consumer::heartbeat::{check_room, holder, replace};
use crate::consumer::{embedded, fence, migrate};
use crate::context::Context;
use crate::leaving;
use crate::refusal::Refusal;
use crate::reply::{Reason, Reply, Waiter};
use crate::request::Client;
use crate::settings::MigrationPolicy;
use crate::state::Shard;
use crate::state::classic::{CONSUMER, Protocol};
use crate::state::member::{ClassicMember, Member, MemberState};
use crate::timers::TimerKey;

/// From this version on a client without a member id gets one and has to come back with it (KIP-394).
const MEMBER_ID_REQUIRED: i16 = 4;

/// Decides a JoinGroup to a consumer group that has members. Group id and session timeout have been checked.
pub(crate) fn join_classic(
    shard: &Shard,
    decision: &mut Decision,
    waiter: Waiter,
    client: &Client,
    version: i16,
    request: &JoinGroupRequest,
    context: &Context,
) {
    let join = Join { client, version, request, context };
    let reply = match join.decide(shard, decision) {
        Ok(response) => Reply::Join(response),
        Err(refusal) => classic::refuse_join(&request.member_id, refusal.code),
    };
    decision.reply(waiter, reply);
}

struct Join<'a> {
    client: &'a Client,
    version: i16,
    request: &'a JoinGroupRequest,
    context: &'a Context,
}

impl Join<'_> {
    fn decide(&self, shard: &Shard, decision: &mut Decision) -> Result<JoinGroupResponse, Refusal> {
        let request = self.request;
        if self.context.settings.migration == MigrationPolicy::Disabled {
            return Err(ErrorCode::InconsistentGroupProtocol.into());
        }
        let mut draft = Draft::of_existing(shard, &request.group_id, self.context)?;
        let instance = request.group_instance_id.as_deref();
        let is_unknown = request.member_id.is_empty();
        let id: Text =
            if is_unknown { self.context.fresh.to_string().into() } else { (&*request.member_id).into() };
        check_room(&draft.group, &id, instance, self.context)?;
        let offered = request.protocols.iter().map(|protocol| &*protocol.name);
        if &*request.protocol_type != CONSUMER || !draft.group.supports(offered) {
            return Err(ErrorCode::InconsistentGroupProtocol.into());
        }
        if is_unknown && instance.is_none() && self.version >= MEMBER_ID_REQUIRED {
            let error_code = ErrorCode::MemberIdRequired.code();
            return Ok(JoinGroupResponse { member_id: (&*id).into(), error_code, ..Default::default() });
        }
        let metadata = request.protocols.first().map(|protocol| &protocol.metadata);
        let subscription =
            metadata.and_then(embedded::subscription).ok_or(ErrorCode::InconsistentGroupProtocol)?;
        let replaced = instance.and_then(|instance| draft.group.static_member(instance)).cloned();
        let downgrades = replaced.is_some_and(|replaced| migrate::downgrades_in_place_of(&draft, &replaced));
        let is_new = !draft.group.members.contains_key(&id);
        let before = find_member(&mut draft, &id, instance, is_unknown)?;
        let member = self.updated(&before, &subscription);
        let resubscribed = follow(&mut draft, &before, &member, is_new)?;
        let reported = embedded::reported(&subscription, &self.context.image);
        if downgrades {
            if draft.group.target_epoch >= draft.group.epoch {
                draft.reconcile(&id, resubscribed, Some(&reported))?;
            }
            let rebalances = !draft.group.is_settled();
            let response = joined(draft.member(&id)?);
            migrate::downgrade(&mut draft, &[], rebalances.then_some(Reason::ProtocolChanged))?;
            draft.finish_converted(decision);
            return Ok(response);
        }
        draft.assign()?;
        let member = draft.reconcile(&id, resubscribed, Some(&reported))?;
        self.hear(&mut draft, &id);
        draft.finish(decision);
        Ok(joined(&member))
    }

    /// The member as the request describes it.
    fn updated(&self, before: &Member, subscription: &ConsumerProtocolSubscription) -> Member {
        let mut member = before.clone();
        let rack = subscription.rack_id.as_deref().filter(|rack| !rack.is_empty());
        member.instance_id = self.request.group_instance_id.as_deref().map(Text::from).or(member.instance_id);
        member.rack = rack.map(Text::from).or(member.rack);
        member.rebalance_timeout_ms = self.rebalance_timeout_ms();
        member.topics = Arc::new(subscription.topics.iter().map(|topic| Text::from(&**topic)).collect());
        member.pattern = Some(Text::from(""));
        member.client = self.client.clone();
        let protocols = self.request.protocols.iter().map(|offered| Protocol {
            name: (&*offered.name).into(),
            metadata: Bytes::copy_from_slice(&offered.metadata),
        });
        member.classic = Some(Arc::new(ClassicMember {
            session_timeout_ms: self.request.session_timeout_ms,
            protocols: protocols.collect(),
        }));
        member
    }

    /// Before version 1 a member has as long to join again as it may be silent.
    fn rebalance_timeout_ms(&self) -> i32 {
        if self.version == 0 { self.request.session_timeout_ms } else { self.request.rebalance_timeout_ms }
    }

    /// The member has joined; it has to ask for its assignment in time.
    fn hear(&self, draft: &mut Draft<'_>, id: &Text) {
        let (group, member) = (draft.id.clone(), id.clone());
        draft.decision.cancel(TimerKey::Rejoin { group: group.clone(), member: member.clone() });
        let session = TimerKey::Session { group: group.clone(), member: member.clone() };
        draft.deadline(session, self.request.session_timeout_ms);
        draft.deadline(TimerKey::Resync { group, member }, self.rebalance_timeout_ms());
    }
}

/// Writes what the member says of itself; whether it subscribes to something else than before.
fn follow(draft: &mut Draft<'_>, before: &Member, member: &Member, is_new: bool) -> Result<bool, Refusal> {
    let retopiced = draft.describe(before, member)?;
    let pattern = draft.follow_pattern(before, member)?;
    let resubscribed = retopiced || pattern.changed;
    let reason = if is_new { Reason::MemberJoined } else { Reason::MemberChanged };
    draft.refresh((resubscribed || pattern.rebalances).then_some(reason), pattern.resolved, &member.id)?;
    Ok(resubscribed)
}

/// The member as it was, or a new one. A static member without its id takes the place of its former self, whichever
/// protocol that speaks.
fn find_member(
    draft: &mut Draft<'_>,
    id: &Text,
    instance: Option<&str>,
    is_unknown: bool,
) -> Result<Member, Refusal> {
    let Some(instance) = instance else {
        let known = draft.group.members.get(id).map(|member| Member::clone(member));
        return Ok(known.unwrap_or_else(|| Member::new(id.clone())));
    };
    let former = draft.group.static_member(instance).cloned();
    if !is_unknown {
        return Ok(Member::clone(holder(former.as_ref(), id, instance)?));
    }
    match former {
        Some(former) => replace(draft, &former, id),
        None => Ok(Member::new(id.clone())),
    }
}

fn joined(member: &Member) -> JoinGroupResponse {
    let protocol = member.classic.as_ref().and_then(|classic| classic.protocols.first());
    JoinGroupResponse {
        member_id: (&*member.id).into(),
        generation_id: member.epoch,
        protocol_type: Some(CONSUMER.into()),
        protocol_name: protocol.map(|protocol| (&*protocol.name).into()),
        ..Default::default()
    }
}

/// The member that a request names, which has to speak the classic protocol and be in that generation.
fn checked<'a>(
    draft: &'a Draft<'_>,
    id: &str,
    instance: Option<&str>,
    generation: i32,
) -> Result<(&'a Arc<Member>, &'a ClassicMember), Refusal> {
    let member = match instance {
        Some(instance) => holder(draft.group.static_member(instance), id, instance)?,
        None => draft.member(id)?,
    };
    let classic = member.classic.as_deref().ok_or(ErrorCode::UnknownMemberId)?;
    if member.epoch != generation {
        return Err(ErrorCode::IllegalGeneration.into());
    }
    Ok((member, classic))
}

/// Decides a SyncGroup to a consumer group.
pub(crate) fn sync_classic(
    shard: &Shard,
    decision: &mut Decision,
    waiter: Waiter,
    request: &SyncGroupRequest,
    context: &Context,
) {
    let reply = match decide_sync(shard, decision, request, context) {
        Ok(response) => Reply::Sync(response),
        Err(refusal) => classic::refuse_sync(refusal.code),
    };
    decision.reply(waiter, reply);
}

fn decide_sync(
    shard: &Shard,
    decision: &mut Decision,
    request: &SyncGroupRequest,
    context: &Context,
) -> Result<SyncGroupResponse, Refusal> {
    let draft = Draft::of_existing(shard, &request.group_id, context)?;
    let instance = request.group_instance_id.as_deref();
    let (member, classic) = checked(&draft, &request.member_id, instance, request.generation_id)?;
    let first = classic.protocols.first();
    let name = first.map(|protocol| &*protocol.name);
    let type_differs = request.protocol_type.as_deref().is_some_and(|kind| kind != CONSUMER);
    if type_differs || request.protocol_name.as_deref().is_some_and(|asked| Some(asked) != name) {
        return Err(ErrorCode::InconsistentGroupProtocol.into());
    }
    // One that has to give back has joined already; it is told of the next epoch when it has.
    if draft.group.target_epoch > member.epoch && member.state != MemberState::Unrevoked {
        rejoin_deadline(shard, decision, &draft.id, member, context);
        return Err(ErrorCode::RebalanceInProgress.into());
    }
    let (group, id) = (draft.id.clone(), member.id.clone());
    decision.cancel(TimerKey::Resync { group: group.clone(), member: id.clone() });
    let session = context.after_millis(classic.session_timeout_ms);
    decision.deadline(TimerKey::Session { group, member: id }, session);
    let version = first.map_or(0, |protocol| embedded::version(&protocol.metadata));
    Ok(SyncGroupResponse {
        protocol_type: request.protocol_type.clone(),
        protocol_name: request.protocol_name.clone(),
        assignment: embedded::write(&embedded::without_epochs(&member.assigned), &context.image, version),
        ..Default::default()
    })
}

/// The member has to join again in time; the time does not begin anew with each request that says so.
fn rejoin_deadline(shard: &Shard, decision: &mut Decision, group: &Text, member: &Member, context: &Context) {
    let key = TimerKey::Rejoin { group: group.clone(), member: member.id.clone() };
    if !shard.timers.contains(&key) {
        decision.deadline(key, context.after_millis(member.rebalance_timeout_ms));
    }
}

/// Decides a Heartbeat to a consumer group.
pub(crate) fn heartbeat_classic(
    shard: &Shard,
    decision: &mut Decision,
    waiter: Waiter,
    request: &HeartbeatRequest,
    context: &Context,
) {
    let decided = decide_heartbeat(shard, decision, request, context);
    let error_code = decided.map_or_else(|refusal| refusal.code, |()| ErrorCode::None).code();
    decision.reply(waiter, Reply::Heartbeat(HeartbeatResponse { error_code, ..Default::default() }));
}

fn decide_heartbeat(
    shard: &Shard,
    decision: &mut Decision,
    request: &HeartbeatRequest,
    context: &Context,
) -> Result<(), Refusal> {
    let found = Draft::of_existing(shard, &request.group_id, context);
    let mut draft = found.map_err(|_| ErrorCode::UnknownMemberId)?;
    if !draft.group.is_empty() && draft.group.classic_members() == draft.group.member_count() {
        // Nobody is left whose heartbeat would see to it.
        draft.refresh(None, false, &request.member_id)?;
        draft.assign()?;
    }
    let answer = answer_heartbeat(shard, &mut draft, request, context);
    draft.finish(decision);
    answer
}

fn answer_heartbeat(
    shard: &Shard,
    draft: &mut Draft<'_>,
    request: &HeartbeatRequest,
    context: &Context,
) -> Result<(), Refusal> {
    let instance = request.group_instance_id.as_deref();
    let (member, classic) = checked(draft, &request.member_id, instance, request.generation_id)?;
    let (member, session) = (Arc::clone(member), classic.session_timeout_ms);
    draft.deadline(TimerKey::Session { group: draft.id.clone(), member: member.id.clone() }, session);
    let joins_again = member.epoch < draft.group.target_epoch
        || match member.state {
            MemberState::Unrevoked => true,
            MemberState::Unreleased => !waits_for_others(draft, &member),
            MemberState::Stable | MemberState::Unknown => false,
        };
    if joins_again {
        rejoin_deadline(shard, &mut draft.decision, &draft.id, &member, context);
        return Err(ErrorCode::RebalanceInProgress.into());
    }
    Ok(())
}

/// Whether something of the member's target has not been given back by others.
fn waits_for_others(draft: &Draft<'_>, member: &Member) -> bool {
    let lacks = |topic: &ottla_model::Uuid, partition: &i32| {
        let has = member.assigned.get(topic).is_some_and(|owned| owned.contains_key(partition));
        !has && draft.group.is_owned(*topic, *partition)
    };
    let target = draft.group.target(&member.id);
    target.iter().any(|(topic, partitions)| partitions.iter().any(|partition| lacks(topic, partition)))
}

/// Decides a LeaveGroup to a consumer group; an administrator may take out members of either protocol by it.
pub(crate) fn leave_classic(
    shard: &Shard,
    decision: &mut Decision,
    waiter: Waiter,
    version: i16,
    request: &LeaveGroupRequest,
    context: &Context,
) {
    let Ok(draft) = Draft::of_existing(shard, &request.group_id, context) else {
        decision.reply(waiter, Reply::Leave(leaving::unknown(request, version)));
        return;
    };
    let mut gone: Vec<Text> = Vec::new();
    let mut answers = Vec::new();
    for identity in leaving::identities(request, version) {
        let found = leaver(&draft, &identity);
        let code = found.as_ref().map_or_else(|refusal| refusal.code, |_| ErrorCode::None);
        gone.extend(found.ok().filter(|id| !gone.contains(id)));
        answers.push(MemberResponse {
            member_id: identity.member_id,
            group_instance_id: identity.group_instance_id,
            error_code: code.code(),
        });
    }
    let fenced = fence::fence(draft, decision, &gone, Reason::MemberLeft);
    let mut answer = leaving::answer(answers, version);
    if let Err(refusal) = fenced {
        answer.error_code = refusal.code.code();
    }
    decision.reply(waiter, Reply::Leave(answer));
}

fn leaver(draft: &Draft<'_>, identity: &MemberIdentity) -> Result<Text, Refusal> {
    let Some(instance) = identity.group_instance_id.as_deref() else {
        return Ok(draft.member(&identity.member_id)?.id.clone());
    };
    let member = draft.group.static_member(instance);
    if identity.member_id.is_empty() {
        return Ok(member.ok_or(ErrorCode::UnknownMemberId)?.id.clone());
    }
    Ok(holder(member, &identity.member_id, instance)?.id.clone())
}
