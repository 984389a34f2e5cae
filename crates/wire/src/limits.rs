//! What a frame may cost while it is decoded. Kafka's limits where it has them, ours where it has none.

/// Elements of one array (Kafka's limit).
pub const MAX_ARRAY: usize = 1_000_000;
/// Tagged fields of one structure (Kafka's limit).
pub const MAX_TAGS: u32 = 10_000;
/// Bytes of a string: its length was an i16 once (Kafka's limit).
pub const MAX_STRING: usize = 32_767;
/// Bytes of decoded structures for each byte of the frame.
pub const BUDGET_PER_BYTE: usize = 64;
/// Bytes of decoded structures for one frame, whatever its size.
pub const MAX_BUDGET: usize = 64 << 20;

/// The memory in bytes that decoding may add to a frame of `len` bytes: what a decoded frame holds
/// is never more than the frame and this.
#[must_use]
pub const fn decode_budget(len: usize) -> usize {
    let budget = len.saturating_mul(BUDGET_PER_BYTE);
    if budget < MAX_BUDGET { budget } else { MAX_BUDGET }
}

const _: () = assert!(decode_budget(usize::MAX) == MAX_BUDGET);
