//! What the writer of the active segment remembers between two appends.
//!
//! Bytes since the last index entry, the largest timestamp, when the segment began, and how much
//! room is allocated ahead of it. All of it can be found again in the files, so that nothing here
//! is written anywhere.

use ottla_env::disk::File;
use ottla_model::{Millis, Tick};

use super::{Found, Indexes, NoIndex};
use crate::index::{OffsetPosition, TimestampOffset};
use crate::limits::{RESERVE_FROM, RESERVE_MAX, RESERVE_MIN};

/// A step used up faster than this doubles the next one.
const FAST_MS: u64 = 1_000;
/// A step that lasted longer than this starts over at the smallest.
const SLOW_MS: u64 = 30_000;

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Tail {
    interval: u64,
    since_index: u64,
    max: TimestampOffset,
    /// Wall clock at the segment's creation, for the age of a segment without timestamps.
    pub(crate) created: Millis,
    /// Largest timestamp of the first batch; `None` while there is none.
    pub(crate) first_timestamp: Option<Millis>,
    pub(crate) reserve: Reserve,
}

impl Tail {
    /// Bytes between two index entries when an index is rebuilt outside of any topic's settings.
    pub(super) const REPAIR_INTERVAL: u64 = 4096;

    /// The tail of a segment whose largest timestamp so far is `max`.
    pub(crate) fn new(interval: u64, max: TimestampOffset, created: Millis, first: Option<Millis>) -> Self {
        Self { interval, since_index: 0, max, created, first_timestamp: first, reserve: Reserve::default() }
    }

    pub(crate) fn for_rebuild(interval: u64) -> Self {
        Self::new(interval, TimestampOffset { timestamp: -1, offset: 0 }, 0, None)
    }

    pub(crate) const fn max(&self) -> TimestampOffset {
        self.max
    }

    /// The topic's `index.interval.bytes` changed.
    pub(crate) const fn set_interval(&mut self, interval: u64) {
        self.interval = interval;
    }

    /// Takes note of a batch, and of an index entry when one is due: before a batch that follows
    /// more than an interval after the last entry, as Kafka places them.
    pub(crate) fn index(&mut self, indexes: &Indexes, batch: &Found) -> Result<(), NoIndex> {
        if self.first_timestamp.is_none() {
            self.first_timestamp = Some(batch.max_timestamp);
        }
        if batch.max_timestamp > self.max.timestamp {
            self.max = TimestampOffset { timestamp: batch.max_timestamp, offset: batch.last_offset };
        }
        let due = self.since_index > self.interval;
        if due {
            self.since_index = 0;
        }
        self.since_index += batch.size;
        match u32::try_from(batch.position) {
            Ok(position) if due => {
                indexes.append(OffsetPosition { offset: batch.last_offset, position }, self.max)
            }
            _ => Ok(()),
        }
    }
}

/// Room allocated ahead of the end, in steps that follow the partition's rate.
#[derive(Debug, Default)]
pub(crate) struct Reserve {
    end: u64,
    step: u64,
    at: Tick,
    refused: bool,
    /// `preallocate`: all of the segment at its first append.
    pub(crate) whole: bool,
}

impl Reserve {
    /// Whether room beyond the end was allocated.
    pub(crate) const fn any(&self) -> bool {
        self.end > 0
    }

    /// Before `adding` bytes at `size`, allocates ahead when what was allocated is used up. A small
    /// segment gets nothing; a disk that refuses is not asked again for this segment, since
    /// the append itself tells of a full disk.
    pub(crate) fn ahead(&mut self, file: &dyn File, size: u64, adding: u64, segment_bytes: u64, now: Tick) {
        let need = size.saturating_add(adding);
        let small = need < RESERVE_FROM && !self.whole;
        if need <= self.end || small || need >= segment_bytes || self.refused {
            return;
        }
        let lasted = now.millis_since(self.at);
        self.step = match self.step {
            0 => RESERVE_MIN,
            _ if lasted > SLOW_MS => RESERVE_MIN,
            step if lasted < FAST_MS => step.saturating_mul(2).min(RESERVE_MAX),
            step => step,
        };
        let from = self.end.max(size);
        let ahead = need.saturating_add(self.step).min(segment_bytes);
        let to = if self.whole { segment_bytes } else { ahead };
        self.at = now;
        match file.allocate(from, to.saturating_sub(from)) {
            Ok(()) => self.end = to,
            Err(_) => self.refused = true,
        }
    }
}
