//! Opening a log: from the names in its directory to a log that takes appends.
//!
//! After a clean stop nothing is read but the end of the last segment. Otherwise every segment from the recovery
//! point on is read batch by batch: indexes, epochs and producer state come out of it, and the log ends
//! where the first unsound batch begins. What was found is answered in a report; the table of cases is
//! `recovery`'s.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_config::LogSettings;
use ottla_model::{Now, Offset, TopicPartition, Uuid};
use ottla_record::CheckError;

use super::segments::Segments;
use super::truncate::tail_of;
use super::{Log, append, index_interval};
use crate::atomic_file::ReadFileError;
use crate::checkpoint;
use crate::epoch_cache::EpochCache;
use crate::file_cache::FileCache;
use crate::flush::{DirtyLogs, LogFlush};
use crate::names::{FileKind, FileName};
use crate::producer_state::{ProducerSnapshots, ProducerState, Reload, reload};
use crate::recovery::{self, Checker, Finding, RecoveryError};
use crate::segment::{Found, Segment, Tail};

/// Which log, where, and what it shares with the others.
#[derive(Clone, Debug)]
pub struct LogPlace {
    /// Whose.
    pub partition: TopicPartition,
    /// The topic's id, as `partition.metadata` has it.
    pub topic_id: Option<Uuid>,
    /// The partition's directory; made when absent.
    pub dir: PathBuf,
    /// The node's open files.
    pub cache: Arc<FileCache>,
    /// The log directory's list of what has to be synced.
    pub dirty: Arc<DirtyLogs>,
    /// What it obeys.
    pub settings: LogSettings,
    /// `producer.id.expiration.ms`.
    pub producer_expiration_ms: i64,
}

/// What the checkpoints and the mark of the log directory say of the last stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The directory was closed in order: nothing has to be read again.
    pub clean: bool,
    /// Everything below is synced.
    pub recovery_point: Offset,
    /// The start offset, when it was above the first segment.
    pub start_offset: Option<Offset>,
    /// As last known.
    pub high_watermark: Offset,
}

/// A log, and what was found when it was opened.
#[derive(Debug)]
pub struct Opened {
    /// The log.
    pub log: Log,
    /// In the order in which it was found; empty after a clean stop.
    pub findings: Vec<Finding>,
}

/// Why a log cannot be opened.
#[derive(Debug)]
pub struct OpenError {
    /// The partition's directory.
    pub dir: PathBuf,
    /// What was in the way.
    pub error: RecoveryError,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log in {} cannot be opened: {}", self.dir.display(), self.error)
    }
}

impl std::error::Error for OpenError {}

impl Log {
    /// Opens the log in a directory, or begins one where there is none.
    pub fn open(place: LogPlace, start: Start, now: Now) -> Result<Opened, OpenError> {
        let dir = place.dir.clone();
        Opening::run(place, start, now).map_err(|error| OpenError { dir, error })
    }
}

/// A log on its way to being open.
struct Opening {
    place: LogPlace,
    dir: Arc<Path>,
    start: Start,
    now: Now,
    segments: Vec<Arc<Segment>>,
    epochs: EpochCache,
    epochs_changed: bool,
    snapshots: ProducerSnapshots,
    producers: ProducerState,
    findings: Vec<Finding>,
}

