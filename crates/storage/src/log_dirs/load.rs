//! The logs of a directory at start: named here, opened by whoever runs the jobs.
//!
//! Each partition's directory is one [`LoadJob`]; jobs share nothing and may run on as many threads
//! as `num.recovery.threads.per.data.dir` allows. Directories that were deleted are removed, strays stay,
//! names of none of Kafka's forms are reported and left alone.

use std::io;
use std::path::PathBuf;

use ottla_config::LogSettings;
use ottla_env::disk::Kind;
use ottla_model::{Now, Offset, TopicPartition};

use super::{DirIndex, LogDirs};
use crate::atomic_file::ReadFileError;
use crate::checkpoint::{self, Offsets};
use crate::log::{Log, LogPlace, OpenError, Opened, Start};
use crate::names::DirName;
use crate::partition_metadata;
use crate::recovery::RecoveryError;

/// What lies in one log directory.
#[derive(Debug, Default)]
pub struct Loading {
    /// One for each partition.
    pub jobs: Vec<LoadJob>,
    /// Replicas that metadata did not know when they were found, left for the operator.
    pub strays: Vec<PathBuf>,
    /// Unfinished moves between directories, which nothing here continues.
    pub futures: Vec<PathBuf>,
    /// Names of none of Kafka's forms.
    pub foreign: Vec<PathBuf>,
    /// The metadata log's directory.
    pub metadata_log: Option<PathBuf>,
    /// Checkpoints that could not be understood and count as empty.
    pub damaged: Vec<ReadFileError>,
}

/// Opens one log.
#[derive(Debug)]
pub struct LoadJob {
    /// Whose.
    pub partition: TopicPartition,
    /// In which directory.
    pub dir: DirIndex,
    place: LogPlace,
    start: Start,
}

impl LoadJob {
    /// Opens the log; blocks as long as recovery takes.
    pub fn run(mut self, settings: LogSettings, now: Now) -> Result<Opened, OpenError> {
        let disk = self.place.cache.disk().clone();
        self.place.topic_id = match partition_metadata::read(&*disk, &self.place.dir) {
            Ok(id) => id,
            Err(error) => {
                let error = RecoveryError::Io(io::Error::other(error.to_string()));
                return Err(OpenError { dir: self.place.dir, error });
            }
        };
        self.place.settings = settings;
        Log::open(self.place, self.start, now)
    }
}

impl LogDirs {
    /// Reads the checkpoints and names of a directory, and removes what was deleted before.
    pub fn load(&self, index: DirIndex) -> io::Result<Loading> {
        let dir = self.online(index)?;
        let mut loading = Loading::default();
        let mut checkpoints = dir.checkpoints.lock();
        let mut read = |name: &str| {
            checkpoint::read_offsets(&**self.disk(), &dir.path.join(name)).unwrap_or_else(|error| {
                loading.damaged.push(error);
                Offsets::default()
            })
        };
        checkpoints.recovery_points = read(checkpoint::RECOVERY_POINT);
        checkpoints.high_watermarks = read(checkpoint::HIGH_WATERMARK);
        checkpoints.start_offsets = read(checkpoint::LOG_START);
        for entry in self.disk().list(&dir.path)? {
            let path = dir.path.join(&entry.name);
            if entry.kind != Kind::Dir {
                continue;
            }
            match DirName::parse(&entry.name) {
                DirName::Partition(partition) => {
                    let start = checkpoints.start(&partition, dir.was_clean());
                    let place = self.place(index, path, partition.clone());
                    loading.jobs.push(LoadJob { partition, dir: index, place, start });
                }
                DirName::Delete(_) => self.disk().remove_dir_all(&path)?,
                DirName::Stray(_) => loading.strays.push(path),
                DirName::Future(_) => loading.futures.push(path),
                DirName::MetadataLog => loading.metadata_log = Some(path),
                DirName::RemoteIndexCache => {}
                DirName::Foreign if entry.name == "lost+found" => {}
                DirName::Foreign => loading.foreign.push(path),
            }
        }
        checkpoints.logs = loading.jobs.len();
        Ok(loading)
    }

    /// The job that opens the metadata log in a directory, begun when absent: always read from its
    /// beginning, as Kafka does.
    #[must_use]
    pub fn metadata_log(&self, index: DirIndex, partition: TopicPartition) -> Option<LoadJob> {
        let dir = self.dirs.get(index)?;
        let place = self.place(index, dir.path.join(partition.to_string()), partition.clone());
        Some(LoadJob { partition, dir: index, place, start: Start::default() })
    }

    /// Where a log lies; settings and topic id are filled in later.
    pub(super) fn place(&self, index: DirIndex, path: PathBuf, partition: TopicPartition) -> LogPlace {
        LogPlace {
            partition,
            topic_id: None,
            dir: path,
            cache: self.cache.clone(),
            dirty: self.dirs.get(index).map(|dir| dir.dirty.clone()).unwrap_or_default(),
            settings: LogSettings::default(),
            producer_expiration_ms: self.producer_expiration_ms,
        }
    }
}

impl super::Checkpoints {
    fn start(&self, partition: &TopicPartition, clean: bool) -> Start {
        let at_least_zero = |offset: Option<&Offset>| offset.copied().unwrap_or(0).max(0);
        Start {
            clean,
            recovery_point: at_least_zero(self.recovery_points.get(partition)),
            start_offset: self.start_offsets.get(partition).copied().filter(|offset| *offset >= 0),
            high_watermark: at_least_zero(self.high_watermarks.get(partition)),
        }
    }
}
