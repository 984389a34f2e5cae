//! Records of the metadata log as batches, and back (Kafka's `BatchBuilder`, `RecordsIterator`, `MetadataRecordSerde`).
//!
//! Uncompressed, one timestamp for all records of a batch, no keys, the epoch of the Raft leader. Control batches
//! hold what consensus writes; their values are always at version 0, since Kafka parses every one so.

use std::fmt;

use bytes::Bytes;
use ottla_model::{LeaderEpoch, Millis, Offset};
use ottla_record::control::ControlType;
use ottla_record::{BatchView, BuildError, Builder, Codec, Limits, RecordError, Records, Scratch};
use ottla_wire::messages::{
    KRaftVersionRecord, LeaderChangeMessage, SnapshotFooterRecord, SnapshotHeaderRecord, VotersRecord,
};
use ottla_wire::{DecodeError, EncodeError, Message, MetadataRecord, MetadataRecordError};

use crate::levels::MetadataVersion;
use crate::limits::BATCH_BYTES;

/// The version of every control record's value.
const CONTROL_VERSION: i16 = 0;

/// Where and when a batch is written.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The Raft leader's epoch.
    pub epoch: LeaderEpoch,
    /// The time of the append.
    pub now: Millis,
}

/// A control record of the metadata log or of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// A Raft epoch begins.
    LeaderChange(LeaderChangeMessage),
    /// First in a snapshot.
    SnapshotHeader(SnapshotHeaderRecord),
    /// Last in a snapshot: without it the file is cut off.
    SnapshotFooter(SnapshotFooterRecord),
    /// The finalised `kraft.version`.
    KRaftVersion(KRaftVersionRecord),
    /// The voters.
    Voters(VotersRecord),
}

/// What one offset of the metadata log holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Consensus.
    Control(Control),
    /// A change of the image.
    Metadata(MetadataRecord),
}

impl Control {
    const fn kind(&self) -> ControlType {
        match self {
            Self::LeaderChange(_) => ControlType::LeaderChange,
            Self::SnapshotHeader(_) => ControlType::SnapshotHeader,
            Self::SnapshotFooter(_) => ControlType::SnapshotFooter,
            Self::KRaftVersion(_) => ControlType::KraftVersion,
            Self::Voters(_) => ControlType::KraftVoters,
        }
    }

    fn value(&self) -> Result<Bytes, EncodeError> {
        match self {
            Self::LeaderChange(message) => message.to_bytes(CONTROL_VERSION),
            Self::SnapshotHeader(message) => message.to_bytes(CONTROL_VERSION),
            Self::SnapshotFooter(message) => message.to_bytes(CONTROL_VERSION),
            Self::KRaftVersion(message) => message.to_bytes(CONTROL_VERSION),
            Self::Voters(message) => message.to_bytes(CONTROL_VERSION),
        }
    }

    /// `None` for a type that is not consensus', which Kafka skips too.
    fn read(key: &[u8], value: Bytes) -> Result<Option<Self>, DecodeError> {
        let Some(kind) = ControlType::from_key(key) else {
            return Ok(None);
        };
        let version = CONTROL_VERSION;
        Ok(Some(match kind {
            ControlType::LeaderChange => Self::LeaderChange(Message::from_bytes(value, version)?),
            ControlType::SnapshotHeader => Self::SnapshotHeader(Message::from_bytes(value, version)?),
            ControlType::SnapshotFooter => Self::SnapshotFooter(Message::from_bytes(value, version)?),
            ControlType::KraftVersion => Self::KRaftVersion(Message::from_bytes(value, version)?),
            ControlType::KraftVoters => Self::Voters(Message::from_bytes(value, version)?),
            ControlType::Abort | ControlType::Commit => return Ok(None),
        }))
    }
}

/// Encodes one control batch.
///
/// # Errors
/// When a record cannot be encoded.
pub fn control_batch(place: Place, records: &[Control]) -> Result<Bytes, WriteError> {
    let mut builder = builder(place).control();
    for record in records {
        let value = record.value().map_err(WriteError::Encode)?;
        builder.push(place.now, Some(&record.kind().key()), Some(&value), &[]);
    }
    finish(builder)
}

