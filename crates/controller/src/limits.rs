//! Every bound of this room.

/// Records of one decision: more would not fit one batch of the metadata log (Kafka's
/// `MAX_RECORDS_PER_USER_OP`).
pub(crate) const MAX_RECORDS: usize = 10_000;

/// Producer ids of one block (Kafka's `ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`).
pub(crate) const PRODUCER_ID_BLOCK: i64 = 1000;
