//! The quorum: propose, make durable, publish.
//!
//! ```text
//! records -> tried on a copy of the image -> one batch in the log -> the copy is the working image
//!         -> durable (a flush) -> committed (raft) -> visible image and Delta -> replies may leave
//! ```
//! A refused proposal changes nothing. The working image runs ahead of the visible one by what is not committed; both
//! share what they have in common. Nothing is written that nobody asked for: an idle quorum is silent.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use ottla_machine::Outcome;
use ottla_metadata::batch::{Control, Place, control_batch, metadata_batch};
use ottla_metadata::bootstrap::activation_records;
use ottla_metadata::checkpoint::{Preamble, SnapshotId};
use ottla_metadata::{Delta, Image, Provenance, Timeline, Touched};
use ottla_model::{LeaderEpoch, NodeId, Now, Offset, Tick};
use ottla_raft::{Event, Found, LogEnd, Raft, Voter, Voters};
use ottla_storage::file_cache::FileCache;
use ottla_storage::flush::{FlushJob, Flushed};
use ottla_storage::log::LogView;
use ottla_storage::recovery::Finding;
use ottla_wire::MetadataRecord;

use crate::error::{OpenError, ProposeError};
use crate::journal::{DIRECTORY, Journal, Segments};
use crate::load::{bootstrap, load};
use crate::snapshots::{SnapshotDone, SnapshotJob, Snapshots};
use crate::{state_file, voters};

/// What a quorum is opened with.
pub struct Options {
    /// The node's open files, and through them its disk.
    pub cache: Arc<FileCache>,
    /// The metadata directory: the one that holds `__cluster_metadata-0`.
    pub dir: PathBuf,
    /// This node as a voter: `node.id`, the directory's `directory.id`, its controller's addresses.
    pub me: Voter,
    /// `controller.quorum.voters`; counts only while `kraft.version` is 0.
    pub configured_voters: Voters,
    /// When the log begins a new segment.
    pub segments: Segments,
    /// Committed bytes after which a snapshot is due.
    pub snapshot_after_bytes: u64,
    /// Milliseconds after which a snapshot is due when something changed.
    pub snapshot_after_ms: u64,
    /// `min.insync.replicas` of the properties file, which becomes the cluster's in a new cluster with ELR.
    pub min_insync_replicas: i32,
}

/// What a batch becomes when it is committed.
struct Pending {
    reached: Provenance,
    bytes: u64,
    visible: Image,
    in_transaction: bool,
    touched: Touched,
}

/// The metadata log of this node, and the image it adds up to.
pub struct Quorum {
    journal: Journal,
    raft: Raft,
    snapshots: Snapshots,
    /// Ahead of `published` by `pending`, and by nothing else.
    timeline: Timeline,
    pending: VecDeque<Pending>,
    published: Image,
    /// How far `published` has come; what a snapshot of it is called.
    reached: Provenance,
    /// A transaction is open at `reached`: no snapshot can end there.
    in_transaction: bool,
    bytes_since_snapshot: u64,
    changed_since_snapshot: bool,
    snapshot_from: Tick,
    snapshot_running: bool,
    snapshot_after_bytes: u64,
    snapshot_after_ms: u64,
    findings: Vec<Finding>,
}

/// What has been appended: it counts when the log is committed up to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The offset of the first record.
    pub base_offset: Offset,
    /// The offset after the last one.
    pub end_offset: Offset,
}

/// A decision on its way: the reply leaves when the log is committed up to `end_offset`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Submitted<A> {
    /// The answer.
    pub reply: A,
    /// Up to where the log must be committed; for a read, the end at which it read.
    pub end_offset: Offset,
}

/// What a flush has brought.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Everything below is committed: replies up to here may leave, after `delta` has been published.
    pub committed: Offset,
    /// What became visible; `None` when no record of it did.
    pub delta: Option<Delta>,
}

