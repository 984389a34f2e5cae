//! Batch headers of a segment, one after the other, by positioned reads through a small buffer.
//!
//! Every look-up ends here: an index gives a place to begin, the scan gives the batch. Formats 0
//! and 1 are walked too (old segments are served as they are). Bodies are never read; whether they are sound
//! is for `recovery`.

use std::io;

use ottla_env::disk::File;
use ottla_model::{Millis, Offset};
use ottla_record::{BatchHeader, FRAME_LEN, Frame, HEADER_LEN, HeaderError, MAGIC};

use crate::limits::SCAN_BYTES;

/// A batch as its header tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where in the file it begins.
    pub(crate) position: u64,
    /// Its bytes, header included.
    pub(crate) size: u64,
    /// Offset of its first record (for magic 0 and 1: of its last).
    pub(crate) base_offset: Offset,
    /// Offset of its last record.
    pub(crate) last_offset: Offset,
    /// The largest timestamp in it, −1 for none.
    pub(crate) max_timestamp: Millis,
    /// The header, when it is of magic 2.
    pub(crate) header: Option<BatchHeader>,
}

impl Found {
    /// Where the next batch begins.
    pub(crate) const fn end(&self) -> u64 {
        self.position + self.size
    }

    /// Reads the header in `bytes`, which lie at `position` of the file.
    pub(crate) fn parse(bytes: &[u8], position: u64) -> Result<Self, HeaderError> {
        let frame = Frame::parse(bytes)?;
        let size = u64::try_from(frame.size).unwrap_or(u64::MAX);
        if frame.magic == MAGIC {
            let header = BatchHeader::parse(bytes)?;
            return Ok(Self {
                position,
                size,
                base_offset: header.base_offset,
                last_offset: header.last_offset(),
                max_timestamp: header.max_timestamp,
                header: Some(header),
            });
        }
        let need = FRAME_LEN + 1 + 8;
        let max_timestamp = match bytes.get(FRAME_LEN + 1..need).and_then(|field| field.try_into().ok()) {
            Some(field) if frame.magic == 1 => i64::from_be_bytes(field),
            None if frame.magic == 1 => return Err(HeaderError::Incomplete { have: bytes.len(), need }),
            _ => -1,
        };
        let offset = frame.base_offset;
        Ok(Self { position, size, base_offset: offset, last_offset: offset, max_timestamp, header: None })
    }
}

/// Why a scan cannot go on.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// The disk failed.
    Io(io::Error),
    /// What stands at this position is not a whole batch.
    Damaged(u64, HeaderError),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ScanError> for io::Error {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Io(error) => error,
            ScanError::Damaged(position, why) => Self::new(
                io::ErrorKind::InvalidData,
                format!("no batch at byte {position} of a segment: {why}"),
            ),
        }
    }
}

/// The batches of `position..end` of a file, which begins at a batch.
pub(crate) struct Scan<'a> {
    file: &'a dyn File,
    position: u64,
    end: u64,
    buffer: [u8; SCAN_BYTES],
    /// File position of the buffer's first byte, and how many bytes of it are filled.
    buffered: (u64, usize),
}

impl<'a> Scan<'a> {
    pub(crate) fn new(file: &'a dyn File, position: u64, end: u64) -> Self {
        Self { file, position, end, buffer: [0; SCAN_BYTES], buffered: (0, 0) }
    }

    /// The next batch; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Found>, ScanError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let position = self.position;
        let found = match Found::parse(self.at(position), position) {
            Err(HeaderError::Incomplete { .. }) => {
                self.fill(position)?;
                Found::parse(self.at(position), position)
            }
            whole => whole,
        };
        let found = found.map_err(|why| ScanError::Damaged(position, why))?;
        if found.end() > self.end {
            let left = usize::try_from(self.end - position).unwrap_or(usize::MAX);
            let need = usize::try_from(found.size).unwrap_or(usize::MAX);
            return Err(ScanError::Damaged(position, HeaderError::Incomplete { have: left, need }));
        }
        self.position = found.end();
        Ok(Some(found))
    }

    /// The first batch whose last offset is `offset` or above.
    pub(crate) fn find(&mut self, offset: Offset) -> Result<Option<Found>, ScanError> {
        while let Some(found) = self.next()? {
            if found.last_offset >= offset {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn at(&self, position: u64) -> &[u8] {
        let (start, filled) = self.buffered;
        let skip = position.checked_sub(start).and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.buffer.get(skip..filled)).unwrap_or_default()
    }

    fn fill(&mut self, position: u64) -> io::Result<()> {
        let left = usize::try_from(self.end - position).unwrap_or(usize::MAX).min(SCAN_BYTES);
        let wanted = self.buffer.get_mut(..left).unwrap_or_default();
        let filled = self.file.read_at(wanted, position)?;
        self.buffered = (position, filled);
        Ok(())
    }
}

const _: () = assert!(SCAN_BYTES >= HEADER_LEN);
