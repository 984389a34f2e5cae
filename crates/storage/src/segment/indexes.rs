//! The indexes of a segment with their files: loaded at the first use, made at the first entry.
//!
//! One small lock guards them. A look-up that needs the disk is done on a copy after the lock is
//! released (an index is a handful of numbers), so that a reader of cold data never delays the
//! writer. A damaged index is reported, not mended: the segment rebuilds it from its batches.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use ottla_env::disk::{File, Open};
use ottla_model::Offset;
use parking_lot::Mutex;

use super::Present;
use crate::file_cache::{CachedFile, FileCache};
use crate::index::{
    AbortedTxn, AbortedTxns, AppendIndexError, Damage, IndexError, OffsetIndex, OffsetPosition, TimeIndex,
    TimestampOffset, TxnIndex,
};
use crate::names::FileKind;

/// Why an index does not answer.
#[derive(Debug)]
pub(crate) enum NoIndex {
    /// The disk failed.
    Io(io::Error),
    /// It has to be rebuilt.
    Damaged(Damage),
}

impl From<IndexError> for NoIndex {
    fn from(error: IndexError) -> Self {
        match error {
            // A file shorter than its entries is damage of the index, not of the disk.
            IndexError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Damaged(Damage::Order)
            }
            IndexError::Io(error) => Self::Io(error),
            IndexError::Damaged(damage) => Self::Damaged(damage),
        }
    }
}

impl From<io::Error> for NoIndex {
    fn from(error: io::Error) -> Self {
        Self::from(IndexError::Io(error))
    }
}

impl From<NoIndex> for io::Error {
    fn from(error: NoIndex) -> Self {
        match error {
            NoIndex::Io(error) => error,
            NoIndex::Damaged(damage) => Self::new(io::ErrorKind::InvalidData, damage.to_string()),
        }
    }
}

/// What is looked up in the offset index.
#[derive(Clone, Copy, Debug)]
pub(super) enum OffsetTarget {
    /// The last entry whose offset is not above this.
    Offset(Offset),
    /// The last entry whose position is not above this.
    Position(u64),
}

/// An index, and whether its file is known.
enum Lazy<I> {
    /// There is a file, not looked at yet (or found damaged).
    OnDisk,
    /// There is a segment and no file beside it, though there should be.
    Missing,
    /// Loaded, or new and empty.
    Loaded(I),
}

impl<I> Lazy<I> {
    const fn loaded(&mut self) -> Option<&mut I> {
        match self {
            Self::Loaded(index) => Some(index),
            Self::OnDisk | Self::Missing => None,
        }
    }
}

struct State {
    offset: Lazy<OffsetIndex>,
    time: Lazy<TimeIndex>,
    txn: Lazy<TxnIndex>,
    /// The largest timestamp of the segment, once known.
    max: Option<TimestampOffset>,
}

/// See the file's head.
pub(crate) struct Indexes {
    base_offset: Offset,
    max_bytes: u32,
    offset_file: Arc<CachedFile>,
    time_file: Arc<CachedFile>,
    txn_file: Arc<CachedFile>,
    state: Mutex<State>,
}

impl Indexes {
    pub(super) fn fresh(
        cache: &Arc<FileCache>,
        dir: &Arc<Path>,
        base_offset: Offset,
        max_bytes: u32,
    ) -> Self {
        let indexes = Self::existing(cache, dir, base_offset, max_bytes, Present::default());
        *indexes.state.lock() = State {
            offset: Lazy::Loaded(OffsetIndex::empty(base_offset, max_bytes)),
            time: Lazy::Loaded(TimeIndex::empty(base_offset, max_bytes)),
            txn: Lazy::Loaded(TxnIndex::empty(base_offset)),
            max: Some(TimestampOffset { timestamp: -1, offset: base_offset }),
        };
        indexes
    }

    pub(super) fn existing(
        cache: &Arc<FileCache>,
        dir: &Arc<Path>,
        base_offset: Offset,
        max_bytes: u32,
        present: Present,
    ) -> Self {
        let file = |suffix| cache.file(dir, base_offset, suffix, Open::Create);
        let txn = if present.txn_index { Lazy::OnDisk } else { Lazy::Loaded(TxnIndex::empty(base_offset)) };
        Self {
            base_offset,
            max_bytes,
            offset_file: file(FileKind::Index),
            time_file: file(FileKind::TimeIndex),
            txn_file: file(FileKind::TxnIndex),
            state: Mutex::new(State {
                offset: if present.index { Lazy::OnDisk } else { Lazy::Missing },
                time: if present.time_index { Lazy::OnDisk } else { Lazy::Missing },
                txn,
                max: None,
            }),
        }
    }