/// What DescribeQuorum tells of a quorum of one.
#[derive(Clone, Debug)]
pub struct Description<'a> {
    /// Who leads.
    pub leader: Option<NodeId>,
    /// In which epoch.
    pub epoch: LeaderEpoch,
    /// Everything below is committed; `None` in the first moment of an epoch.
    pub high_watermark: Option<Offset>,
    /// Where the leader's log ends.
    pub log_end: Offset,
    /// The voters.
    pub voters: &'a Voters,
}

impl Quorum {
    /// Takes the metadata log over: reads it, begins a new epoch, and appends what an activation has to. Nothing of
    /// it is committed before the first [`Quorum::sync`]; the image that the log held is visible at once.
    ///
    /// # Errors
    /// When the files are damaged or of another kind, or this node may not vote alone.
    pub fn open(options: Options, now: Now) -> Result<Self, OpenError> {
        let Options { cache, dir, me, configured_voters, segments, .. } = &options;
        let disk = Arc::clone(cache.disk());
        let log_dir = dir.join(DIRECTORY);
        let (mut journal, findings) = Journal::open(cache, &log_dir, *segments, now)?;
        let io = |error| OpenError::Io { path: log_dir.clone(), error };
        let mut snapshots = Snapshots::open(Arc::clone(&disk), &log_dir).map_err(io)?;
        let loaded = load(&*disk, &mut journal, &mut snapshots, configured_voters.clone(), now)?;
        let reached = loaded.timeline.reached();
        let mut raft = Raft::new(Found {
            me: me.clone(),
            election: state_file::read(&*disk, &log_dir)?,
            log_end: LogEnd { offset: journal.end_offset(), epoch: reached.epoch },
            kraft_version: loaded.kraft_version,
            voters: loaded.voters,
            voters_source: loaded.voters_source,
        })
        .map_err(OpenError::Refused)?;
        // Alone, nobody else can lead: there is no timeout to wait for.
        let ready = raft.step(Event::ElectionTimeout);
        if let Some(election) = &ready.persist {
            state_file::write(&*disk, &log_dir, election, raft.kraft_version(), raft.voters())?;
        }
        let mut quorum = Self {
            journal,
            raft,
            snapshots,
            published: loaded.timeline.visible().clone(),
            reached,
            in_transaction: loaded.timeline.open_transaction().is_some(),
            timeline: loaded.timeline,
            pending: VecDeque::new(),
            bytes_since_snapshot: loaded.bytes_since_snapshot,
            changed_since_snapshot: loaded.changed_since_snapshot,
            snapshot_from: now.tick,
            snapshot_running: false,
            snapshot_after_bytes: options.snapshot_after_bytes,
            snapshot_after_ms: options.snapshot_after_ms,
            findings,
        };
        quorum.begin_epoch(ready.append.into_iter().map(voters::control).collect(), now)?;
        quorum.activate(&options, now)?;
        Ok(quorum)
    }

    fn begin_epoch(&mut self, records: Vec<Control>, now: Now) -> Result<(), OpenError> {
        let epoch = self.raft.epoch();
        let dir = self.snapshots.dir().to_owned();
        self.journal.begin_epoch(epoch).map_err(|error| OpenError::Io { path: dir, error })?;
        let batch = control_batch(self.place(now), &records).map_err(ProposeError::Encode)?;
        self.append(&batch, now)?;
        Ok(())
    }

    fn activate(&mut self, options: &Options, now: Now) -> Result<(), OpenError> {
        let image = self.timeline.working();
        let first = match image.features.metadata_version {
            None => bootstrap(&**options.cache.disk(), &options.dir, &self.snapshots)?,
            Some(_) => Vec::new(),
        };
        let open = self.timeline.open_transaction();
        let records = activation_records(image, open, &first, options.min_insync_replicas)
            .map_err(OpenError::Activation)?;
        self.propose(&records, now)?;
        Ok(())
    }

    fn place(&self, now: Now) -> Place {
        Place { base_offset: self.journal.end_offset(), epoch: self.raft.epoch(), now: now.wall }
    }

