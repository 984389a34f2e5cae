//! Every bound of this room.

/// Records that one decision writes to let old things go; the host asks again while there are some.
pub(crate) const MAX_TOMBSTONES: usize = 5_000;
