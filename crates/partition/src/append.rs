//! Appending as leader: the batch is checked without the lock, then placed under it.

use std::fmt;

use bytes::Bytes;
use ottla_config::{LogSettings, TimestampType, TopicCompression};
use ottla_model::{LeaderEpoch, Millis, Now, Offset};
use ottla_record::validate::{Origin, Rejected, Rules, validate};
use ottla_record::{BatchView, Codec, with_scratch};
use ottla_replication::{Acks, NotEnoughReplicas};
use ottla_storage::log::{AppendError as LogError, NewBatch};
use ottla_storage::producer_state;

use crate::effect::Effect;
use crate::partition::{NotLeader, Partition};

/// What a producer asks for besides its batch.
#[derive(Clone, Copy, Debug)]
pub struct AppendRequest {
    /// When it wants its answer.
    pub acks: Acks,
    /// Whether zstd may be used (Produce 7 and later).
    pub zstd_allowed: bool,
    /// When the request came.
    pub now: Now,
}

/// What an append has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record; of the first time where the batch is a duplicate.
    pub base_offset: Offset,
    /// Offset of the last record.
    pub last_offset: Offset,
    /// The broker's time, where the topic's timestamps are the broker's; else −1.
    pub log_append_time: Millis,
    /// The log's first offset.
    pub log_start_offset: Offset,
    /// In which epoch it was appended.
    pub leader_epoch: LeaderEpoch,
    /// Records appended; 0 for a duplicate.
    pub records: i32,
    /// Bytes appended; 0 for a duplicate.
    pub bytes: u64,
    /// `flush.messages` have gathered: the answer waits until they are on disk, whatever was asked for.
    pub flush_due: bool,
    /// The partition's marks after it.
    pub effect: Effect,
}

