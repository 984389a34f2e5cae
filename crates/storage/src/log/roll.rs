//! Ending the active segment and beginning the next.
//!
//! The new file is made first: when that fails nothing has happened. Then the old segment is
//! sealed (its indexes complete, to be synced with it in the next round), and a producer snapshot is
//! left at the boundary, unsynced: recovery takes the newest whole one.

use std::io;
use std::sync::Arc;

use ottla_model::{Now, Offset};

use super::Log;
use crate::index::TimestampOffset;
use crate::names::{FileKind, FileName};
use crate::roll::{ActiveSegment, Incoming, roll};
use crate::segment::{Segment, Tail};

impl Log {
    /// Begins a new segment when what comes, from `first_offset` on, does not belong into the active one.
    pub(super) fn make_room(
        &mut self,
        first_offset: Offset,
        incoming: &Incoming,
        now: Now,
    ) -> io::Result<()> {
        let active = self.active();
        let facts = ActiveSegment {
            base_offset: active.base_offset(),
            size: active.size(),
            first_timestamp: self.tail.first_timestamp,
            created: self.tail.created,
            index_full: active.size() > 0 && active.indexes().full().unwrap_or(true),
            jitter_ms: self.roll_jitter(),
        };
        match roll(&facts, incoming, &self.settings, now.wall) {
            Some(_) => self.roll_at(first_offset.max(self.end_offset), now),
            None => Ok(()),
        }
    }

    /// Begins a new segment at the end of the log; nothing to do when the active one is empty.
    pub fn roll(&mut self, now: Now) -> io::Result<()> {
        if self.active().size() == 0 { Ok(()) } else { self.roll_at(self.end_offset, now) }
    }

    fn roll_at(&mut self, base_offset: Offset, now: Now) -> io::Result<()> {
        let old = self.active().clone();
        if old.base_offset() == base_offset {
            return Ok(());
        }
        self.changed = true;
        let next = self.new_segment(base_offset)?;
        if old.size() == 0 {
            old.remove()?;
        } else {
            let files = match old.seal(self.tail.reserve.any()) {
                Ok(files) => files,
                Err(error) => {
                    let _the_first_error_counts = next.remove();
                    return Err(error);
                }
            };
            self.flush.named(&files, &self.dir);
        }
        self.segments = self.segments.rolled(next.clone());
        self.flush.named(std::slice::from_ref(next.log()), &self.dir);
        self.tail = Tail::new(
            super::index_interval(&self.settings),
            TimestampOffset { timestamp: -1, offset: base_offset },
            now.wall,
            None,
        );
        // Both can be found again in the batches: not being able to write them stops nobody.
        let _found_again: io::Result<bool> =
            self.snapshots.take(&**self.cache.disk(), &self.dir, &self.producers, false);
        let _found_again: io::Result<()> = self.write_epochs();
        Ok(())
    }

    /// An empty segment; what a failed roll left under its name is replaced.
    pub(super) fn new_segment(&self, base_offset: Offset) -> io::Result<Arc<Segment>> {
        let create = || Segment::create(&self.cache, &self.dir, base_offset, self.max_index_bytes());
        let created = match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                for kind in [FileKind::Index, FileKind::TimeIndex, FileKind::TxnIndex, FileKind::Log] {
                    let path = self.path(FileName::live(base_offset, kind).to_string());
                    if self.disk().metadata(&path)?.is_some() {
                        self.disk().remove_file(&path)?;
                    }
                }
                create()
            }
            other => other,
        };
        created.map(Arc::new)
    }

    /// Spreads the rolls of logs created together: the same for the same segment, so that a restart changes nothing.
    fn roll_jitter(&self) -> i64 {
        let most = self.settings.segment_jitter_ms.min(self.settings.segment_ms);
        if most <= 0 {
            return 0;
        }
        let seed = self.active().base_offset().wrapping_add(i64::from(self.partition.partition));
        let name = self
            .partition
            .topic
            .as_str()
            .bytes()
            .fold(seed, |hash, byte| hash.wrapping_mul(0x0100_0000_01b3).wrapping_add(i64::from(byte)));
        name.rem_euclid(most)
    }
}