    pub(super) fn files(&self) -> [&Arc<CachedFile>; 3] {
        [&self.offset_file, &self.time_file, &self.txn_file]
    }

    /// Offset and time index, and the transaction index when it was written to.
    pub(crate) fn all_files(&self) -> Vec<Arc<CachedFile>> {
        let mut files = vec![self.offset_file.clone(), self.time_file.clone()];
        if self.txn_file.is_dirty() {
            files.push(self.txn_file.clone());
        }
        files
    }

    pub(crate) const fn txn_file(&self) -> &Arc<CachedFile> {
        &self.txn_file
    }

    pub(super) fn known_max(&self) -> Option<TimestampOffset> {
        self.state.lock().max
    }

    pub(crate) fn set_max(&self, max: TimestampOffset) {
        self.state.lock().max = Some(max);
    }

    /// Whether either index takes no more entries: a reason to roll.
    pub(crate) fn full(&self) -> io::Result<bool> {
        let mut state = self.state.lock();
        self.load_offset(&mut state)?;
        self.load_time(&mut state)?;
        Ok(state.offset.loaded().is_some_and(|index| index.is_full())
            || state.time.loaded().is_some_and(|index| index.is_full()))
    }

    /// Adds an entry for a batch to both indexes. An entry that does not fit or cannot be written
    /// is left out: both are sparse, a look-up scans a little further.
    pub(crate) fn append(&self, batch: OffsetPosition, max: TimestampOffset) -> Result<(), NoIndex> {
        let mut state = self.state.lock();
        self.load_offset(&mut state)?;
        self.load_time(&mut state)?;
        if let Some(index) = state.offset.loaded() {
            let _left_out: Result<(), AppendIndexError> = index.append(batch.offset, batch.position);
            if index.due() {
                index.write_pending(&*self.offset_file.get()?)?;
                self.offset_file.mark_dirty();
            }
        }
        if let Some(index) = state.time.loaded() {
            let _left_out: Result<(), AppendIndexError> = index.append(max.timestamp, max.offset);
            if index.due() {
                index.write_pending(&*self.time_file.get()?)?;
                self.time_file.mark_dirty();
            }
        }
        Ok(())
    }

    /// Completes both files with the final time index entry; answers what has to be synced.
    pub(super) fn seal(&self, max: TimestampOffset) -> io::Result<Vec<Arc<CachedFile>>> {
        self.write_all(max)?;
        Ok(self.all_files())
    }

    /// Writes what waits and the final time index entry; the files exist afterwards.
    pub(super) fn write_all(&self, max: TimestampOffset) -> io::Result<()> {
        let mut state = self.state.lock();
        state.max = Some(max);
        self.load_offset(&mut state)?;
        self.load_time(&mut state)?;
        if let Some(index) = state.offset.loaded() {
            index.write_pending(&*self.offset_file.get()?)?;
        }
        if let Some(index) = state.time.loaded() {
            if max.timestamp >= 0 {
                let _already_there: Result<(), AppendIndexError> =
                    index.append_final(max.timestamp, max.offset);
            }
            index.write_pending(&*self.time_file.get()?)?;
        }
        self.offset_file.mark_dirty();
        self.time_file.mark_dirty();
        Ok(())
    }

    pub(super) fn reset(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let mut offset = OffsetIndex::empty(self.base_offset, self.max_bytes);
        offset.reset(&*self.offset_file.get()?)?;
        let mut time = TimeIndex::empty(self.base_offset, self.max_bytes);
        time.reset(&*self.time_file.get()?)?;
        state.offset = Lazy::Loaded(offset);
        state.time = Lazy::Loaded(time);
        state.max = None;
        Ok(())
    }

    /// Empties the transaction index, for a rebuild.
    pub(crate) fn reset_aborted(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let mut index = TxnIndex::empty(self.base_offset);
        if !matches!(state.txn, Lazy::Loaded(ref index) if index.is_empty()) {
            index.reset(&*self.txn_file.get()?)?;
        }
        state.txn = Lazy::Loaded(index);
        Ok(())
    }

    /// Whether the transaction index is sound; loads it.
    pub(crate) fn check_aborted(&self) -> Result<(), NoIndex> {
        self.load_txn(&mut self.state.lock())
    }

