//! Bounds of this room, by name.

/// Index entries of one segment that wait in memory for their write.
pub(crate) const PENDING_INDEX_ENTRIES: usize = 64;

/// Bytes of an index read at once in a look-up.
pub(crate) const INDEX_PAGE_BYTES: usize = 4096;

/// The largest checkpoint that is read: a million partitions with the longest names do not need more.
pub(crate) const MAX_CHECKPOINT_BYTES: u64 = 512 << 20;

/// The largest of the files that hold a few lines.
pub(crate) const MAX_SMALL_FILE_BYTES: u64 = 64 << 10;
