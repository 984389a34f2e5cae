//! One log on disk: segments, indexes, producer state, recovery, retention.

pub mod index;
mod limits;
