//! Classic groups: members choose a protocol and a leader, and the leader assigns (Kafka's `ClassicGroup`).
//!
//! ```text
//! Empty -> PreparingRebalance -> CompletingRebalance -> Stable
//!            ^ members join          ^ the leader's assignment comes, is appended
//! ```
//! What is durable of a group is its last appended `GroupMetadata`: a generation with assignments, or an empty
//! group. A rebalance in between is volatile: who loads the group finds the last complete generation.

mod join;
mod leave;
mod records;
mod step;
mod sync;

use ottla_model::ErrorCode;

pub(crate) use join::{Joining, join};
pub(crate) use leave::{expired, leave};
pub(crate) use records::{group as record, read};
pub(crate) use step::{Step, refuse_join, refuse_sync};
pub(crate) use sync::{heartbeat, sync};

use crate::Text;
use crate::change::Decision;
use crate::context::Context;
use crate::reply::Reason;
use crate::state::classic::ClassicGroup;
use crate::timers::TimerKey;

/// An empty group is no more.
pub(crate) fn delete(id: &str, group: &ClassicGroup, decision: &mut Decision) {
    decision.record(records::tombstone(id));
    for pending in &group.pending {
        decision.cancel(TimerKey::Session { group: id.into(), member: pending.clone() });
    }
    decision.cancel(TimerKey::Join { group: id.into() });
    decision.cancel(TimerKey::Sync { group: id.into() });
}

/// A group has been loaded: its members have a session's time to be heard of.
pub(crate) fn loaded(id: &Text, group: &ClassicGroup, decision: &mut Decision, context: &Context) {
    for member in group.members.values() {
        let key = TimerKey::Session { group: id.clone(), member: member.id.clone() };
        decision.deadline(key, context.after_millis(member.session_timeout_ms));
    }
    if group.members.len() > context.settings.max_size {
        let mut step = Step::new(id, group.clone(), decision, context);
        step.rebalance(Reason::OverCapacity, "", "group.max.size is smaller than the group");
        step.finish();
    }
}

/// Ends every wait in the group with an error: it is no longer served here.
pub(crate) fn release(group: &ClassicGroup, code: ErrorCode, decision: &mut Decision) {
    for member in group.members.values() {
        if let Some(waiter) = member.joining {
            decision.reply(waiter, refuse_join(&member.id, code));
        }
        if let Some(waiter) = member.syncing {
            decision.reply(waiter, refuse_sync(code));
        }
    }
}
