//! The records of a batch, one at a time, borrowed: from the batch itself, or, when it is compressed,
//! from the window in which it unfolds.
//!
//! For coordinators, the metadata log, the cleaner and clients; the produce path walks and never
//! comes here.

use crate::compression::{Limits, Scratch, Stream};
use crate::header::{BatchHeader, TimestampType};
use crate::input::{Input, RecordError, Slice, Unfolding};
use crate::varint;
use crate::view::BatchView;
use ottla_model::{Millis, Offset};

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the partition.
    pub offset: Offset,
    /// The producer's, or the batch's when that has the leader's.
    pub timestamp: Millis,
    /// `None` is null.
    pub key: Option<&'a [u8]>,
    /// `None` is null: a tombstone in a compacted topic.
    pub value: Option<&'a [u8]>,
    /// In the order of the producer, duplicate names included.
    pub headers: Headers<'a>,
}

/// The headers of a record; iterates over (name, value). A name is UTF-8 by contract, not by check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl Headers<'_> {
    /// How many are left.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// There are none (left).
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.count = self.count.checked_sub(1)?;
        // The walk over the record has proved these lengths.
        let name = take_field(&mut self.bytes).ok()??;
        let value = take_field(&mut self.bytes).ok()?;
        Some((name, value))
    }
}

enum Source<'a> {
    Plain(&'a [u8]),
    Unfolding { input: Unfolding<'a>, taken: usize },
}

/// The records of one batch; a lending iterator ([`Records::next_record`]).
pub struct Records<'a> {
    header: BatchHeader,
    source: Source<'a>,
    left: i32,
}

impl<'a> Records<'a> {
    /// The records of `batch`. The CRC is for whoever calls.
    ///
    /// Errors: a negative record count, an unknown codec.
    pub fn new(batch: &BatchView<'a>, limits: Limits, scratch: &'a mut Scratch) -> Result<Self, RecordError> {
        let header = *batch.header();
        if header.record_count < 0 {
            return Err(RecordError::Count(header.record_count));
        }
        let compression = header.compression().map_err(RecordError::Codec)?;
        let source = match Stream::new(compression, batch.body(), limits, scratch) {
            Some(stream) => Source::Unfolding { input: Unfolding::new(stream), taken: 0 },
            None => Source::Plain(batch.body()),
        };
        Ok(Self { header, source, left: header.record_count })
    }

    /// The next record, `None` after the last.
    ///
    /// Errors: the records are not what the batch declares (count, lengths, bytes after the last), or do
    /// not unfold. After an error there is nothing more.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        if self.left == 0 {
            return Ok(None);
        }
        let last = self.left == 1;
        // Stands at the end unless this record comes out well.
        let left = std::mem::take(&mut self.left);
        let bytes = match &mut self.source {
            Source::Plain(rest) => take_plain(rest, last)?,
            Source::Unfolding { input, taken } => take_unfolding(input, taken, last)?,
        };
        self.left = left - 1;
        read(&self.header, bytes).map(Some)
    }
}

/// Cuts one record, without its length, off `rest`.
fn take_plain<'a>(rest: &mut &'a [u8], last: bool) -> Result<&'a [u8], RecordError> {
    let length = varint::take_i32(rest)?;
    let bytes = usize::try_from(length).map_err(|_| RecordError::Length(i64::from(length)))?;
    let (record, after) = rest.split_at_checked(bytes).ok_or(RecordError::Truncated)?;
    *rest = after;
    if last && !after.is_empty() {
        return Err(RecordError::Trailing);
    }
    Ok(record)
}

/// Drops the `taken` bytes of the record before, and makes the next one contiguous.
fn take_unfolding<'s>(
    input: &'s mut Unfolding<'_>,
    taken: &mut usize,
    last: bool,
) -> Result<&'s [u8], RecordError> {
    input.skip(std::mem::take(taken))?;
    let length = input.varint()?;
    let bytes = usize::try_from(length).map_err(|_| RecordError::Length(i64::from(length)))?;
    input.contiguous(bytes)?;
    if last && input.has_beyond(bytes)? {
        return Err(RecordError::Trailing);
    }
    *taken = bytes;
    input.contiguous(bytes)
}

