//! The bounds of this room.

/// Bytes of the log that are in memory at once while it is replayed.
pub(crate) const READ_BYTES: u64 = 1 << 20;

/// The largest snapshot that is read.
pub(crate) const SNAPSHOT_BYTES: u64 = 4 << 30;

/// The largest quorum-state file that is read.
pub(crate) const STATE_FILE_BYTES: u64 = 1 << 20;

/// Bytes of committed records after which a snapshot is due (`metadata.log.max.record.bytes.between.snapshots`).
pub const SNAPSHOT_AFTER_BYTES: u64 = 20 << 20;

/// Time after which a snapshot is due when something changed (`metadata.log.max.snapshot.interval.ms`).
pub const SNAPSHOT_AFTER_MS: u64 = 3_600_000;
