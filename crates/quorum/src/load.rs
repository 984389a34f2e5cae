//! From the files of a metadata directory to an image: newest snapshot, then the log behind it, to its end.
//!
//! A lone voter's log is its history as far as it reads: what is there at a start is committed as soon as the
//! next epoch's first record is durable behind it. The 0-0 checkpoint gives voters and bootstrap records where the
//! log does not have them yet; it is never replayed into the image (KIP-1170).

use std::path::Path;

use ottla_env::disk::Disk;
use ottla_metadata::batch::{Control, Entry, read_batch};
use ottla_metadata::bootstrap::bootstrap_records;
use ottla_metadata::checkpoint::{BOOTSTRAP_FILE, CheckpointError, Preamble, SnapshotId, read_checkpoint};
use ottla_metadata::{Image, MetadataVersion, Provenance, ReplayError, Timeline, Touched};
use ottla_model::{Now, Offset};
use ottla_raft::{KRAFT_VERSION_WITH_VOTERS, Voters, VotersSource};
use ottla_record::{BatchView, Scratch};
use ottla_storage::atomic_file;
use ottla_wire::MetadataRecord;

use crate::error::OpenError;
use crate::journal::Journal;
use crate::limits::SNAPSHOT_BYTES;
use crate::snapshots::Snapshots;
use crate::voters;

/// What was found.
pub(crate) struct Loaded {
    pub(crate) timeline: Timeline,
    pub(crate) kraft_version: i16,
    pub(crate) voters: Voters,
    pub(crate) voters_source: VotersSource,
    /// Bytes of the log behind the newest snapshot.
    pub(crate) bytes_since_snapshot: u64,
    /// Whether these bytes change the image.
    pub(crate) changed_since_snapshot: bool,
}

/// Reads snapshot and log; `configured` are the voters of the properties file, for `kraft.version` 0.
pub(crate) fn load(
    disk: &dyn Disk,
    journal: &mut Journal,
    snapshots: &mut Snapshots,
    configured: Voters,
    now: Now,
) -> Result<Loaded, OpenError> {
    reconcile(journal, snapshots, now)?;
    let mut replay = Replay::default();
    if let Some(id) = snapshots.latest() {
        replay.snapshot(disk, snapshots, id)?;
    }
    let from = replay.timeline.reached().end_offset.max(journal.start_offset());
    if let Some(hole) = journal.each_batch(from, |batch| replay.batch(batch, from))? {
        journal.truncate(hole, now)?;
    }
    if replay.voters.is_none() && snapshots.has_bootstrap() {
        let path = snapshots.path(SnapshotId::BOOTSTRAP);
        let (preamble, _) = bootstrap_file(disk, &path)?;
        replay.take_preamble(preamble, VotersSource::Bootstrap);
    }
    Ok(replay.loaded(configured))
}

/// Brings log and snapshots together: a snapshot beyond the log replaces it, and what is missing below the log's
/// start must be in a snapshot.
fn reconcile(journal: &mut Journal, snapshots: &mut Snapshots, now: Now) -> Result<(), OpenError> {
    let latest = snapshots.latest();
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| OpenError::Io { path, error }
    };
    if let Some(id) = latest {
        let log = SnapshotId { end_offset: journal.end_offset(), epoch: journal.latest_epoch().unwrap_or(0) };
        let overtakes = id.epoch > log.epoch || (id.epoch == log.epoch && id.end_offset > log.end_offset);
        if overtakes {
            journal.restart_at(id.end_offset, now).map_err(io(&snapshots.path(id)))?;
        }
    }
    let start = journal.start_offset();
    if start > 0 && latest.is_none_or(|id| id.end_offset < start) {
        let dir = snapshots.dir().to_owned();
        return Err(OpenError::NoSnapshot { dir, start, latest });
    }
    let dir = snapshots.dir().to_owned();
    snapshots.remove_below(start).map_err(io(&dir))
}

#[derive(Default)]
struct Replay {
    timeline: Timeline,
    scratch: Scratch,
    kraft_version: i16,
    voters: Option<(Voters, VotersSource)>,
    bytes: u64,
    changed: bool,
}

impl Replay {
    fn snapshot(&mut self, disk: &dyn Disk, snapshots: &Snapshots, id: SnapshotId) -> Result<(), OpenError> {
        let path = snapshots.path(id);
        let mut image = Image::default();
        let mut touched = Touched::default();
        let preamble = checkpoint_file(disk, &path, |record| image.replay(&record, &mut touched))?;
        let timestamp = preamble.last_contained_timestamp;
        let reached = Provenance { end_offset: id.end_offset, epoch: id.epoch, timestamp };
        self.timeline = Timeline::from_image(image, reached);
        self.take_preamble(preamble, VotersSource::Log(id.end_offset.saturating_sub(1)));
        Ok(())
    }

