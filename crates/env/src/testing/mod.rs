//! Doors for tests: time that stands still, luck from a seed, disks in memory and disks that fail,
//! and the suite that every disk passes. Nothing of the program imports this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests say what went wrong by stopping"
)]

pub mod contract;
mod fault_disk;
mod mem_disk;
mod time_and_luck;

pub use fault_disk::{FaultDisk, Verb};
pub use mem_disk::MemDisk;
pub use time_and_luck::{ManualClock, SeededRandom, Sequence};
