//! Batches that a leader sent or a file held: header, size, CRC, order. Their records were
//! judged once, when they were produced; they are not walked again.
//!
//! All formats, old ones too: this is what follows a fetch, and what recovery reads.

use crate::header::{BatchHeader, Frame, HeaderError, MAGIC};
use crate::legacy::LegacyMessage;
use crate::view::{BatchView, CrcMismatch};
use ottla_model::{LeaderEpoch, Millis, NO_LEADER_EPOCH, Offset};
use std::fmt;

/// Why bytes are not the batches they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckError {
    /// Torn, or not a batch.
    Header(HeaderError),
    /// Damaged.
    Crc(CrcMismatch),
    /// A batch begins before the one before it has ended.
    Order {
        /// Where it begins (for an old format: its last offset).
        found: Offset,
        /// The first offset that would do.
        expected: Offset,
    },
    /// A leader epoch lower than the one before.
    Epoch {
        /// In this batch.
        found: LeaderEpoch,
        /// In the one before.
        before: LeaderEpoch,
    },
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(error) => error.fmt(f),
            Self::Crc(error) => error.fmt(f),
            Self::Order { found, expected } => {
                write!(f, "offsets are out of order: a batch at {found} where {expected} or more must follow")
            }
            Self::Epoch { found, before } => {
                write!(f, "leader epoch {found} follows {before}: epochs never fall")
            }
        }
    }
}

impl std::error::Error for CheckError {}

/// A batch that passed, of any format.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a> {
    /// The whole batch.
    pub bytes: &'a [u8],
    /// Offset of its first record; in an old format that of its last, which is all that shows.
    pub base_offset: Offset,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// −1 when it has none.
    pub max_timestamp: Millis,
    /// −1 in old formats.
    pub leader_epoch: LeaderEpoch,
    /// The header, `None` in old formats.
    pub header: Option<BatchHeader>,
}

impl<'a> Checked<'a> {
    /// Checks the one batch at the start of `bytes`: its header, size and CRC.
    pub fn first(bytes: &'a [u8]) -> Result<Self, CheckError> {
        if Frame::parse(bytes).map_err(CheckError::Header)?.magic == MAGIC {
            let view = BatchView::parse(bytes).map_err(CheckError::Header)?;
            view.check_crc().map_err(CheckError::Crc)?;
            let header = *view.header();
            return Ok(Self {
                bytes: view.bytes(),
                base_offset: header.base_offset,
                last_offset: header.last_offset(),
                max_timestamp: header.max_timestamp,
                leader_epoch: header.partition_leader_epoch,
                header: Some(header),
            });
        }
        let message = LegacyMessage::parse(bytes).map_err(CheckError::Header)?;
        if message.crc != message.computed_crc {
            return Err(CheckError::Crc(CrcMismatch { stored: message.crc, computed: message.computed_crc }));
        }
        Ok(Self {
            bytes: bytes.get(..message.size).unwrap_or_default(),
            base_offset: message.last_offset,
            last_offset: message.last_offset,
            max_timestamp: message.max_timestamp,
            leader_epoch: NO_LEADER_EPOCH,
            header: None,
        })
    }
}

/// Checks the batches of `bytes` one after the other, beginning at offset `next_offset` or later.
///
/// Gaps are legal (compaction leaves them). Ends after the first error; [`Checks::valid_bytes`] then
/// tells how far the good ones reach.
#[must_use]
pub const fn checked(bytes: &[u8], next_offset: Offset) -> Checks<'_> {
    Checks { bytes, valid: 0, next_offset, leader_epoch: NO_LEADER_EPOCH, failed: false }
}

/// See [`checked`].
#[derive(Clone, Debug)]
pub struct Checks<'a> {
    bytes: &'a [u8],
    valid: usize,
    next_offset: Offset,
    leader_epoch: LeaderEpoch,
    failed: bool,
}

impl<'a> Checks<'a> {
    /// Bytes of the batches handed out so far.
    #[must_use]
    pub const fn valid_bytes(&self) -> usize {
        self.valid
    }

    /// The offset that may follow the batches handed out so far.
    #[must_use]
    pub const fn next_offset(&self) -> Offset {
        self.next_offset
    }

    fn check(&mut self, rest: &'a [u8]) -> Result<Checked<'a>, CheckError> {
        let batch = Checked::first(rest)?;
        if batch.base_offset < self.next_offset {
            return Err(CheckError::Order { found: batch.base_offset, expected: self.next_offset });
        }
        if batch.header.is_some() {
            if batch.leader_epoch < self.leader_epoch {
                return Err(CheckError::Epoch { found: batch.leader_epoch, before: self.leader_epoch });
            }
            self.leader_epoch = batch.leader_epoch;
        }
        self.next_offset = batch.last_offset + 1;
        self.valid += batch.bytes.len();
        Ok(batch)
    }
}

impl<'a> Iterator for Checks<'a> {
    type Item = Result<Checked<'a>, CheckError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.valid..).unwrap_or_default();
        if self.failed || rest.is_empty() {
            return None;
        }
        let batch = self.check(rest);
        self.failed = batch.is_err();
        Some(batch)
    }
}