    fn take_preamble(&mut self, preamble: Preamble, source: VotersSource) {
        self.kraft_version = preamble.kraft_version;
        self.voters = preamble.voters.map(|record| (voters::from_record(&record), source));
    }

    fn batch(&mut self, batch: &BatchView<'_>, from: Offset) -> Result<(), OpenError> {
        let header = *batch.header();
        if header.last_offset() < from {
            return Ok(());
        }
        let Self { timeline, scratch, kraft_version, voters: found, changed, .. } = self;
        read_batch(batch, scratch, |offset, entry| {
            match entry {
                Entry::Metadata(record) => {
                    *changed |= !matches!(record, MetadataRecord::NoOp(_));
                    timeline.replay(&record, offset).map_err(|error| replay_error(offset, error))?;
                }
                Entry::Control(Control::KRaftVersion(level)) => *kraft_version = level.k_raft_version,
                Entry::Control(Control::Voters(record)) => {
                    *found = Some((voters::from_record(&record), VotersSource::Log(offset)));
                }
                Entry::Control(
                    Control::LeaderChange(_) | Control::SnapshotHeader(_) | Control::SnapshotFooter(_),
                ) => {}
            }
            Ok::<(), OpenError>(())
        })?;
        self.bytes += u64::try_from(header.size_in_bytes()).unwrap_or(0);
        self.timeline.reach(Provenance {
            end_offset: header.next_offset(),
            epoch: header.partition_leader_epoch,
            timestamp: header.max_timestamp,
        });
        Ok(())
    }

    fn loaded(mut self, configured: Voters) -> Loaded {
        let _ = self.timeline.take_touched();
        let (voters, voters_source) = match self.voters {
            Some(found) if self.kraft_version >= KRAFT_VERSION_WITH_VOTERS => found,
            _ => (configured, VotersSource::Configured),
        };
        Loaded {
            timeline: self.timeline,
            kraft_version: self.kraft_version,
            voters,
            voters_source,
            bytes_since_snapshot: self.bytes,
            changed_since_snapshot: self.changed,
        }
    }
}

fn replay_error(offset: Offset, error: ReplayError) -> OpenError {
    OpenError::Replay { place: format!("offset {offset} of the log"), error }
}

/// The records of the first activation: from the 0-0 checkpoint, else from `bootstrap.checkpoint`, else a level alone.
pub(crate) fn bootstrap(
    disk: &dyn Disk,
    metadata_dir: &Path,
    snapshots: &Snapshots,
) -> Result<Vec<MetadataRecord>, OpenError> {
    if snapshots.has_bootstrap() {
        let (_, records) = bootstrap_file(disk, &snapshots.path(SnapshotId::BOOTSTRAP))?;
        if !records.is_empty() {
            return Ok(records);
        }
    }
    let path = metadata_dir.join(BOOTSTRAP_FILE);
    let there = disk.metadata(&path).map_err(|error| OpenError::Io { path: path.clone(), error })?;
    match there {
        Some(_) => Ok(bootstrap_file(disk, &path)?.1),
        None => Ok(bootstrap_records(MetadataVersion::DEFAULT, &std::collections::BTreeMap::new())),
    }
}

fn bootstrap_file(disk: &dyn Disk, path: &Path) -> Result<(Preamble, Vec<MetadataRecord>), OpenError> {
    let mut records = Vec::new();
    let preamble = checkpoint_file(disk, path, |record| {
        records.push(record);
        Ok(())
    })?;
    Ok((preamble, records))
}

/// A refusal of a file, or of what stands in it.
enum Bad {
    File(CheckpointError),
    Record(ReplayError),
}

impl From<CheckpointError> for Bad {
    fn from(error: CheckpointError) -> Self {
        Self::File(error)
    }
}

fn checkpoint_file(
    disk: &dyn Disk,
    path: &Path,
    mut each: impl FnMut(MetadataRecord) -> Result<(), ReplayError>,
) -> Result<Preamble, OpenError> {
    let content = atomic_file::read(disk, path, SNAPSHOT_BYTES)
        .map_err(|error| OpenError::Io { path: path.to_owned(), error })?
        .unwrap_or_default();
    read_checkpoint(&content, |record| each(record).map_err(Bad::Record)).map_err(|bad| match bad {
        Bad::File(error) => OpenError::Checkpoint { path: path.to_owned(), error },
        Bad::Record(error) => OpenError::Replay { place: path.display().to_string(), error },
    })
}
