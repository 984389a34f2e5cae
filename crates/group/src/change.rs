//! What a decision yields: changes of two kinds, replies, and notes for people.

use ottla_machine::Outcome;
use ottla_model::Tick;

use crate::Text;
use crate::record::Record;
use crate::reply::{Note, Replies, Reply, Waiter};
use crate::state::classic::ClassicGroup;
use crate::state::consumer::ConsumerVolatile;
use crate::timers::TimerKey;

/// One step of the shard's state.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a decision has few, and they do not stay")]
pub enum Change {
    /// Appended to the log, then applied; applied again when the shard is loaded.
    Append(Record),
    /// Applied after the records of its decision; gone when the shard is dropped.
    Volatile(Volatile),
}

/// State that no record carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Volatile {
    /// A classic group as it is from now on, with those who wait in it.
    Classic(Text, Box<ClassicGroup>),
    /// Something of a consumer group that no record carries.
    Consumer(Text, ConsumerVolatile),
    /// A deadline is set anew, or is no more.
    Timer(TimerKey, Option<Tick>),
}

/// Gathers what a decision yields.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    records: Vec<Change>,
    volatile: Vec<Change>,
    replies: Replies,
}

impl Decision {
    /// To be appended.
    pub(crate) fn record(&mut self, record: Record) {
        self.records.push(Change::Append(record));
    }

    /// To be applied after the records.
    pub(crate) fn volatile(&mut self, change: Volatile) {
        self.volatile.push(Change::Volatile(change));
    }

    /// A deadline is set anew.
    pub(crate) fn deadline(&mut self, key: TimerKey, at: Tick) {
        self.volatile(Volatile::Timer(key, Some(at)));
    }

    /// A deadline is no more.
    pub(crate) fn cancel(&mut self, key: TimerKey) {
        self.volatile(Volatile::Timer(key, None));
    }

    /// An answer, when somebody waits for it.
    pub(crate) fn reply(&mut self, to: Waiter, reply: Reply) {
        if to != Waiter::NOBODY {
            self.replies.replies.push((to, reply));
        }
    }

    /// For people.
    pub(crate) fn note(&mut self, note: Note) {
        self.replies.notes.push(note);
    }

    /// Takes over what another decision yields, after what this one yields.
    pub(crate) fn absorb(&mut self, other: Self) {
        let Self { mut records, mut volatile, replies: Replies { mut replies, mut notes } } = other;
        self.records.append(&mut records);
        self.volatile.append(&mut volatile);
        self.replies.replies.append(&mut replies);
        self.replies.notes.append(&mut notes);
    }

    /// The whole, records first.
    pub(crate) fn into_outcome(self) -> Outcome<Change, Replies> {
        let Self { mut records, mut volatile, replies } = self;
        records.append(&mut volatile);
        Outcome { records, reply: replies }
    }
}
