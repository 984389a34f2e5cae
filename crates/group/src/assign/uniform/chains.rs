//! Chains: moves that make loads more even only together.
//!
//! Of three members, the first two subscribe to one topic and the last two to another, and their loads are 9, 10 and
//! 11: no single move helps, but one partition of each topic moved one member on gives 10, 10 and 10. Kafka stops at
//! the former. Loads are as even as subscriptions allow (the sum of their squares is smallest) exactly when no chain
//! leads from a member to one whose load is smaller by two or more (Harvey, Ladner, Lovász, Tamir: Semi-matchings for
//! bipartite graphs and load balancing, 2003).
//!
//! Members are looked at least loaded first. When all that a chain to a member can start from have its load or one
//! more, the same holds for chains to each of those, so they are settled together and never looked at again. Chains
//! do not look at racks.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::{Ledger, Share};
use crate::limits::MAX_CHAIN_STEPS;

/// A member that a search came to.
struct Stop {
    member: usize,
    /// Where its partition would go: the share it is of, and the position of the taker among the stops. `None` at the
    /// member the search began with.
    next: Option<(usize, usize)>,
}

/// All that a search came to.
struct Search {
    /// Nearest first.
    stops: Vec<Stop>,
    shares: Vec<usize>,
    /// The stop from which a chain makes loads more even: the most loaded one.
    start: Option<usize>,
}

struct Chains<'a, 'b> {
    ledger: &'a mut Ledger<'b>,
    /// By share: which of its partitions each owner has. No empty lists.
    held: Vec<BTreeMap<usize, Vec<usize>>>,
    /// By member: the shares it is in the audience of.
    joined: Vec<Vec<usize>>,
    /// Load and number of members that are not settled.
    unsettled: BTreeSet<(usize, usize)>,
    /// By share: whether a search came there, or all its owners are settled.
    seen_shares: Vec<bool>,
    /// By member: likewise.
    seen_members: Vec<bool>,
    /// How many are left; see [`MAX_CHAIN_STEPS`].
    steps: usize,
}

/// Moves partitions along chains until no chain makes loads more even.
pub(super) fn even_out(ledger: &mut Ledger<'_>, shares: &[Share]) {
    if shares.len() < 2 {
        return;
    }
    let mut chains = Chains::new(ledger, shares);
    while let Some((load, member)) = chains.unsettled.first().copied() {
        let search = chains.search(member, load);
        match search.start {
            Some(start) => {
                chains.forget(&search);
                chains.shift(&search.stops, start);
            }
            None => chains.settle(&search.stops),
        }
        if chains.steps == 0 {
            return;
        }
    }
}

impl<'a, 'b> Chains<'a, 'b> {
    fn new(ledger: &'a mut Ledger<'b>, shares: &[Share]) -> Self {
        let mut joined = vec![Vec::new(); ledger.members()];
        let mut held = vec![BTreeMap::new(); shares.len()];
        for ((number, share), held) in shares.iter().enumerate().zip(&mut held) {
            for member in &share.members {
                if let Some(joined) = joined.get_mut(*member) {
                    joined.push(number);
                }
            }
            for partition in share.partitions.clone() {
                if let Some(owner) = ledger.owner(partition) {
                    held.entry(owner).or_insert_with(Vec::new).push(partition);
                }
            }
        }
        Self {
            unsettled: (0..ledger.members()).map(|member| (ledger.load(member), member)).collect(),
            seen_shares: vec![false; shares.len()],
            seen_members: vec![false; ledger.members()],
            ledger,
            held,
            joined,
            steps: MAX_CHAIN_STEPS,
        }
    }

