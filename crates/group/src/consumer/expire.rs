//! What time and topics do to consumer groups: deadlines that pass, deadlines that begin after a load, and topics
//! that come, go and grow.

use crate::Text;
use crate::change::{Decision, Volatile};
use crate::consumer::draft::Draft;
use crate::consumer::fence::fence;
use crate::context::Context;
use crate::reply::Reason;
use crate::state::Group;
use crate::state::Shard;
use crate::state::consumer::{ConsumerGroup, ConsumerVolatile};
use crate::state::member::MemberState;
use crate::timers::TimerKey;

/// A deadline of a consumer group has passed. What it was for may have been done meanwhile; then nothing happens.
pub(crate) fn expired(shard: &Shard, decision: &mut Decision, key: &TimerKey, context: &Context) {
    let Ok(mut draft) = Draft::of_existing(shard, key.group(), context) else { return };
    let (member, reason) = match key {
        TimerKey::Session { group: _, member } => (member, Reason::SessionExpired),
        TimerKey::Revoke { group: _, member } if has_to_give_back(&draft.group, member) => {
            (member, Reason::RebalanceExpired)
        }
        TimerKey::Rejoin { group: _, member } if is_classic(&draft.group, member) => {
            (member, Reason::RebalanceExpired)
        }
        TimerKey::Resync { group: _, member } if is_classic(&draft.group, member) => {
            (member, Reason::SyncExpired)
        }
        TimerKey::Assign { group: _ } => {
            if !draft.group.is_empty() && draft.assign().is_ok() {
                draft.finish(decision);
            }
            return;
        }
        TimerKey::Revoke { .. }
        | TimerKey::Rejoin { .. }
        | TimerKey::Resync { .. }
        | TimerKey::Join { .. }
        | TimerKey::Sync { .. } => return,
    };
    if draft.group.members.contains_key(member) {
        // A draft that contradicts its group yields nothing; the member stays.
        let _ = fence(draft, decision, std::slice::from_ref(member), reason);
    }
}

fn has_to_give_back(group: &ConsumerGroup, member: &Text) -> bool {
    let waits = |state: MemberState| state == MemberState::Unrevoked;
    group.members.get(member).is_some_and(|member| !member.is_classic() && waits(member.state))
}

fn is_classic(group: &ConsumerGroup, member: &Text) -> bool {
    group.members.get(member).is_some_and(|member| member.is_classic())
}

/// A group has been loaded: its members have a session's time to be heard of, and their time to give back.
pub(crate) fn loaded(id: &Text, group: &ConsumerGroup, decision: &mut Decision, context: &Context) {
    let session = context.after_millis(context.consumer_settings(id).session_timeout_ms);
    for member in group.members.values() {
        let key = || (id.clone(), member.id.clone());
        let (group_id, member_id) = key();
        decision.deadline(TimerKey::Session { group: group_id, member: member_id }, session);
        if has_to_give_back(group, &member.id) {
            let (group_id, member_id) = key();
            let at = context.after_millis(member.rebalance_timeout_ms);
            decision.deadline(TimerKey::Revoke { group: group_id, member: member_id }, at);
        }
    }
}

/// Topics came, went or grew: the next heartbeat of each group looks at them.
pub(crate) fn topics_changed(shard: &Shard, decision: &mut Decision, _context: &Context) {
    for (id, group) in &shard.groups {
        let Group::Consumer(group) = group else { continue };
        let stale = ConsumerVolatile { metadata_stale: true, patterns_stale: true, ..group.volatile };
        if stale != group.volatile {
            decision.volatile(Volatile::Consumer(id.clone(), stale));
        }
    }
}
