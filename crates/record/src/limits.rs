//! The bounds of this room, by name.
//!
//! What bounds a request or a queue stands with whoever holds it; here stand only the bounds on what
//! one batch may cost.

/// A compressed batch may always unfold to this many bytes, however small it is.
pub const UNFOLDED_FLOOR: u64 = 16 << 20;
/// Beyond the floor, to this many bytes for each byte of the compressed records. Client batches
/// reach 10 to 20; gzip can be made to give 1,000, zstd 100,000.
pub const UNFOLDED_RATIO: u64 = 64;
/// The largest zstd window that is read, as a power of two: 128 MiB, what Java producers write from
/// level 22 on and what Kafka reads. Memory is touched only as far as the output goes.
pub const ZSTD_WINDOW_LOG: u32 = 27;
/// Memory that a zstd context keeps between batches: one that grew beyond it (a window above 8 MiB)
/// is given back.
pub const ZSTD_KEPT: usize = 9 << 20;
/// The unfolding window that a [`crate::Scratch`] keeps between batches; a larger one is given back.
/// Holds the largest lz4 block and what is left before it.
pub const WINDOW_KEPT: usize = 5 << 20;
/// How much gzip and zstd unfold at a time.
pub const STEP: usize = 64 << 10;
/// The largest block of an lz4 frame, fixed by its format.
pub const LZ4_BLOCK: usize = 4 << 20;
/// lz4 gives at most 255 bytes for one, and a few for the last sequence.
pub const LZ4_RATIO: usize = 255;
/// snappy gives at most 64 bytes for 3.
pub const SNAPPY_RATIO: usize = 22;
/// How many refused records of one batch are named; all are counted.
pub const RECORD_ERRORS: usize = 100;
/// The longest batch that is built: its length field must hold it, and what counts it in `i32` too.
pub const BATCH_BYTES: usize = i32::MAX as usize;

const _: () = assert!(STEP <= WINDOW_KEPT && LZ4_BLOCK + STEP <= WINDOW_KEPT);
const _: () = assert!(ZSTD_WINDOW_LOG <= 27);
const _: () = assert!((WINDOW_KEPT as u64) < UNFOLDED_FLOOR);