    /// Walks from `member`, whose load is `load`, to all that a chain to it can start from; or as far as the most
    /// loaded member of all.
    fn search(&mut self, member: usize, load: usize) -> Search {
        let highest = self.unsettled.last().map_or(0, |(load, _)| *load);
        let mut stops = vec![Stop { member, next: None }];
        let mut shares = Vec::new();
        let mut best: Option<(usize, usize)> = None;
        mark(&mut self.seen_members, member);
        let mut position = 0;
        while let Some(taker) = stops.get(position).map(|stop| stop.member) {
            let joined = self.joined.get(taker).map_or(&[][..], Vec::as_slice);
            self.steps = self.steps.saturating_sub(1 + joined.len());
            for share in joined {
                if !mark(&mut self.seen_shares, *share) {
                    continue;
                }
                shares.push(*share);
                for giver in self.held.get(*share).into_iter().flat_map(BTreeMap::keys) {
                    self.steps = self.steps.saturating_sub(1);
                    if mark(&mut self.seen_members, *giver) {
                        let giving = self.ledger.load(*giver);
                        if giving >= load + 2 && best.is_none_or(|(best, _)| giving > best) {
                            best = Some((giving, stops.len()));
                        }
                        stops.push(Stop { member: *giver, next: Some((*share, position)) });
                    }
                }
            }
            if best.is_some_and(|(best, _)| best == highest) {
                break;
            }
            position += 1;
        }
        Search { stops, shares, start: best.map(|(_, position)| position) }
    }

    /// Leaves no trace of a search that found a chain.
    fn forget(&mut self, search: &Search) {
        for stop in &search.stops {
            clear(&mut self.seen_members, stop.member);
        }
        for share in &search.shares {
            clear(&mut self.seen_shares, *share);
        }
    }

    /// Settles all that a search without result came to. Their marks stay, and keep later searches out.
    fn settle(&mut self, stops: &[Stop]) {
        for stop in stops {
            self.unsettled.remove(&(self.ledger.load(stop.member), stop.member));
        }
    }

    /// Moves partitions along the chain that begins at `start`: as many as each link has and as balance asks for.
    fn shift(&mut self, stops: &[Stop], start: usize) {
        let mut links = Vec::new();
        let mut position = start;
        while let Some((stop, (share, next))) = stops.get(position).and_then(|stop| Some((stop, stop.next?)))
        {
            let Some(taker) = stops.get(next) else { break };
            links.push((share, stop.member, taker.member));
            position = next;
        }
        let (Some((_, first, _)), Some((_, _, last))) = (links.first(), links.last()) else {
            return;
        };
        let (first, last) = (*first, *last);
        let wanted = self.ledger.load(first).saturating_sub(self.ledger.load(last)) / 2;
        let held = |(share, giver, _): &(usize, usize, usize)| {
            self.held.get(*share).and_then(|held| held.get(giver)).map_or(0, Vec::len)
        };
        let count = links.iter().map(held).min().map_or(wanted, |least| least.min(wanted));
        for end in [first, last] {
            self.unsettled.remove(&(self.ledger.load(end), end));
        }
        for (share, giver, taker) in links {
            self.hand_over(share, giver, taker, count);
        }
        for end in [first, last] {
            self.unsettled.insert((self.ledger.load(end), end));
        }
    }

    fn hand_over(&mut self, share: usize, giver: usize, taker: usize, count: usize) {
        let Some(held) = self.held.get_mut(share) else {
            return;
        };
        let Some(list) = held.get_mut(&giver) else {
            return;
        };
        let moved = list.split_off(list.len().saturating_sub(count));
        if list.is_empty() {
            held.remove(&giver);
        }
        for partition in &moved {
            self.ledger.give(*partition, taker);
        }
        held.entry(taker).or_default().extend(moved);
    }
}

/// Sets a flag and says whether it was not set.
fn mark(flags: &mut [bool], position: usize) -> bool {
    flags.get_mut(position).is_some_and(|flag| !std::mem::replace(flag, true))
}

fn clear(flags: &mut [bool], position: usize) {
    if let Some(flag) = flags.get_mut(position) {
        *flag = false;
    }
}
