//! The metadata log on disk: a partition log with the settings of Kafka's `KafkaRaftLog`.
//!
//! It is opened as after a crash, each time: what is not whole at its end is cut off. Nothing in it expires; its
//! start moves only behind a snapshot.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ottla_config::LogSettings;
use ottla_env::disk::read_exact_at;
use ottla_metadata::limits::BATCH_BYTES;
use ottla_model::{LeaderEpoch, Now, Offset, TopicName, TopicPartition, Uuid};
use ottla_record::{BatchView, batches};
use ottla_storage::file_cache::FileCache;
use ottla_storage::flush::{DirtyLogs, FlushJob, Flushed};
use ottla_storage::log::{AppendError, Appended, Garbage, Log, LogPlace, NewBatch, Opened, Read, Start};
use ottla_storage::names::METADATA_TOPIC;
use ottla_storage::partition_metadata;
use ottla_storage::producer_state::Origin;
use ottla_storage::recovery::Finding;

use crate::error::OpenError;
use crate::limits::READ_BYTES;

/// The log's directory in the metadata directory.
pub const DIRECTORY: &str = "__cluster_metadata-0";

/// The log of the quorum.
pub(crate) struct Journal {
    log: Log,
}

/// When the log begins a new segment.
#[derive(Clone, Copy, Debug)]
pub struct Segments {
    /// `metadata.log.segment.bytes`.
    pub bytes: i32,
    /// `metadata.log.segment.ms`.
    pub ms: i64,
}

impl Journal {
    pub(crate) fn open(
        cache: &Arc<FileCache>,
        dir: &Path,
        segments: Segments,
        now: Now,
    ) -> Result<(Self, Vec<Finding>), OpenError> {
        let disk = cache.disk();
        let io = |error| OpenError::Io { path: dir.to_owned(), error };
        disk.create_dir_all(dir).map_err(io)?;
        if partition_metadata::read(&**disk, dir).map_err(OpenError::File)?.is_none() {
            partition_metadata::write(&**disk, dir, Uuid::METADATA_TOPIC).map_err(io)?;
        }
        let topic = TopicName::new(METADATA_TOPIC).map_err(|_| io(io::ErrorKind::InvalidInput.into()))?;
        let place = LogPlace {
            partition: TopicPartition { topic, partition: 0 },
            topic_id: Some(Uuid::METADATA_TOPIC),
            dir: dir.to_owned(),
            cache: Arc::clone(cache),
            dirty: Arc::new(DirtyLogs::default()),
            settings: settings(segments),
            producer_expiration_ms: i64::MAX,
        };
        let Opened { log, findings } = Log::open(place, Start::default(), now).map_err(OpenError::Log)?;
        Ok((Self { log }, findings))
    }

    /// Appends one batch at the end of the log.
    pub(crate) fn append(
        &mut self,
        batch: &[u8],
        epoch: LeaderEpoch,
        now: Now,
    ) -> Result<Appended, AppendError> {
        let view = BatchView::parse(batch).map_err(|_| AppendError::Malformed)?;
        let batch = NewBatch { header: *view.header(), body: view.body(), marker: None };
        self.log.append_as_leader(&[batch], epoch, Origin::Coordinator, now)
    }

