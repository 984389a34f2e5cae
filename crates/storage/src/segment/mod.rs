//! One segment of a log: a `.log` file and its three indexes, shared by the writer and the readers.
//!
//! A segment is named by its base offset and never holds a smaller one. Bytes below `size` are whole
//! batches that never change, except that a truncation takes some from the end. Readers need no
//! lock of the log: they take `size` (or a smaller position their view carries), look up in a copy of the index, and scan.
//! What only the writer of the active segment needs is in [`Tail`]. When to roll, what an append
//! means and which segments there are is for `log`.

mod indexes;
mod scan;
mod tail;

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ottla_env::disk::{File, Open};
use ottla_model::{Millis, Offset};

use crate::file_cache::{CachedFile, FileCache};
use crate::index::{AbortedTxn, AbortedTxns, OffsetPosition, TimestampOffset};
use crate::names::{FileKind, FileName};

use indexes::OffsetTarget;
pub(crate) use indexes::{Indexes, NoIndex};
pub(crate) use scan::{Found, Scan};
pub(crate) use tail::Tail;

/// Which index files lie beside a `.log` file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) index: bool,
    pub(crate) time_index: bool,
    pub(crate) txn_index: bool,
}

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Segment {
    base_offset: Offset,
    log: Arc<CachedFile>,
    /// Bytes of whole batches; raised by the writer when they are in the file.
    size: AtomicU64,
    indexes: Indexes,
}

impl Segment {
    /// A new, empty segment; its `.log` file must not exist.
    pub(crate) fn create(
        cache: &Arc<FileCache>,
        dir: &Arc<Path>,
        base_offset: Offset,
        max_index_bytes: u32,
    ) -> io::Result<Self> {
        cache
            .disk()
            .open(&dir.join(FileName::live(base_offset, FileKind::Log).to_string()), Open::CreateNew)?;
        Ok(Self {
            base_offset,
            log: cache.file(dir, base_offset, FileKind::Log, Open::Write),
            size: AtomicU64::new(0),
            indexes: Indexes::fresh(cache, dir, base_offset, max_index_bytes),
        })
    }

    /// A segment that is there, of `size` bytes; no file is opened.
    pub(crate) fn existing(
        cache: &Arc<FileCache>,
        dir: &Arc<Path>,
        base_offset: Offset,
        max_index_bytes: u32,
        size: u64,
        present: Present,
    ) -> Self {
        Self {
            base_offset,
            log: cache.file(dir, base_offset, FileKind::Log, Open::Write),
            size: AtomicU64::new(size),
            indexes: Indexes::existing(cache, dir, base_offset, max_index_bytes, present),
        }
    }

    pub(crate) const fn base_offset(&self) -> Offset {
        self.base_offset
    }

    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    pub(crate) const fn log(&self) -> &Arc<CachedFile> {
        &self.log
    }

    pub(crate) const fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    /// The open `.log` file.
    pub(crate) fn file(&self) -> io::Result<Arc<dyn File>> {
        self.log.get()
    }

