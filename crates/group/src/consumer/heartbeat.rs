//! ConsumerGroupHeartbeat (68): how a member joins, stays, changes its subscription, gives back, and leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_model::ErrorCode;
use ottla_wire::messages::consumer_group_heartbeat_request::TopicPartitions as Reported;
use ottla_wire::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions};
use ottla_wire::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

use crate::Text;
use crate::change::Decision;
use crate::consumer::draft::Draft;
use crate::consumer::fence;
use crate::consumer::records;
use crate::consumer::validate::{self, is_full_request};
use crate::context::Context;
use crate::limits::RECONCILING_HEARTBEAT_MS;
use crate::refusal::Refusal;
use crate::reply::{Reason, Reply, Waiter};
use crate::request::Client;
use crate::state::Shard;
use crate::state::consumer::ConsumerGroup;
use crate::state::member::{LEAVE, LEAVE_FOR_NOW, Member, Owned};
use crate::timers::TimerKey;

/// Decides a heartbeat.
pub(crate) fn heartbeat(
    shard: &Shard,
    decision: &mut Decision,
    waiter: Waiter,
    client: &Client,
    version: i16,
    request: &ConsumerGroupHeartbeatRequest,
    context: &Context,
) {
    let decided = validate::check(request, version, &context.settings).and_then(|()| {
        if matches!(request.member_epoch, LEAVE | LEAVE_FOR_NOW) {
            leave(shard, decision, request, context)
        } else {
            beat(shard, decision, client, request, context)
        }
    });
    let response = decided.unwrap_or_else(|refusal| ConsumerGroupHeartbeatResponse {
        error_code: refusal.code.code(),
        error_message: refusal.message.map(Into::into),
        ..Default::default()
    });
    decision.reply(waiter, Reply::ConsumerHeartbeat(response));
}

fn beat(
    shard: &Shard,
    decision: &mut Decision,
    client: &Client,
    request: &ConsumerGroupHeartbeatRequest,
    context: &Context,
) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
    let joins = request.member_epoch == 0;
    let mut draft = if joins {
        Draft::of_joined(shard, &request.group_id, context)?
    } else {
        Draft::of_existing(shard, &request.group_id, context)?
    };
    check_room(&draft.group, &request.member_id, request.instance_id.as_deref(), context)?;
    let assignor = draft.group.assignor(&context.settings);
    let id: Text = if request.member_id.is_empty() {
        context.fresh.to_string().into()
    } else {
        (&*request.member_id).into()
    };
    let is_new = !draft.group.members.contains_key(&id);
    let before = find_member(&mut draft, &id, request)?;
    let member = updated(&before, client, request);
    let retopiced = draft.describe(&before, &member)?;
    let pattern = draft.follow_pattern(&before, &member)?;
    let reassigned = draft.group.assignor(&context.settings) != assignor;
    let rebalances = retopiced || pattern.rebalances || reassigned || draft.is_converted;
    let reason = if is_new { Reason::MemberJoined } else { Reason::MemberChanged };
    draft.refresh(rebalances.then_some(reason), pattern.resolved, &id)?;
    draft.assign()?;
    let member = draft.reconcile(&id, retopiced || pattern.changed, request.topic_partitions.as_deref())?;
    hear(&mut draft, &before, &id);
    let tells = joins || is_full_request(request) || before.assigned != member.assigned;
    let response = ConsumerGroupHeartbeatResponse {
        member_id: Some((&*id).into()),
        member_epoch: member.epoch,
        heartbeat_interval_ms: interval_ms(&draft, &member, joins),
        assignment: tells.then(|| told(&member.assigned)),
        ..Default::default()
    };
    draft.finish(decision);
    Ok(response)
}

/// When the member comes back. One that has not reached its part of the group's epoch comes sooner: what it waits for may
/// be free long before a whole interval is over. So does one that has only come: others may come with it.
fn interval_ms(draft: &Draft<'_>, member: &Member, joins: bool) -> i32 {
    let interval = draft.context.consumer_settings(&draft.id).heartbeat_interval_ms;
    let group = &draft.group;
    if !joins && group.epoch <= group.target_epoch && member.has_reached(group.target_epoch) {
        interval
    } else {
        interval.min(RECONCILING_HEARTBEAT_MS)
    }
}

