//! Message sets of magic 0 and 1, as upgraded directories may still hold them: far enough to size them,
//! check them and know their last offset and timestamp. They are served as they lie; nothing writes them.
//!
//! ```text
//! i64 offset   i32 size   u32 CRC-32 of what follows   i8 magic   i8 attributes   [i64 timestamp, magic 1]
//! i32 key length, key   i32 value length, value
//! ```
//! A compressed set is one message whose value holds others; its offset is that of the last of them. Source:
//! Kafka's `LegacyRecord`, `AbstractLegacyRecordBatch`.

use crate::crc::crc32;
use crate::header::{Frame, HeaderError, LENGTH_PREFIX};
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
