//! Reading for a fetch: whole batches as file regions, and what else the answer tells.

use std::fmt;

use ottla_env::disk::FileRegion;
use ottla_model::{LeaderEpoch, Offset, ProducerId};
use ottla_storage::log::{LogView, ReadError as LogError};

use crate::partition::{NotLeader, Partition};

/// How far a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// To the high watermark.
    Uncommitted,
    /// To the last stable offset, with the transactions that were aborted.
    Committed,
    /// To the end: tools that look at a replica.
    LogEnd,
}

/// What a fetch asks of one partition.
#[derive(Clone, Copy, Debug)]
pub struct ReadRequest {
    /// Where to read on.
    pub offset: Offset,
    /// At most so many bytes.
    pub max_bytes: u64,
    /// One batch at least, however large.
    pub min_one: bool,
    /// How far.
    pub isolation: Isolation,
    /// The epoch the client knows, −1 for none.
    pub current_leader_epoch: LeaderEpoch,
    /// The epoch of the last record it has, −1 for none.
    pub last_fetched_epoch: LeaderEpoch,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct PartitionRead {
    /// Whole batches, the first of which may begin before the offset asked for.
    pub regions: Vec<FileRegion>,
    /// Their bytes.
    pub bytes: u64,
    /// The marks at the time of the read.
    pub high_watermark: Offset,
    /// See [`PartitionRead::high_watermark`].
    pub last_stable_offset: Offset,
    /// See [`PartitionRead::high_watermark`].
    pub log_start_offset: Offset,
    /// For readers of committed data: who aborted, and the first offset of what was, in its order.
    pub aborted: Option<Vec<(ProducerId, Offset)>>,
    /// The client's log goes another way: the largest epoch both know, and its end here.
    pub diverging: Option<(LeaderEpoch, Offset)>,
}

/// Why nothing was read.
#[derive(Debug)]
pub enum ReadError {
    /// Not led here.
    NotLeader(NotLeader),
    /// Before the start, or beyond what the reader may see (OFFSET_OUT_OF_RANGE).
    OutOfRange {
        /// What was asked for.
        offset: Offset,
        /// The first offset.
        start: Offset,
        /// The bound of the reader.
        bound: Offset,
    },
    /// The disk failed.
    Storage(std::io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLeader(why) => why.fmt(f),
            Self::OutOfRange { offset, start, bound } => {
                write!(f, "offset {offset} is outside of {start} to {bound}")
            }
            Self::Storage(error) => write!(f, "the log cannot be read: {error}"),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<LogError> for ReadError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::OutOfRange { offset, start_offset, end_offset } => {
                Self::OutOfRange { offset, start: start_offset, bound: end_offset }
            }
            LogError::Storage(error) => Self::Storage(error),
        }
    }
}

impl Partition {
    /// Reads for a fetch. The lock is held only to take a view of the log.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(&self, request: &ReadRequest) -> Result<PartitionRead, ReadError> {
        let (view, diverging) = {
            let state = self.lock();
            self.leader_epoch(&state, request.current_leader_epoch).map_err(ReadError::NotLeader)?;
            let view = state.log.reader();
            let end = (request.last_fetched_epoch >= 0)
                .then(|| state.log.end_offset_for_epoch(request.last_fetched_epoch));
            (view, end)
        };
        let mut answer = PartitionRead {
            regions: Vec::new(),
            bytes: 0,
            high_watermark: view.high_watermark,
            last_stable_offset: view.last_stable_offset,
            log_start_offset: view.start_offset,
            aborted: None,
            diverging: None,
        };
        let out_of_range = || ReadError::OutOfRange {
            offset: request.offset,
            start: view.start_offset,
            bound: view.high_watermark,
        };
        if let Some(end) = diverging {
            // Without an end of that epoch nobody can tell where the logs part.
            let end = end.ok_or_else(out_of_range)?;
            if request.offset < view.start_offset {
                return Err(out_of_range());
            }
            if end.epoch < request.last_fetched_epoch || end.end_offset < request.offset {
                answer.diverging = Some((end.epoch, end.end_offset));
                return Ok(answer);
            }
        }
        self.read_view(request, &view, &mut answer)?;
        Ok(answer)
    }

    fn read_view(
        &self,
        request: &ReadRequest,
        view: &LogView,
        answer: &mut PartitionRead,
    ) -> Result<(), ReadError> {
        let (visible, upper) = match request.isolation {
            Isolation::Uncommitted => (view.high_watermark, view.high_watermark),
            Isolation::Committed => (view.high_watermark, view.last_stable_offset),
            Isolation::LogEnd => (view.end_offset, view.end_offset),
        };
        if request.offset < view.start_offset || request.offset > visible {
            let (offset, start) = (request.offset, view.start_offset);
            return Err(ReadError::OutOfRange { offset, start, bound: visible });
        }
        let read = view.read(request.offset, request.max_bytes, request.min_one, upper)?;
        if request.isolation == Isolation::Committed {
            let until = if read.bytes == 0 { request.offset } else { upper };
            let aborted = view.aborted(read.first_offset, until).map_err(ReadError::Storage)?;
            let mut aborted: Vec<_> = aborted.iter().map(|txn| (txn.producer_id, txn.first_offset)).collect();
            // Clients walk the list beside the records, by first offset.
            aborted.sort_by_key(|(_, first)| *first);
            answer.aborted = Some(aborted);
        }
        answer.bytes = read.bytes;
        answer.regions = read.regions;
        Ok(())
    }
}