/// The member's session begins anew; if it spoke the classic protocol until now, nothing of that is waited for.
fn hear(draft: &mut Draft<'_>, before: &Member, id: &Text) {
    let (group, member) = (draft.id.clone(), id.clone());
    if before.is_classic() {
        draft.decision.cancel(TimerKey::Rejoin { group: group.clone(), member: member.clone() });
        draft.decision.cancel(TimerKey::Resync { group: group.clone(), member: member.clone() });
    }
    let session = draft.context.consumer_settings(&group).session_timeout_ms;
    draft.deadline(TimerKey::Session { group, member }, session);
}

fn told(owned: &Owned) -> Assignment {
    let topic = |(topic, partitions): (&ottla_model::Uuid, &BTreeMap<i32, i32>)| TopicPartitions {
        topic_id: *topic,
        partitions: partitions.keys().copied().collect(),
    };
    Assignment { topic_partitions: owned.iter().map(topic).collect() }
}

/// Refuses one more than the group may have. A static member that comes back takes its own place.
pub(crate) fn check_room(
    group: &ConsumerGroup,
    id: &str,
    instance_id: Option<&str>,
    context: &Context,
) -> Result<(), Refusal> {
    let most = context.settings.consumer_max_size;
    let returns = instance_id.is_some_and(|instance| group.static_member(instance).is_some());
    if returns || group.members.size() < most || group.members.contains_key(id) {
        return Ok(());
    }
    let message = format!("the consumer group has its most of {most} members");
    Err(Refusal::new(ErrorCode::GroupMaxSizeReached, message))
}

/// The member as it was, or a new one; a static member that comes back takes the place of its former self.
fn find_member(
    draft: &mut Draft<'_>,
    id: &Text,
    request: &ConsumerGroupHeartbeatRequest,
) -> Result<Member, Refusal> {
    let joins = request.member_epoch == 0;
    let Some(instance) = request.instance_id.as_deref() else {
        let known = draft.group.members.get(id).map(|member| Member::clone(member));
        let member = match known {
            Some(member) => member,
            None if joins => Member::new(id.clone()),
            None => Member::clone(draft.member(id)?),
        };
        check_epoch(&member, request)?;
        return Ok(member);
    };
    let former = draft.group.static_member(instance).cloned();
    if !joins {
        let member = holder(former.as_ref(), id, instance)?;
        check_epoch(member, request)?;
        return Ok(Member::clone(member));
    }
    let Some(former) = former else {
        let known = draft.group.members.get(id).map(|member| Member::clone(member));
        return Ok(known.unwrap_or_else(|| Member::new(id.clone())));
    };
    if !former.is_classic() && former.epoch != LEAVE_FOR_NOW {
        let message = format!("instance id {instance} is in use by member {}", former.id);
        return Err(Refusal::new(ErrorCode::UnreleasedInstanceId, message));
    }
    replace(draft, &former, id)
}

/// The member that has an instance id, when it is the one that asks.
///
/// # Errors
/// UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID.
pub(crate) fn holder<'a>(
    member: Option<&'a Arc<Member>>,
    id: &str,
    instance: &str,
) -> Result<&'a Arc<Member>, Refusal> {
    let Some(member) = member else {
        let message = format!("instance id {instance} is unknown");
        return Err(Refusal::new(ErrorCode::UnknownMemberId, message));
    };
    if &*member.id != id {
        let message = format!("instance id {instance} of member {id} belongs to member {} now", member.id);
        return Err(Refusal::new(ErrorCode::FencedInstanceId, message));
    }
    Ok(member)
}

/// Puts a static member that comes back, with a new id, in the place of its former self.
pub(crate) fn replace(draft: &mut Draft<'_>, former: &Member, id: &Text) -> Result<Member, Refusal> {
    let member = Member { id: id.clone(), epoch: 0, previous_epoch: 0, ..former.clone() };
    let target = draft.group.target(&former.id);
    let group = draft.id.clone();
    draft.records(records::no_member(&group, &former.id))?;
    draft.records([
        records::member(&group, &member),
        records::target(&group, id, &target),
        records::current(&group, &member),
    ])?;
    draft.cancel_deadlines(&former.id);
    Ok(member)
}

