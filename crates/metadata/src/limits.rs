//! The bounds of this room.

/// The largest batch of the metadata log, in bytes (Kafka's `KafkaRaftClient.MAX_BATCH_SIZE_BYTES`). Readers refuse
/// larger ones.
pub const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// From this size on a batch of a snapshot is complete, in bytes. Small, so that writing one holds little memory.
pub(crate) const SNAPSHOT_BATCH_BYTES: usize = 256 * 1024;

const _: () = assert!(SNAPSHOT_BATCH_BYTES * 2 < BATCH_BYTES);
