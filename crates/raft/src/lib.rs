//! KRaft consensus as a value: events in, wishes out.
//!
//! [`Raft`] knows epochs, votes, voters and offsets, and nothing of bytes, files or time. Its host keeps the log and
//! the `quorum-state` file, tells it what happened ([`Event`]) and does what it asks for ([`Ready`]) in the order the
//! fields stand in. Invariants: an epoch is durable before anything is written in it, and is written in by one start
//! only, so (offset, epoch) names a record for ever; what is committed is durable here.
//!
//! A quorum is one voter so far: start refuses others ([`Refused`]). Votes and positions are counted by majority all
//! the same, so that other voters are new events, not a new shape. Left to others: encoding of control records and
//! the state file's handling on disk (`quorum`).

mod control;
mod election;
mod node;
mod voters;

pub use control::ControlRecord;
pub use election::{BadQuorumState, Election};
pub use node::{Event, Found, LogEnd, Raft, Ready, Refused, Role};
pub use voters::{Endpoint, KRaftVersions, ReplicaKey, Voter, Voters, VotersSource};

/// `kraft.version` from which voters stand in the log (KIP-853); below, they are configuration.
pub const KRAFT_VERSION_WITH_VOTERS: i16 = 1;

/// The `kraft.version` levels this code speaks.
pub const SUPPORTED: KRaftVersions = KRaftVersions { min: 0, max: 1 };

#[cfg(test)]
mod tests;
