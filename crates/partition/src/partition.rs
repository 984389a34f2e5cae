//! One partition: its log, its role, and the marks that others see.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use ottla_config::LogSettings;
use ottla_model::{ErrorCode, LeaderEpoch, Now, Offset, Tick, TopicPartition};
use ottla_replication::{AckDurable, LeaderView};
use ottla_storage::flush::Flushed;
use ottla_storage::log::{Garbage, Log};
use parking_lot::{Mutex, MutexGuard};

use crate::effect::{Effect, PartitionId};

/// A partition of which this node holds a replica.
#[derive(Debug)]
pub struct Partition {
    id: PartitionId,
    name: TopicPartition,
    ack_durable: AckDurable,
    /// The log directory has too little room: what is there can be read and deleted, nothing is added.
    short_of_room: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) log: Log,
    /// When the oldest record that no sync has covered was appended.
    pub(crate) dirty_since: Option<Tick>,
    role: Role,
}

/// What this node is to the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It leads in this epoch.
    Leader { epoch: LeaderEpoch },
    /// It holds a replica and does not lead.
    Follower { epoch: LeaderEpoch },
    /// Its log directory failed in this epoch; nothing brings it back before the next start.
    Offline { epoch: LeaderEpoch },
}

impl Role {
    const fn epoch(self) -> LeaderEpoch {
        let (Self::Leader { epoch } | Self::Follower { epoch } | Self::Offline { epoch }) = self;
        epoch
    }
}

/// The partition is not served here, or not in the epoch the client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLeader {
    /// NOT_LEADER_OR_FOLLOWER.
    Elsewhere,
    /// KAFKA_STORAGE_ERROR: its log directory failed.
    Offline,
    /// FENCED_LEADER_EPOCH: the client knows an older epoch.
    Fenced {
        /// The leader's epoch.
        current: LeaderEpoch,
    },
    /// UNKNOWN_LEADER_EPOCH: the client knows a newer one.
    Unknown {
        /// The leader's epoch.
        current: LeaderEpoch,
    },
}

impl NotLeader {
    /// Kafka's code.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Elsewhere => ErrorCode::NotLeaderOrFollower,
            Self::Offline => ErrorCode::KafkaStorageError,
            Self::Fenced { .. } => ErrorCode::FencedLeaderEpoch,
            Self::Unknown { .. } => ErrorCode::UnknownLeaderEpoch,
        }
    }
}

impl fmt::Display for NotLeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere => f.write_str("this broker does not lead the partition; ask for metadata again"),
            Self::Offline => {
                f.write_str("the log directory is offline since an error of its disk; see the broker's log")
            }
            Self::Fenced { current } => write!(f, "the leader epoch is {current}, later than the request's"),
            Self::Unknown { current } => write!(f, "the leader epoch is {current}, before the request's"),
        }
    }
}

/// A partition's offsets at one moment. Always
/// `start <= last_stable <= high_watermark <= end` and `durable <= end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offsets {
    /// The first that can be read.
    pub start: Offset,
    /// One past the last that is decided.
    pub last_stable: Offset,
    /// One past the last that consumers see.
    pub high_watermark: Offset,
    /// One past the last that is on disk.
    pub durable: Offset,
    /// One past the last.
    pub end: Offset,
}

/// Why the start was not raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteRecordsError {
    /// Not led here.
    NotLeader(NotLeader),
    /// A topic that is only compacted keeps its records (POLICY_VIOLATION).
    Compacted,
    /// Negative, or beyond the high watermark (OFFSET_OUT_OF_RANGE).
    OutOfRange,
}