impl Opening {
    fn run(place: LogPlace, start: Start, now: Now) -> Result<Opened, RecoveryError> {
        let dir: Arc<Path> = place.dir.as_path().into();
        let disk = place.cache.disk().clone();
        disk.create_dir_all(&dir)?;
        let mut findings = Vec::new();
        let found = recovery::sweep(&*disk, &dir, &mut findings)?;
        let snapshots = ProducerSnapshots::list(&*disk, &dir)?;
        let max_index = u32::try_from(place.settings.segment_index_bytes).unwrap_or(0);
        let segment = |found: recovery::Found| {
            let recovery::Found { base_offset, size, present } = found;
            Arc::new(Segment::existing(&place.cache, &dir, base_offset, max_index, size, present))
        };
        let segments: Vec<_> = found.into_iter().map(segment).collect();
        let mut opening = Self {
            dir,
            start,
            now,
            segments,
            epochs: EpochCache::default(),
            epochs_changed: false,
            snapshots,
            producers: ProducerState::new(0),
            findings,
            place,
        };
        let epochs_known = opening.read_epochs()?;
        let first_checked = opening.first_to_check()?;
        if !epochs_known {
            opening.find_epochs()?;
        }
        if let Some(first) = first_checked {
            opening.check_from(first)?;
        }
        Ok(opening.finish(first_checked)?)
    }

    /// Reads the epoch checkpoint; false when it is damaged.
    fn read_epochs(&mut self) -> io::Result<bool> {
        let path = self.dir.join(checkpoint::LEADER_EPOCH);
        match checkpoint::read_epochs(&**self.place.cache.disk(), &path) {
            Ok(entries) => {
                self.epochs = EpochCache::new(entries);
                Ok(true)
            }
            Err(ReadFileError::Io { error, .. }) => Err(error),
            Err(malformed @ ReadFileError::Malformed { .. }) => {
                self.findings.push(Finding::EpochsLost(malformed.to_string()));
                Ok(false)
            }
        }
    }

    /// The place of the first segment that has to be read again; `None` when none has.
    fn first_to_check(&self) -> io::Result<Option<usize>> {
        let point = self.start.recovery_point;
        let from = self.segments.partition_point(|segment| segment.base_offset() <= point).saturating_sub(1);
        let unclean = (!self.start.clean && !self.segments.is_empty()).then_some(from);
        for (place, segment) in self.segments.iter().enumerate().take(unclean.unwrap_or(usize::MAX)) {
            if segment.indexes().check_aborted().is_err() {
                return Ok(Some(place));
            }
        }
        Ok(unclean)
    }

    /// Finds the epochs in the headers of all batches.
    fn find_epochs(&mut self) -> io::Result<()> {
        self.epochs_changed = true;
        for segment in &self.segments {
            let file = segment.file()?;
            let mut scan = crate::segment::Scan::new(&*file, 0, segment.size());
            // What is not sound is met again by the check.
            while let Ok(Some(found)) = scan.next() {
                assign(&mut self.epochs, &found);
            }
        }
        Ok(())
    }

    /// Checks the segments from a place on, up to the first unsound batch.
    fn check_from(&mut self, first: usize) -> io::Result<()> {
        let base = self.segments.get(first).map_or(0, |segment| segment.base_offset());
        self.load_producers(base, false)?;
        let mut bytes = 0;
        let mut place = first;
        while let Some(segment) = self.segments.get(place).cloned() {
            place += 1;
            bytes += segment.size();
            if self.check(&segment, place)? {
                continue;
            }
            self.set_aside(place)?;
            break;
        }
        self.findings.push(Finding::Checked { segments: place - first, bytes });
        Ok(())
    }

