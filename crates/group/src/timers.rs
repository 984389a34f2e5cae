//! Deadlines as data: which exist, and which have passed.
//!
//! A session is set anew by each heartbeat, so setting a later deadline costs one look-up: the queue keeps the
//! earlier place, and who comes to it finds the later one.

use std::collections::{BTreeMap, BTreeSet};

use ottla_model::Tick;

use crate::Text;

/// What a deadline is for. Setting one anew replaces it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKey {
    /// A member of a group of either protocol has to be heard of.
    Session {
        /// The group.
        group: Text,
        /// The member, pending ones included.
        member: Text,
    },
    /// A classic group's members have to join.
    Join {
        /// The group.
        group: Text,
    },
    /// A classic group's members have to fetch their assignments.
    Sync {
        /// The group.
        group: Text,
    },
    /// A member of a consumer group has to give partitions back.
    Revoke {
        /// The group.
        group: Text,
        /// The member.
        member: Text,
    },
    /// A member of a consumer group that speaks the classic protocol has to join again.
    Rejoin {
        /// The group.
        group: Text,
        /// The member.
        member: Text,
    },
    /// A member of a consumer group that speaks the classic protocol has to fetch its assignment.
    Resync {
        /// The group.
        group: Text,
        /// The member.
        member: Text,
    },
    /// A consumer group's next assignment is due (`consumer.assignment.interval.ms`).
    Assign {
        /// The group.
        group: Text,
    },
}

impl TimerKey {
    /// The group it concerns.
    #[must_use]
    pub fn group(&self) -> &Text {
        match self {
            Self::Session { group, member: _ }
            | Self::Join { group }
            | Self::Sync { group }
            | Self::Revoke { group, member: _ }
            | Self::Rejoin { group, member: _ }
            | Self::Resync { group, member: _ }
            | Self::Assign { group } => group,
        }
    }
}

/// The deadlines of a shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    /// When each is due.
    due: BTreeMap<TimerKey, Deadline>,
    /// Where each stands in line: never later than it is due.
    line: BTreeSet<(Tick, TimerKey)>,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    due: Tick,
    in_line: Tick,
}

impl Timers {
    /// Sets a deadline, or takes it away.
    pub(crate) fn set(&mut self, key: &TimerKey, at: Option<Tick>) {
        let Some(due) = at else {
            if let Some(gone) = self.due.remove(key) {
                self.line.remove(&(gone.in_line, key.clone()));
            }
            return;
        };
        if let Some(known) = self.due.get_mut(key) {
            known.due = due;
            if due < known.in_line {
                let before = std::mem::replace(&mut known.in_line, due);
                self.line.remove(&(before, key.clone()));
                self.line.insert((due, key.clone()));
            }
        } else {
            self.due.insert(key.clone(), Deadline { due, in_line: due });
            self.line.insert((due, key.clone()));
        }
    }

    /// Whether one is set.
    pub(crate) fn contains(&self, key: &TimerKey) -> bool {
        self.due.contains_key(key)
    }

    /// When somebody has to look next; not later than the first deadline.
    pub(crate) fn next(&self) -> Option<Tick> {
        self.line.first().map(|(at, _)| *at)
    }

    /// Takes one deadline that has passed.
    pub(crate) fn pop(&mut self, now: Tick) -> Option<TimerKey> {
        while let Some((at, _)) = self.line.first().filter(|(at, _)| *at <= now) {
            let at = *at;
            let (_, key) = self.line.pop_first()?;
            match self.due.get_mut(&key) {
                Some(known) if known.due > at && known.due > now => {
                    known.in_line = known.due;
                    self.line.insert((known.due, key));
                }
                Some(_) => {
                    self.due.remove(&key);
                    return Some(key);
                }
                None => {}
            }
        }
        None
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(member: &str) -> TimerKey {
        TimerKey::Session { group: "g".into(), member: member.into() }
    }

    #[test]
    fn a_later_deadline_keeps_its_place_and_is_met_when_due() {
        let mut timers = Timers::default();
        timers.set(&key("a"), Some(Tick(10)));
        timers.set(&key("b"), Some(Tick(12)));
        timers.set(&key("a"), Some(Tick(20)));
        assert_eq!(timers.next(), Some(Tick(10)));
        assert_eq!(timers.pop(Tick(11)), None);
        assert_eq!(timers.pop(Tick(15)), Some(key("b")));
        assert_eq!(timers.next(), Some(Tick(20)));
        assert_eq!((timers.pop(Tick(20)), timers.pop(Tick(20))), (Some(key("a")), None));
        assert_eq!(timers.len(), 0);
    }

    #[test]
    fn an_earlier_deadline_moves_up_and_a_cancelled_one_never_comes() {
        let mut timers = Timers::default();
        timers.set(&key("a"), Some(Tick(10)));
        timers.set(&key("a"), Some(Tick(5)));
        timers.set(&key("b"), Some(Tick(6)));
        timers.set(&key("b"), None);
        assert_eq!((timers.pop(Tick(5)), timers.pop(Tick(100))), (Some(key("a")), None));
        assert_eq!(timers.next(), None);
    }
}
