//! Hosts the controller over raft in the metadata log.
//!
//! One voter: [`Quorum`] reads the log of `__cluster_metadata-0`, begins an epoch, takes decisions as batches, and
//! hands out what is committed as images and deltas. Synchronous: it owns no thread, and what takes long (a flush, a
//! snapshot) is a job. Left to others: what is decided (`controller`), what a change of the image means
//! for this node (`broker`), consensus itself (`raft`).

mod error;
mod journal;
pub mod limits;
mod load;
mod quorum;
mod snapshots;
mod state_file;
mod voters;

pub use error::{OpenError, ProposeError};
pub use journal::{DIRECTORY, Segments};
pub use quorum::{Description, Options, Progress, Proposed, Quorum, Submitted};
pub use snapshots::{SnapshotDone, SnapshotError, SnapshotJob};
pub use voters::voters_record;
