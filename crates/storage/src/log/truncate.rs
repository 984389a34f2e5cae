//! Taking the end of a log back, and moving its start forward.
//!
//! The end goes back only when a replica follows another history (or a fresh copy replaces it);
//! the start goes forward by retention and DeleteRecords. The start never goes back, so that what was
//! answered stays true; whoever raises it for a client persists it first (`log_dirs`).

use std::io;
use std::sync::Arc;

use ottla_model::{Now, Offset};

use super::append::marker_of;
use super::segments::Segments;
use super::{Garbage, Log};
use crate::producer_state::{ProducerState, Reload, reload};
use crate::recovery::replay;
use crate::segment::{Segment, Tail};

impl Log {
    /// Takes away every batch that holds `offset` or a later one. Nothing to do at or above the end;
    /// an offset below the start empties the log.
    pub fn truncate_to(&mut self, offset: Offset, now: Now) -> io::Result<Vec<Garbage>> {
        if offset >= self.end_offset {
            return Ok(Vec::new());
        }
        if offset < self.segments.first().base_offset() {
            return self.truncate_fully_and_start_at(offset, now);
        }
        let keep = self.segments.place_of(offset);
        let mut kept: Vec<Arc<Segment>> = self.segments.iter().take(keep + 1).cloned().collect();
        let dropped: Vec<Arc<Segment>> = self.segments.iter().skip(keep + 1).cloned().collect();
        let Some(active) = kept.pop() else { return Ok(Vec::new()) };
        active.truncate_to(offset)?;
        let end_offset = active.next_offset()?;
        self.segments = Segments::new(kept, active.clone());
        self.tail = tail_of(&active, super::index_interval(&self.settings), now)?;
        let mut garbage = self.discard(&dropped, now)?;
        if end_offset < self.start_offset {
            // Nothing readable is left: what remains lies below the start.
            garbage.extend(self.truncate_fully_and_start_at(self.start_offset.min(offset), now)?);
            return Ok(garbage);
        }
        self.end_moved_back(end_offset, &active);
        self.rebuild_producers(now)?;
        Ok(garbage)
    }

    /// Empties the log, which begins and ends at `offset` afterwards.
    pub fn truncate_fully_and_start_at(&mut self, offset: Offset, now: Now) -> io::Result<Vec<Garbage>> {
        let dropped: Vec<Arc<Segment>> = self.segments.iter().cloned().collect();
        let garbage = self.discard(&dropped, now)?;
        let next = self.new_segment(offset)?;
        self.segments = Segments::new(Vec::new(), next.clone());
        self.tail = tail_of(&next, super::index_interval(&self.settings), now)?;
        self.start_offset = offset;
        self.durable_offset = offset;
        self.epochs_unwritten |= self.epochs.clear();
        self.end_moved_back(offset, &next);
        self.high_watermark = offset;
        self.flush.named(std::slice::from_ref(next.log()), &self.dir);
        self.producers = ProducerState::new(offset);
        let disk = self.disk().clone();
        self.snapshots.clear(&*disk, &self.dir)?;
        Ok(garbage)
    }

    /// Moves the start forward (DeleteRecords, a snapshot that replaces a prefix); never back, and never
    /// beyond the high watermark. Segments that end below it go with the next retention pass. Answers whether it moved.
    pub fn raise_start_offset(&mut self, offset: Offset) -> bool {
        let offset = offset.min(self.high_watermark);
        if offset <= self.start_offset {
            return false;
        }
        self.changed = true;
        self.start_offset = offset;
        self.durable_offset = self.durable_offset.max(offset.min(self.end_offset));
        self.epochs_unwritten |= self.epochs.truncate_from_start(offset);
        self.producers.on_log_start(offset);
        true
    }

    /// The producer state of a log that ends earlier: from the newest snapshot left, and the batches after it.
    fn rebuild_producers(&mut self, now: Now) -> io::Result<()> {
        let at = Reload {
            log_start: self.start_offset,
            log_end: self.end_offset,
            now: now.wall,
            expiration_ms: self.producer_expiration_ms,
        };
        let disk = self.disk().clone();
        reload(&mut self.producers, &mut self.snapshots, &*disk, &self.dir, at)?;
        let from = self.segments.place_of(self.producers.end_offset());
        for segment in self.segments.iter().skip(from) {
            replay(&mut self.producers, segment, self.end_offset, marker_of)?;
        }
        self.producers.advance(self.end_offset);
        self.producers.on_high_watermark(self.high_watermark);
        Ok(())
    }

    fn end_moved_back(&mut self, end_offset: Offset, active: &Arc<Segment>) {
        self.changed = true;
        self.end_offset = end_offset;
        self.durable_offset = self.durable_offset.min(end_offset);
        self.high_watermark = self.high_watermark.min(end_offset);
        self.epochs_unwritten |= self.epochs.truncate_from_end(end_offset);
        self.flush.truncated(active.log(), end_offset);
    }
}

/// What the writer has to know of a segment that becomes the active one.
pub(super) fn tail_of(segment: &Arc<Segment>, interval: u64, now: Now) -> io::Result<Tail> {
    let first = if segment.size() == 0 { None } else { Some(segment.first_timestamp()?) };
    Ok(Tail::new(interval, segment.max_timestamp()?, now.wall, first))
}
