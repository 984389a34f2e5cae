//! Logs that come and go while the node runs: made, deleted, put away as strays.
//!
//! A new log's `partition.metadata` and the name of its directory are durable before it can be appended to. A deleted one is renamed
//! at once, so that a topic of the same name can be made again, and removed later.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ottla_config::LogSettings;
use ottla_env::disk::Disk;
use ottla_model::{Now, Tick, TopicPartition, Uuid};

use super::{DirIndex, LogDirs};
use crate::log::{Log, OpenError, Start};
use crate::names::{delete_dir, stray_dir};
use crate::partition_metadata;

/// Why a log cannot be made.
#[derive(Debug)]
pub enum CreateError {
    /// No directory can be used.
    NoDirectory,
    /// The disk failed: the directory has to go offline.
    Storage(DirIndex, io::Error),
    /// What lies there cannot be opened.
    Open(OpenError),
    /// What lies there belongs to a topic with another id.
    OtherTopic {
        /// The id found.
        found: Uuid,
    },
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDirectory => {
                f.write_str("every log directory is offline: see the log for why, then restart")
            }
            Self::Storage(_, error) => write!(f, "the log cannot be made: {error}"),
            Self::Open(error) => error.fmt(f),
            Self::OtherTopic { found } => {
                write!(f, "the directory belongs to a topic of the same name with id {found}")
            }
        }
    }
}

impl std::error::Error for CreateError {}

/// A directory that was a log, to be removed when its time has come.
pub struct RetiredDir {
    /// When.
    pub due: Tick,
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

impl RetiredDir {
    /// Removes it with all that is in it.
    pub fn remove(self) -> io::Result<()> {
        match self.disk.remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for RetiredDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

impl LogDirs {
    /// Makes a log, in the directory with this id, else in the one with the fewest logs.
    pub fn create(
        &self,
        partition: &TopicPartition,
        topic_id: Uuid,
        settings: LogSettings,
        directory: Option<Uuid>,
        now: Now,
    ) -> Result<(DirIndex, Log), CreateError> {
        let index = self.choose(directory).ok_or(CreateError::NoDirectory)?;
        let dir = self.dirs.get(index).ok_or(CreateError::NoDirectory)?;
        let storage = |error| CreateError::Storage(index, error);
        let path = dir.path.join(partition.to_string());
        let disk = self.disk();
        disk.create_dir_all(&path).map_err(storage)?;
        match partition_metadata::read(&**disk, &path) {
            Ok(Some(found)) if found != topic_id => return Err(CreateError::OtherTopic { found }),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => partition_metadata::write(&**disk, &path, topic_id).map_err(storage)?,
        }
        disk.sync_dir(&dir.path).map_err(storage)?;
        let mut place = self.place(index, path, partition.clone());
        place.topic_id = Some(topic_id);
        place.settings = settings;
        let opened = Log::open(place, Start::default(), now).map_err(CreateError::Open)?;
        dir.checkpoints.lock().logs += 1;
        Ok((index, opened.log))
    }

    fn choose(&self, directory: Option<Uuid>) -> Option<DirIndex> {
        let online = || self.dirs.iter().enumerate().filter(|(_, dir)| dir.is_online());
        let wanted = directory.and_then(|id| online().find(|(_, dir)| dir.id == id));
        let chosen = wanted.or_else(|| online().min_by_key(|(_, dir)| dir.checkpoints.lock().logs));
        chosen.map(|(index, _)| index)
    }

    /// Renames a log's directory to `-delete`, under an id of its own; the caller removes it when it is due.
    pub fn delete(&self, log: &mut Log, id: Uuid, now: Now) -> io::Result<RetiredDir> {
        let name = delete_dir(log.partition(), id);
        self.retire(log, &name, now)
    }

    /// Renames a log that metadata does not know to `-stray`, where it stays for the operator.
    pub fn put_away(&self, log: &mut Log, id: Uuid, now: Now) -> io::Result<PathBuf> {
        let name = stray_dir(log.partition(), id);
        Ok(self.retire(log, &name, now)?.path)
    }

    fn retire(&self, log: &mut Log, name: &str, now: Now) -> io::Result<RetiredDir> {
        let index =
            self.dir_of(log.dir()).ok_or_else(|| io::Error::other("the log lies in no log directory"))?;
        let delay = u64::try_from(log.settings().file_delete_delay_ms).unwrap_or(0);
        let partition = log.partition().clone();
        let parent = log.dir().parent().map(PathBuf::from).unwrap_or_default();
        let path = parent.join(name);
        log.leave(&path)?;
        self.disk().sync_dir(&parent)?;
        self.forget(index, &partition)?;
        Ok(RetiredDir { due: now.tick.plus_millis(delay), path, disk: self.disk().clone() })
    }
}
