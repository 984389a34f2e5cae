//! Consumer groups of the new protocol: the broker assigns, members reconcile (KIP-848).
//!
//! ```text
//! heartbeat: member -> subscription -> epoch -> target assignment -> the member's next step towards it
//! ```
//! The group's epoch rises when its target has to be computed anew; a member's epoch follows when it has given back
//! what the target does not give it. Two invariants: a partition never has two owners, and epochs only rise.

mod classic_members;
mod current;
mod describe;
mod draft;
mod embedded;
mod expire;
mod fence;
mod hash;
mod heartbeat;
mod migrate;
mod pattern;
mod records;
mod replay;
mod target;
mod validate;

#[cfg(test)]
mod tests;

pub(crate) use classic_members::{heartbeat_classic, join_classic, leave_classic, sync_classic};
pub(crate) use expire::{expired, loaded, topics_changed};
pub(crate) use heartbeat::heartbeat;
pub(crate) use records::snapshot;
pub(crate) use replay::replay;

use crate::change::Decision;
use crate::state::consumer::ConsumerGroup;
use crate::timers::TimerKey;

/// An empty group is no more.
pub(crate) fn delete(id: &str, group: &ConsumerGroup, decision: &mut Decision) {
    for record in records::no_group(id, group) {
        decision.record(record);
    }
    decision.cancel(TimerKey::Assign { group: id.into() });
}
