//! The state of one partition of `__consumer_offsets`.

use std::collections::BTreeMap;
use std::fmt;

use ottla_machine::{Machine, Outcome, Position};

use crate::Text;
use crate::change::{Change, Decision, Record, Replies, Volatile};
use crate::context::Context;
use crate::group::Group;
use crate::request::{Ask, Request};
use crate::timers::Timers;

/// Groups and offsets of one partition of `__consumer_offsets`.
#[derive(Clone, Debug, Default)]
pub struct Shard {
    /// By id.
    pub(crate) groups: BTreeMap<Text, Group>,
    pub(crate) timers: Timers,
}

/// Why a record does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayError(pub String);

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReplayError {}

impl Machine for Shard {
    type Request = Ask;
    type Reply = Replies;
    type Record = Change;
    type Context = Context;
    type Error = ReplayError;

    fn decide(&self, ask: Ask, context: &Context) -> Outcome<Change, Replies> {
        let mut decision = Decision::default();
        let Ask { waiter: _, client: _, version: _, request } = ask;
        match request {
            Request::Loaded => {}
            _ => {}
        }
        let _ = context;
        decision.into_outcome()
    }

    fn apply(&mut self, change: &Change, at: Position) -> Result<(), ReplayError> {
        match change {
            Change::Append(record) => self.replay(record, at),
            Change::Volatile(Volatile::Classic(id, group)) => {
                self.groups.insert(id.clone(), Group::Classic(group.clone()));
                Ok(())
            }
            Change::Volatile(Volatile::Consumer(_id, change)) => match *change {},
            Change::Volatile(Volatile::Timer(key, at)) => {
                self.timers.set(key, *at);
                Ok(())
            }
        }
    }

    fn snapshot(&self) -> Vec<Change> {
        Vec::new()
    }
}

impl Shard {
    /// Applies a record of the log.
    pub(crate) fn replay(&mut self, _record: &Record, _at: Position) -> Result<(), ReplayError> {
        Ok(())
    }
}
