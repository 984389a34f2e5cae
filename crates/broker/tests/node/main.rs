//! One node as clients see it: what it promises of records, restarts, crashes, metadata and strangers.
//!
//! The node runs in this process on a disk in memory (or a real one), and is spoken to over loopback by a client that knows
//! bytes and no manners.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests say what went wrong by stopping"
)]

mod bounds;
mod client;
mod crash;
mod fetch;
mod group_samples;
mod groups;
mod hostile;
mod metadata;
mod produce;
mod restart;
mod stand;
mod storage;
