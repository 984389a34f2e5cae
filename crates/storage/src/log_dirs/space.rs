//! Free space: producing stops before a disk is full, so that reads, deletion and metadata go on.
//!
//! Two thresholds with a gap between them; of a small file system a share of it. A quota or a reserve that
//! `statvfs` does not show is still met as an append's `Full`.

use std::io;
use std::sync::atomic::Ordering;

use super::{DirIndex, LogDirs};
use crate::limits::{KEPT_FREE_SHARE, RESUME_APPENDS_ABOVE, STOP_APPENDS_BELOW};

/// Room in a log directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceState {
    /// Bytes of the file system.
    pub total: u64,
    /// Bytes free for this process.
    pub free: u64,
    /// Whether produced data is taken.
    pub takes_appends: bool,
}

impl LogDirs {
    /// Looks how much room a directory has and decides whether it takes produced data (every second or so).
    pub fn check_space(&self, index: DirIndex) -> io::Result<SpaceState> {
        let dir = self.online(index)?;
        let space = self.disk().space(&dir.path)?;
        let share = space.total / KEPT_FREE_SHARE;
        let short = match dir.short.load(Ordering::Acquire) {
            true => space.free < RESUME_APPENDS_ABOVE.min(share.saturating_mul(3) / 2),
            false => space.free < STOP_APPENDS_BELOW.min(share),
        };
        dir.short.store(short, Ordering::Release);
        Ok(SpaceState { total: space.total, free: space.free, takes_appends: !short })
    }

    /// What the last look said; no system call.
    #[must_use]
    pub fn takes_appends(&self, index: DirIndex) -> bool {
        self.dirs.get(index).is_some_and(|dir| dir.is_online() && !dir.short.load(Ordering::Acquire))
    }
}
