//! Which segments go, and how they go.
//!
//! Whole segments only, oldest first, never one that reaches the high watermark: those below the start (always),
//! those whose newest record is older than `retention.ms` and those beyond `retention.bytes` (when
//! `cleanup.policy` has `delete`). A segment is renamed to `.deleted` at once and removed after `file.delete.delay.ms`,
//! so that who reads it may finish; the removal is handed out as [`Garbage`] for the caller's timer. A
//! start that does it again finds the `.deleted` names.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ottla_env::disk::Disk;
use ottla_model::{Millis, Now, Tick};

use super::Log;
use crate::retention::{SegmentFacts, Standing, retention};
use crate::segment::Segment;

/// A segment that nobody can read any more, to be removed when its time has come.
pub struct Garbage {
    /// When.
    pub due: Tick,
    /// Bytes that this frees.
    pub bytes: u64,
    segment: Arc<Segment>,
    snapshot: Option<PathBuf>,
    disk: Arc<dyn Disk>,
}

impl Garbage {
    /// Removes the files; absent ones are as good as removed.
    pub fn remove(self) -> io::Result<()> {
        if let Some(snapshot) = &self.snapshot {
            match self.disk.remove_file(snapshot) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.segment.remove()
    }
}

impl fmt::Debug for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {} ({} bytes)", self.segment.base_offset(), self.bytes)
    }
}

impl Log {
    /// One retention pass. The start offset follows the oldest segment that stays.
    pub fn retain(&mut self, now: Now) -> io::Result<Vec<Garbage>> {
        let facts = self.facts(now)?;
        let standing = Standing {
            log_start: self.start_offset,
            log_end: self.end_offset,
            high_watermark: self.high_watermark,
        };
        let plan = retention(&facts, &standing, &self.settings, now.wall);
        if plan.roll {
            self.roll(now)?;
        }
        let count = plan.delete.len().min(self.segments.sealed().len());
        if count == 0 {
            return Ok(Vec::new());
        }
        let gone: Vec<Arc<Segment>> = self.segments.sealed().iter().take(count).cloned().collect();
        self.changed = true;
        self.segments = self.segments.without_first(count);
        let first = self.segments.first().base_offset();
        if first > self.start_offset {
            self.start_offset = first;
            self.epochs_unwritten |= self.epochs.truncate_from_start(first);
            self.producers.on_log_start(first);
        }
        self.durable_offset = self.durable_offset.max(self.start_offset.min(self.end_offset));
        self.discard(&gone, now)
    }

    /// The segments, oldest first. Timestamps are looked up as far as the first segment that is
    /// young enough: those after it stay too, and a look-up may open a file.
    fn facts(&self, now: Now) -> io::Result<Vec<SegmentFacts>> {
        let mut by_time = self.settings.cleanup_policy.delete && self.settings.retention_ms >= 0;
        let mut facts = Vec::with_capacity(self.segments.len());
        for segment in self.segments.iter() {
            let largest_timestamp = if by_time { self.newest_in(segment)? } else { Millis::MAX };
            by_time &= now.wall.saturating_sub(largest_timestamp) > self.settings.retention_ms;
            let (base_offset, size) = (segment.base_offset(), segment.size());
            facts.push(SegmentFacts { base_offset, size, largest_timestamp });
        }
        Ok(facts)
    }

    /// The largest timestamp of a segment, the file's last change when no record has one.
    fn newest_in(&self, segment: &Segment) -> io::Result<Millis> {
        let max = segment.max_timestamp()?.timestamp;
        if max >= 0 {
            return Ok(max);
        }
        let found = self.disk().metadata(&segment.log().path())?;
        Ok(found.map_or(Millis::MAX, |found| found.modified))
    }

    /// Renames the files of segments that are no longer part of the log, and their producer snapshots.
    pub(super) fn discard(&mut self, segments: &[Arc<Segment>], now: Now) -> io::Result<Vec<Garbage>> {
        let delay = u64::try_from(self.settings.file_delete_delay_ms).unwrap_or(0);
        let due = now.tick.plus_millis(delay);
        let disk = self.disk().clone();
        let mut garbage = Vec::with_capacity(segments.len());
        for segment in segments {
            segment.rename_deleted()?;
            let snapshot = self.snapshots.mark_deleted(&*disk, &self.dir, segment.base_offset())?;
            let snapshot = snapshot.map(|name| self.path(name.to_string()));
            let (segment, disk) = (segment.clone(), disk.clone());
            garbage.push(Garbage { due, bytes: segment.size(), segment, snapshot, disk });
        }
        Ok(garbage)
    }
}
