//! Batches (magic 2) as they lie in memory: a header and the bytes it belongs to.
//!
//! A [`BatchView`] is exactly one whole batch. Nothing behind the header is trusted before
//! [`BatchView::check_crc`]; what the records say is for `records`.

use crate::crc;
use crate::header::{BatchHeader, CRC_START, HEADER_LEN, HeaderError};
use std::fmt;

/// The bytes of a batch are not those that were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrcMismatch {
    /// In the header.
    pub stored: u32,
    /// Of the bytes.
    pub computed: u32,
}

impl fmt::Display for CrcMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the batch is damaged: its CRC is {:#010x}, its bytes give {:#010x}",
            self.stored, self.computed
        )
    }
}

impl std::error::Error for CrcMismatch {}

/// One whole batch in memory.
#[derive(Clone, Copy, Debug)]
pub struct BatchView<'a> {
    header: BatchHeader,
    bytes: &'a [u8],
}

impl<'a> BatchView<'a> {
    /// The batch at the start of `bytes`, which may hold more after it.
    ///
    /// Errors: the header does not parse, or the batch is longer than `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, HeaderError> {
        let header = BatchHeader::parse(bytes)?;
        let need = header.size_in_bytes();
        let Some(bytes) = bytes.get(..need) else {
            return Err(HeaderError::Incomplete { have: bytes.len(), need });
        };
        Ok(Self { header, bytes })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The whole batch, header included.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the header: the records, possibly compressed.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.bytes.get(HEADER_LEN..).unwrap_or_default()
    }

    /// Compares the CRC in the header with that of the bytes.
    pub fn check_crc(&self) -> Result<(), CrcMismatch> {
        let computed = crc::crc32c(self.bytes.get(CRC_START..).unwrap_or_default());
        if computed == self.header.crc {
            Ok(())
        } else {
            Err(CrcMismatch { stored: self.header.crc, computed })
        }
    }
}

/// The CRC a batch of this header and body must carry.
#[must_use]
pub fn crc_of(header: &BatchHeader, body: &[u8]) -> u32 {
    let head = header.write();
    crc::crc32c_of(&[head.get(CRC_START..).unwrap_or_default(), body])
}

/// The batches of `bytes`, one after the other; ends after the first error. A cut-off last batch
/// is an `Incomplete` error: whoever reads a fetch response's tail takes it as the end.
#[must_use]
pub const fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches { rest: bytes }
}

/// See [`batches`].
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
}

impl<'a> Batches<'a> {
    /// What has not been handed out; nothing after an error.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<BatchView<'a>, HeaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let view = BatchView::parse(self.rest);
        self.rest = match &view {
            Ok(view) => self.rest.get(view.bytes.len()..).unwrap_or_default(),
            Err(_) => &[],
        };
        Some(view)
    }
}
