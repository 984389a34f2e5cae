//! What must be synced, by whom it was written, and up to which offset a sync makes a log durable.
//!
//! Each log directory has one [`DirtyLogs`]; each log one `LogFlush`, which the writer feeds
//! under its own lock and a [`FlushJob`] empties under none. What becomes dirty during one round
//! is the next. The invariant: an offset is answered in [`Flushed`] only when every file that
//! holds a byte below it is synced, and the names of those files too. A truncation begins a new
//! generation, so that an answer from before it raises nothing. Which thread runs a job is for the
//! caller; a failed sync is final and ends the directory.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};

use ottla_env::disk::Disk;
use ottla_model::{Offset, TopicPartition};
use parking_lot::Mutex;

use crate::file_cache::CachedFile;

/// The logs of one directory that have something to sync.
#[derive(Debug, Default)]
pub struct DirtyLogs {
    list: Mutex<Vec<Arc<LogFlush>>>,
}

impl DirtyLogs {
    /// Whether a round would have anything to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.lock().is_empty()
    }

    /// What is dirty now, one job for each log; the list is empty afterwards.
    #[must_use]
    pub fn take_round(&self, disk: &Arc<dyn Disk>) -> Vec<FlushJob> {
        let logs = std::mem::take(&mut *self.list.lock());
        logs.into_iter().map(|flush| FlushJob { flush, disk: disk.clone() }).collect()
    }
}

/// What one log has to sync.
#[derive(Debug)]
pub(crate) struct LogFlush {
    partition: TopicPartition,
    /// The directory's list, which holds this in turn while there is something to sync.
    directory: Weak<DirtyLogs>,
    pending: Mutex<Pending>,
    /// Held by a running job: the next one of this log must not answer before it is done.
    running: Mutex<()>,
}

#[derive(Debug)]
struct Pending {
    queued: bool,
    gone: bool,
    /// A sync failed: nothing of this log can be called durable any more.
    failed: bool,
    generation: u64,
    end_offset: Offset,
    files: Vec<Arc<CachedFile>>,
    /// The partition's directory, when it has names that are not synced.
    new_names_in: Option<Arc<Path>>,
}

impl LogFlush {
    pub(crate) fn new(
        partition: TopicPartition,
        directory: &Arc<DirtyLogs>,
        end_offset: Offset,
    ) -> Arc<Self> {
        let pending = Pending {
            queued: false,
            gone: false,
            failed: false,
            generation: 0,
            end_offset,
            files: Vec::new(),
            new_names_in: None,
        };
        let directory = Arc::downgrade(directory);
        Arc::new(Self { partition, directory, pending: Mutex::new(pending), running: Mutex::new(()) })
    }

    /// `file` was written to, and the log ends at `end_offset` now.
    pub(crate) fn wrote(self: &Arc<Self>, file: &Arc<CachedFile>, end_offset: Offset) {
        let mut pending = self.pending.lock();
        pending.end_offset = end_offset;
        pending.add(file);
        self.queue(pending);
    }

    /// `files` are complete and have names that are not synced yet.
    pub(crate) fn named(self: &Arc<Self>, files: &[Arc<CachedFile>], dir: &Arc<Path>) {
        let mut pending = self.pending.lock();
        for file in files {
            pending.add(file);
        }
        pending.new_names_in = Some(dir.clone());
        self.queue(pending);
    }

    /// The log was cut: no answer from before counts any more. The next flush syncs the cut.
    pub(crate) fn truncated(self: &Arc<Self>, file: &Arc<CachedFile>, end_offset: Offset) {
        let mut pending = self.pending.lock();
        pending.generation += 1;
        pending.end_offset = end_offset;
        pending.add(file);
        self.queue(pending);
    }

    /// The log is deleted: there is nothing to sync any more.
    pub(crate) fn forget(&self) {
        let mut pending = self.pending.lock();
        pending.gone = true;
        pending.generation += 1;
        pending.files.clear();
        pending.new_names_in = None;
    }

    /// Whether an answer belongs to the log as it is.
    pub(crate) fn is_current(self: &Arc<Self>, flushed: &Flushed) -> bool {
        let pending = self.pending.lock();
        Arc::ptr_eq(self, &flushed.log) && !pending.gone && pending.generation == flushed.generation
    }

    /// The job that syncs this log alone, outside of any round.
    pub(crate) fn job(self: &Arc<Self>, disk: &Arc<dyn Disk>) -> FlushJob {
        FlushJob { flush: self.clone(), disk: disk.clone() }
    }

    fn queue(self: &Arc<Self>, mut pending: parking_lot::MutexGuard<'_, Pending>) {
        if pending.queued || pending.gone {
            return;
        }
        pending.queued = true;
        drop(pending);
        if let Some(directory) = self.directory.upgrade() {
            directory.list.lock().push(self.clone());
        }
    }
}

impl Pending {
    fn add(&mut self, file: &Arc<CachedFile>) {
        // Two or three files at most between two rounds; the newest is the likeliest.
        if !self.files.iter().rev().any(|known| Arc::ptr_eq(known, file)) {
            self.files.push(file.clone());
        }
    }
}

/// One log's part of a round; needs no lock of the log while it runs.
pub struct FlushJob {
    flush: Arc<LogFlush>,
    disk: Arc<dyn Disk>,
}

/// Everything of `partition` below `offset` is durable.
#[derive(Clone, Debug)]
pub struct Flushed {
    /// Whose log.
    pub partition: TopicPartition,
    /// The first offset that may be lost.
    pub offset: Offset,
    /// The very log: one that was deleted and made again has the same name.
    log: Arc<LogFlush>,
    generation: u64,
}

/// A sync failed: the log's directory can no longer be trusted and goes offline. Never retried.
#[derive(Debug)]
pub struct FlushError {
    /// Whose log.
    pub partition: TopicPartition,
    /// What the disk said.
    pub error: io::Error,
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sync of {} failed, its log directory goes offline: {}", self.partition, self.error)
    }
}

impl std::error::Error for FlushError {}

impl FlushJob {
    /// Whose log it syncs.
    #[must_use]
    pub fn partition(&self) -> &TopicPartition {
        &self.flush.partition
    }

    /// Syncs what was written before this call. Blocks as long as the disk takes.
    pub fn run(self) -> Result<Flushed, FlushError> {
        let _one_at_a_time = self.flush.running.lock();
        let partition = self.flush.partition.clone();
        let (files, names, flushed) = {
            let mut pending = self.flush.pending.lock();
            pending.queued = false;
            if pending.failed {
                return Err(FlushError { partition, error: io::Error::other("an earlier sync failed") });
            }
            let (offset, generation) = (pending.end_offset, pending.generation);
            let log = Arc::clone(&self.flush);
            let flushed = Flushed { partition: partition.clone(), offset, log, generation };
            (std::mem::take(&mut pending.files), pending.new_names_in.take(), flushed)
        };
        let synced = files
            .iter()
            .try_for_each(CachedFile::sync)
            .and_then(|()| names.map_or(Ok(()), |dir| self.disk.sync_dir(&dir)));
        let Err(error) = synced else { return Ok(flushed) };
        let mut pending = self.flush.pending.lock();
        if pending.gone {
            // A log that was deleted meanwhile has nothing to sync: that is no fault of the disk.
            return Ok(flushed);
        }
        pending.failed = true;
        Err(FlushError { partition, error })
    }
}

impl fmt::Debug for FlushJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sync of {}", self.flush.partition)
    }
}
