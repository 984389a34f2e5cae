//! The three offset checkpoints of a log directory, and its orderly close.
//!
//! Each file is written whole, and only when it says something new: an idle node writes nothing. A recovery point is written
//! after the epochs of its log, because from then on the batches below are not read again at start.

use std::io;
use std::path::Path;

use ottla_env::disk::Disk;
use ottla_model::{BrokerEpoch, Offset, TopicPartition};

use super::{DirIndex, LogDir, LogDirs};
use crate::checkpoint::{self, Offsets};
use crate::clean_shutdown;
use crate::log::LogOffsets;

/// What the files of a directory say.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    pub(super) recovery_points: Offsets,
    pub(super) high_watermarks: Offsets,
    pub(super) start_offsets: Offsets,
    /// Logs in the directory, for the choice of one for a new log.
    pub(super) logs: usize,
}

impl LogDirs {
    /// Writes recovery points and start offsets (each minute). `logs` are all logs of the directory, each
    /// after its [`write_epochs`](crate::log::Log::write_epochs).
    pub fn write_recovery_points(
        &self,
        index: DirIndex,
        logs: &[(TopicPartition, LogOffsets)],
    ) -> io::Result<()> {
        let dir = self.online(index)?;
        let mut checkpoints = dir.checkpoints.lock();
        let points = logs.iter().map(|(partition, offsets)| (partition.clone(), offsets.recovery_point));
        self.write(dir, checkpoint::RECOVERY_POINT, &mut checkpoints.recovery_points, points.collect())?;
        let starts =
            logs.iter().filter_map(|(partition, offsets)| Some((partition.clone(), offsets.start_offset?)));
        self.write(dir, checkpoint::LOG_START, &mut checkpoints.start_offsets, starts.collect())
    }

    /// Writes high watermarks (every five seconds).
    pub fn write_high_watermarks(
        &self,
        index: DirIndex,
        logs: &[(TopicPartition, LogOffsets)],
    ) -> io::Result<()> {
        let dir = self.online(index)?;
        let mut checkpoints = dir.checkpoints.lock();
        let marks = logs.iter().map(|(partition, offsets)| (partition.clone(), offsets.high_watermark));
        self.write(dir, checkpoint::HIGH_WATERMARK, &mut checkpoints.high_watermarks, marks.collect())
    }

    /// Makes one start offset durable: before a DeleteRecords is answered, so that what is gone stays gone.
    pub fn persist_start_offset(
        &self,
        index: DirIndex,
        partition: &TopicPartition,
        offset: Offset,
    ) -> io::Result<()> {
        let dir = self.online(index)?;
        let mut checkpoints = dir.checkpoints.lock();
        let mut starts = checkpoints.start_offsets.clone();
        starts.insert(partition.clone(), offset);
        self.write(dir, checkpoint::LOG_START, &mut checkpoints.start_offsets, starts)
    }

    /// Forgets a log that is gone, in all three files.
    pub fn forget(&self, index: DirIndex, partition: &TopicPartition) -> io::Result<()> {
        let dir = self.online(index)?;
        let mut checkpoints = dir.checkpoints.lock();
        checkpoints.logs = checkpoints.logs.saturating_sub(1);
        let without = |offsets: &Offsets| {
            let mut offsets = offsets.clone();
            offsets.remove(partition);
            offsets
        };
        let next = without(&checkpoints.recovery_points);
        self.write(dir, checkpoint::RECOVERY_POINT, &mut checkpoints.recovery_points, next)?;
        let next = without(&checkpoints.start_offsets);
        self.write(dir, checkpoint::LOG_START, &mut checkpoints.start_offsets, next)?;
        let next = without(&checkpoints.high_watermarks);
        self.write(dir, checkpoint::HIGH_WATERMARK, &mut checkpoints.high_watermarks, next)
    }

    /// The end of an orderly stop: `logs` are all logs of the directory, each closed
    /// ([`Log::close`](crate::log::Log::close)). The mark is the last thing written; a directory that failed gets none.
    pub fn close_dir(
        &self,
        index: DirIndex,
        logs: &[(TopicPartition, LogOffsets)],
        broker_epoch: BrokerEpoch,
    ) -> io::Result<()> {
        self.write_recovery_points(index, logs)?;
        self.write_high_watermarks(index, logs)?;
        let dir = self.online(index)?;
        clean_shutdown::write(&**self.disk(), &dir.path, broker_epoch)
    }

    fn write(&self, dir: &LogDir, name: &str, known: &mut Offsets, next: Offsets) -> io::Result<()> {
        if *known != next {
            write_one(&**self.disk(), &dir.path, name, &next)?;
            *known = next;
        }
        Ok(())
    }
}

fn write_one(disk: &dyn Disk, dir: &Path, name: &str, offsets: &Offsets) -> io::Result<()> {
    checkpoint::write_offsets(disk, &dir.join(name), offsets)
}
