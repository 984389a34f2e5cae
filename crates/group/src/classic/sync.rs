//! SyncGroup (14) and Heartbeat (12) of a classic group's members.

use std::collections::BTreeMap;

use bytes::Bytes;
use ottla_model::ErrorCode;
use ottla_wire::messages::{HeartbeatRequest, HeartbeatResponse, SyncGroupRequest};

use crate::Text;
use crate::change::Decision;
use crate::classic::records;
use crate::classic::step::{Step, refuse_sync};
use crate::context::Context;
use crate::reply::{Reply, Waiter};
use crate::state::classic::{ClassicGroup, State};
use crate::timers::TimerKey;

/// A member asks for its part; the leader brings everybody's.
pub(crate) fn sync(mut step: Step<'_>, waiter: Waiter, request: &SyncGroupRequest) {
    if let Err(code) = admits_sync(&step.group, request) {
        step.decision.reply(waiter, refuse_sync(code));
        return;
    }
    let id = &*request.member_id;
    match step.group.state {
        State::Empty => step.decision.reply(waiter, refuse_sync(ErrorCode::UnknownMemberId)),
        State::PreparingRebalance => step.decision.reply(waiter, refuse_sync(ErrorCode::RebalanceInProgress)),
        State::Stable => {
            has_synced(&mut step, id);
            let reply = step.synced(id);
            step.decision.reply(waiter, Reply::Sync(reply));
            step.finish();
        }
        State::CompletingRebalance => {
            let mut former = None;
            step.group.update(id, |member| former = member.syncing.replace(waiter));
            if let Some(former) = former {
                step.decision.reply(former, refuse_sync(ErrorCode::RebalanceInProgress));
            }
            has_synced(&mut step, id);
            if step.group.is_leader(id) {
                assign(&mut step, request);
            }
            step.finish();
        }
    }
}

fn admits_sync(group: &ClassicGroup, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
    group.member(&request.member_id, request.group_instance_id.as_deref())?;
    if request.generation_id != group.generation {
        return Err(ErrorCode::IllegalGeneration);
    }
    let differs =
        |asked: Option<&str>, chosen: Option<&str>| asked.is_some() && chosen.is_some() && asked != chosen;
    if differs(request.protocol_type.as_deref(), group.protocol_type.as_deref())
        || differs(request.protocol_name.as_deref(), group.protocol.as_deref())
    {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    Ok(())
}

fn has_synced(step: &mut Step<'_>, id: &str) {
    step.group.unsynced.remove(id);
    if step.group.unsynced.is_empty() {
        step.decision.cancel(TimerKey::Sync { group: step.id.clone() });
    }
}

/// The leader's assignment is appended and is everybody's; whom it leaves out has nothing.
fn assign(step: &mut Step<'_>, request: &SyncGroupRequest) {
    let parts: BTreeMap<&str, &Bytes> =
        request.assignments.iter().map(|part| (&*part.member_id, &part.assignment)).collect();
    let members: Vec<Text> = step.group.members.keys().cloned().collect();
    for id in members {
        let part = parts.get(&*id).map(|part| Bytes::copy_from_slice(part)).unwrap_or_default();
        step.group.update(&id, |member| member.assignment = part);
    }
    step.group.enter(State::Stable, step.context.now);
    step.decision.record(records::group(&step.id, &step.group));
    step.answer_syncs();
    step.settled();
}

/// A member is there. The group does not change: only the deadline does.
pub(crate) fn heartbeat(
    id: &Text,
    group: &ClassicGroup,
    decision: &mut Decision,
    waiter: Waiter,
    request: &HeartbeatRequest,
    context: &Context,
) {
    let code = match group.member(&request.member_id, request.group_instance_id.as_deref()) {
        Err(code) => code,
        Ok(_) if request.generation_id != group.generation => ErrorCode::IllegalGeneration,
        Ok(_) if group.state == State::Empty => ErrorCode::UnknownMemberId,
        Ok(member) => {
            let key = TimerKey::Session { group: id.clone(), member: member.id.clone() };
            decision.deadline(key, context.after_millis(member.session_timeout_ms));
            match group.state {
                State::PreparingRebalance => ErrorCode::RebalanceInProgress,
                State::Empty | State::CompletingRebalance | State::Stable => ErrorCode::None,
            }
        }
    };
    decision
        .reply(waiter, Reply::Heartbeat(HeartbeatResponse { throttle_time_ms: 0, error_code: code.code() }));
}
