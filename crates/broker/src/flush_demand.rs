//! The wish for a flush round: raised by whoever waits to be durable, heard by the task of each directory.

use std::sync::Arc;

use ottla_storage::log_dirs::DirIndex;
use tokio::sync::Notify;

/// Wakes the flush tasks. Asking many times before a round begins costs one round.
pub(crate) struct FlushDemand {
    asked: Vec<Arc<Notify>>,
}

impl FlushDemand {
    /// For so many log directories.
    pub(crate) fn new(directories: usize) -> Arc<Self> {
        Arc::new(Self { asked: (0..directories).map(|_| Arc::new(Notify::new())).collect() })
    }

    /// Something waits to be durable. Directories with nothing dirty find that out at once.
    pub(crate) fn demand(&self) {
        for asked in &self.asked {
            asked.notify_one();
        }
    }

    /// What the task of a directory waits on.
    pub(crate) fn of(&self, directory: DirIndex) -> Option<Arc<Notify>> {
        self.asked.get(directory).cloned()
    }
}
