//! Taking the node's directories: locked, all of one cluster and node, each with an id of its own.
//!
//! Nothing is changed before everything is checked; then directories new to the node get their
//! `meta.properties`, and the clean-shutdown marks go, durably. Formatting the first directory is not done here.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ottla_env::Random;
use ottla_env::disk::{Disk, Lock};
use ottla_model::{NodeId, Uuid};
use parking_lot::Mutex;

use super::checkpoints::Checkpoints;
use super::{LogDir, LogDirs};
use crate::atomic_file::ReadFileError;
use crate::clean_shutdown;
use crate::file_cache::FileCache;
use crate::flush::DirtyLogs;
use crate::meta_properties::{self, MetaProperties};

/// Who opens the directories.
#[derive(Clone, Debug)]
pub struct Expected {
    /// `node.id`.
    pub node_id: NodeId,
    /// Open files of all logs; see [`DEFAULT_FILE_BUDGET`](crate::limits::DEFAULT_FILE_BUDGET).
    pub file_budget: usize,
    /// `producer.id.expiration.ms`.
    pub producer_expiration_ms: i64,
}

/// Why the directories cannot be taken. Each text is one line that says what to do.
#[derive(Debug)]
pub enum OpenDirsError {
    /// `log.dirs` names the same directory twice.
    Twice(PathBuf),
    /// Another process has it.
    InUse(PathBuf),
    /// The disk failed.
    Io(PathBuf, io::Error),
    /// `meta.properties` cannot be understood.
    Meta(ReadFileError),
    /// None of the directories is formatted.
    NotFormatted(PathBuf),
    /// It belongs to another node.
    OtherNode {
        /// The directory.
        dir: PathBuf,
        /// `node.id` in it.
        found: NodeId,
        /// Ours.
        expected: NodeId,
    },
    /// Two directories belong to different clusters.
    OtherCluster {
        /// One directory and its cluster.
        one: (PathBuf, String),
        /// The other.
        other: (PathBuf, String),
    },
    /// Two directories have the same id: one is a copy.
    SameId {
        /// One of them.
        one: PathBuf,
        /// The other.
        other: PathBuf,
        /// The id.
        id: Uuid,
    },
}

impl fmt::Display for OpenDirsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(dir) => write!(f, "log.dirs names {} twice: remove one", dir.display()),
            Self::InUse(dir) => {
                write!(f, "{} is in use by another process (.lock): stop that one first", dir.display())
            }
            Self::Io(dir, error) => write!(f, "log directory {} cannot be used: {error}", dir.display()),
            Self::Meta(error) => {
                write!(f, "{error}: restore the file, or take the directory out of log.dirs")
            }
            Self::NotFormatted(dir) => {
                write!(f, "{} has no meta.properties: start with --format to format it", dir.display())
            }
            Self::OtherNode { dir, found, expected } => write!(
                f,
                "{} belongs to node {found}, not to node.id={expected}: correct node.id or log.dirs",
                dir.display()
            ),
            Self::OtherCluster { one, other } => write!(
                f,
                "{} belongs to cluster {} and {} to cluster {}: take one out of log.dirs",
                one.0.display(),
                one.1,
                other.0.display(),
                other.1
            ),
            Self::SameId { one, other, id } => write!(
                f,
                "{} and {} have the same directory.id {id}: one is a copy, take it out of log.dirs",
                one.display(),
                other.display()
            ),
        }
    }
}

impl std::error::Error for OpenDirsError {}

/// A directory that is locked and read, and not changed yet.
struct Taken {
    path: PathBuf,
    lock: Box<dyn Lock>,
    meta: Option<MetaProperties>,
}

