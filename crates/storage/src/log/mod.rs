//! The log of one partition: what Kafka calls `UnifiedLog` and `LocalLog`.
//!
//! One writer at a time (whoever holds `&mut`), any number of readers, each with a [`LogView`].
//! The offsets: `start <= last stable <= high watermark <= end` and `durable <= end`; start, durable
//! and end only grow, except that a truncation takes end and durable back. Offsets are assigned here and nowhere
//! else. A refused append changes nothing; after an error of the disk that leaves doubt about the file the log refuses
//! every further append and its directory goes offline. Whether an append is allowed at all
//! (leadership, in-sync replicas), what the high watermark is, and when to flush, roll by time or
//! delete, is for the rooms above.

mod append;
mod lookup;
mod open;
mod retention;
mod roll;
mod segments;
mod truncate;
mod view;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_config::LogSettings;
use ottla_env::disk::Disk;
use ottla_model::{LeaderEpoch, Millis, Now, Offset, TopicPartition, Uuid};

use crate::checkpoint;
use crate::epoch_cache::{EpochCache, EpochEnd, EpochEntry};
use crate::file_cache::FileCache;
use crate::flush::{FlushJob, Flushed, LogFlush};
use crate::producer_state::{ProducerSnapshots, ProducerState};
use crate::segment::{Segment, Tail};

pub use append::{AppendError, Appended, NewBatch};
pub use open::{LogPlace, OpenError, Opened, Start};
pub use retention::Garbage;
pub use view::{LogView, Read, ReadError, TimestampAt};

use segments::Segments;

/// See the file's head.
pub struct Log {
    partition: TopicPartition,
    topic_id: Option<Uuid>,
    dir: Arc<Path>,
    cache: Arc<FileCache>,
    settings: LogSettings,
    segments: Segments,
    tail: Tail,
    start_offset: Offset,
    end_offset: Offset,
    high_watermark: Offset,
    /// Everything below is synced, names included.
    durable_offset: Offset,
    epochs: EpochCache,
    /// The epochs changed since their checkpoint was written.
    epochs_unwritten: bool,
    producers: ProducerState,
    snapshots: ProducerSnapshots,
    producer_expiration_ms: i64,
    flush: Arc<LogFlush>,
    /// Something is not as the last orderly close left it.
    changed: bool,
    /// The disk failed in a way that leaves doubt about the files: no more appends.
    failed: bool,
}

/// What the checkpoints of a log directory say of one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOffsets {
    /// Recovery begins here after an unclean stop: everything below is synced.
    pub recovery_point: Offset,
    /// As last set.
    pub high_watermark: Offset,
    /// The start, when it lies above the first segment's base offset; else it needs no checkpoint.
    pub start_offset: Option<Offset>,
}

impl Log {
    /// Whose log this is.
    #[must_use]
    pub const fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The topic's id, as `partition.metadata` has it.
    #[must_use]
    pub const fn topic_id(&self) -> Option<Uuid> {
        self.topic_id
    }

    /// The topic's id has been written down for a log that had none.
    pub const fn set_topic_id(&mut self, id: Uuid) {
        self.topic_id = Some(id);
    }

    /// The directory of the partition.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The settings in force.
    #[must_use]
    pub const fn settings(&self) -> &LogSettings {
        &self.settings
    }

    /// Takes new settings; they count from the next append and retention pass on.
    pub fn set_settings(&mut self, settings: LogSettings) {
        self.tail.set_interval(index_interval(&settings));
        self.settings = settings;
    }

    /// The first offset that can be read.
    #[must_use]
    pub const fn start_offset(&self) -> Offset {
        self.start_offset
    }

    /// The offset that the next record gets.
    #[must_use]
    pub const fn end_offset(&self) -> Offset {
        self.end_offset
    }

    /// Consumers read below it; set by the partition.
    #[must_use]
    pub const fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Everything below survives a loss of power.
    #[must_use]
    pub const fn durable_offset(&self) -> Offset {
        self.durable_offset
    }

    /// Below it every transaction is decided, and it is not above the high watermark.
    #[must_use]
    pub fn last_stable_offset(&self) -> Offset {
        self.producers.last_stable_offset(self.start_offset, self.high_watermark)
    }

    /// Sets the high watermark, within start and end; answers what it is.
    pub fn set_high_watermark(&mut self, offset: Offset) -> Offset {
        self.high_watermark = offset.clamp(self.start_offset, self.end_offset);
        self.producers.on_high_watermark(self.high_watermark);
        self.high_watermark
    }

