//! What one log obeys, resolved: numbers only, no names, no sources.

/// What happens to old data (`cleanup.policy`); neither means: kept for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Old segments are deleted by time and size.
    pub delete: bool,
    /// The newest record of each key is kept.
    pub compact: bool,
}

/// The codec a topic is stored with (`compression.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicCompression {
    /// As the producer sent it.
    Producer,
    /// `uncompressed`.
    None,
    /// With `compression.gzip.level`.
    Gzip(i32),
    /// Snappy has no levels.
    Snappy,
    /// With `compression.lz4.level`.
    Lz4(i32),
    /// With `compression.zstd.level`.
    Zstd(i32),
}

/// Whose clock a record's timestamp is (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The broker's, at append.
    LogAppendTime,
}

/// The settings of one log; defaults are Kafka's. Times in milliseconds, sizes in bytes, −1 where
/// Kafka writes −1 for "no limit".
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each field is the topic setting of the same name
pub struct LogSettings {
    pub cleanup_policy: CleanupPolicy,
    pub compression: TopicCompression,
    pub delete_retention_ms: i64,
    pub file_delete_delay_ms: i64,
    pub flush_messages: i64,
    pub flush_ms: i64,
    pub index_interval_bytes: i32,
    pub max_decompressed_message_bytes: i32,
    pub max_message_bytes: i32,
    pub message_timestamp_type: TimestampType,
    pub message_timestamp_before_max_ms: i64,
    pub message_timestamp_after_max_ms: i64,
    pub min_insync_replicas: i32,
    pub preallocate: bool,
    pub retention_bytes: i64,
    pub retention_ms: i64,
    pub segment_bytes: i32,
    pub segment_index_bytes: i32,
    pub segment_jitter_ms: i64,
    pub segment_ms: i64,
    pub unclean_leader_election_enable: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            cleanup_policy: CleanupPolicy { delete: true, compact: false },
            compression: TopicCompression::Producer,
            delete_retention_ms: 86_400_000,
            file_delete_delay_ms: 60_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            index_interval_bytes: 4096,
            max_decompressed_message_bytes: 2_147_483_639,
            max_message_bytes: 1_048_588,
            message_timestamp_type: TimestampType::CreateTime,
            message_timestamp_before_max_ms: i64::MAX,
            message_timestamp_after_max_ms: 3_600_000,
            min_insync_replicas: 1,
            preallocate: false,
            retention_bytes: -1,
            retention_ms: 604_800_000,
            segment_bytes: 1_073_741_824,
            segment_index_bytes: 10_485_760,
            segment_jitter_ms: 0,
            segment_ms: 604_800_000,
            unclean_leader_election_enable: false,
        }
    }
}