/// Encodes records as one batch, each at the version that the finalised level asks for.
///
/// # Errors
/// When a record cannot be encoded, or the batch would be larger than [`BATCH_BYTES`].
pub fn metadata_batch(
    place: Place,
    version: MetadataVersion,
    records: &[MetadataRecord],
) -> Result<Bytes, WriteError> {
    let mut builder = builder(place);
    for record in records {
        push(&mut builder, place.now, version, record)?;
    }
    finish(builder)
}

pub(crate) fn builder(place: Place) -> Builder {
    Builder::new(place.base_offset, Codec::None).leader_epoch(place.epoch)
}

pub(crate) fn push(
    builder: &mut Builder,
    now: Millis,
    version: MetadataVersion,
    record: &MetadataRecord,
) -> Result<(), WriteError> {
    let value = record.encode(version.record_version(record)).map_err(WriteError::Encode)?;
    builder.push(now, None, Some(&value), &[]);
    Ok(())
}

pub(crate) fn finish(builder: Builder) -> Result<Bytes, WriteError> {
    let bytes = builder.finish().map_err(WriteError::Build)?;
    if bytes.len() > BATCH_BYTES {
        return Err(WriteError::TooLarge(bytes.len()));
    }
    Ok(bytes)
}

/// Reads a batch whose CRC has been checked, record by record.
///
/// # Errors
/// What [`ReadError`] lists, or what `each` answers.
pub fn read_batch<E: From<ReadError>>(
    batch: &BatchView<'_>,
    scratch: &mut Scratch,
    mut each: impl FnMut(Offset, Entry) -> Result<(), E>,
) -> Result<(), E> {
    let is_control = batch.header().is_control();
    let mut records = Records::new(batch, Limits::TRUSTED, scratch).map_err(ReadError::Record)?;
    while let Some(record) = records.next_record().map_err(ReadError::Record)? {
        let offset = record.offset;
        let value = Bytes::copy_from_slice(record.value.unwrap_or_default());
        if is_control {
            let control = Control::read(record.key.unwrap_or_default(), value);
            if let Some(control) = control.map_err(|error| ReadError::Control { offset, error })? {
                each(offset, Entry::Control(control))?;
            }
        } else {
            let decoded = MetadataRecord::decode(value);
            let (record, _) = decoded.map_err(|error| ReadError::Metadata { offset, error })?;
            each(offset, Entry::Metadata(record))?;
        }
    }
    Ok(())
}

/// A batch cannot be written. None of these comes from a client: it is a bug, or a decision too large for one batch.
#[derive(Clone, Debug, PartialEq)]
pub enum WriteError {
    /// A record says something that its version cannot.
    Encode(EncodeError),
    /// The batch cannot be built.
    Build(BuildError),
    /// More bytes than a batch of the metadata log may have.
    TooLarge(usize),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => write!(f, "a metadata record cannot be encoded: {error}"),
            Self::Build(error) => write!(f, "a metadata batch cannot be built: {error}"),
            Self::TooLarge(size) => {
                write!(
                    f,
                    "a metadata batch would have {size} bytes, more than {BATCH_BYTES}: ask for less at once"
                )
            }
        }
    }
}

impl std::error::Error for WriteError {}

/// A batch of the metadata log cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadError {
    /// Its records are not what the header declares.
    Record(RecordError),
    /// A control record is malformed.
    Control {
        /// Where.
        offset: Offset,
        /// How.
        error: DecodeError,
    },
    /// A metadata record is malformed, or unknown to Kafka 4.4.
    Metadata {
        /// Where.
        offset: Offset,
        /// How.
        error: MetadataRecordError,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(error) => write!(f, "a batch is malformed: {error}"),
            Self::Control { offset, error } => write!(f, "the control record at offset {offset}: {error}"),
            Self::Metadata { offset, error } => write!(f, "the record at offset {offset}: {error}"),
        }
    }
}

impl std::error::Error for ReadError {}