    /// Hands out each batch from the one that holds `from` on, in order; answers where the log has a hole. This log
    /// is never compacted, so a hole is what a loss of power leaves of segments that were not synced: what
    /// lies behind it was never committed.
    pub(crate) fn each_batch(
        &self,
        from: Offset,
        mut each: impl FnMut(&BatchView<'_>) -> Result<(), OpenError>,
    ) -> Result<Option<Offset>, OpenError> {
        let view = self.log.reader();
        let mut next = from;
        let mut buffer = Vec::new();
        while next < view.end_offset {
            let read = view.read(next, READ_BYTES, true, view.end_offset).map_err(OpenError::Read)?;
            self.fetch(&read, &mut buffer)?;
            let before = next;
            for batch in batches(&buffer) {
                let batch = batch.map_err(|error| self.damaged(next, &error))?;
                batch.check_crc().map_err(|error| self.damaged(next, &error))?;
                if batch.header().base_offset > next {
                    return Ok(Some(next));
                }
                next = batch.header().next_offset();
                each(&batch)?;
            }
            if next <= before {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    fn fetch(&self, read: &Read, buffer: &mut Vec<u8>) -> Result<(), OpenError> {
        buffer.clear();
        for region in &read.regions {
            let start = buffer.len();
            let len = usize::try_from(region.len).unwrap_or(usize::MAX);
            buffer.resize(start.saturating_add(len), 0);
            let space = buffer.get_mut(start..).unwrap_or_default();
            read_exact_at(&*region.file, space, region.position).map_err(|error| self.io(error))?;
        }
        Ok(())
    }

    /// Takes away everything from `offset` on.
    pub(crate) fn truncate(&mut self, offset: Offset, now: Now) -> Result<(), OpenError> {
        let truncated = self.log.truncate_to(offset, now).and_then(remove_all);
        truncated.map_err(|error| self.io(error))
    }

    fn io(&self, error: io::Error) -> OpenError {
        OpenError::Io { path: self.log.dir().to_owned(), error }
    }

    fn damaged(&self, offset: Offset, problem: &dyn std::fmt::Display) -> OpenError {
        OpenError::Damaged { dir: self.log.dir().to_owned(), offset, problem: problem.to_string() }
    }

    pub(crate) const fn end_offset(&self) -> Offset {
        self.log.end_offset()
    }

    pub(crate) const fn start_offset(&self) -> Offset {
        self.log.start_offset()
    }

    pub(crate) fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.log.latest_epoch()
    }

    pub(crate) fn size(&self) -> u64 {
        self.log.size()
    }

    /// Bytes are read by whoever dumps or fetches the log.
    pub(crate) fn reader(&self) -> ottla_storage::log::LogView {
        self.log.reader()
    }

    /// The epoch's begin goes into the leader-epoch checkpoint.
    pub(crate) fn begin_epoch(&mut self, epoch: LeaderEpoch) -> io::Result<()> {
        self.log.assign_epoch(epoch);
        self.log.write_epochs()
    }

    pub(crate) fn commit(&mut self, offset: Offset) {
        self.log.set_high_watermark(offset);
    }

    pub(crate) fn flush_job(&self) -> FlushJob {
        self.log.flush_job()
    }

    pub(crate) fn flushed(&mut self, flushed: &Flushed) -> Option<Offset> {
        self.log.flushed(flushed)
    }

    /// Empties the log, which a snapshot has overtaken.
    pub(crate) fn restart_at(&mut self, offset: Offset, now: Now) -> io::Result<()> {
        remove_all(self.log.truncate_fully_and_start_at(offset, now)?)
    }

    /// Lets go of whole segments below a snapshot.
    pub(crate) fn drop_below(&mut self, offset: Offset, now: Now) -> io::Result<()> {
        if self.log.raise_start_offset(offset) {
            self.log.write_epochs()?;
            remove_all(self.log.retain(now)?)?;
        }
        Ok(())
    }

    pub(crate) fn close(&mut self, now: Now) -> io::Result<()> {
        self.log.close(now)
    }
}

/// Nobody reads a segment of this log over time: what is let go is removed at once.
fn remove_all(garbage: Vec<Garbage>) -> io::Result<()> {
    garbage.into_iter().try_for_each(Garbage::remove)
}

fn settings(segments: Segments) -> LogSettings {
    LogSettings {
        segment_bytes: segments.bytes,
        segment_ms: segments.ms,
        max_message_bytes: i32::try_from(BATCH_BYTES).unwrap_or(i32::MAX),
        retention_bytes: -1,
        retention_ms: -1,
        ..LogSettings::default()
    }
}