/// Takes a record apart; `bytes` is what its length counts.
fn read<'a>(header: &BatchHeader, bytes: &'a [u8]) -> Result<Record<'a>, RecordError> {
    let (_, mut rest) = bytes.split_first().ok_or(RecordError::Truncated)?;
    let timestamp_delta = varint::take_i64(&mut rest)?;
    let offset_delta = varint::take_i32(&mut rest)?;
    let key = take_field(&mut rest)?;
    let value = take_field(&mut rest)?;
    let count = varint::take_i32(&mut rest)?;
    let headers = match usize::try_from(count) {
        Ok(count) if count <= rest.len() => Headers { count, bytes: rest },
        _ => return Err(RecordError::HeaderCount(count)),
    };
    for _ in 0..headers.count {
        take_field(&mut rest)?.ok_or(RecordError::Length(-1))?;
        take_field(&mut rest)?;
    }
    if !rest.is_empty() {
        return Err(RecordError::Trailing);
    }
    Ok(Record {
        offset: header.base_offset.wrapping_add(i64::from(offset_delta)),
        timestamp: timestamp(header, timestamp_delta),
        key,
        value,
        headers,
    })
}

/// A field behind its length; −1 is null.
fn take_field<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordError> {
    let length = varint::take_i32(rest)?;
    if length == -1 {
        return Ok(None);
    }
    let bytes = usize::try_from(length).map_err(|_| RecordError::Length(i64::from(length)))?;
    let (field, after) = rest.split_at_checked(bytes).ok_or(RecordError::Length(i64::from(length)))?;
    *rest = after;
    Ok(Some(field))
}

/// A record's timestamp; wraps as Java's does.
fn timestamp(header: &BatchHeader, delta: i64) -> Millis {
    match header.timestamp_type() {
        TimestampType::CreateTime => header.base_timestamp.wrapping_add(delta),
        TimestampType::LogAppendTime => header.max_timestamp,
    }
}

/// The first record of `batch` at `from` or a later offset whose timestamp is `target` or later
/// (ListOffsets by time): its offset and timestamp, `None` when there is none. Walks; keeps nothing.
/// Source: `FileRecords.searchForTimestamp`.
pub fn first_at_or_after(
    batch: &BatchView<'_>,
    target: Millis,
    from: Offset,
    limits: Limits,
    scratch: &mut Scratch,
) -> Result<Option<(Offset, Millis)>, RecordError> {
    let header = batch.header();
    let compression = header.compression().map_err(RecordError::Codec)?;
    match Stream::new(compression, batch.body(), limits, scratch) {
        Some(stream) => search(&mut Unfolding::new(stream), header, target, from),
        None => search(&mut Slice::new(batch.body()), header, target, from),
    }
}

/// The first record of `batch` that has its max timestamp (ListOffsets with −3): offset and timestamp.
pub fn offset_of_max_timestamp(
    batch: &BatchView<'_>,
    limits: Limits,
    scratch: &mut Scratch,
) -> Result<Option<(Offset, Millis)>, RecordError> {
    first_at_or_after(batch, batch.header().max_timestamp, batch.header().base_offset, limits, scratch)
}

fn search<I: Input>(
    input: &mut I,
    header: &BatchHeader,
    target: Millis,
    from: Offset,
) -> Result<Option<(Offset, Millis)>, RecordError> {
    for _ in 0..header.record_count {
        let record = input.record()?;
        let timestamp = timestamp(header, record.timestamp_delta);
        let offset = header.base_offset.wrapping_add(i64::from(record.offset_delta));
        if timestamp >= target && offset >= from {
            return Ok(Some((offset, timestamp)));
        }
    }
    Ok(None)
}
