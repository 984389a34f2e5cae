//! Builds one batch, record by record.
//!
//! What comes out is what Kafka's producer would write (`MemoryRecordsBuilder`): offset deltas 0..n,
//! the first record's timestamp as base, the largest as max, a right CRC.

use crate::codec::Codec;
use crate::compression::{CompressError, compress};
use crate::header::{BatchHeader, HEADER_LEN, LENGTH_PREFIX, TimestampType};
use crate::limits;
use crate::varint;
use crate::view::crc_of;
use bytes::Bytes;
use ottla_model::{
    LeaderEpoch, Millis, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Offset, ProducerEpoch, ProducerId,
};
use std::fmt;

/// Why a batch cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// A record, or all of them, are longer than the format's lengths can say.
    TooLarge,
    /// An offset is lower than the one before, or more than 2^31 above the first.
    Offset(Offset),
    /// The codec failed.
    Compress(CompressError),
    /// No record was added: an empty batch would still take an offset.
    Empty,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the batch is longer than 2 GiB: split it"),
            Self::Offset(offset) => write!(f, "offset {offset} does not follow in this batch"),
            Self::Compress(error) => error.fmt(f),
            Self::Empty => f.write_str("a batch needs at least one record"),
        }
    }
}

impl std::error::Error for BuildError {}

/// A record header: a name and a value, which may be null.
pub type HeaderField<'a> = (&'a str, Option<&'a [u8]>);

/// Builds a batch; begin with [`Builder::new`], add records, end with [`Builder::finish`].
#[derive(Clone, Debug)]
pub struct Builder {
    header: BatchHeader,
    codec: Codec,
    log_append_time: Option<Millis>,
    records: Vec<u8>,
    next_offset: Offset,
    /// The last offset the batch must claim, when it is not that of the last record.
    end: Option<Offset>,
    failed: Option<BuildError>,
}

impl Builder {
    /// An empty batch at `base_offset`: not idempotent, create time, no leader epoch.
    #[must_use]
    pub fn new(base_offset: Offset, codec: Codec) -> Self {
        let mut header = BatchHeader { base_offset, ..BatchHeader::default() };
        header.set_compression(codec.compression());
        Self {
            header,
            codec,
            log_append_time: None,
            records: Vec::new(),
            next_offset: base_offset,
            end: None,
            failed: None,
        }
    }

    /// An empty batch in the place of `of`, for those of its records that stay: same offsets, producer,
    /// timestamp type and flags (`MemoryRecords.filterTo`). Add them with [`Builder::push_at`].
    #[must_use]
    pub fn replacing(of: &BatchHeader, codec: Codec) -> Self {
        let mut builder = Self::new(of.base_offset, codec).leader_epoch(of.partition_leader_epoch).producer(
            of.producer_id,
            of.producer_epoch,
            of.base_sequence,
        );
        builder.header.set_transactional(of.is_transactional());
        builder.header.set_control(of.is_control());
        builder.end = Some(of.last_offset());
        match of.timestamp_type() {
            TimestampType::CreateTime => builder,
            TimestampType::LogAppendTime => builder.log_append_time(of.max_timestamp),
        }
    }

    /// When tombstones and markers of this batch may go; set before the first record.
    #[must_use]
    pub const fn delete_horizon(mut self, horizon: Millis) -> Self {
        self.header.set_delete_horizon(horizon);
        self
    }

    /// Written by this leader epoch.
    #[must_use]
    pub const fn leader_epoch(mut self, epoch: LeaderEpoch) -> Self {
        self.header.partition_leader_epoch = epoch;
        self
    }

    /// Idempotent: `sequence` is that of the first record.
    #[must_use]
    pub const fn producer(mut self, id: ProducerId, epoch: ProducerEpoch, sequence: i32) -> Self {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = sequence;
        self
    }

    /// Part of a transaction.
    #[must_use]
    pub const fn transactional(mut self) -> Self {
        self.header.set_transactional(true);
        self
    }

    /// Holds control records.
    #[must_use]
    pub const fn control(mut self) -> Self {
        self.header.set_control(true);
        self
    }

    /// All records have this time, the leader's.
    #[must_use]
    pub const fn log_append_time(mut self, time: Millis) -> Self {
        self.header.set_timestamp_type(TimestampType::LogAppendTime);
        self.log_append_time = Some(time);
        self
    }

    /// Adds a record at the next offset. A failure shows in [`Builder::finish`].
    pub fn push(
        &mut self,
        timestamp: Millis,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderField<'_>],
    ) -> &mut Self {
        self.push_at(self.next_offset, timestamp, key, value, headers)
    }

    /// Adds a record at `offset`, which may leave a gap (compaction does).
    pub fn push_at(
        &mut self,
        offset: Offset,
        timestamp: Millis,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderField<'_>],
    ) -> &mut Self {
        if self.failed.is_none()
            && let Err(error) = self.try_push(offset, timestamp, key, value, headers)
        {
            self.failed = Some(error);
        }
        self
    }