/// Why a batch was not appended. Nothing has changed then.
#[derive(Debug)]
pub enum AppendError {
    /// Not led here.
    NotLeader(NotLeader),
    /// The log directory has too little room (KAFKA_STORAGE_ERROR, which producers try again).
    NoRoom,
    /// A topic in which only the broker writes (INVALID_TOPIC_EXCEPTION).
    InternalTopic,
    /// A transactional batch, and transactions are not served yet (INVALID_TXN_STATE).
    Transactional,
    /// Fewer in sync than `min.insync.replicas` (NOT_ENOUGH_REPLICAS).
    NotEnoughReplicas(NotEnoughReplicas),
    /// The batch does not hold what the topic asks for.
    Rejected(Rejected),
    /// The log refused it.
    Log(LogError),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLeader(why) => why.fmt(f),
            Self::NoRoom => f.write_str(
                "the log directory is nearly full: free space on its disk, delete records or topics, or shorten retention",
            ),
            Self::InternalTopic => f.write_str("only the broker writes to this topic"),
            Self::Transactional => f.write_str("transactions are not served yet; use an idempotent producer"),
            Self::NotEnoughReplicas(NotEnoughReplicas { in_sync, wanted }) => {
                write!(f, "{in_sync} replica(s) in sync, min.insync.replicas is {wanted}")
            }
            Self::Rejected(rejected) => f.write_str(&rejected.message),
            Self::Log(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AppendError {}

impl Partition {
    /// Appends one batch as leader.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn append(&self, records: &Bytes, request: &AppendRequest) -> Result<Appended, AppendError> {
        if self.name().topic.is_internal() {
            return Err(AppendError::InternalTopic);
        }
        let rules = {
            let state = self.lock();
            self.leader_epoch(&state, -1).map_err(AppendError::NotLeader)?;
            if self.is_short_of_room() {
                return Err(AppendError::NoRoom);
            }
            rules(state.log.settings(), request)
        };
        let produced = with_scratch(|scratch| validate(records, &rules, request.now.wall, scratch));
        let produced = produced.map_err(AppendError::Rejected)?;
        if produced.header.is_transactional() {
            return Err(AppendError::Transactional);
        }
        let mut state = self.lock();
        let epoch = self.leader_epoch(&state, -1).map_err(AppendError::NotLeader)?;
        self.view(&state).admits(request.acks).map_err(AppendError::NotEnoughReplicas)?;
        let batch = NewBatch { header: produced.header, body: &produced.body, marker: None };
        let origin = producer_state::Origin::Client;
        let was_clean = !state.log.is_dirty();
        let appended =
            state.log.append_as_leader(&[batch], epoch, origin, request.now).map_err(AppendError::Log)?;
        if was_clean {
            state.dirty_since = Some(request.now.tick);
        }
        self.advance(&mut state);
        let unflushed = state.log.end_offset() - state.log.durable_offset();
        Ok(Appended {
            flush_due: unflushed >= state.log.settings().flush_messages,
            base_offset: appended.base_offset,
            last_offset: appended.last_offset,
            log_append_time: if appended.duplicate { -1 } else { produced.log_append_time.unwrap_or(-1) },
            log_start_offset: appended.start_offset,
            leader_epoch: epoch,
            records: if appended.duplicate { 0 } else { produced.count },
            bytes: appended.bytes,
            effect: self.effect(&state),
        })
    }
}

impl Partition {
    /// Appends a batch that a coordinator of this node has built: to a topic in which only the broker writes, at
    /// any size that fits a segment. It is acknowledged as `acks=all` is.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing has changed then.
    pub fn append_own(&self, batch: &BatchView<'_>, now: Now) -> Result<Appended, AppendError> {
        let mut state = self.lock();
        let epoch = self.leader_epoch(&state, -1).map_err(AppendError::NotLeader)?;
        if self.is_short_of_room() {
            return Err(AppendError::NoRoom);
        }
        self.view(&state).admits(Acks::All).map_err(AppendError::NotEnoughReplicas)?;
        let new = NewBatch { header: *batch.header(), body: batch.body(), marker: None };
        let was_clean = !state.log.is_dirty();
        let origin = producer_state::Origin::Coordinator;
        let appended = state.log.append_as_leader(&[new], epoch, origin, now).map_err(AppendError::Log)?;
        if was_clean {
            state.dirty_since = Some(now.tick);
        }
        self.advance(&mut state);
        Ok(Appended {
            base_offset: appended.base_offset,
            last_offset: appended.last_offset,
            log_append_time: -1,
            log_start_offset: appended.start_offset,
            leader_epoch: epoch,
            records: batch.header().record_count,
            bytes: appended.bytes,
            flush_due: false,
            effect: self.effect(&state),
        })
    }
}

fn rules(settings: &LogSettings, request: &AppendRequest) -> Rules {
    Rules {
        origin: Origin::Client,
        max_message_bytes: usize::try_from(settings.max_message_bytes).unwrap_or(0),
        codec: match settings.compression {
            TopicCompression::Producer => None,
            TopicCompression::None => Some(Codec::None),
            TopicCompression::Gzip(level) => Some(Codec::Gzip(level)),
            TopicCompression::Snappy => Some(Codec::Snappy),
            TopicCompression::Lz4(level) => Some(Codec::Lz4(level)),
            TopicCompression::Zstd(level) => Some(Codec::Zstd(level)),
        },
        compacted: settings.cleanup_policy.compact,
        timestamp_type: match settings.message_timestamp_type {
            TimestampType::CreateTime => ottla_record::TimestampType::CreateTime,
            TimestampType::LogAppendTime => ottla_record::TimestampType::LogAppendTime,
        },
        before_max_ms: settings.message_timestamp_before_max_ms,
        after_max_ms: settings.message_timestamp_after_max_ms,
        zstd_allowed: request.zstd_allowed,
        max_unfolded: u64::try_from(settings.max_decompressed_message_bytes).unwrap_or(0),
        limits: None,
    }
}
