//! The shape of a replicated decision: decide, append, apply, answer.
//!
//! A machine is a value. A request is *decided* against its state and yields records and a reply; the host appends
//! the records as one batch; when the append has succeeded they are *applied*; the reply leaves when the log has
//! acknowledged them. Deciding never changes state, so a refused append leaves nothing to undo, and a machine that
//! loses its log is dropped and rebuilt by applying again (Kafka's `CoordinatorShard` and `QuorumController`).
//!
//! Left to others: the log, the clock, the waiting for the acknowledged offset (`quorum`, `coordinator`).

use ottla_model::{LeaderEpoch, Offset};

/// A state that changes only by applied records.
pub trait Machine {
    /// What is asked of the machine.
    type Request;
    /// What one answers, refusals included.
    type Reply;
    /// What is appended to the log.
    type Record;
    /// What a decision may know beside the state: the time, the epoch, the next offset, configuration.
    type Context;
    /// Why a record does not fit the state. For a record that this machine decided, it is a bug.
    type Error;

    /// Decides a request without changing anything.
    fn decide(&self, request: Self::Request, context: &Self::Context) -> Outcome<Self::Record, Self::Reply>;

    /// Changes the state as the record says. Records come in log order, each once.
    ///
    /// # Errors
    /// When the record contradicts the state; the state is then as before.
    fn apply(&mut self, record: &Self::Record, at: Position) -> Result<(), Self::Error>;

    /// Records which, applied to a new machine, give this state again.
    fn snapshot(&self) -> Vec<Self::Record>;
}

/// Where a record stands in the machine's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The record's offset.
    pub offset: Offset,
    /// The epoch of the leader that appended it.
    pub epoch: LeaderEpoch,
}

/// What a decision yields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Outcome<R, A> {
    /// What makes the decision true, in order; one batch. Empty when nothing changes.
    pub records: Vec<R>,
    /// The answer. It leaves when the records, or without records what was read, cannot be lost any more.
    pub reply: A,
}

impl<R, A> Outcome<R, A> {
    /// An answer that changes nothing: a read, or a refusal.
    pub const fn unchanged(reply: A) -> Self {
        Self { records: Vec::new(), reply }
    }

    /// An answer together with what it promises.
    pub const fn decided(records: Vec<R>, reply: A) -> Self {
        Self { records, reply }
    }

    /// The same records with the answer in another form.
    pub fn map<B>(self, form: impl FnOnce(A) -> B) -> Outcome<R, B> {
        Outcome { records: self.records, reply: form(self.reply) }
    }
}

/// Applies records that follow each other in the log, `first` being the place of the first one.
///
/// # Errors
/// The first refusal; what came before it has been applied.
pub fn apply_all<M: Machine>(
    machine: &mut M,
    records: &[M::Record],
    first: Position,
) -> Result<(), M::Error> {
    (first.offset..)
        .zip(records)
        .try_for_each(|(offset, record)| machine.apply(record, Position { offset, ..first }))
}

#[cfg(test)]
mod tests;
