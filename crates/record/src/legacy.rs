//! Message sets of magic 0 and 1, as upgraded directories may still hold them: far enough to size them,
//! check them, know their last offset and timestamp, and search them by time. They are served as they lie; nothing writes them.
//!
//! ```text
//! i64 offset   i32 size   u32 CRC-32 of what follows   i8 magic   i8 attributes   [i64 timestamp, magic 1]
//! i32 key length, key   i32 value length, value
//! ```
//! A compressed set is one message whose value holds others; its offset is that of the last of them. Source:
//! Kafka's `LegacyRecord`, `AbstractLegacyRecordBatch`.

use crate::compression::{Limits, Scratch, Stream};
use crate::crc::crc32;
use crate::header::{BatchHeader, Frame, HeaderError, LENGTH_PREFIX, TimestampType};
use crate::input::{Input, RecordError, Unfolding};
use bytes::Buf;
use ottla_model::{Millis, Offset};

/// A message of magic 0 or 1, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyMessage {
    /// Of the message, or of the last one in it.
    pub last_offset: Offset,
    /// Bytes of the message, offset and size included.
    pub size: usize,
    /// 0 or 1.
    pub magic: i8,
    /// Codec, timestamp type.
    pub attributes: i8,
    /// −1 for magic 0.
    pub max_timestamp: Millis,
    /// As stored.
    pub crc: u32,
    /// Of the bytes.
    pub computed_crc: u32,
}

impl LegacyMessage {
    /// Reads the message at the start of `bytes`.
    ///
    /// Errors: too few bytes, an impossible length, a magic that is not 0 or 1, a negative offset.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let frame = Frame::parse(bytes)?;
        if frame.magic > 1 {
            return Err(HeaderError::Magic(frame.magic));
        }
        if frame.base_offset < 0 || frame.base_offset == i64::MAX {
            return Err(HeaderError::Offsets { base_offset: frame.base_offset, last_offset_delta: 0 });
        }
        let Some(mut rest) = bytes.get(LENGTH_PREFIX..frame.size) else {
            return Err(HeaderError::Incomplete { have: bytes.len(), need: frame.size });
        };
        // `Frame::parse` has checked that 14 bytes are there for magic 0, 22 for 1.
        let crc = rest.get_u32();
        let computed_crc = crc32(rest);
        rest.advance(1);
        let attributes = rest.get_i8();
        let max_timestamp = if frame.magic == 0 { -1 } else { rest.get_i64() };
        Ok(Self {
            last_offset: frame.base_offset,
            size: frame.size,
            magic: frame.magic,
            attributes,
            max_timestamp,
            crc,
            computed_crc,
        })
    }
}

impl LegacyMessage {
    /// The first message in `bytes` (this one, or those inside it) at `from` or a later offset whose timestamp is
    /// `target` or later: offset and timestamp. Magic 0 has no timestamps and is never found.
    ///
    /// Errors: the messages inside do not unfold, or are not what magic 1 allows inside.
    pub fn first_at_or_after(
        bytes: &[u8],
        target: Millis,
        from: Offset,
        limits: Limits,
        scratch: &mut Scratch,
    ) -> Result<Option<(Offset, Millis)>, RecordError> {
        let outer = Self::parse(bytes).map_err(|_| RecordError::Truncated)?;
        if outer.magic == 0 || outer.max_timestamp < target || outer.last_offset < from {
            return Ok(None);
        }
        // The codec and the timestamp type have the bits they have today.
        let attributes = BatchHeader { attributes: i16::from(outer.attributes), ..BatchHeader::default() };
        let compression = attributes.compression().map_err(RecordError::Codec)?;
        let value = value_of(bytes.get(LENGTH_PREFIX + 14..outer.size).unwrap_or_default())?;
        let Some(stream) = Stream::new(compression, value, limits, scratch) else {
            return Ok(Some((outer.last_offset, outer.max_timestamp)));
        };
        // Inner offsets count from 0 and are known as absolute only when the last one is (KIP-31); a
        // wrapper at 0 was written by clients that left it there.
        let mut last = 0;
        inner_messages(stream, |offset, _| last = offset)?;
        let base = if outer.last_offset == 0 { 0 } else { outer.last_offset.saturating_sub(last) };
        let mut found = None;
        let Some(stream) = Stream::new(compression, value, limits, scratch) else { return Ok(None) };
        inner_messages(stream, |relative, own| {
            let timestamp = match attributes.timestamp_type() {
                TimestampType::CreateTime => own,
                TimestampType::LogAppendTime => outer.max_timestamp,
            };
            let offset = base.saturating_add(relative);
            if found.is_none() && timestamp >= target && offset >= from {
                found = Some((offset, timestamp));
            }
        })?;
        Ok(found)
    }
}

/// The value in what follows a message's timestamp; a null value is empty.
fn value_of(mut rest: &[u8]) -> Result<&[u8], RecordError> {
    let mut take = || {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(RecordError::Truncated)?;
        let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
        let (field, after) = after.split_at_checked(length).ok_or(RecordError::Truncated)?;
        rest = after;
        Ok(field)
    };
    take()?;
    take()
}

/// Calls `each` with the offset and timestamp of every message that unfolds.
fn inner_messages(stream: Stream<'_>, mut each: impl FnMut(Offset, Millis)) -> Result<(), RecordError> {
    const HEAD: usize = LENGTH_PREFIX + 14;
    let mut input = Unfolding::new(stream);
    while !input.at_end()? {
        let mut head = input.contiguous(HEAD)?;
        let frame = Frame::parse(head).map_err(|_| RecordError::Truncated)?;
        if frame.magic != 1 {
            return Err(RecordError::Magic(frame.magic));
        }
        head.advance(HEAD - size_of::<Millis>());
        each(frame.base_offset, head.get_i64());
        input.skip(frame.size)?;
    }
    Ok(())
}
