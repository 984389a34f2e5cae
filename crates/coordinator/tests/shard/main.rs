//! A shard of groups on a partition whose log is on a disk in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests say what went wrong by stopping"
)]

mod answering;
mod loading;
mod node;
mod refusing;
