//! The 61-byte header of a record batch (magic 2), read and written whole.
//!
//! ```text
//!  0 i64 base offset            not in the CRC: the leader writes it on append
//!  8 i32 batch length           bytes after this field
//! 12 i32 partition leader epoch not in the CRC: the leader writes it on append
//! 16 i8  magic = 2              at the same place in message sets of magic 0 and 1
//! 17 u32 CRC-32C                of everything from 21 to the end of the batch
//! 21 i16 attributes             0-2 codec, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon
//! 23 i32 last offset delta      survives compaction
//! 27 i64 base timestamp         the delete horizon when bit 6 is set
//! 35 i64 max timestamp          every record's timestamp when bit 3 is set
//! 43 i64 producer id            -1: not idempotent
//! 51 i16 producer epoch
//! 53 i32 base sequence
//! 57 i32 record count
//! ```
//!
//! A parsed header is plain numbers and promises only that the batch is long enough to hold
//! it and that its offsets do not overflow; `check` and `validate` promise more.
//! Source: Kafka's `DefaultRecordBatch`.

use bytes::{Buf, BufMut};
use ottla_model::{LeaderEpoch, Millis, NO_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE};
use ottla_model::{Offset, ProducerEpoch, ProducerId};
use std::fmt;

/// Bytes of a batch header.
pub const HEADER_LEN: usize = 61;
/// Bytes before those that the batch length counts: base offset and the length itself.
pub const LENGTH_PREFIX: usize = 12;
/// Where the bytes that the CRC covers begin.
pub const CRC_START: usize = 21;
/// Bytes enough to know a batch's base offset, size and magic ([`Frame`]).
pub const FRAME_LEN: usize = 17;
/// The only format that is written.
pub const MAGIC: i8 = 2;

const CODEC_BITS: i16 = 0x07;
const LOG_APPEND_TIME_BIT: i16 = 0x08;
const TRANSACTIONAL_BIT: i16 = 0x10;
const CONTROL_BIT: i16 = 0x20;
const DELETE_HORIZON_BIT: i16 = 0x40;

/// How the records of a batch are compressed (`CompressionType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the names say it
pub enum Compression {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Compression {
    /// All of them, in the order of their ids.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The id in the attributes.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// Kafka's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// Whose clock the timestamps of a batch are (`TimestampType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    #[default]
    CreateTime,
    /// The leader's, at append.
    LogAppendTime,
}

/// Why bytes are not the start of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// More bytes are needed than there are: a torn or unfinished batch.
    Incomplete {
        /// Bytes at hand.
        have: usize,
        /// Bytes needed to go on.
        need: usize,
    },
    /// The length field cannot be that of a batch of this magic.
    Length(i32),
    /// Not a format of Kafka's, or an old one where only magic 2 will do.
    Magic(i8),
    /// The base offset is negative, or the last offset lies before it or overflows.
    Offsets {
        /// As in the header.
        base_offset: Offset,
        /// As in the header.
        last_offset_delta: i32,
    },
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete { have, need } => write!(f, "the batch is cut off: {have} of {need} bytes"),
            Self::Length(length) => write!(f, "batch length {length} cannot be: too short for its format"),
            Self::Magic(magic) => write!(f, "magic {magic} is not a known record format"),
            Self::Offsets { base_offset, last_offset_delta } => {
                write!(
                    f,
                    "offsets of the batch cannot be: base {base_offset}, last offset delta {last_offset_delta}"
                )
            }
        }
    }
}

impl std::error::Error for HeaderError {}

/// What every format has in common: where a batch begins, how long it is, which format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Offset of the first record (magic 2) or of the (last inner) message (magic 0 and 1).
    pub base_offset: Offset,
    /// Bytes of the whole batch.
    pub size: usize,
    /// 0, 1 or 2.
    pub magic: i8,
}