impl LogDirs {
    /// Takes the directories of `log.dirs` (and the metadata directory, when it is another).
    pub fn open(
        disk: Arc<dyn Disk>,
        paths: &[PathBuf],
        expected: &Expected,
        random: &dyn Random,
    ) -> Result<Self, OpenDirsError> {
        let mut taken = Vec::with_capacity(paths.len());
        for (place, path) in paths.iter().enumerate() {
            if paths.iter().take(place).any(|before| before == path) {
                return Err(OpenDirsError::Twice(path.clone()));
            }
            taken.push(take(&*disk, path)?);
        }
        let cluster_id = check(&taken, expected)?;
        let cache = FileCache::new(disk.clone(), expected.file_budget);
        let mut dirs = Vec::with_capacity(taken.len());
        for dir in taken {
            let path = dir.path.clone();
            let begun = begin(&*disk, dir, &cluster_id, expected, random);
            dirs.push(begun.map_err(|error| OpenDirsError::Io(path, error))?);
        }
        let producer_expiration_ms = expected.producer_expiration_ms;
        Ok(Self { cache, dirs, cluster_id, producer_expiration_ms })
    }
}

fn take(disk: &dyn Disk, path: &Path) -> Result<Taken, OpenDirsError> {
    let failed = |error| OpenDirsError::Io(path.to_owned(), error);
    if disk.metadata(path).map_err(failed)?.is_none() {
        disk.create_dir_all(path).map_err(failed)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            disk.sync_dir(parent).map_err(failed)?;
        }
    }
    let lock = match disk.lock(&path.join(".lock")) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            return Err(OpenDirsError::InUse(path.to_owned()));
        }
        Err(error) => return Err(failed(error)),
    };
    let meta = meta_properties::read(disk, path).map_err(OpenDirsError::Meta)?;
    Ok(Taken { path: path.to_owned(), lock, meta })
}

/// All of one cluster, all of this node, no id twice; answers the cluster.
fn check(taken: &[Taken], expected: &Expected) -> Result<String, OpenDirsError> {
    let mut cluster: Option<(&Path, &str)> = None;
    let mut ids: BTreeMap<Uuid, &Path> = BTreeMap::new();
    for Taken { path, meta, .. } in taken {
        let Some(meta) = meta else { continue };
        if let Some(found) = meta.node_id.filter(|found| *found != expected.node_id) {
            return Err(OpenDirsError::OtherNode { dir: path.clone(), found, expected: expected.node_id });
        }
        if let Some(found) = meta.cluster_id.as_deref() {
            let (first, id) = *cluster.get_or_insert((path, found));
            if id != found {
                let one = (first.to_owned(), id.to_owned());
                return Err(OpenDirsError::OtherCluster { one, other: (path.clone(), found.to_owned()) });
            }
        }
        if let Some(id) = meta.directory_id
            && let Some(one) = ids.insert(id, path)
        {
            return Err(OpenDirsError::SameId { one: one.to_owned(), other: path.clone(), id });
        }
    }
    match cluster {
        Some((_, id)) => Ok(id.to_owned()),
        None => {
            Err(OpenDirsError::NotFormatted(taken.first().map(|dir| dir.path.clone()).unwrap_or_default()))
        }
    }
}

/// The first changes: an identity for a directory that has none, and no mark any more.
fn begin(
    disk: &dyn Disk,
    taken: Taken,
    cluster_id: &str,
    expected: &Expected,
    random: &dyn Random,
) -> io::Result<LogDir> {
    let Taken { path, lock, meta } = taken;
    let last_stop = clean_shutdown::read(disk, &path)?;
    clean_shutdown::remove(disk, &path)?;
    let id = match meta.as_ref().and_then(|meta| meta.directory_id) {
        Some(id) => id,
        None => {
            let id = random.uuid();
            let meta = MetaProperties {
                version: 1,
                cluster_id: Some(cluster_id.to_owned()),
                node_id: Some(expected.node_id),
                directory_id: Some(id),
            };
            meta_properties::write(disk, &path, &meta)?;
            id
        }
    };
    Ok(LogDir {
        path,
        id,
        last_stop,
        dirty: Arc::new(DirtyLogs::default()),
        offline: AtomicBool::new(false),
        short: AtomicBool::new(false),
        checkpoints: Mutex::new(Checkpoints::default()),
        _lock: lock,
    })
}