/// Refuses a member whose epoch is neither the present one, nor the one before with nothing that it may not have:
/// then the answer with the present epoch was lost.
fn check_epoch(member: &Member, request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    let epoch = request.member_epoch;
    let was_lost =
        || epoch == member.previous_epoch && is_within(request.topic_partitions.as_deref(), &member.assigned);
    if epoch == 0 || epoch == member.epoch || (epoch < member.epoch && was_lost()) {
        return Ok(());
    }
    let message = format!(
        "the member comes with epoch {epoch} and is in epoch {}; it has to give up all of its partitions and \
         join again",
        member.epoch
    );
    Err(Refusal::new(ErrorCode::FencedMemberEpoch, message))
}

fn is_within(reported: Option<&[Reported]>, assigned: &Owned) -> bool {
    let within = |topic: &Reported| {
        let owned = assigned.get(&topic.topic_id);
        owned.is_some_and(|owned| topic.partitions.iter().all(|number| owned.contains_key(number)))
    };
    reported.is_some_and(|reported| reported.iter().all(within))
}

/// The member as the request describes it: what is left out stays.
fn updated(before: &Member, client: &Client, request: &ConsumerGroupHeartbeatRequest) -> Member {
    let text = |text: &Option<ottla_wire::Str>| text.as_deref().map(Text::from);
    let mut member = before.clone();
    member.instance_id = text(&request.instance_id).or(member.instance_id);
    member.rack = text(&request.rack_id).or(member.rack);
    if request.rebalance_timeout_ms != -1 {
        member.rebalance_timeout_ms = request.rebalance_timeout_ms;
    }
    member.assignor = text(&request.server_assignor).or(member.assignor);
    if let Some(names) = &request.subscribed_topic_names {
        let same =
            names.len() == member.topics.len() && names.iter().all(|name| member.topics.contains(&**name));
        if !same {
            member.topics = Arc::new(names.iter().map(|name| Text::from(&**name)).collect());
        }
    }
    member.pattern = text(&request.subscribed_topic_regex).or(member.pattern);
    member.client = client.clone();
    member.classic = None;
    member
}

fn leave(
    shard: &Shard,
    decision: &mut Decision,
    request: &ConsumerGroupHeartbeatRequest,
    context: &Context,
) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
    let mut draft = Draft::of_existing(shard, &request.group_id, context)?;
    let id: Text = (&*request.member_id).into();
    if let Some(instance) = request.instance_id.as_deref() {
        let member = Arc::clone(holder(draft.group.static_member(instance), &id, instance)?);
        if request.member_epoch == LEAVE_FOR_NOW {
            leave_for_now(&mut draft, &member)?;
            draft.finish(decision);
            return Ok(left(&id, LEAVE_FOR_NOW));
        }
    } else {
        draft.member(&id)?;
    }
    fence::fence(draft, decision, &[Text::clone(&id)], Reason::MemberLeft)?;
    Ok(left(&id, request.member_epoch))
}

fn left(id: &str, epoch: i32) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse { member_id: Some(id.into()), member_epoch: epoch, ..Default::default() }
}

/// The member keeps its partitions until it comes back or its session ends. What it got counts as got in epoch 0,
/// so that whoever comes back in its place may commit.
fn leave_for_now(draft: &mut Draft<'_>, member: &Member) -> Result<(), Refusal> {
    let mut away = member.clone();
    away.epoch = LEAVE_FOR_NOW;
    away.revoking = Arc::default();
    let mut assigned = Owned::clone(&away.assigned);
    assigned.values_mut().flat_map(BTreeMap::values_mut).for_each(|epoch| *epoch = 0);
    away.assigned = Arc::new(assigned);
    draft.decision.cancel(TimerKey::Revoke { group: draft.id.clone(), member: member.id.clone() });
    draft.record(records::current(&draft.id, &away))
}
