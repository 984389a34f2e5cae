//! Dealing: partitions that need an owner go to members that have places, near ones first.
//!
//! How many places each member has is settled before, so racks cost neither balance nor stickiness. A partition goes
//! to the rack with most places left among its own; one with fewer racks to choose from goes first. That leaves no
//! partition far from its owner while a place near to it was free.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use super::ledger::Ledger;

/// A member that takes partitions.
pub(super) struct Seat {
    pub(super) member: usize,
    /// How many.
    pub(super) places: usize,
}

struct Homeless {
    partition: usize,
    racks: Vec<usize>,
}

/// The seats of one rack.
#[derive(Default)]
struct Table {
    /// Positions of seats, those with places left first.
    seats: VecDeque<usize>,
    places: usize,
}

/// Gives each of `homeless` an owner: all places of `due`, and `extra` of the places of `spare`, of which there are at
/// least as many. Says whether there was anything to give.
pub(super) fn deal(
    ledger: &mut Ledger<'_>,
    homeless: &[usize],
    mut due: Vec<Seat>,
    mut spare: Vec<Seat>,
    extra: usize,
) -> bool {
    let mut left: Vec<Homeless> = homeless
        .iter()
        .map(|partition| Homeless { partition: *partition, racks: ledger.racks(*partition) })
        .collect();
    left.sort_by_key(|homeless| homeless.racks.len());
    left = deal_near(ledger, left, &mut due, usize::MAX);
    let before = left.len();
    left = deal_near(ledger, left, &mut spare, extra);
    let extra = extra - (before - left.len());

    left.sort_by_key(|homeless| homeless.partition);
    let places = |seat: Seat| std::iter::repeat_n(seat.member, seat.places);
    let takers = due.into_iter().flat_map(places).chain(spare.into_iter().flat_map(places).take(extra));
    for (homeless, taker) in left.into_iter().zip(takers) {
        ledger.give(homeless.partition, taker);
    }
    !homeless.is_empty()
}

/// Fills at most `limit` places with partitions near to them; returns the partitions that found none.
fn deal_near(
    ledger: &mut Ledger<'_>,
    homeless: Vec<Homeless>,
    seats: &mut [Seat],
    mut limit: usize,
) -> Vec<Homeless> {
    let mut tables: BTreeMap<usize, Table> = BTreeMap::new();
    for (position, seat) in seats.iter().enumerate() {
        if let Some(rack) = ledger.rack(seat.member) {
            let table = tables.entry(rack).or_default();
            table.seats.push_back(position);
            table.places += seat.places;
        }
    }
    let mut left = Vec::new();
    for homeless in homeless {
        match roomiest(&tables, &homeless.racks)
            .filter(|_| limit > 0)
            .and_then(|rack| tables.get_mut(&rack)?.take(seats))
        {
            Some(member) => {
                ledger.give(homeless.partition, member);
                limit -= 1;
            }
            None => left.push(homeless),
        }
    }
    left
}

fn roomiest(tables: &BTreeMap<usize, Table>, racks: &[usize]) -> Option<usize> {
    let places = |rack: &usize| tables.get(rack).map_or(0, |table| table.places);
    racks.iter().copied().filter(|rack| places(rack) > 0).max_by_key(|rack| (places(rack), Reverse(*rack)))
}

impl Table {
    /// Takes the next place and says whose it is.
    fn take(&mut self, seats: &mut [Seat]) -> Option<usize> {
        while let Some(position) = self.seats.front() {
            let seat = seats.get_mut(*position)?;
            if seat.places > 0 {
                seat.places -= 1;
                self.places -= 1;
                return Some(seat.member);
            }
            self.seats.pop_front();
        }
        None
    }
}