    /// Writes the slices after the last batch; the size is raised by [`Segment::publish`]. A
    /// failed write is taken back, so that nothing is left of it.
    pub(crate) fn write(&self, slices: &mut [IoSlice<'_>]) -> Result<(), WriteError> {
        let position = self.size();
        let file = self.log.get().map_err(WriteError::Undone)?;
        let Err(error) = file.write_at(slices, position) else {
            self.log.mark_dirty();
            return Ok(());
        };
        match file.set_len(position) {
            Ok(()) => Err(WriteError::Undone(error)),
            Err(_) => Err(WriteError::Stuck(error)),
        }
    }

    /// Makes `bytes` more visible to readers.
    pub(crate) fn publish(&self, bytes: u64) {
        self.size.fetch_add(bytes, Ordering::Release);
    }

    /// The first batch below `end` whose last offset is `offset` or above.
    pub(crate) fn find(&self, offset: Offset, end: u64) -> io::Result<Option<Found>> {
        let from = self.index_entry(OffsetTarget::Offset(offset))?;
        let file = self.log.get()?;
        Ok(Scan::new(&*file, u64::from(from.position), end).find(offset)?)
    }

    /// Where the last batch that ends at or before `limit` ends; `first` is a batch that does.
    pub(crate) fn boundary(&self, first: &Found, limit: u64, end: u64) -> io::Result<u64> {
        let from = self.index_entry(OffsetTarget::Position(limit))?;
        let file = self.log.get()?;
        let mut boundary = first.end().max(u64::from(from.position));
        let mut scan = Scan::new(&*file, boundary, end);
        while let Some(found) = scan.next()? {
            if found.end() > limit {
                break;
            }
            boundary = found.end();
        }
        Ok(boundary)
    }

    /// The first batch that holds `timestamp` or a later one, at or after offset `from`.
    pub(crate) fn find_timestamp(
        &self,
        timestamp: Millis,
        from: Offset,
        end: u64,
    ) -> io::Result<Option<Found>> {
        let before = self.with_time_index(|index, file| index.lookup(file, timestamp.saturating_sub(1)))?;
        let start = self.index_entry(OffsetTarget::Offset(before.offset.max(from)))?;
        let file = self.log.get()?;
        let mut scan = Scan::new(&*file, u64::from(start.position), end);
        while let Some(found) = scan.next()? {
            if found.max_timestamp >= timestamp && found.last_offset >= from {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The largest timestamp and the last offset of the first batch that has it; −1 for none. A sealed
    /// or closed segment has it as the last entry of its time index.
    pub(crate) fn max_timestamp(&self) -> io::Result<TimestampOffset> {
        if let Some(known) = self.indexes.known_max() {
            return Ok(known);
        }
        let last = self.with_time_index(|index, _| Ok(index.last()))?;
        let max = if last.timestamp < 0 { self.scan_max(last)? } else { last };
        self.indexes.set_max(max);
        Ok(max)
    }

    /// The largest timestamp, when batches after the one in `max` may have a larger one.
    fn scan_max(&self, mut max: TimestampOffset) -> io::Result<TimestampOffset> {
        let start = self.index_entry(OffsetTarget::Offset(max.offset))?;
        let file = self.log.get()?;
        let mut scan = Scan::new(&*file, u64::from(start.position), self.size());
        while let Some(found) = scan.next()? {
            if found.max_timestamp > max.timestamp {
                max = TimestampOffset { timestamp: found.max_timestamp, offset: found.last_offset };
            }
        }
        Ok(max)
    }

    /// The offset after the last batch; the base offset when there is none.
    pub(crate) fn next_offset(&self) -> io::Result<Offset> {
        if self.size() == 0 {
            return Ok(self.base_offset);
        }
        let from = self.index_entry(OffsetTarget::Offset(Offset::MAX))?;
        let file = self.log.get()?;
        let mut scan = Scan::new(&*file, u64::from(from.position), self.size());
        let mut next = self.base_offset;
        while let Some(found) = scan.next()? {
            next = found.last_offset.saturating_add(1);
        }
        Ok(next)
    }

    /// The largest timestamp of the first batch; −1 for none.
    pub(crate) fn first_timestamp(&self) -> io::Result<Millis> {
        let file = self.log.get()?;
        let first = Scan::new(&*file, 0, self.size()).next()?;
        Ok(first.map_or(-1, |found| found.max_timestamp))
    }

    /// Aborted transactions with a record in `from..until`.
    pub(crate) fn aborted(&self, from: Offset, until: Offset) -> io::Result<AbortedTxns> {
        self.indexes.aborted(from, until)
    }

    /// Writes an aborted transaction to the index.
    pub(crate) fn append_aborted(&self, txn: AbortedTxn) -> io::Result<()> {
        self.indexes.append_aborted(txn)
    }

    /// Takes every batch away that holds `offset` or a later one, and the entries of the indexes.
    pub(crate) fn truncate_to(&self, offset: Offset) -> io::Result<()> {
        let cut = self.find(offset, self.size())?.map(|found| found.position);
        self.repaired(self.indexes.truncate_to(offset))?;
        if let Some(position) = cut {
            self.cut_at(position)?;
        }
        let last = self.with_time_index(|index, _| Ok(index.last()))?;
        self.indexes.set_max(self.scan_max(last)?);
        Ok(())
    }

    /// Cuts the file at a batch boundary.
    pub(crate) fn cut_at(&self, position: u64) -> io::Result<()> {
        self.size.store(position, Ordering::Release);
        self.log.get()?.set_len(position)?;
        self.log.mark_dirty();
        Ok(())
    }

    /// Ends the active life of the segment: the final time index entry, indexes complete on disk,
    /// room allocated ahead given back. The files that have to be synced now are answered.
    pub(crate) fn seal(&self, reserved: bool) -> io::Result<Vec<Arc<CachedFile>>> {
        let max = self.max_timestamp()?;
        if reserved {
            self.log.get()?.set_len(self.size())?;
        }
        self.indexes.seal(max)
    }

    /// Rebuilds offset and time index from the batch headers.
    pub(crate) fn rebuild_indexes(&self, interval: u64) -> io::Result<()> {
        let file = self.log.get()?;
        self.indexes.reset()?;
        let mut scan = Scan::new(&*file, 0, self.size());
        let mut tail = Tail::for_rebuild(interval);
        while let Some(found) = scan.next()? {
            tail.index(&self.indexes, &found)?;
        }
        self.indexes.write_all(tail.max())
    }

    /// Before every batch of the segment is read again: all three indexes are empty.
    pub(crate) fn begin_rebuild(&self) -> io::Result<()> {
        self.indexes.reset()?;
        self.indexes.reset_aborted()
    }

    /// After every batch was read: the indexes are complete on disk.
    pub(crate) fn end_rebuild(&self, max: TimestampOffset) -> io::Result<()> {
        let max = if max.timestamp < 0 { TimestampOffset { offset: self.base_offset, ..max } } else { max };
        self.indexes.write_all(max)
    }

    /// Renames all files to `.deleted`, `.log` last, so that a crash in between leaves a segment
    /// with missing indexes and not indexes without a segment.
    pub(crate) fn rename_deleted(&self) -> io::Result<()> {
        for file in self.indexes.files() {
            file.rename_deleted()?;
        }
        self.log.rename_deleted()
    }

    /// Removes all files, whatever they are called now.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for file in self.indexes.files() {
            file.remove()?;
        }
        self.log.remove()
    }

    /// Follows a rename of the directory.
    pub(crate) fn moved_to(&self, dir: &Arc<Path>) {
        self.log.moved_to(dir);
        for file in self.indexes.files() {
            file.moved_to(dir);
        }
    }

    /// Lets the descriptors go.
    pub(crate) fn close(&self) {
        self.log.close();
        for file in self.indexes.files() {
            file.close();
        }
    }

    /// A look-up in the offset index; an index found damaged is rebuilt first.
    fn index_entry(&self, target: OffsetTarget) -> io::Result<OffsetPosition> {
        match self.indexes.offset_lookup(target) {
            Err(NoIndex::Damaged(_)) => {
                self.rebuild_indexes(Tail::REPAIR_INTERVAL)?;
                self.indexes.offset_lookup(target).map_err(io::Error::from)
            }
            answer => answer.map_err(io::Error::from),
        }
    }

    fn with_time_index<F>(&self, lookup: F) -> io::Result<TimestampOffset>
    where
        F: Fn(&crate::index::TimeIndex, &dyn File) -> Result<TimestampOffset, crate::index::IndexError>,
    {
        match self.indexes.time_lookup(&lookup) {
            Err(NoIndex::Damaged(_)) => {
                self.rebuild_indexes(Tail::REPAIR_INTERVAL)?;
                self.indexes.time_lookup(&lookup).map_err(io::Error::from)
            }
            answer => answer.map_err(io::Error::from),
        }
    }

    fn repaired(&self, truncated: Result<(), NoIndex>) -> io::Result<()> {
        match truncated {
            Err(NoIndex::Damaged(_)) => self.rebuild_indexes(Tail::REPAIR_INTERVAL),
            other => other.map_err(io::Error::from),
        }
    }
}

/// A write that did not happen.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The file is as it was before.
    Undone(io::Error),
    /// Part of the batch may stand after the last one: nothing may be appended any more.
    Stuck(io::Error),
}
