//! Levelling: partitions are dealt among members so that loads become as even as these partitions can make them.
//!
//! What members own besides is their ground, and the partitions are water: it fills the lowest ground first and ends
//! at one level, with a rest of less than one for each member under water. Whoever owns more of these partitions than
//! its depth gives up the difference, and nobody else gives up anything: fewer moves cannot reach this level.

use super::deal::{Seat, deal};
use super::ledger::Ledger;

/// A member at the table.
struct Basin {
    member: usize,
    /// What it owns besides the partitions to be dealt.
    ground: usize,
    /// Which of the partitions to be dealt it owns.
    held: Vec<usize>,
}

/// Deals `partitions` among `members` (ascending), all of whom subscribe to all of them. Says whether an owner changed.
pub(super) fn level(ledger: &mut Ledger<'_>, members: &[usize], partitions: &[usize]) -> bool {
    if is_level(ledger, members, partitions) {
        return false;
    }
    let (mut basins, mut homeless) = basins(ledger, members, partitions);
    let (depth, wet, mut rest) = water(&basins, partitions.len());
    let mut due = Vec::new();
    let mut spare = Vec::new();
    for (position, basin) in basins.iter_mut().enumerate() {
        let under_water = position < wet;
        let mut quota = if under_water { depth.saturating_sub(basin.ground) } else { 0 };
        if under_water && basin.held.len() > quota && rest > 0 {
            quota += 1;
            rest -= 1;
        } else if under_water {
            spare.push(Seat { member: basin.member, places: 1 });
        }
        if basin.held.len() > quota {
            // Near ones stay; otherwise the first ones do.
            basin.held.sort_by_cached_key(|partition| !ledger.is_near(*partition, basin.member));
            homeless.extend(basin.held.split_off(quota));
        } else if quota > basin.held.len() {
            due.push(Seat { member: basin.member, places: quota - basin.held.len() });
        }
    }
    deal(ledger, &homeless, due, spare, rest)
}

/// Whether all partitions have an owner and no move of one of them would make loads more even.
fn is_level(ledger: &Ledger<'_>, members: &[usize], partitions: &[usize]) -> bool {
    let lowest = members.iter().map(|member| ledger.load(*member)).min().unwrap_or(0);
    partitions
        .iter()
        .all(|partition| ledger.owner(*partition).is_some_and(|owner| ledger.load(owner) <= lowest + 1))
}

/// One basin for each member, lowest ground first, and the partitions without owner.
fn basins(ledger: &Ledger<'_>, members: &[usize], partitions: &[usize]) -> (Vec<Basin>, Vec<usize>) {
    let basin = |member: &usize| Basin { member: *member, ground: ledger.load(*member), held: Vec::new() };
    let mut basins: Vec<Basin> = members.iter().map(basin).collect();
    let mut homeless = Vec::new();
    for partition in partitions {
        let owner = ledger.owner(*partition).and_then(|owner| members.binary_search(&owner).ok());
        match owner.and_then(|position| basins.get_mut(position)) {
            Some(basin) => {
                basin.ground -= 1;
                basin.held.push(*partition);
            }
            None => homeless.push(*partition),
        }
    }
    basins.sort_by_key(|basin| (basin.ground, basin.member));
    (basins, homeless)
}

/// The level that `volume` reaches, how many of the basins (lowest first) are under water, and the rest, which is
/// smaller than their number.
fn water(basins: &[Basin], volume: usize) -> (usize, usize, usize) {
    let (mut wet, mut ground) = (0, 0);
    for basin in basins {
        if wet * basin.ground > volume + ground {
            break;
        }
        wet += 1;
        ground += basin.ground;
    }
    let width = wet.max(1);
    ((volume + ground) / width, wet, (volume + ground) % width)
}