    /// Checks one segment, whose successor has place `next`; false when it had to be cut.
    fn check(&mut self, segment: &Arc<Segment>, next: usize) -> io::Result<bool> {
        let disk = self.place.cache.disk().clone();
        let base = segment.base_offset();
        if segment.indexes().check_aborted().is_err() {
            self.findings.push(Finding::TxnIndexRebuilt(base));
        }
        segment.begin_rebuild()?;
        let reach = base.saturating_add(i64::from(i32::MAX)).saturating_add(1);
        let upper = self.segments.get(next).map_or(reach, |next| next.base_offset().min(reach));
        let file = segment.file()?;
        let mut checker = Checker::new(&*file, segment.size(), base, upper);
        let mut tail = Tail::for_rebuild(index_interval(&self.place.settings));
        let stopped = loop {
            let (position, batch) = match checker.next()? {
                Ok(Some(found)) => found,
                Ok(None) => break None,
                Err(error) => break Some(error),
            };
            let found = Found { position, ..append::found_in(&batch) };
            if let Some(header) = &found.header {
                self.epochs_changed |= assign(&mut self.epochs, &found);
                let marker = append::marker_of(batch.bytes);
                for txn in recovery::take_in(&mut self.producers, header, marker) {
                    segment.append_aborted(txn)?;
                }
            }
            tail.index(segment.indexes(), &found)?;
        };
        let (valid_bytes, end) = (checker.valid_bytes(), checker.next_offset());
        self.producers.advance(end.max(self.producers.end_offset()));
        if let Some(why) = &stopped {
            self.cut(segment, valid_bytes, why)?;
        }
        segment.end_rebuild(tail.max())?;
        if stopped.is_none() && next < self.segments.len() {
            self.snapshots.take(&*disk, &self.dir, &self.producers, false)?;
        }
        Ok(stopped.is_none() && !self.has_hole(end, next))
    }

    /// Whether offsets are missing between the end of a segment and its successor: the tail of the one never
    /// reached the platter, that of the other did. Cleaning leaves such gaps too, so a compacted log may have them.
    fn has_hole(&mut self, end_offset: Offset, next: usize) -> bool {
        let base = self.segments.get(next).map(|next| next.base_offset());
        let Some(next_base) = base.filter(|base| *base > end_offset) else { return false };
        if self.place.settings.cleanup_policy.compact {
            return false;
        }
        self.findings.push(Finding::Hole { end_offset, next_base });
        true
    }

    fn cut(&mut self, segment: &Segment, valid_bytes: u64, why: &CheckError) -> io::Result<()> {
        let lost_bytes = segment.size() - valid_bytes;
        segment.cut_at(valid_bytes)?;
        let base_offset = segment.base_offset();
        self.findings.push(Finding::Torn { base_offset, valid_bytes, lost_bytes, why: why.to_string() });
        Ok(())
    }