    fn try_push(
        &mut self,
        offset: Offset,
        timestamp: Millis,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderField<'_>],
    ) -> Result<(), BuildError> {
        if offset < self.next_offset {
            return Err(BuildError::Offset(offset));
        }
        let offset_delta = offset
            .checked_sub(self.header.base_offset)
            .and_then(|delta| i32::try_from(delta).ok())
            .ok_or(BuildError::Offset(offset))?;
        if self.header.record_count == 0 && self.header.delete_horizon().is_none() {
            self.header.base_timestamp = timestamp;
        }
        let timestamp_delta = timestamp.wrapping_sub(self.header.base_timestamp);
        let length = 1
            + varint::size_of(timestamp_delta)
            + varint::size_of(i64::from(offset_delta))
            + field_size(key)
            + field_size(value)
            + varint::size_of(as_length(headers.len()))
            + headers
                .iter()
                .map(|(name, value)| field_size(Some(name.as_bytes())) + field_size(*value))
                .sum::<usize>();
        let total = self.records.len().saturating_add(length).saturating_add(HEADER_LEN + 5);
        if total > limits::BATCH_BYTES {
            return Err(BuildError::TooLarge);
        }
        self.records.reserve(length + 5);
        let out = &mut self.records;
        varint::put(out, as_length(length));
        out.push(0);
        varint::put(out, timestamp_delta);
        varint::put(out, i64::from(offset_delta));
        put_field(out, key);
        put_field(out, value);
        varint::put(out, as_length(headers.len()));
        for (name, value) in headers {
            put_field(out, Some(name.as_bytes()));
            put_field(out, *value);
        }
        self.header.max_timestamp = self.header.max_timestamp.max(timestamp);
        self.header.last_offset_delta = offset_delta;
        self.header.record_count += 1;
        self.next_offset = offset + 1;
        Ok(())
    }

    /// Extends the batch's offsets to `last_offset` without a record (what compaction leaves behind).
    #[must_use]
    pub const fn last_offset(mut self, last_offset: Offset) -> Self {
        self.end = Some(last_offset);
        self
    }

    /// Records so far.
    #[must_use]
    pub const fn count(&self) -> i32 {
        self.header.record_count
    }

    /// Bytes of the batch so far, before compression.
    #[must_use]
    pub fn size(&self) -> usize {
        HEADER_LEN + self.records.len()
    }

    /// The batch.
    ///
    /// Errors: the first record that did not fit, no record at all, an end before the last record, or a
    /// failing codec.
    pub fn finish(self) -> Result<Bytes, BuildError> {
        let Self { mut header, codec, log_append_time, records, failed, end, next_offset: _ } = self;
        if let Some(error) = failed {
            return Err(error);
        }
        if header.record_count == 0 {
            return Err(BuildError::Empty);
        }
        if let Some(end) = end {
            let delta = end.checked_sub(header.base_offset).and_then(|delta| i32::try_from(delta).ok());
            let delta = delta.filter(|delta| *delta >= header.last_offset_delta);
            header.last_offset_delta = delta.ok_or(BuildError::Offset(end))?;
        }
        if let Some(time) = log_append_time {
            header.max_timestamp = time;
        }
        let mut out = vec![0; HEADER_LEN];
        compress(codec, &records, &mut out).map_err(BuildError::Compress)?;
        header.batch_length = i32::try_from(out.len() - LENGTH_PREFIX).map_err(|_| BuildError::TooLarge)?;
        header.crc = crc_of(&header, out.get(HEADER_LEN..).unwrap_or_default());
        if let Some(head) = out.first_chunk_mut::<HEADER_LEN>() {
            *head = header.write();
        }
        Ok(Bytes::from(out))
    }
}

/// A batch without records that keeps a producer's last sequence and the log's end: what the
/// cleaner leaves of a batch it emptied (`writeEmptyHeader`). `of` is the batch it stood for.
#[must_use]
pub fn empty_batch(of: &BatchHeader) -> [u8; HEADER_LEN] {
    let mut header = BatchHeader {
        batch_length: BatchHeader::default().batch_length,
        record_count: 0,
        base_timestamp: -1,
        producer_id: of.producer_id.max(NO_PRODUCER_ID),
        producer_epoch: of.producer_epoch.max(NO_PRODUCER_EPOCH),
        base_sequence: of.base_sequence.max(NO_SEQUENCE),
        ..*of
    };
    let mut attributes = BatchHeader::default();
    attributes.set_timestamp_type(of.timestamp_type());
    attributes.set_transactional(of.is_transactional());
    attributes.set_control(of.is_control());
    header.attributes = attributes.attributes;
    header.crc = crc_of(&header, &[]);
    header.write()
}

/// A length as a varint's value: what is in memory always fits.
fn as_length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn field_size(field: Option<&[u8]>) -> usize {
    field.map_or(1, |bytes| varint::size_of(as_length(bytes.len())) + bytes.len())
}

fn put_field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        None => varint::put(out, -1),
        Some(bytes) => {
            varint::put(out, as_length(bytes.len()));
            out.extend_from_slice(bytes);
        }
    }
}