    /// The log as it is, for readers.
    #[must_use]
    pub fn reader(&self) -> LogView {
        LogView {
            segments: self.segments.clone(),
            active_size: self.active().size(),
            start_offset: self.start_offset,
            end_offset: self.end_offset,
            high_watermark: self.high_watermark,
            last_stable_offset: self.last_stable_offset(),
            durable_offset: self.durable_offset,
        }
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size()).sum()
    }

    /// How many segments there are.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// What the checkpoints should say.
    #[must_use]
    pub fn offsets(&self) -> LogOffsets {
        let first = self.segments.first().base_offset();
        LogOffsets {
            recovery_point: self.durable_offset,
            high_watermark: self.high_watermark,
            start_offset: (self.start_offset > first).then_some(self.start_offset),
        }
    }

    /// The leader epochs and where each begins.
    #[must_use]
    pub fn epochs(&self) -> &[EpochEntry] {
        self.epochs.entries()
    }

    /// The newest leader epoch of the log.
    #[must_use]
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest().map(|entry| entry.epoch)
    }

    /// The leader epoch of the record at an offset.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.epoch_for_offset(offset)
    }

    /// Where the largest epoch that is not above `epoch` ends (OffsetForLeaderEpoch).
    #[must_use]
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
        self.epochs.end_offset_for(epoch, self.end_offset)
    }

    /// A leader's epoch begins at the end of the log. Its checkpoint follows with
    /// [`Log::write_epochs`]: until then the batches themselves tell it.
    pub fn assign_epoch(&mut self, epoch: LeaderEpoch) {
        self.epochs_unwritten |= self.epochs.assign(epoch, self.end_offset);
        self.changed |= self.epochs_unwritten;
    }

    /// Writes the epoch checkpoint when it changed. Called before a recovery point is written, since from
    /// then on the batches below are not read again at start.
    pub fn write_epochs(&mut self) -> io::Result<()> {
        if self.epochs_unwritten {
            let path = self.dir.join(checkpoint::LEADER_EPOCH);
            checkpoint::write_epochs(&**self.disk(), &path, self.epochs.entries())?;
            self.epochs_unwritten = false;
        }
        Ok(())
    }

    /// The producers of this log.
    #[must_use]
    pub const fn producers(&self) -> &ProducerState {
        &self.producers
    }

    /// Forgets producers that have not written for `producer.id.expiration.ms`; answers how many.
    pub fn expire_producers(&mut self, now: Millis) -> usize {
        self.producers.remove_expired(now, self.producer_expiration_ms)
    }

    /// Whether there is something to flush.
    #[must_use]
    pub const fn is_dirty(&self) -> bool {
        self.durable_offset < self.end_offset
    }

    /// The job that makes this log durable, for a caller that does not wait for a round.
    #[must_use]
    pub fn flush_job(&self) -> FlushJob {
        self.flush.job(self.disk())
    }

    /// Takes the answer of a flush; answers the durable offset when it rose.
    pub fn flushed(&mut self, flushed: &Flushed) -> Option<Offset> {
        let offset = flushed.offset.min(self.end_offset);
        if offset <= self.durable_offset || !self.flush.is_current(flushed) {
            return None;
        }
        self.durable_offset = offset;
        Some(offset)
    }

    /// Whether the disk failed under this log.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failed
    }

    /// Refuses every further append: the directory is offline.
    pub const fn fail(&mut self) {
        self.failed = true;
    }

    /// Ends the log in order: the last index entries, epochs and producer snapshot are written, then
    /// everything is synced. What recovery would do after this is nothing. A log that nobody
    /// wrote to since it was opened is as it was closed.
    pub fn close(&mut self, now: Now) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("the log has failed"));
        }
        if self.changed {
            let active = self.active().clone();
            let files = active.seal(self.tail.reserve.any())?;
            self.write_epochs()?;
            self.expire_producers(now.wall);
            self.snapshots.take(&**self.cache.disk(), &self.dir, &self.producers, true)?;
            self.flush.wrote(active.log(), self.end_offset);
            self.flush.named(&files, &self.dir);
            let flushed = self.flush_job().run().map_err(|failed| failed.error)?;
            self.flushed(&flushed);
            self.changed = false;
        }
        for segment in self.segments.iter() {
            segment.close();
        }
        Ok(())
    }

    /// Ends the log by giving its directory another name (`-delete`, `-stray`). Readers go on.
    pub(crate) fn leave(&mut self, to: &Path) -> io::Result<()> {
        self.flush.forget();
        self.disk().rename(&self.dir, to)?;
        let to: Arc<Path> = to.into();
        for segment in self.segments.iter() {
            segment.moved_to(&to);
            segment.close();
        }
        Ok(())
    }

    fn disk(&self) -> &Arc<dyn Disk> {
        self.cache.disk()
    }

    const fn active(&self) -> &Arc<Segment> {
        self.segments.active()
    }

    fn max_index_bytes(&self) -> u32 {
        u32::try_from(self.settings.segment_index_bytes).unwrap_or(0)
    }

    fn segment_bytes(&self) -> u64 {
        u64::try_from(self.settings.segment_bytes).unwrap_or(0)
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join(name)
    }
}

fn index_interval(settings: &LogSettings) -> u64 {
    u64::try_from(settings.index_interval_bytes).unwrap_or(0)
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "log of {}: {}..{}", self.partition, self.start_offset, self.end_offset)
    }
}