    /// Appends a decision's records as one batch and applies them to the working image. Nothing to append is no error:
    /// the end of the log is answered.
    ///
    /// # Errors
    /// When the records do not fit, or the log refuses; nothing has changed then.
    pub fn propose(&mut self, records: &[MetadataRecord], now: Now) -> Result<Proposed, ProposeError> {
        let place = self.place(now);
        if records.is_empty() {
            return Ok(Proposed { base_offset: place.base_offset, end_offset: place.base_offset });
        }
        let mut tried = self.timeline.clone();
        for (offset, record) in (place.base_offset..).zip(records) {
            tried.replay(record, offset).map_err(ProposeError::Invalid)?;
        }
        let version = self.timeline.working().metadata_version();
        let batch = metadata_batch(place, version, records).map_err(ProposeError::Encode)?;
        // The timeline is still the old one while this can fail.
        let proposed = self.write(&batch, now)?;
        self.timeline = tried;
        self.note(&batch, proposed, now);
        Ok(proposed)
    }

    /// Decides on the working image, and proposes what was decided.
    ///
    /// # Errors
    /// As [`Quorum::propose`].
    pub fn submit<A>(
        &mut self,
        decide: impl FnOnce(&Image, Place) -> Outcome<MetadataRecord, A>,
        now: Now,
    ) -> Result<Submitted<A>, ProposeError> {
        let Outcome { records, reply } = decide(self.timeline.working(), self.place(now));
        let Proposed { end_offset, .. } = self.propose(&records, now)?;
        Ok(Submitted { reply, end_offset })
    }

    fn append(&mut self, batch: &[u8], now: Now) -> Result<Proposed, ProposeError> {
        let proposed = self.write(batch, now)?;
        self.note(batch, proposed, now);
        Ok(proposed)
    }

    fn write(&mut self, batch: &[u8], now: Now) -> Result<Proposed, ProposeError> {
        let appended = self.journal.append(batch, self.raft.epoch(), now).map_err(ProposeError::Append)?;
        let _nothing_follows_an_append = self.raft.step(Event::Appended(appended.end_offset));
        Ok(Proposed { base_offset: appended.base_offset, end_offset: appended.end_offset })
    }

    fn note(&mut self, batch: &[u8], proposed: Proposed, now: Now) {
        let reached =
            Provenance { end_offset: proposed.end_offset, epoch: self.raft.epoch(), timestamp: now.wall };
        self.timeline.reach(reached);
        self.pending.push_back(Pending {
            reached,
            bytes: u64::try_from(batch.len()).unwrap_or(u64::MAX),
            touched: self.timeline.take_touched(),
            visible: self.timeline.visible().clone(),
            in_transaction: self.timeline.open_transaction().is_some(),
        });
    }

    /// What makes the log durable; to be run anywhere, its answer goes to [`Quorum::flushed`].
    #[must_use]
    pub fn flush_job(&self) -> FlushJob {
        self.journal.flush_job()
    }

    /// Takes the answer of a flush in.
    pub fn flushed(&mut self, flushed: &Flushed) -> Option<Progress> {
        let durable = self.journal.flushed(flushed)?;
        let committed = self.raft.step(Event::Flushed(durable)).committed?;
        self.journal.commit(committed);
        Some(self.publish(committed))
    }

    /// Makes everything appended durable, here and now; `None` when there was nothing.
    ///
    /// # Errors
    /// When the disk fails: the node has to stop.
    pub fn sync(&mut self) -> Result<Option<Progress>, std::io::Error> {
        let flushed = self.flush_job().run().map_err(|failed| failed.error)?;
        Ok(self.flushed(&flushed))
    }

    fn publish(&mut self, committed: Offset) -> Progress {
        let before = self.published.clone();
        let mut touched = Touched::default();
        while let Some(next) = self.pending.pop_front_if(|next| next.reached.end_offset <= committed) {
            self.bytes_since_snapshot += next.bytes;
            self.changed_since_snapshot |= !next.touched.is_empty();
            touched.merge(next.touched);
            self.published = next.visible;
            self.reached = next.reached;
            self.in_transaction = next.in_transaction;
        }
        let delta = (!touched.is_empty()).then(|| Delta { before, after: self.published.clone(), touched });
        Progress { committed, delta }
    }