impl Partition {
    /// A partition on an open log; it follows until it is told to lead.
    #[must_use]
    pub fn new(id: PartitionId, log: Log, ack_durable: AckDurable) -> Self {
        let name = log.partition().clone();
        let state = Mutex::new(State { log, dirty_since: None, role: Role::Follower { epoch: -1 } });
        Self { id, name, ack_durable, short_of_room: AtomicBool::new(false), state }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> PartitionId {
        self.id
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &TopicPartition {
        &self.name
    }

    /// This node leads from now on, in this epoch. A lone replica has everything it needs: the high
    /// watermark is its end. A partition that is offline stays so.
    pub fn become_leader(&self, epoch: LeaderEpoch) -> Effect {
        let mut state = self.state.lock();
        if let Role::Offline { .. } = state.role {
            return Effect { failed: true, ..self.effect(&state) };
        }
        if state.role != (Role::Leader { epoch }) {
            state.role = Role::Leader { epoch };
            state.log.assign_epoch(epoch);
        }
        self.advance(&mut state);
        self.effect(&state)
    }

    /// This node leads no longer: waits end, so that clients look for the leader.
    pub fn become_follower(&self, epoch: LeaderEpoch) -> Effect {
        let mut state = self.state.lock();
        if !matches!(state.role, Role::Offline { .. }) {
            state.role = Role::Follower { epoch };
        }
        Effect { failed: true, ..self.effect(&state) }
    }

    /// Why this node does not serve the partition; `None` when it does.
    #[must_use]
    pub fn refusal(&self) -> Option<NotLeader> {
        self.leader_epoch(&self.state.lock(), -1).err()
    }

    /// Whether the log directory has room for produced data; the caller looks from time to time.
    pub fn set_short_of_room(&self, short: bool) {
        self.short_of_room.store(short, Ordering::Relaxed);
    }

    pub(crate) fn is_short_of_room(&self) -> bool {
        self.short_of_room.load(Ordering::Relaxed)
    }

    /// The marks as they are.
    #[must_use]
    pub fn offsets(&self) -> Offsets {
        let state = self.state.lock();
        Offsets {
            start: state.log.start_offset(),
            last_stable: state.log.last_stable_offset(),
            high_watermark: state.log.high_watermark(),
            durable: state.log.durable_offset(),
            end: state.log.end_offset(),
        }
    }

    /// One past the last record that may be answered as written.
    #[must_use]
    pub fn acknowledged_offset(&self) -> Offset {
        let state = self.state.lock();
        self.view(&state).acknowledged_offset(state.log.high_watermark(), self.ack_durable)
    }

    /// New settings; they count from the next append on.
    pub fn set_settings(&self, settings: LogSettings) {
        self.state.lock().log.set_settings(settings);
    }

    /// A flush round has synced this log.
    pub fn flushed(&self, flushed: &Flushed) -> Option<Effect> {
        let mut state = self.state.lock();
        state.log.flushed(flushed)?;
        if !state.log.is_dirty() {
            state.dirty_since = None;
        }
        Some(self.effect(&state))
    }

    /// The directory is offline: nothing is served any more and waits end.
    pub fn fail(&self) -> Effect {
        let mut state = self.state.lock();
        let epoch = state.role.epoch();
        state.role = Role::Offline { epoch };
        state.log.fail();
        Effect { failed: true, ..self.effect(&state) }
    }

    /// The partition is no longer this node's: nothing is served any more and waits end.
    pub fn leave(&self) -> Effect {
        let mut state = self.state.lock();
        let epoch = state.role.epoch();
        state.role = Role::Follower { epoch };
        state.log.fail();
        Effect { failed: true, ..self.effect(&state) }
    }

    /// Whether something has waited for a sync for `flush.ms`.
    #[must_use]
    pub fn flush_is_overdue(&self, now: Tick) -> bool {
        let state = self.state.lock();
        let longest = u64::try_from(state.log.settings().flush_ms).unwrap_or(0);
        state.dirty_since.is_some_and(|since| now.millis_since(since) >= longest)
    }

    /// One retention pass; answers the segments to remove when they are due.
    ///
    /// # Errors
    /// What the disk says.
    pub fn retain(&self, now: Now) -> io::Result<(Vec<Garbage>, Effect)> {
        let mut state = self.state.lock();
        let garbage = state.log.retain(now)?;
        Ok((garbage, self.effect(&state)))
    }

    /// Raises the start to `before`, or to the high watermark. The caller makes the new start durable
    /// before it answers.
    ///
    /// # Errors
    /// See [`DeleteRecordsError`]; nothing has changed then.
    pub fn delete_records(&self, before: Option<Offset>) -> Result<(Offset, Effect), DeleteRecordsError> {
        let mut state = self.state.lock();
        self.leader_epoch(&state, -1).map_err(DeleteRecordsError::NotLeader)?;
        let policy = state.log.settings().cleanup_policy;
        if policy.compact && !policy.delete {
            return Err(DeleteRecordsError::Compacted);
        }
        let high_watermark = state.log.high_watermark();
        let before = before.unwrap_or(high_watermark);
        if before < 0 || before > high_watermark {
            return Err(DeleteRecordsError::OutOfRange);
        }
        state.log.raise_start_offset(before);
        Ok((state.log.start_offset(), self.effect(&state)))
    }

    /// Runs `work` with the log, for what concerns the log alone (checkpoints, close, deletion).
    pub fn with_log<R>(&self, work: impl FnOnce(&mut Log) -> R) -> R {
        work(&mut self.state.lock().log)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The leader's epoch, checked against what the client knows (−1: nothing).
    pub(crate) fn leader_epoch(&self, state: &State, known: LeaderEpoch) -> Result<LeaderEpoch, NotLeader> {
        let epoch = match state.role {
            Role::Leader { epoch } => epoch,
            Role::Follower { .. } => return Err(NotLeader::Elsewhere),
            Role::Offline { .. } => return Err(NotLeader::Offline),
        };
        if known < 0 || known == epoch {
            Ok(epoch)
        } else if known < epoch {
            Err(NotLeader::Fenced { current: epoch })
        } else {
            Err(NotLeader::Unknown { current: epoch })
        }
    }

    /// What the rules of replication see. The replica is alone: nobody follows yet.
    pub(crate) fn view(&self, state: &State) -> LeaderView<'static> {
        LeaderView {
            end_offset: state.log.end_offset(),
            durable_offset: state.log.durable_offset(),
            in_sync_followers: &[],
            // No more in-sync replicas can be asked for than there are replicas.
            min_insync_replicas: state.log.settings().min_insync_replicas.min(1),
        }
    }

    /// Moves the high watermark as far as the rules allow.
    pub(crate) fn advance(&self, state: &mut State) {
        let high_watermark = self.view(state).high_watermark(state.log.high_watermark());
        state.log.set_high_watermark(high_watermark);
    }

    /// The marks as facts.
    pub(crate) fn effect(&self, state: &State) -> Effect {
        let log = &state.log;
        let acknowledged_offset =
            self.view(state).acknowledged_offset(log.high_watermark(), self.ack_durable);
        Effect {
            partition: self.id,
            start_offset: log.start_offset(),
            end_offset: log.end_offset(),
            durable_offset: log.durable_offset(),
            acknowledged_offset,
            high_watermark: log.high_watermark(),
            last_stable_offset: log.last_stable_offset(),
            leader_epoch: state.role.epoch(),
            failed: false,
        }
    }
}
