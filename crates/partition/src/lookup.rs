//! Looking for offsets: the ends of a partition, times, and the ends of epochs.

use std::fmt;

use ottla_model::{LeaderEpoch, Millis, NO_LEADER_EPOCH, Offset};

use crate::partition::{NotLeader, Partition};
use crate::read::Isolation;

/// Which offset is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first readable one.
    Earliest,
    /// The next one a reader would see.
    Latest,
    /// The first record with the largest timestamp.
    MaxTimestamp,
    /// The first record at or after a time.
    Timestamp(Millis),
    /// Something in remote storage: there is none.
    Remote,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetFound {
    /// Of the record, −1 where an end was asked for.
    pub timestamp: Millis,
    /// The offset, −1 for none in remote storage.
    pub offset: Offset,
    /// Of that offset; −1 when it is not known.
    pub leader_epoch: LeaderEpoch,
}

/// Why nothing could be looked for.
#[derive(Debug)]
pub enum LookupError {
    /// Not led here.
    NotLeader(NotLeader),
    /// The disk failed.
    Storage(std::io::Error),
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLeader(why) => why.fmt(f),
            Self::Storage(error) => write!(f, "the log cannot be read: {error}"),
        }
    }
}

impl std::error::Error for LookupError {}

impl Partition {
    /// Looks for an offset that a reader of this isolation may see; `None` when there is no such record.
    ///
    /// # Errors
    /// See [`LookupError`].
    pub fn find(
        &self,
        spec: OffsetSpec,
        isolation: Isolation,
        current_leader_epoch: LeaderEpoch,
    ) -> Result<Option<OffsetFound>, LookupError> {
        let (view, latest_epoch, start_epoch) = {
            let state = self.lock();
            let epoch = self.leader_epoch(&state, current_leader_epoch).map_err(LookupError::NotLeader)?;
            let view = state.log.reader();
            let start_epoch = state.log.epoch_at(view.start_offset);
            (view, epoch, start_epoch)
        };
        let bound = match isolation {
            Isolation::Uncommitted => view.high_watermark,
            Isolation::Committed => view.last_stable_offset,
            Isolation::LogEnd => view.end_offset,
        };
        let at = match spec {
            OffsetSpec::Earliest => {
                let leader_epoch = start_epoch.unwrap_or(NO_LEADER_EPOCH);
                return Ok(Some(OffsetFound { timestamp: -1, offset: view.start_offset, leader_epoch }));
            }
            OffsetSpec::Latest => {
                return Ok(Some(OffsetFound { timestamp: -1, offset: bound, leader_epoch: latest_epoch }));
            }
            OffsetSpec::Remote => {
                return Ok(Some(OffsetFound { timestamp: -1, offset: -1, leader_epoch: NO_LEADER_EPOCH }));
            }
            OffsetSpec::MaxTimestamp => view.max_timestamp(),
            OffsetSpec::Timestamp(target) => view.offset_for_timestamp(target),
        };
        let at = at.map_err(LookupError::Storage)?.filter(|at| at.offset < bound);
        Ok(at.map(|at| OffsetFound {
            timestamp: at.timestamp,
            offset: at.offset,
            leader_epoch: at.leader_epoch,
        }))
    }

    /// The largest epoch that is not above `epoch`, and where it ends; `None` when nothing is known of it.
    ///
    /// # Errors
    /// See [`LookupError`].
    pub fn end_of_epoch(
        &self,
        epoch: LeaderEpoch,
        current_leader_epoch: LeaderEpoch,
    ) -> Result<Option<(LeaderEpoch, Offset)>, LookupError> {
        let state = self.lock();
        self.leader_epoch(&state, current_leader_epoch).map_err(LookupError::NotLeader)?;
        Ok(state.log.end_offset_for_epoch(epoch).map(|end| (end.epoch, end.end_offset)))
    }
}
