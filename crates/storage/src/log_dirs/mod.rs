//! All log directories of the node: whose they are, which logs lie in them, what must be synced and
//! written down, and which of them can be used.
//!
//! A directory is locked for as long as it is here. Its clean-shutdown mark is gone before anything
//! else is touched, and comes back as the last thing of an orderly close. Logs themselves belong to the partitions:
//! here they are opened ([`LoadJob`]), made, renamed away, and named in checkpoints. Lock order: a
//! partition may call in here with its lock held, nothing here calls out. When to flush, check space or write
//! checkpoints is for the caller's timers.

mod checkpoints;
mod load;
mod open;
mod replicas;
mod space;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ottla_env::disk::{Disk, Lock};
use ottla_model::{BrokerEpoch, Uuid};
use parking_lot::Mutex;

use crate::clean_shutdown::CleanShutdown;
use crate::file_cache::FileCache;
use crate::flush::{DirtyLogs, FlushJob};

pub use load::{LoadJob, Loading};
pub use open::{Expected, OpenDirsError};
pub use replicas::{CreateError, RetiredDir};
pub use space::SpaceState;

use checkpoints::Checkpoints;

/// Which of the node's directories: its place in `log.dirs`.
pub type DirIndex = usize;

/// See the file's head.
pub struct LogDirs {
    cache: Arc<FileCache>,
    dirs: Vec<LogDir>,
    cluster_id: String,
    producer_expiration_ms: i64,
}

/// One log directory.
pub struct LogDir {
    path: PathBuf,
    id: Uuid,
    last_stop: CleanShutdown,
    dirty: Arc<DirtyLogs>,
    offline: AtomicBool,
    /// Too little room to take produced data.
    short: AtomicBool,
    checkpoints: Mutex<Checkpoints>,
    /// Released when the directory is dropped.
    _lock: Box<dyn Lock>,
}

impl LogDir {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `directory.id`, which it keeps for ever.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Whether it can be used.
    #[must_use]
    pub fn is_online(&self) -> bool {
        !self.offline.load(Ordering::Acquire)
    }

    /// The broker epoch of the last orderly close, when there was one.
    #[must_use]
    pub const fn last_broker_epoch(&self) -> Option<BrokerEpoch> {
        match self.last_stop {
            CleanShutdown::Present { broker_epoch } => broker_epoch,
            CleanShutdown::Absent => None,
        }
    }

    /// Whether the last stop was orderly.
    #[must_use]
    pub const fn was_clean(&self) -> bool {
        matches!(self.last_stop, CleanShutdown::Present { .. })
    }

    /// What its logs have to sync.
    #[must_use]
    pub const fn dirty(&self) -> &Arc<DirtyLogs> {
        &self.dirty
    }
}

impl LogDirs {
    /// The directories, in the order of `log.dirs`.
    #[must_use]
    pub fn dirs(&self) -> &[LogDir] {
        &self.dirs
    }

    /// One directory.
    #[must_use]
    pub fn dir(&self, index: DirIndex) -> Option<&LogDir> {
        self.dirs.get(index)
    }

    /// The directory in which a partition's directory lies.
    #[must_use]
    pub fn dir_of(&self, partition_dir: &Path) -> Option<DirIndex> {
        self.dirs.iter().position(|dir| partition_dir.parent() == Some(&dir.path))
    }

    /// The cluster that the directories belong to.
    #[must_use]
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// The node's open files.
    #[must_use]
    pub const fn cache(&self) -> &Arc<FileCache> {
        &self.cache
    }

    /// The ids of the directories that can be used, as a registration names them.
    #[must_use]
    pub fn online_ids(&self) -> Vec<Uuid> {
        self.dirs.iter().filter(|dir| dir.is_online()).map(LogDir::id).collect()
    }

    /// Whether the last stop of all directories was orderly, with the same broker epoch.
    #[must_use]
    pub fn were_clean(&self) -> bool {
        let first = self.dirs.first().and_then(LogDir::last_broker_epoch);
        self.dirs.iter().all(|dir| dir.was_clean() && dir.last_broker_epoch() == first)
    }

    /// What is dirty in a directory now, one job for each log, to be run by up to
    /// [`SYNCS_AT_ONCE`](crate::limits::SYNCS_AT_ONCE) threads; nothing for a directory that is offline.
    #[must_use]
    pub fn take_round(&self, index: DirIndex) -> Vec<FlushJob> {
        match self.dirs.get(index).filter(|dir| dir.is_online()) {
            Some(dir) => dir.dirty.take_round(self.cache.disk()),
            None => Vec::new(),
        }
    }

    /// Takes a directory offline for the rest of this process; answers whether it was online before. Its
    /// logs are to be told with [`Log::fail`](crate::log::Log::fail).
    pub fn fail(&self, index: DirIndex) -> bool {
        self.dirs.get(index).is_some_and(|dir| !dir.offline.swap(true, Ordering::AcqRel))
    }

    fn disk(&self) -> &Arc<dyn Disk> {
        self.cache.disk()
    }

    fn online(&self, index: DirIndex) -> io::Result<&LogDir> {
        let dir = self.dirs.get(index).filter(|dir| dir.is_online());
        dir.ok_or_else(|| io::Error::other("the log directory is offline"))
    }
}

impl fmt::Debug for LogDirs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.dirs).finish()
    }
}

impl fmt::Debug for LogDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path.display(), self.id)
    }
}