    /// Moves the segments from a place on out of the log, where an operator finds them.
    fn set_aside(&mut self, from: usize) -> io::Result<()> {
        let later = self.segments.split_off(from.min(self.segments.len()));
        if later.is_empty() {
            return Ok(());
        }
        let disk = self.place.cache.disk();
        let corner = self.dir.join("ottla");
        disk.create_dir_all(&corner)?;
        for segment in later {
            segment.close();
            for kind in FileKind::ALL {
                let name = FileName::live(segment.base_offset(), kind).to_string();
                match disk.rename(&self.dir.join(&name), &corner.join(&name)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            let (base_offset, bytes) = (segment.base_offset(), segment.size());
            self.findings.push(Finding::SetAside { base_offset, bytes });
        }
        disk.sync_dir(&corner)?;
        disk.sync_dir(&self.dir)?;
        self.snapshots = ProducerSnapshots::list(&**disk, &self.dir)?;
        Ok(())
    }

    /// The producer state at `end_offset`: the newest snapshot up to there, and the batches after it.
    /// A log closed in order without any snapshot has no producers.
    fn load_producers(&mut self, end_offset: Offset, closed: bool) -> io::Result<()> {
        let disk = self.place.cache.disk();
        let at = Reload {
            log_start: self.log_start(),
            log_end: end_offset,
            now: self.now.wall,
            expiration_ms: self.place.producer_expiration_ms,
        };
        if closed && self.snapshots.latest().is_none() {
            self.producers = ProducerState::new(end_offset);
        }
        reload(&mut self.producers, &mut self.snapshots, &**disk, &self.dir, at)?;
        for segment in &self.segments {
            if self.producers.end_offset() < end_offset && segment.base_offset() < end_offset {
                recovery::replay(&mut self.producers, segment, end_offset, append::marker_of)?;
            }
        }
        self.producers.advance(end_offset.max(self.producers.end_offset()));
        Ok(())
    }

    /// The start offset: as checkpointed, never below the first segment.
    fn log_start(&self) -> Offset {
        let first = self.segments.first().map_or(0, |segment| segment.base_offset());
        self.start.start_offset.unwrap_or(0).max(first)
    }

    fn finish(mut self, first_checked: Option<usize>) -> io::Result<Opened> {
        let disk = self.place.cache.disk().clone();
        let mut end_offset = match self.segments.last() {
            Some(last) => last.next_offset()?,
            None => self.log_start(),
        };
        let start_offset = self.log_start();
        if end_offset < start_offset {
            self.findings.push(Finding::BelowStart { end_offset, start_offset });
            for segment in self.segments.drain(..) {
                segment.remove()?;
            }
            self.epochs_changed |= self.epochs.clear();
            self.snapshots.clear(&*disk, &self.dir)?;
            self.producers = ProducerState::new(start_offset);
            end_offset = start_offset;
        }
        let closed = self.start.clean && first_checked.is_none();
        self.load_producers(end_offset, closed)?;
        let bases: BTreeSet<Offset> = self.segments.iter().map(|segment| segment.base_offset()).collect();
        self.snapshots.remove_strays(&*disk, &self.dir, &bases)?;
        self.epochs_changed |= self.epochs.truncate_from_end(end_offset);
        if let Some(start) = self.start.start_offset {
            self.epochs_changed |= self.epochs.truncate_from_start(start);
        }
        self.build(start_offset, end_offset, first_checked)
    }

    fn build(
        self,
        start_offset: Offset,
        end_offset: Offset,
        first_checked: Option<usize>,
    ) -> io::Result<Opened> {
        let Self { place, dir, start, now, mut segments, findings, .. } = self;
        let flush = LogFlush::new(place.partition.clone(), &place.dirty, end_offset);
        let max_index = u32::try_from(place.settings.segment_index_bytes).unwrap_or(0);
        let active = match segments.pop() {
            Some(active) => active,
            None => {
                let made = Arc::new(Segment::create(&place.cache, &dir, end_offset, max_index)?);
                flush.named(std::slice::from_ref(made.log()), &dir);
                made
            }
        };
        let tail = tail_of(&active, index_interval(&place.settings), now)?;
        // What was read again may never have reached the platter: the next round syncs it.
        let durable = match first_checked {
            None if start.clean => end_offset,
            None => start.recovery_point,
            Some(first) => {
                let checked = segments.iter().skip(first).chain(std::iter::once(&active));
                for segment in checked {
                    segment.log().mark_dirty();
                    flush.wrote(segment.log(), end_offset);
                    flush.named(&segment.indexes().all_files(), &dir);
                }
                start.recovery_point
            }
        };
        let log = Log {
            partition: place.partition,
            topic_id: place.topic_id,
            dir,
            cache: place.cache,
            settings: place.settings,
            segments: Segments::new(segments, active),
            tail,
            start_offset,
            end_offset,
            high_watermark: start.high_watermark.clamp(start_offset, end_offset),
            durable_offset: durable.clamp(start_offset, end_offset),
            epochs: self.epochs,
            epochs_unwritten: self.epochs_changed,
            producers: self.producers,
            snapshots: self.snapshots,
            producer_expiration_ms: place.producer_expiration_ms,
            flush,
            changed: !start.clean || first_checked.is_some() || self.epochs_changed,
            failed: false,
        };
        Ok(Opened { log, findings })
    }
}

/// A batch may begin an epoch that the checkpoint does not have yet.
fn assign(epochs: &mut EpochCache, batch: &Found) -> bool {
    let epoch = batch.header.map_or(-1, |header| header.partition_leader_epoch);
    epochs.latest().is_none_or(|latest| epoch > latest.epoch) && epochs.assign(epoch, batch.base_offset)
}
