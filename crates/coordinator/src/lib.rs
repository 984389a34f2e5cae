//! Hosts the group machine in the partitions of `__consumer_offsets`: decide, append, apply, answer when acknowledged.
//!
//! Synchronous: the caller brings the time and the metadata, hands effects on and delivers replies; loading is a job
//! that is handed out. Invariant: what a [`GroupShard`] answers, it has read from or written to the log below the
//! offset that the reply waits for, so nobody sees what may be lost.

mod batch;
mod load;
mod place;
mod shard;

pub use batch::BatchError;
pub use load::LoadError;
pub use place::partition_for;
pub use shard::{GroupShard, Loaded, Refused, Submitted};