    /// A job that writes a snapshot of what is committed, when one is due and none is being written.
    #[must_use]
    pub fn snapshot_if_due(&mut self, now: Now) -> Option<SnapshotJob> {
        let old = now.tick.millis_since(self.snapshot_from) >= self.snapshot_after_ms;
        let due = old || self.bytes_since_snapshot >= self.snapshot_after_bytes;
        if due { self.snapshot(now) } else { None }
    }

    /// A job that writes a snapshot of what is committed; `None` when nothing changed since the last, one is
    /// being written, or a transaction is open.
    #[must_use]
    pub fn snapshot(&mut self, now: Now) -> Option<SnapshotJob> {
        let committed = self.raft.committed().is_some_and(|committed| committed >= self.reached.end_offset);
        if self.snapshot_running || self.in_transaction || !self.changed_since_snapshot || !committed {
            return None;
        }
        let id = SnapshotId { end_offset: self.reached.end_offset, epoch: self.reached.epoch };
        let kraft_version = self.raft.kraft_version();
        let preamble = Preamble {
            last_contained_timestamp: self.reached.timestamp,
            kraft_version,
            voters: (kraft_version > 0).then(|| voters::voters_record(self.raft.voters())),
        };
        self.snapshot_running = true;
        self.changed_since_snapshot = false;
        self.bytes_since_snapshot = 0;
        self.snapshot_from = now.tick;
        Some(self.snapshots.job(id, preamble, self.published.clone(), now.wall))
    }

    /// A snapshot is written, or failed (`None`: it is tried again when the next one is due). Lets go of older
    /// snapshots, and of whole segments below the one before it.
    ///
    /// # Errors
    /// When the disk fails at letting go; nothing is lost.
    pub fn snapshot_done(&mut self, done: Option<SnapshotDone>, now: Now) -> std::io::Result<()> {
        self.snapshot_running = false;
        let Some(done) = done else {
            self.changed_since_snapshot = true;
            return Ok(());
        };
        if let Some(below) = self.snapshots.written(done.id) {
            self.journal.drop_below(below, now)?;
            self.snapshots.remove_below(below)?;
        }
        Ok(())
    }

    /// The image that is committed, without an open transaction: what is served.
    #[must_use]
    pub const fn image(&self) -> &Image {
        &self.published
    }

    /// The image with everything appended: what is decided on.
    #[must_use]
    pub const fn working(&self) -> &Image {
        self.timeline.working()
    }

    /// The offset that the next record gets, and with it the next broker epoch.
    #[must_use]
    pub const fn end_offset(&self) -> Offset {
        self.journal.end_offset()
    }

    /// The epoch of this start.
    #[must_use]
    pub const fn epoch(&self) -> LeaderEpoch {
        self.raft.epoch()
    }

    /// Everything below is committed; `None` before the first flush.
    #[must_use]
    pub const fn committed(&self) -> Option<Offset> {
        self.raft.committed()
    }

    /// The finalised `kraft.version`.
    #[must_use]
    pub const fn kraft_version(&self) -> i16 {
        self.raft.kraft_version()
    }

    /// What DescribeQuorum tells.
    #[must_use]
    pub const fn describe(&self) -> Description<'_> {
        Description {
            leader: self.raft.election().leader,
            epoch: self.raft.epoch(),
            high_watermark: self.raft.committed(),
            log_end: self.raft.log_end(),
            voters: self.raft.voters(),
        }
    }

    /// The log, for a Fetch on the controller listener.
    #[must_use]
    pub fn reader(&self) -> LogView {
        self.journal.reader()
    }

    /// What was found wrong with the log's files when it was opened, and mended.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Bytes of the log.
    #[must_use]
    pub fn log_size(&self) -> u64 {
        self.journal.size()
    }

    /// Ends the log in order.
    ///
    /// # Errors
    /// When the disk fails; the next start recovers.
    pub fn close(mut self, now: Now) -> std::io::Result<()> {
        self.journal.close(now)
    }
}
