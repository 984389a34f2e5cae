//! LeaveGroup (13) of a classic group's members, and members that are not heard of any more.

use std::sync::Arc;

use ottla_model::ErrorCode;
use ottla_wire::Str;
use ottla_wire::messages::LeaveGroupRequest;
use ottla_wire::messages::leave_group_request::MemberIdentity;
use ottla_wire::messages::leave_group_response::MemberResponse;

use crate::Text;
use crate::classic::step::Step;
use crate::leaving::{answer, identities};
use crate::reply::{Reason, Reply, Waiter};
use crate::state::classic::{Member, State};
use crate::timers::TimerKey;

/// Members leave, or are removed by an administrator by their instance ids.
pub(crate) fn leave(mut step: Step<'_>, waiter: Waiter, version: i16, request: &LeaveGroupRequest) {
    let mut gone: Vec<Text> = Vec::new();
    let mut reason = None;
    let mut responses = Vec::new();
    for identity in identities(request, version) {
        let found = find(&step, &identity);
        let error_code = match found {
            Ok(id) => {
                step.remove(&id);
                reason = reason.or(identity.reason.clone());
                gone.push(id);
                ErrorCode::None.code()
            }
            Err(code) => code.code(),
        };
        let MemberIdentity { member_id, group_instance_id, reason: _ } = identity;
        responses.push(MemberResponse { member_id, group_instance_id, error_code });
    }
    step.decision.reply(waiter, Reply::Leave(answer(responses, version)));
    if gone.is_empty() {
        return;
    }
    match step.group.state {
        State::Stable | State::CompletingRebalance => {
            let member = gone.join(", ");
            step.rebalance(Reason::MemberLeft, &member, reason.as_deref().unwrap_or_default());
        }
        State::PreparingRebalance => step.complete_if_all_joined(),
        State::Empty => {}
    }
    step.finish();
}

fn find(step: &Step<'_>, identity: &MemberIdentity) -> Result<Text, ErrorCode> {
    let id: &Str = &identity.member_id;
    let instance = identity.group_instance_id.as_deref();
    if id.is_empty() {
        let owner = instance.and_then(|instance| step.group.statics.get(instance));
        return owner.cloned().ok_or(ErrorCode::UnknownMemberId);
    }
    if step.group.pending.contains(&**id) {
        return Ok((&**id).into());
    }
    step.group.member(id, instance).map(|member| member.id.clone())
}

/// A deadline of the group has passed.
pub(crate) fn expired(mut step: Step<'_>, key: &TimerKey) {
    let changed = match key {
        TimerKey::Session { group: _, member } => silent(&mut step, member),
        TimerKey::Join { group: _ } => join_expired(&mut step),
        TimerKey::Sync { group: _ } => sync_expired(&mut step),
        // Of consumer groups.
        TimerKey::Revoke { .. }
        | TimerKey::Rejoin { .. }
        | TimerKey::Resync { .. }
        | TimerKey::Assign { .. } => false,
    };
    if changed {
        step.finish();
    }
}

fn silent(step: &mut Step<'_>, id: &Text) -> bool {
    if step.group.pending.contains(id) {
        step.remove(id);
        step.complete_if_all_joined();
        return true;
    }
    let Some(member) = step.group.members.get(id).map(Arc::clone) else { return false };
    // Whoever waits for the others is there, unless it came for the first time and its connection may be gone.
    let waits = member.joining.is_some() || member.syncing.is_some();
    if waits && !member.is_new {
        return false;
    }
    step.remove(id);
    match step.group.state {
        State::Stable | State::CompletingRebalance => {
            step.rebalance(Reason::SessionExpired, id, &timeout(&member))
        }
        State::PreparingRebalance => step.complete_if_all_joined(),
        State::Empty => {}
    }
    true
}

fn timeout(member: &Member) -> String {
    format!("not heard of for {} ms", member.session_timeout_ms)
}

fn join_expired(step: &mut Step<'_>) -> bool {
    if step.group.state != State::PreparingRebalance {
        return false;
    }
    let delay_ms = step.context.settings.initial_rebalance_delay_ms;
    match &mut step.group.initial {
        Some(initial) if initial.more_came && initial.remaining_ms > 0 => {
            let next = delay_ms.min(initial.remaining_ms);
            initial.remaining_ms = initial.remaining_ms.saturating_sub(initial.delay_ms).max(0);
            initial.delay_ms = next;
            initial.more_came = false;
            step.join_deadline(next);
        }
        _ => step.complete(),
    }
    true
}

fn sync_expired(step: &mut Step<'_>) -> bool {
    let in_generation = matches!(step.group.state, State::CompletingRebalance | State::Stable);
    if !in_generation || step.group.unsynced.is_empty() {
        return false;
    }
    let late: Vec<Text> = step.group.unsynced.iter().cloned().collect();
    for id in &late {
        step.remove(id);
    }
    step.rebalance(Reason::SyncExpired, &late.join(", "), "did not ask for their assignments");
    true
}
