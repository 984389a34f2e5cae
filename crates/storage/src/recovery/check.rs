//! Reading segments again, batch by batch: to check them, or to replay them into the producer
//! state.
//!
//! A [`Checker`] reads whole batches through a growing buffer and trusts nothing: header, size,
//! CRC, and offsets that lie above what came before and below the next segment. It stops at the
//! first batch that fails.

use std::io;

use ottla_env::disk::{File, read_exact_at};
use ottla_model::Offset;
use ottla_record::{BatchHeader, CheckError, Checked, FRAME_LEN, Frame, HeaderError};

use crate::index::AbortedTxn;
use crate::limits::{MAX_BATCH_BYTES, RECOVERY_BYTES};
use crate::producer_state::{Marker, Origin, ProducerState, Update};
use crate::segment::{Scan, Segment};

/// See the file's head.
pub(crate) struct Checker<'a> {
    file: &'a dyn File,
    position: u64,
    size: u64,
    next_offset: Offset,
    /// Offsets at or above it belong to the next segment.
    upper: Offset,
    buffer: Vec<u8>,
    /// File position of the buffer's first byte.
    start: u64,
}

impl<'a> Checker<'a> {
    pub(crate) const fn new(file: &'a dyn File, size: u64, base_offset: Offset, upper: Offset) -> Self {
        Self { file, position: 0, size, next_offset: base_offset, upper, buffer: Vec::new(), start: 0 }
    }

    /// Bytes of the batches that passed.
    pub(crate) const fn valid_bytes(&self) -> u64 {
        self.position
    }

    /// The offset after the batches that passed.
    pub(crate) const fn next_offset(&self) -> Offset {
        self.next_offset
    }

    /// The next sound batch and its position, `None` at the end; the inner error says what stands
    /// where the sound ones end.
    pub(crate) fn next(&mut self) -> io::Result<Result<Option<(u64, Checked<'_>)>, CheckError>> {
        let position = self.position;
        if position >= self.size {
            return Ok(Ok(None));
        }
        if let Err(error) = self.load(position)? {
            return Ok(Err(error));
        }
        let batch = match Checked::first(at(&self.buffer, self.start, position)) {
            Ok(batch) => batch,
            Err(error) => return Ok(Err(error)),
        };
        if batch.base_offset < self.next_offset || batch.last_offset >= self.upper {
            return Ok(Err(CheckError::Order { found: batch.base_offset, expected: self.next_offset }));
        }
        self.next_offset = batch.last_offset.saturating_add(1);
        self.position = position + u64::try_from(batch.bytes.len()).unwrap_or(0);
        Ok(Ok(Some((position, batch))))
    }

    /// Has the whole batch at `position` in the buffer, or says why there is none.
    fn load(&mut self, position: u64) -> io::Result<Result<(), CheckError>> {
        let left = usize::try_from(self.size - position).unwrap_or(usize::MAX);
        let mut need = FRAME_LEN;
        // First the frame, which tells the size; then all of it.
        for _ in 0..2 {
            if need > left {
                return Ok(Err(CheckError::Header(HeaderError::Incomplete { have: left, need })));
            }
            if at(&self.buffer, self.start, position).len() < need {
                self.fill(position, need.max(RECOVERY_BYTES).min(left))?;
            }
            match Frame::parse(at(&self.buffer, self.start, position)) {
                Ok(frame) if frame.size <= MAX_BATCH_BYTES => need = frame.size,
                Ok(frame) => {
                    let length = i32::try_from(frame.size).unwrap_or(i32::MAX);
                    return Ok(Err(CheckError::Header(HeaderError::Length(length))));
                }
                Err(error) => return Ok(Err(CheckError::Header(error))),
            }
        }
        Ok(Ok(()))
    }

    fn fill(&mut self, position: u64, len: usize) -> io::Result<()> {
        self.buffer.resize(len, 0);
        let read = self.file.read_at(&mut self.buffer, position)?;
        self.buffer.truncate(read);
        self.start = position;
        Ok(())
    }
}

fn at(buffer: &[u8], start: u64, position: u64) -> &[u8] {
    let skip = position.checked_sub(start).and_then(|skip| usize::try_from(skip).ok());
    skip.and_then(|skip| buffer.get(skip..)).unwrap_or_default()
}

/// Takes one batch of our own log into the producer state; answers what belongs into the
/// transaction index.
pub(crate) fn take_in(
    state: &mut ProducerState,
    header: &BatchHeader,
    marker: Option<Marker>,
) -> Vec<AbortedTxn> {
    let mut update = Update::default();
    // What stands in the log was checked by the leader that put it there.
    let _never_refused = state.check(&mut update, header, marker, Origin::Recovery);
    state.apply(update, header.next_offset())
}

/// Replays the batches of a segment from the state's end up to `end_offset` into it. `marker_of`
/// reads what a control batch says from its bytes.
pub(crate) fn replay(
    state: &mut ProducerState,
    segment: &Segment,
    end_offset: Offset,
    marker_of: fn(&[u8]) -> Option<Marker>,
) -> io::Result<()> {
    let Some(first) = segment.find(state.end_offset(), segment.size())? else { return Ok(()) };
    let file = segment.file()?;
    let mut scan = Scan::new(&*file, first.position, segment.size());
    while let Some(found) = scan.next()? {
        if found.last_offset >= end_offset {
            break;
        }
        let Some(header) = found.header else { continue };
        let mut marker = None;
        if header.is_control() && header.has_producer_id() {
            let size = usize::try_from(found.size).ok().filter(|size| *size <= MAX_BATCH_BYTES);
            let mut bytes = vec![0; size.unwrap_or_default()];
            read_exact_at(&*file, &mut bytes, found.position)?;
            marker = marker_of(&bytes);
        }
        take_in(state, &header, marker);
    }
    Ok(())
}
