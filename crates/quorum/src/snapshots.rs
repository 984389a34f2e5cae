//! The snapshots in the metadata log's directory.
//!
//! A snapshot is written beside its name, synced and renamed, so that under a snapshot's name there is always a whole
//! one. The newest and the one before it are kept, with the log from the older one on: a damaged newest
//! snapshot has cost nothing. Reading and writing their content is `metadata`'s.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_env::disk::{Disk, Open};
use ottla_metadata::Image;
use ottla_metadata::batch::WriteError;
use ottla_metadata::checkpoint::{Preamble, SnapshotFile, SnapshotId, Writer};
use ottla_model::Millis;

/// How many snapshots of the log stay.
const KEPT: usize = 2;

/// The snapshots that are there.
pub(crate) struct Snapshots {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    ids: BTreeSet<SnapshotId>,
}

impl Snapshots {
    /// Finds them, and clears away what a crash left half written or half removed.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path) -> io::Result<Self> {
        let mut ids = BTreeSet::new();
        for entry in disk.list(dir)? {
            match SnapshotFile::parse(&entry.name) {
                Some(SnapshotFile::Complete(id)) => {
                    ids.insert(id);
                }
                Some(SnapshotFile::Part | SnapshotFile::Deleted) => {
                    disk.remove_file(&dir.join(entry.name))?
                }
                None => {}
            }
        }
        Ok(Self { disk, dir: dir.to_owned(), ids })
    }

    /// The newest snapshot of the log; the format command's file is none.
    pub(crate) fn latest(&self) -> Option<SnapshotId> {
        self.ids.last().copied().filter(|id| *id != SnapshotId::BOOTSTRAP)
    }

    /// Whether the format command's file is there.
    pub(crate) fn has_bootstrap(&self) -> bool {
        self.ids.contains(&SnapshotId::BOOTSTRAP)
    }

    pub(crate) fn path(&self, id: SnapshotId) -> PathBuf {
        self.dir.join(id.file_name())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A job that writes a snapshot.
    pub(crate) fn job(&self, id: SnapshotId, preamble: Preamble, image: Image, now: Millis) -> SnapshotJob {
        SnapshotJob { disk: Arc::clone(&self.disk), dir: self.dir.clone(), id, preamble, image, now }
    }

    /// A snapshot is durable; answers below which offset the log is not needed any more.
    pub(crate) fn written(&mut self, id: SnapshotId) -> Option<i64> {
        self.ids.insert(id);
        let oldest_kept = self.ids.iter().rev().filter(|id| **id != SnapshotId::BOOTSTRAP).nth(KEPT - 1);
        oldest_kept.map(|id| id.end_offset)
    }

    /// Removes the snapshots that end below an offset; the log must still reach down to it.
    pub(crate) fn remove_below(&mut self, offset: i64) -> io::Result<()> {
        let old: Vec<SnapshotId> = self.ids.iter().copied().filter(|id| id.end_offset < offset).collect();
        for id in old {
            self.disk.remove_file(&self.path(id))?;
            self.ids.remove(&id);
        }
        Ok(())
    }
}

/// Writes one snapshot; takes as long as the disk does, and needs nothing of the quorum.
pub struct SnapshotJob {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    id: SnapshotId,
    preamble: Preamble,
    image: Image,
    now: Millis,
}

impl SnapshotJob {
    /// What it will be called.
    #[must_use]
    pub const fn id(&self) -> SnapshotId {
        self.id
    }

    /// Writes the snapshot; when this returns, it is durable under its name.
    ///
    /// # Errors
    /// When the disk refuses; nothing is lost, and the part is cleared away at the next start.
    pub fn run(self) -> Result<SnapshotDone, SnapshotError> {
        let name = self.id.file_name();
        let part = self.dir.join(format!("{name}.part"));
        let path = self.dir.join(&name);
        let io = |error| SnapshotError::Io { path: path.clone(), error };
        let file = self.disk.open(&part, Open::Create).map_err(io)?;
        file.set_len(0).map_err(io)?;
        let version = self.image.metadata_version();
        let mut position = 0;
        for batch in Writer::new(self.id.epoch, self.now, self.preamble, version, self.image.records()) {
            let batch = batch.map_err(SnapshotError::Encode)?;
            file.write_at(&mut [IoSlice::new(&batch)], position).map_err(io)?;
            position += u64::try_from(batch.len()).unwrap_or(u64::MAX);
        }
        file.sync().map_err(io)?;
        drop(file);
        self.disk.rename(&part, &path).map_err(io)?;
        self.disk.sync_dir(&self.dir).map_err(io)?;
        Ok(SnapshotDone { id: self.id, bytes: position })
    }
}

/// A snapshot is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotDone {
    /// Which.
    pub id: SnapshotId,
    /// Its size.
    pub bytes: u64,
}

/// A snapshot could not be written. The log holds everything still.
#[derive(Debug)]
pub enum SnapshotError {
    /// A record of the image cannot be encoded: a bug.
    Encode(WriteError),
    /// The disk refuses.
    Io {
        /// The snapshot.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => write!(f, "the metadata cannot be written as a snapshot: {error}"),
            Self::Io { path, error } => write!(f, "{} cannot be written: {error}", path.display()),
        }
    }
}

impl std::error::Error for SnapshotError {}
