//! Reading a log without its lock.
//!
//! A [`LogView`] is what the log was at one moment: its segments and its offsets. It costs one
//! reference count to take, reads as often as one likes, and never sees half an append, since the
//! end it carries is a batch boundary. What it hands out are whole batches as file regions. A
//! segment deleted meanwhile stays readable for as long as its file is open or its `.deleted` name stands; a
//! follower's truncation may make a read fail, which is answered as an error and tried again by the client.

use std::fmt;
use std::io;

use ottla_env::disk::FileRegion;
use ottla_model::{Millis, Offset};

use super::segments::Segments;
use crate::index::AbortedTxn;
use crate::limits::MAX_ABORTED;
use crate::segment::{Found, Segment};

/// A log at one moment. Offsets: `start <= last_stable <= high_watermark <= end`.
#[derive(Clone, Debug)]
pub struct LogView {
    pub(crate) segments: Segments,
    /// Bytes of the active segment below `end_offset`.
    pub(crate) active_size: u64,
    /// The first offset that can be read.
    pub start_offset: Offset,
    /// The offset that the next record gets.
    pub end_offset: Offset,
    /// Consumers read below it.
    pub high_watermark: Offset,
    /// Readers of committed data read below it.
    pub last_stable_offset: Offset,
    /// Everything below is synced.
    pub durable_offset: Offset,
}

/// Batches for a fetch.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// Where the batches lie, in order; empty when there is nothing to read yet.
    pub regions: Vec<FileRegion>,
    /// Bytes in all.
    pub bytes: u64,
    /// Base offset of the first batch, at or before the offset asked for; that offset when nothing is read.
    pub first_offset: Offset,
    /// The first batch is larger than the limit and was left out.
    pub first_too_large: bool,
}

/// Why nothing can be read.
#[derive(Debug)]
pub enum ReadError {
    /// The offset lies before the start or after the end of the log.
    OutOfRange {
        /// What was asked for.
        offset: Offset,
        /// The first readable one.
        start_offset: Offset,
        /// The end.
        end_offset: Offset,
    },
    /// The disk failed, or the file does not hold what it should.
    Storage(io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { offset, start_offset, end_offset } => {
                write!(
                    f,
                    "offset {offset} is outside of the log, which goes from {start_offset} to {end_offset}"
                )
            }
            Self::Storage(error) => write!(f, "the log cannot be read: {error}"),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Storage(error)
    }
}

/// A record found by its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampAt {
    /// Of the record, in milliseconds.
    pub timestamp: Millis,
    /// Of the record.
    pub offset: Offset,
    /// Of its batch, −1 when the format has none.
    pub leader_epoch: i32,
}

impl LogView {
    /// Whole batches from the one that holds `offset` on: at most `max_bytes`, except that with
    /// `min_one` the first batch is read whatever its size; none that reaches `upper` or beyond (a high
    /// watermark or last stable offset). An offset at or above `upper` reads nothing.
    pub fn read(
        &self,
        offset: Offset,
        max_bytes: u64,
        min_one: bool,
        upper: Offset,
    ) -> Result<Read, ReadError> {
        if offset < self.start_offset || offset > self.end_offset {
            let (start_offset, end_offset) = (self.start_offset, self.end_offset);
            return Err(ReadError::OutOfRange { offset, start_offset, end_offset });
        }
        let upper = upper.min(self.end_offset);
        let mut read = Read { first_offset: offset, ..Read::default() };
        if offset >= upper {
            // Who waits at the end looks often: that costs no look into a file.
            return Ok(read);
        }
        let mut from = self.segments.place_of(offset);
        while let Some(segment) = self.segments.get(from).filter(|segment| segment.base_offset() < upper) {
            let wanted = offset.max(segment.base_offset());
            let more = self.read_segment(from, segment, wanted, max_bytes, min_one, upper, &mut read)?;
            if !more {
                break;
            }
            from += 1;
        }
        Ok(read)
    }

    /// Adds what one segment has; answers whether the next one may add more.
    #[allow(clippy::too_many_arguments)] // the read's own, and where it stands
    fn read_segment(
        &self,
        place: usize,
        segment: &Segment,
        offset: Offset,
        max_bytes: u64,
        min_one: bool,
        upper: Offset,
        read: &mut Read,
    ) -> io::Result<bool> {
        let end = self.size_of(place, segment);
        let Some(first) = segment.find(offset, end)? else { return Ok(true) };
        if first.last_offset >= upper {
            return Ok(false);
        }
        if read.regions.is_empty() {
            read.first_offset = first.base_offset;
        }
        let left = max_bytes.saturating_sub(read.bytes);
        let first_fits = first.size <= left || (min_one && read.regions.is_empty());
        if !first_fits {
            read.first_too_large = read.regions.is_empty();
            return Ok(false);
        }
        let bound = self.bound(place, segment, &first, upper, end)?;
        let limit = first.position.saturating_add(left);
        let to = if limit >= bound {
            bound
        } else if limit <= first.end() {
            first.end()
        } else {
            segment.boundary(&first, limit, bound)?
        };
        let len = to.saturating_sub(first.position);
        read.regions.push(FileRegion { file: segment.file()?, position: first.position, len });
        read.bytes += len;
        Ok(to == end && read.bytes < max_bytes)
    }

    /// Where in the segment the batches end whose offsets are all below `upper`.
    fn bound(
        &self,
        place: usize,
        segment: &Segment,
        first: &Found,
        upper: Offset,
        end: u64,
    ) -> io::Result<u64> {
        let next_base = self.segments.get(place + 1).map_or(self.end_offset, |next| next.base_offset());
        if upper >= next_base {
            return Ok(end);
        }
        let above = segment.find(upper, end)?;
        Ok(above.map_or(end, |above| above.position.max(first.end())))
    }

    /// Aborted transactions with a record in `from..until`, in order of their markers.
    pub fn aborted(&self, from: Offset, until: Offset) -> io::Result<Vec<AbortedTxn>> {
        let mut txns = Vec::new();
        for segment in self.segments.iter().skip(self.segments.place_of(from)) {
            let found = segment.aborted(from, until)?;
            txns.extend(found.txns);
            if found.complete || txns.len() > MAX_ABORTED {
                break;
            }
        }
        Ok(txns)
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.segments.iter().enumerate().map(|(place, segment)| self.size_of(place, segment)).sum()
    }

    /// Bytes from `offset` to the end, by the offset index; for lag in bytes.
    pub fn bytes_from(&self, offset: Offset) -> io::Result<u64> {
        let place = self.segments.place_of(offset);
        let mut bytes = 0;
        for (place, segment) in self.segments.iter().enumerate().skip(place) {
            let end = self.size_of(place, segment);
            let from = segment.find(offset, end)?.map_or(end, |found| found.position);
            bytes += end - from;
        }
        Ok(bytes)
    }

    pub(crate) fn size_of(&self, place: usize, segment: &Segment) -> u64 {
        if place + 1 == self.segments.len() { self.active_size } else { segment.size() }
    }
}
