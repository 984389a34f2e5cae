//! The files called `.checkpoint`: snapshots of the metadata log, the 0-0 file of the format command, and
//! `bootstrap.checkpoint` (Kafka's `Snapshots`, `RecordsSnapshotWriter`, `BatchFileReader`).
//!
//! All have one form: a control batch with the header (and `kraft.version` and the voters), batches of records with
//! offsets from 0, a control batch with the footer. A snapshot is named after what it contains: the offset after its
//! last record and that record's epoch. The 0-0 file contains nothing of the log, and is not a snapshot of it.

use std::fmt;

use bytes::Bytes;
use ottla_model::{LeaderEpoch, Millis, Offset};
use ottla_record::{BatchView, CrcMismatch, HeaderError, Scratch, batches};
use ottla_wire::MetadataRecord;
use ottla_wire::messages::{KRaftVersionRecord, SnapshotFooterRecord, SnapshotHeaderRecord, VotersRecord};

use crate::batch::{
    Control, Entry, Place, ReadError, WriteError, builder, control_batch, finish, push, read_batch,
};
use crate::levels::MetadataVersion;
use crate::limits::SNAPSHOT_BATCH_BYTES;

/// Bootstrap records as Kafka 4.0 to 4.3 format them, in the metadata directory itself.
pub const BOOTSTRAP_FILE: &str = "bootstrap.checkpoint";

/// What a snapshot contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotId {
    /// The offset after the last record it contains; a batch boundary, at most the high watermark.
    pub end_offset: Offset,
    /// The epoch of that record.
    pub epoch: LeaderEpoch,
}

/// In which state a snapshot's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotFile {
    /// Whole.
    Complete(SnapshotId),
    /// Being written when the process ended: worthless.
    Part,
    /// On its way out.
    Deleted,
}

impl SnapshotId {
    /// The format command's file (KIP-1170).
    pub const BOOTSTRAP: Self = Self { end_offset: 0, epoch: 0 };

    /// The file's name.
    #[must_use]
    pub fn file_name(self) -> String {
        format!("{:020}-{:010}.checkpoint", self.end_offset, self.epoch)
    }
}

impl SnapshotFile {
    /// What a name in the metadata log's directory stands for; `None` when it is no snapshot's.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name.ends_with(".checkpoint.part") {
            return Some(Self::Part);
        }
        if name.ends_with(".checkpoint.deleted") {
            return Some(Self::Deleted);
        }
        let (offset, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
        let digits =
            |text: &str, width| text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(offset, 20) || !digits(epoch, 10) {
            return None;
        }
        let id = SnapshotId { end_offset: offset.parse().ok()?, epoch: epoch.parse().ok()? };
        Some(Self::Complete(id))
    }
}

/// What a checkpoint says before its records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preamble {
    /// When the last batch that it contains was appended.
    pub last_contained_timestamp: Millis,
    /// The finalised `kraft.version`; 0 is not written.
    pub kraft_version: i16,
    /// The voters, with `kraft.version` 1.
    pub voters: Option<VotersRecord>,
}

/// Writes a checkpoint batch by batch.
#[derive(Debug)]
pub struct Writer<I> {
    place: Place,
    version: MetadataVersion,
    stage: Stage<I>,
}

#[derive(Debug)]
enum Stage<I> {
    Header(Preamble, I),
    Records(I),
    Done,
}

impl<I: Iterator<Item = MetadataRecord>> Writer<I> {
    /// A checkpoint of these records, encoded as `version` asks for. `epoch` is the one of the snapshot's id.
    pub fn new(
        epoch: LeaderEpoch,
        now: Millis,
        preamble: Preamble,
        version: MetadataVersion,
        records: impl IntoIterator<IntoIter = I>,
    ) -> Self {
        let place = Place { base_offset: 0, epoch, now };
        Self { place, version, stage: Stage::Header(preamble, records.into_iter()) }
    }

    fn header(&mut self, preamble: Preamble) -> Result<Bytes, WriteError> {
        let mut records = vec![Control::SnapshotHeader(SnapshotHeaderRecord {
            version: 0,
            last_contained_log_timestamp: preamble.last_contained_timestamp,
        })];
        if preamble.kraft_version > 0 {
            let level = KRaftVersionRecord { version: 0, k_raft_version: preamble.kraft_version };
            records.push(Control::KRaftVersion(level));
            records.extend(preamble.voters.map(Control::Voters));
        }
        self.control(&records)
    }

