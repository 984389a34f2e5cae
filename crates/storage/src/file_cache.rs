//! Open files under a budget.
//!
//! A [`CachedFile`] knows its path and opens on demand; the [`FileCache`] closes the one not used
//! for longest (second chance) when the budget is reached. A file with unsynced writes is synced
//! before it is closed, because an error of its write-back would otherwise be told to nobody; a
//! failed sync sticks to the file and is answered by each later [`CachedFile::sync`]. Regions handed out keep their
//! file open beyond the budget for as long as they live. Which files to sync when is for `flush`.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use ottla_env::disk::{Disk, File, Open};
use ottla_model::Offset;
use parking_lot::Mutex;

use crate::limits::MIN_FILE_BUDGET;
use crate::names::{FileKind, FileName, FileState};

/// The budget of open files that all logs of a node share.
pub struct FileCache {
    disk: Arc<dyn Disk>,
    budget: usize,
    open: AtomicUsize,
    ring: Mutex<VecDeque<Weak<CachedFile>>>,
}

/// One file: a path, and a descriptor while it is in use.
pub struct CachedFile {
    cache: Arc<FileCache>,
    base_offset: Offset,
    kind: FileKind,
    how: Open,
    slot: Mutex<Slot>,
    used: AtomicBool,
    dirty: AtomicBool,
    failed: AtomicBool,
    gone: AtomicBool,
    /// Held during a sync: who finds the file clean must know that the sync is over.
    syncing: Mutex<()>,
}

struct Slot {
    dir: Arc<Path>,
    deleted: bool,
    file: Option<Arc<dyn File>>,
}

impl FileCache {
    /// A cache over `disk` that keeps at most `budget` files open (never fewer than [`MIN_FILE_BUDGET`]).
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, budget: usize) -> Arc<Self> {
        Arc::new(Self {
            disk,
            budget: budget.max(MIN_FILE_BUDGET),
            open: AtomicUsize::new(0),
            ring: Mutex::new(VecDeque::new()),
        })
    }

    /// The disk below.
    #[must_use]
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Files that may be open at once; start prints it.
    #[must_use]
    pub const fn budget(&self) -> usize {
        self.budget
    }

    /// Files open in the cache.
    #[must_use]
    pub fn open_files(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// A file of the segment at `base_offset` in `dir`, not opened yet. It is made at its first use
    /// when `how` says so.
    #[must_use]
    pub fn file(
        self: &Arc<Self>,
        dir: &Arc<Path>,
        base_offset: Offset,
        kind: FileKind,
        how: Open,
    ) -> Arc<CachedFile> {
        Arc::new(CachedFile {
            cache: self.clone(),
            base_offset,
            kind,
            how,
            slot: Mutex::new(Slot { dir: dir.clone(), deleted: false, file: None }),
            used: AtomicBool::new(false),
            dirty: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            syncing: Mutex::new(()),
        })
    }

    /// Counts `file`, which has just been opened, and closes others while there are too many.
    fn admit(&self, file: &Arc<CachedFile>) {
        self.open.fetch_add(1, Ordering::Relaxed);
        let mut ring = self.ring.lock();
        if ring.len() > 2 * self.budget {
            ring.retain(|other| other.strong_count() > 0);
        }
        ring.push_back(Arc::downgrade(file));
        drop(ring);
        let mut looked_at = 0;
        while self.open.load(Ordering::Relaxed) > self.budget && looked_at < 2 * self.budget {
            looked_at += 1;
            let Some(candidate) = self.ring.lock().pop_front() else { return };
            let Some(candidate) = candidate.upgrade() else { continue };
            if Arc::ptr_eq(&candidate, file)
                || candidate.used.swap(false, Ordering::Relaxed)
                || !candidate.evict()
            {
                self.ring.lock().push_back(Arc::downgrade(&candidate));
            }
        }
    }
}

impl CachedFile {
    /// The open file, opened when it is not.
    pub fn get(self: &Arc<Self>) -> io::Result<Arc<dyn File>> {
        let mut slot = self.slot.lock();
        self.used.store(true, Ordering::Relaxed);
        if let Some(file) = &slot.file {
            return Ok(file.clone());
        }
        let file = self.cache.disk.open(&self.path_in(&slot), self.how)?;
        slot.file = Some(file.clone());
        drop(slot);
        self.cache.admit(self);
        Ok(file)
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.path_in(&self.slot.lock())
    }

    fn path_in(&self, slot: &Slot) -> PathBuf {
        let name = FileName::live(self.base_offset, self.kind);
        let name = if slot.deleted { name.to(FileState::Deleted) } else { name };
        slot.dir.join(name.to_string())
    }

    /// Remembers that bytes were written which are not synced.
    pub fn mark_dirty(&self) {
        self.dirty.store(true, Ordering::Release);
    }

    /// Whether bytes were written since the last sync.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.dirty.load(Ordering::Acquire)
    }

    /// Makes durable what was written before this call; nothing to do for a clean file. An error is
    /// final: the file can never be trusted again, and every later call fails too.
    pub fn sync(self: &Arc<Self>) -> io::Result<()> {
        let _one_at_a_time = self.syncing.lock();
        if self.failed.load(Ordering::Acquire) {
            return Err(io::Error::other("an earlier sync of this file failed"));
        }
        if !self.dirty.swap(false, Ordering::AcqRel) || self.is_gone() {
            return Ok(());
        }
        let synced = self.get().and_then(|file| file.sync());
        if self.is_gone() {
            return Ok(());
        }
        if synced.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        synced
    }

    /// Says that the file is deleted, or about to be: nobody needs it on the platter.
    pub fn mark_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Renames the file to `.deleted`; readers that hold it go on. Absent is as good as renamed.
    pub fn rename_deleted(&self) -> io::Result<()> {
        let mut slot = self.slot.lock();
        self.mark_gone();
        if slot.deleted {
            return Ok(());
        }
        let from = self.path_in(&slot);
        slot.deleted = true;
        match self.cache.disk.rename(&from, &self.path_in(&slot)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                slot.deleted = false;
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Removes the file; absent is as good as removed.
    pub fn remove(&self) -> io::Result<()> {
        self.mark_gone();
        self.close();
        match self.cache.disk.remove_file(&self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Follows a rename of the directory that the file lies in.
    pub fn moved_to(&self, dir: &Arc<Path>) {
        self.slot.lock().dir = dir.clone();
    }

    /// Lets the descriptor go, without a sync.
    pub fn close(&self) {
        if self.slot.lock().file.take().is_some() {
            self.cache.open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Closes the file for the budget's sake; `false` when somebody is at it this moment.
    fn evict(&self) -> bool {
        let Some(_one_at_a_time) = self.syncing.try_lock() else { return false };
        let Some(mut slot) = self.slot.try_lock() else { return false };
        let Some(file) = slot.file.as_ref() else { return true };
        if self.dirty.swap(false, Ordering::AcqRel) && !self.is_gone() && file.sync().is_err() {
            self.failed.store(true, Ordering::Release);
        }
        slot.file = None;
        self.cache.open.fetch_sub(1, Ordering::Relaxed);
        true
    }
}

impl Drop for CachedFile {
    fn drop(&mut self) {
        if self.slot.get_mut().file.is_some() {
            self.cache.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for CachedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path().display())
    }
}

impl std::fmt::Debug for FileCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} files open", self.open_files(), self.budget)
    }
}
