//! The assignor `uniform` (Kafka's `UniformAssignor`): as even as the subscriptions allow, then as little moved as
//! possible, then near.
//!
//! In this order: members keep what they own and still subscribe to; what has no owner goes to the least loaded
//! subscribers; the topics of each audience are levelled among it, again and again until nothing moves; what no single
//! move can improve is evened out by chains of moves. A group whose members all subscribe to the same topics is one
//! audience and is done after the first levelling, with the fewest moves there can be. Racks choose between partitions
//! and members that are equal otherwise; Kafka 4.4 hears of racks and looks at none.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Assignment, Subscriber, Topics};
use ledger::{Ledger, Share};

mod chains;
mod deal;
mod ledger;
mod level;

/// How often the audiences are levelled one after another before chains take over; Kafka's
/// `UniformHeterogeneousAssignmentBuilder` gives up after as many. Only audiences that overlap need more than one.
const ROUNDS: usize = 16;

/// Each member's share.
pub(super) fn assign(
    members: &BTreeMap<Arc<str>, Subscriber>,
    topics: &dyn Topics,
) -> BTreeMap<Arc<str>, Assignment> {
    let (mut ledger, mut shares) = Ledger::open(members, topics);
    shares.sort_by(Share::tightest_first);
    for share in &shares {
        let unowned: Vec<usize> =
            share.partitions.clone().filter(|partition| ledger.owner(*partition).is_none()).collect();
        level::level(&mut ledger, &share.members, &unowned);
    }
    for _ in 0..ROUNDS {
        let mut moved = false;
        for share in &shares {
            let all: Vec<usize> = share.partitions.clone().collect();
            moved |= level::level(&mut ledger, &share.members, &all);
        }
        if !moved {
            break;
        }
    }
    chains::even_out(&mut ledger, &shares);
    let target = ledger.close();
    members.keys().cloned().zip(target).collect()
}
