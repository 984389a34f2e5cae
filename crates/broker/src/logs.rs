//! The node's log directories, and what was deleted there and waits for its time to be removed.

use std::io;

use ottla_model::{Now, Tick};
use ottla_partition::Partition;
use ottla_storage::log::Garbage;
use ottla_storage::log_dirs::{DirIndex, LogDirs, RetiredDir};
use parking_lot::Mutex;

/// Something with a name that ends in `.deleted` or `-delete`.
pub(crate) enum Rubbish {
    /// Segments that retention let go.
    Segment(Garbage),
    /// The directory of a deleted partition.
    Directory(RetiredDir),
}

impl Rubbish {
    fn due(&self) -> Tick {
        match self {
            Self::Segment(garbage) => garbage.due,
            Self::Directory(retired) => retired.due,
        }
    }

    fn remove(self) -> io::Result<()> {
        match self {
            Self::Segment(garbage) => garbage.remove(),
            Self::Directory(retired) => retired.remove(),
        }
    }
}

/// See the file's head.
pub(crate) struct Logs {
    pub(crate) dirs: LogDirs,
    rubbish: Mutex<Vec<Rubbish>>,
}

impl Logs {
    pub(crate) fn new(dirs: LogDirs) -> Self {
        Self { dirs, rubbish: Mutex::new(Vec::new()) }
    }

    /// In which directory a partition's log lies.
    pub(crate) fn dir_of(&self, partition: &Partition) -> Option<DirIndex> {
        partition.with_log(|log| self.dirs.dir_of(log.dir()))
    }

    /// Remembers what is to be removed later.
    pub(crate) fn discard(&self, rubbish: impl IntoIterator<Item = Rubbish>) {
        self.rubbish.lock().extend(rubbish);
    }

    /// Removes what is due. What cannot be removed now is gone at the next start at the latest.
    pub(crate) fn remove_due(&self, now: Now) {
        let due: Vec<_> = self.rubbish.lock().extract_if(.., |one| one.due() <= now.tick).collect();
        for one in due {
            if let Err(error) = one.remove() {
                tracing::warn!(%error, "deleted files could not be removed; the next start removes them");
            }
        }
    }
}
