//! A partition that lives on this node: append as leader, read, look up offsets, cut its start.
//!
//! It joins one log (`storage`) with the rules of replication and the settings of its topic. It
//! owns no task and wakes nobody: each change returns an [`Effect`], facts with new values, which
//! the caller hands on after it has dropped every lock.

mod append;
mod effect;
mod lookup;
mod partition;
mod read;

pub use append::{AppendError, AppendRequest, Appended};
pub use effect::{Effect, PartitionId};
pub use lookup::{LookupError, OffsetFound, OffsetSpec};
pub use partition::{DeleteRecordsError, NotLeader, Offsets, Partition};
pub use read::{Isolation, PartitionRead, ReadError, ReadRequest};