impl Frame {
    /// Reads the first [`FRAME_LEN`] bytes; the batch itself need not be there.
    ///
    /// Errors: fewer bytes; an impossible length (for magic 0: below 14 after the length field, 1:
    /// below 22, 2: below 49); an unknown magic.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let Some(mut head) = bytes.get(..FRAME_LEN) else {
            return Err(HeaderError::Incomplete { have: bytes.len(), need: FRAME_LEN });
        };
        let base_offset = head.get_i64();
        let length = head.get_i32();
        head.advance(4);
        let magic = head.get_i8();
        let shortest = match magic {
            0 => 14,
            1 => 22,
            MAGIC => HEADER_LEN - LENGTH_PREFIX,
            _ => return Err(HeaderError::Magic(magic)),
        };
        match usize::try_from(length) {
            Ok(bytes) if bytes >= shortest => Ok(Self { base_offset, size: LENGTH_PREFIX + bytes, magic }),
            _ => Err(HeaderError::Length(length)),
        }
    }
}

/// A batch header, field by field. `batch_length`, `record_count` and the rest are as found; see
/// [`BatchHeader::parse`] for what is known of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the drawing above names each field
pub struct BatchHeader {
    pub base_offset: Offset,
    pub batch_length: i32,
    pub partition_leader_epoch: LeaderEpoch,
    pub magic: i8,
    pub crc: u32,
    pub attributes: i16,
    pub last_offset_delta: i32,
    pub base_timestamp: Millis,
    pub max_timestamp: Millis,
    pub producer_id: ProducerId,
    pub producer_epoch: ProducerEpoch,
    pub base_sequence: i32,
    pub record_count: i32,
}