    pub(super) fn append_aborted(&self, txn: AbortedTxn) -> io::Result<()> {
        let mut state = self.state.lock();
        self.load_txn(&mut state)?;
        let Some(index) = state.txn.loaded() else { return Ok(()) };
        let appended = index.append(&*self.txn_file.get()?, txn)?;
        self.txn_file.mark_dirty();
        appended.map_err(|refused| io::Error::new(io::ErrorKind::InvalidData, refused.to_string()))
    }

    pub(super) fn aborted(&self, from: Offset, until: Offset) -> io::Result<AbortedTxns> {
        let mut state = self.state.lock();
        self.load_txn(&mut state)?;
        let Some(index) = state.txn.loaded().filter(|index| !index.is_empty()) else {
            return Ok(AbortedTxns::default());
        };
        let index = index.clone();
        drop(state);
        Ok(index.collect(&*self.txn_file.get()?, from, until).map_err(NoIndex::from)?)
    }

    pub(super) fn truncate_to(&self, offset: Offset) -> Result<(), NoIndex> {
        let mut state = self.state.lock();
        self.load_txn(&mut state)?;
        if let Some(index) = state.txn.loaded().filter(|index| !index.is_empty()) {
            index.truncate_to(&*self.txn_file.get()?, offset)?;
            self.txn_file.mark_dirty();
        }
        self.load_offset(&mut state)?;
        self.load_time(&mut state)?;
        if let Some(index) = state.offset.loaded().filter(|index| !index.is_empty()) {
            index.truncate_to(&*self.offset_file.get()?, offset)?;
        }
        if let Some(index) = state.time.loaded().filter(|index| !index.is_empty()) {
            index.truncate_to(&*self.time_file.get()?, offset)?;
        }
        Ok(())
    }

    pub(super) fn offset_lookup(&self, target: OffsetTarget) -> Result<OffsetPosition, NoIndex> {
        let mut state = self.state.lock();
        self.load_offset(&mut state)?;
        let Some(index) = state.offset.loaded().filter(|index| !index.is_empty()) else {
            return Ok(OffsetPosition { offset: self.base_offset, position: 0 });
        };
        // Readers at the end of the log, who are most, are answered from memory.
        let last = index.last();
        let at_end = match target {
            OffsetTarget::Offset(offset) => last.offset <= offset,
            OffsetTarget::Position(position) => u64::from(last.position) <= position,
        };
        if at_end {
            return Ok(last);
        }
        let index = index.clone();
        drop(state);
        let file = self.offset_file.get()?;
        Ok(match target {
            OffsetTarget::Offset(offset) => index.lookup(&*file, offset)?,
            OffsetTarget::Position(position) => index.lookup_position(&*file, position)?,
        })
    }

    pub(super) fn time_lookup<F>(&self, lookup: F) -> Result<TimestampOffset, NoIndex>
    where
        F: Fn(&TimeIndex, &dyn File) -> Result<TimestampOffset, IndexError>,
    {
        let mut state = self.state.lock();
        self.load_time(&mut state)?;
        let Some(index) = state.time.loaded().filter(|index| !index.is_empty()) else {
            return Ok(TimestampOffset { timestamp: -1, offset: self.base_offset });
        };
        let index = index.clone();
        drop(state);
        let file = self.time_file.get()?;
        Ok(lookup(&index, &*file)?)
    }

    fn load_offset(&self, state: &mut State) -> Result<(), NoIndex> {
        match state.offset {
            Lazy::Loaded(_) => Ok(()),
            Lazy::Missing => Err(NoIndex::Damaged(Damage::Order)),
            Lazy::OnDisk => {
                let index = OffsetIndex::load(&*self.offset_file.get()?, self.base_offset, self.max_bytes)?;
                state.offset = Lazy::Loaded(index);
                Ok(())
            }
        }
    }

    fn load_time(&self, state: &mut State) -> Result<(), NoIndex> {
        match state.time {
            Lazy::Loaded(_) => Ok(()),
            Lazy::Missing => Err(NoIndex::Damaged(Damage::Order)),
            Lazy::OnDisk => {
                let index = TimeIndex::load(&*self.time_file.get()?, self.base_offset, self.max_bytes)?;
                state.time = Lazy::Loaded(index);
                Ok(())
            }
        }
    }

    fn load_txn(&self, state: &mut State) -> Result<(), NoIndex> {
        if let Lazy::OnDisk = state.txn {
            let index = TxnIndex::load(&*self.txn_file.get()?, self.base_offset)?;
            state.txn = Lazy::Loaded(index);
        }
        Ok(())
    }
}

impl fmt::Debug for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "indexes of segment {}", self.base_offset)
    }
}
