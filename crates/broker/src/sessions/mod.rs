//! Fetch sessions (KIP-227): a consumer names its partitions once and then only what changes.
//!
//! The cache holds at most `max.incremental.fetch.session.cache.slots` sessions; who is let in at
//! the cost of whom follows Kafka's `FetchSessionCacheShard`. Nothing here reads a log or knows a
//! clock: a request goes in, the partitions to read come out, and what was read decides which of
//! them the answer names.

mod cache;
mod session;

#[cfg(test)]
mod tests;

pub(crate) use cache::{Opened, Refused, SessionCache, SessionRequest};
pub(crate) use session::{Answered, FetchPartition, PartitionKey, Session, TopicKey};

/// No session.
pub(crate) const NO_SESSION: i32 = 0;
/// The epoch of a request that wants a new session.
pub(crate) const INITIAL_EPOCH: i32 = 0;
/// The epoch of a request that wants none, and closes the one it names.
pub(crate) const FINAL_EPOCH: i32 = -1;

/// The epoch that follows: it never returns to [`INITIAL_EPOCH`].
pub(crate) fn next_epoch(epoch: i32) -> i32 {
    if epoch < 0 { FINAL_EPOCH } else { epoch.checked_add(1).unwrap_or(1) }
}