impl Default for BatchHeader {
    /// An empty, uncompressed, non-idempotent batch at offset 0.
    fn default() -> Self {
        Self {
            base_offset: 0,
            batch_length: 49,
            partition_leader_epoch: NO_LEADER_EPOCH,
            magic: MAGIC,
            crc: 0,
            attributes: 0,
            last_offset_delta: 0,
            base_timestamp: -1,
            max_timestamp: -1,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            base_sequence: NO_SEQUENCE,
            record_count: 0,
        }
    }
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`; the records need not be there.
    ///
    /// Afterwards: magic is 2, the length holds a header, and `last_offset()` and `next_offset()` do
    /// not overflow. The CRC, the count and the attributes are not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let frame = Frame::parse(bytes)?;
        if frame.magic != MAGIC {
            return Err(HeaderError::Magic(frame.magic));
        }
        let Some(mut head) = bytes.get(..HEADER_LEN) else {
            return Err(HeaderError::Incomplete { have: bytes.len(), need: HEADER_LEN });
        };
        let header = Self {
            base_offset: head.get_i64(),
            batch_length: head.get_i32(),
            partition_leader_epoch: head.get_i32(),
            magic: head.get_i8(),
            crc: head.get_u32(),
            attributes: head.get_i16(),
            last_offset_delta: head.get_i32(),
            base_timestamp: head.get_i64(),
            max_timestamp: head.get_i64(),
            producer_id: head.get_i64(),
            producer_epoch: head.get_i16(),
            base_sequence: head.get_i32(),
            record_count: head.get_i32(),
        };
        let end = header.base_offset.checked_add(i64::from(header.last_offset_delta));
        if header.base_offset < 0 || header.last_offset_delta < 0 || end.is_none_or(|last| last == i64::MAX) {
            return Err(HeaderError::Offsets {
                base_offset: header.base_offset,
                last_offset_delta: header.last_offset_delta,
            });
        }
        Ok(header)
    }

    /// The header as it stands on the wire and on disk.
    #[must_use]
    pub fn write(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let mut out = bytes.as_mut_slice();
        out.put_i64(self.base_offset);
        out.put_i32(self.batch_length);
        out.put_i32(self.partition_leader_epoch);
        out.put_i8(self.magic);
        out.put_u32(self.crc);
        out.put_i16(self.attributes);
        out.put_i32(self.last_offset_delta);
        out.put_i64(self.base_timestamp);
        out.put_i64(self.max_timestamp);
        out.put_i64(self.producer_id);
        out.put_i16(self.producer_epoch);
        out.put_i32(self.base_sequence);
        out.put_i32(self.record_count);
        bytes
    }

    /// Bytes of the whole batch, header included.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        LENGTH_PREFIX + usize::try_from(self.batch_length).unwrap_or(HEADER_LEN - LENGTH_PREFIX)
    }

    /// Offset of the last record (or of the last one that was there before compaction).
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// The offset after this batch.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        self.last_offset().saturating_add(1)
    }

    /// Sequence of the last record, −1 without sequences; wraps from `i32::MAX` to 0.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            return NO_SEQUENCE;
        }
        sequence_plus(self.base_sequence, self.last_offset_delta)
    }

    /// The codec; `Err` holds an id (5, 6, 7) that no Kafka knows.
    pub const fn compression(&self) -> Result<Compression, u8> {
        match self.attributes & CODEC_BITS {
            0 => Ok(Compression::None),
            1 => Ok(Compression::Gzip),
            2 => Ok(Compression::Snappy),
            3 => Ok(Compression::Lz4),
            4 => Ok(Compression::Zstd),
            5 => Err(5),
            6 => Err(6),
            _ => Err(7),
        }
    }

    /// Whose clock the timestamps are.
    #[must_use]
    pub const fn timestamp_type(&self) -> TimestampType {
        if self.attributes & LOG_APPEND_TIME_BIT == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Part of a transaction.
    #[must_use]
    pub const fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL_BIT != 0
    }

    /// Holds a control record (a transaction marker, a leader change), not data.
    #[must_use]
    pub const fn is_control(&self) -> bool {
        self.attributes & CONTROL_BIT != 0
    }

    /// Written by an idempotent producer.
    #[must_use]
    pub const fn has_producer_id(&self) -> bool {
        self.producer_id > NO_PRODUCER_ID
    }

    /// When tombstones and markers of this batch may go (`deleteHorizonMs`); `None` before the first
    /// compaction.
    #[must_use]
    pub const fn delete_horizon(&self) -> Option<Millis> {
        if self.attributes & DELETE_HORIZON_BIT == 0 { None } else { Some(self.base_timestamp) }
    }

    /// Sets the codec bits.
    pub fn set_compression(&mut self, compression: Compression) {
        self.attributes = (self.attributes & !CODEC_BITS) | i16::from(compression.id());
    }

    /// Sets or clears the timestamp type bit.
    pub const fn set_timestamp_type(&mut self, timestamp_type: TimestampType) {
        match timestamp_type {
            TimestampType::CreateTime => self.attributes &= !LOG_APPEND_TIME_BIT,
            TimestampType::LogAppendTime => self.attributes |= LOG_APPEND_TIME_BIT,
        }
    }

    /// Marks the batch as part of a transaction.
    pub const fn set_transactional(&mut self, transactional: bool) {
        if transactional {
            self.attributes |= TRANSACTIONAL_BIT;
        } else {
            self.attributes &= !TRANSACTIONAL_BIT;
        }
    }

    /// Marks the batch as control.
    pub const fn set_control(&mut self, control: bool) {
        if control {
            self.attributes |= CONTROL_BIT;
        } else {
            self.attributes &= !CONTROL_BIT;
        }
    }

    /// Sets the delete horizon: the base timestamp from then on holds it, so whoever calls rewrites
    /// the records' timestamp deltas.
    pub const fn set_delete_horizon(&mut self, horizon: Millis) {
        self.attributes |= DELETE_HORIZON_BIT;
        self.base_timestamp = horizon;
    }
}

/// `sequence + by` in a ring of 2^31 (`DefaultRecordBatch.incrementSequence`); both not negative.
#[must_use]
pub const fn sequence_plus(sequence: i32, by: i32) -> i32 {
    if sequence > i32::MAX - by { by - (i32::MAX - sequence) - 1 } else { sequence + by }
}

/// `sequence - by` in a ring of 2^31 (`DefaultRecordBatch.decrementSequence`); both not negative.
#[must_use]
pub const fn sequence_minus(sequence: i32, by: i32) -> i32 {
    if sequence < by { i32::MAX - (by - sequence) + 1 } else { sequence - by }
}
