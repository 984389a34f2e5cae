//! Bounds of what is read.

/// Bytes of a properties file; Kafka's longest sample has 9 KiB.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Entries of a properties file.
pub const MAX_ENTRIES: usize = 10_000;
/// Bytes of a value in a metadata record (Kafka's `Short.MAX_VALUE`).
pub const MAX_VALUE_BYTES: usize = 32_767;
/// Characters of a name or value repeated in a message.
pub const MAX_SHOWN_CHARS: usize = 200;
/// Bytes that a compiled pattern may take.
pub const MAX_PATTERN_BYTES: usize = 1 << 18;

const _: () = assert!(MAX_VALUE_BYTES < MAX_FILE_BYTES);
const _: () = assert!(MAX_SHOWN_CHARS < MAX_VALUE_BYTES);
