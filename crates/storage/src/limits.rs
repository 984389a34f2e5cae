//! Bounds of this room, by name.

/// Index entries of one segment that wait in memory for their write.
pub(crate) const PENDING_INDEX_ENTRIES: usize = 64;

/// Bytes of an index read at once in a look-up.
pub(crate) const INDEX_PAGE_BYTES: usize = 4096;