    fn control(&mut self, records: &[Control]) -> Result<Bytes, WriteError> {
        let batch = control_batch(self.place, records)?;
        self.place.base_offset += i64::try_from(records.len()).unwrap_or(i64::MAX);
        Ok(batch)
    }

    /// The next records, `None` when there are none left.
    fn records(&mut self, from: &mut I) -> Result<Option<Bytes>, WriteError> {
        let mut builder = builder(self.place);
        while builder.size() < SNAPSHOT_BATCH_BYTES {
            let Some(record) = from.next() else { break };
            push(&mut builder, self.place.now, self.version, &record)?;
        }
        if builder.count() == 0 {
            return Ok(None);
        }
        self.place.base_offset += i64::from(builder.count());
        finish(builder).map(Some)
    }

    fn step(&mut self) -> Result<Option<Bytes>, WriteError> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Header(preamble, records) => {
                let batch = self.header(preamble)?;
                self.stage = Stage::Records(records);
                Ok(Some(batch))
            }
            Stage::Records(mut records) => match self.records(&mut records)? {
                Some(batch) => {
                    self.stage = Stage::Records(records);
                    Ok(Some(batch))
                }
                None => {
                    self.control(&[Control::SnapshotFooter(SnapshotFooterRecord { version: 0 })]).map(Some)
                }
            },
            Stage::Done => Ok(None),
        }
    }
}

impl<I: Iterator<Item = MetadataRecord>> Iterator for Writer<I> {
    type Item = Result<Bytes, WriteError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

/// Reads a checkpoint that is wholly in memory; each record goes to `each` in order.
///
/// # Errors
/// When the file is damaged or cut off, or `each` refuses.
pub fn read_checkpoint<E: From<CheckpointError>>(
    content: &[u8],
    mut each: impl FnMut(MetadataRecord) -> Result<(), E>,
) -> Result<Preamble, E> {
    let mut preamble = Preamble::default();
    let mut scratch = Scratch::default();
    let mut ended = false;
    for batch in batches(content) {
        let batch = whole(batch)?;
        read_batch(&batch, &mut scratch, |_, entry| {
            match entry {
                Entry::Metadata(record) => each(record).map_err(Inner::Each)?,
                Entry::Control(Control::SnapshotHeader(header)) => {
                    preamble.last_contained_timestamp = header.last_contained_log_timestamp;
                }
                Entry::Control(Control::KRaftVersion(level)) => preamble.kraft_version = level.k_raft_version,
                Entry::Control(Control::Voters(voters)) => preamble.voters = Some(voters),
                Entry::Control(Control::SnapshotFooter(_)) => ended = true,
                Entry::Control(Control::LeaderChange(_)) => {}
            }
            Ok(())
        })
        .map_err(Inner::outer)?;
    }
    if ended { Ok(preamble) } else { Err(CheckpointError::NoFooter.into()) }
}

fn whole<'a>(batch: Result<BatchView<'a>, HeaderError>) -> Result<BatchView<'a>, CheckpointError> {
    let batch = batch.map_err(CheckpointError::Header)?;
    batch.check_crc().map_err(CheckpointError::Crc)?;
    Ok(batch)
}

/// Which of the two failed.
enum Inner<E> {
    Read(ReadError),
    Each(E),
}

impl<E> From<ReadError> for Inner<E> {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl<E: From<CheckpointError>> Inner<E> {
    fn outer(self) -> E {
        match self {
            Self::Read(error) => CheckpointError::Read(error).into(),
            Self::Each(error) => error,
        }
    }
}

/// A checkpoint cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckpointError {
    /// A batch does not parse, or is cut off.
    Header(HeaderError),
    /// A batch is damaged.
    Crc(CrcMismatch),
    /// A record is malformed.
    Read(ReadError),
    /// The footer is missing: the file is cut off.
    NoFooter,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(error) => write!(f, "a batch cannot be read: {error}"),
            Self::Crc(error) => write!(f, "{error}"),
            Self::Read(error) => write!(f, "{error}"),
            Self::NoFooter => f.write_str("the file is cut off: it has no footer"),
        }
    }
}

impl std::error::Error for CheckpointError {}
