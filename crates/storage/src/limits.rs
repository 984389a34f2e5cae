//! The bounds of this room: descriptors, buffers, reservations, free space.
//!
//! Numbers only, with the relations between them asserted when the crate is compiled. What an
//! operator sets lives in `ottla_config`.

/// Bytes read at a time when batch headers are looked for one after the other: one index interval
/// and the header that ends it, so that a look-up by index is one read.
pub const SCAN_BYTES: usize = 8 * 1024;

/// Bytes read at a time when whole batches are checked (recovery): large, because all of a
/// segment is read.
pub const RECOVERY_BYTES: usize = 1024 * 1024;

/// The largest batch that recovery takes for one: Kafka's `Integer.MAX_VALUE` bytes would let a
/// damaged length make us allocate two gigabytes.
pub const MAX_BATCH_BYTES: usize = 256 * 1024 * 1024;

/// Open files of all logs of the node when nothing else is asked for.
pub const DEFAULT_FILE_BUDGET: usize = 4096;

/// Fewer open files than this make no sense: a log that is written to and read needs three.
pub const MIN_FILE_BUDGET: usize = 16;

/// Bytes a segment has before room is reserved ahead of it: small and idle partitions reserve
/// nothing.
pub const RESERVE_FROM: u64 = 128 * 1024;

/// The first and smallest step of a reservation.
pub const RESERVE_MIN: u64 = 256 * 1024;

/// The largest step of a reservation.
pub const RESERVE_MAX: u64 = 16 * 1024 * 1024;

/// Aborted transactions answered to one fetch; beyond, the answer ends earlier.
pub const MAX_ABORTED: usize = 10_000;

/// Files of a flush round synced at the same time.
pub const SYNCS_AT_ONCE: usize = 4;

/// Free bytes below which a directory takes no more produced data.
pub const STOP_APPENDS_BELOW: u64 = 256 * 1024 * 1024;

/// Appends go on when this much is free again: the gap keeps the state from flapping.
pub const RESUME_APPENDS_ABOVE: u64 = 384 * 1024 * 1024;

/// Of a small file system, never more than this share (one in N) is kept free.
pub const KEPT_FREE_SHARE: u64 = 20;

/// Index entries of one segment that wait in memory for their write.
pub(crate) const PENDING_INDEX_ENTRIES: usize = 64;

/// Bytes of an index read at once in a look-up.
pub(crate) const INDEX_PAGE_BYTES: usize = 4096;

/// The largest checkpoint that is read: a million partitions with the longest names do not need more.
pub(crate) const MAX_CHECKPOINT_BYTES: u64 = 512 << 20;

/// The largest of the files that hold a few lines.
pub(crate) const MAX_SMALL_FILE_BYTES: u64 = 64 << 10;

/// The largest producer snapshot that is read: some eleven million producers.
pub(crate) const MAX_SNAPSHOT_BYTES: u64 = 512 << 20;

const _: () = assert!(SCAN_BYTES > ottla_record::HEADER_LEN * 2);
const _: () = assert!(RECOVERY_BYTES > SCAN_BYTES);
const _: () = assert!(RESERVE_MIN <= RESERVE_MAX && RESERVE_FROM <= RESERVE_MAX);
const _: () = assert!(STOP_APPENDS_BELOW < RESUME_APPENDS_ABOVE);
const _: () = assert!(MIN_FILE_BUDGET <= DEFAULT_FILE_BUDGET);
