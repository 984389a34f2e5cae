//! Records of a decision as one batch, and batches as records.

use std::fmt;

use bytes::Bytes;
use ottla_group::{Change, Record};
use ottla_model::Millis;
use ottla_record::{BatchView, Codec, Limits, RecordError, Records, with_scratch};
use ottla_record::{BuildError, Builder};
use ottla_wire::{ConsumerOffsetsKey, CoordinatorRecordError, EncodeError};

/// Why records do not become a batch. Nothing has changed then.
#[derive(Debug)]
pub enum BatchError {
    /// A field does not fit the record's form.
    Encode(EncodeError),
    /// Too large, or the codec failed.
    Build(BuildError),
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Build(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BatchError {}

/// The records among the changes, in order, as one batch; `None` when there are none.
pub(crate) fn build(changes: &[Change], codec: Codec, now: Millis) -> Result<Option<Bytes>, BatchError> {
    let mut builder = Builder::new(0, codec);
    for change in changes {
        let Change::Append(Record { key, value }) = change else { continue };
        let key = key.encode().map_err(BatchError::Encode)?;
        let value = value.as_ref().map(|(value, version)| value.encode(*version)).transpose();
        let value = value.map_err(BatchError::Encode)?;
        builder.push(now, Some(&key), value.as_deref(), &[]);
    }
    if builder.count() == 0 {
        return Ok(None);
    }
    builder.finish().map(Some).map_err(BatchError::Build)
}

/// Why a batch of the log is not understood.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The records are not what the batch declares.
    Records(RecordError),
    /// A record is none of Kafka's forms.
    Malformed(CoordinatorRecordError),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records(error) => error.fmt(f),
            Self::Malformed(error) => error.fmt(f),
        }
    }
}

/// One record of a batch.
pub(crate) enum Read {
    /// A record that is understood.
    Known(Record),
    /// Of a type or version that Kafka 4.4 does not have: it is passed over and stays.
    Unknown,
    /// The end of a transaction.
    Marker {
        /// Whether it was committed.
        commit: bool,
    },
}

/// Hands out the records of a batch with their offsets.
pub(crate) fn read(batch: &BatchView<'_>, mut each: impl FnMut(i64, Read)) -> Result<(), Unreadable> {
    let is_control = batch.header().is_control();
    with_scratch(|scratch| {
        let mut records = Records::new(batch, Limits::for_body(batch.body().len()), scratch)
            .map_err(Unreadable::Records)?;
        while let Some(record) = records.next_record().map_err(Unreadable::Records)? {
            let key = record.key.unwrap_or_default();
            if is_control {
                let marker = ottla_record::control::EndMarker::read(key, record.value.unwrap_or_default());
                each(record.offset, marker.map_or(Read::Unknown, |end| Read::Marker { commit: end.commit }));
            } else {
                each(record.offset, decode(key, record.value).map_err(Unreadable::Malformed)?);
            }
        }
        Ok(())
    })
}

fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Read, CoordinatorRecordError> {
    let known = |result| match result {
        Ok(read) => Ok(Some(read)),
        Err(CoordinatorRecordError::UnknownType(_) | CoordinatorRecordError::UnknownVersion { .. }) => {
            Ok(None)
        }
        Err(malformed) => Err(malformed),
    };
    let Some(key) = known(ConsumerOffsetsKey::decode(Bytes::copy_from_slice(key)))? else {
        return Ok(Read::Unknown);
    };
    let value = match value {
        None => None,
        Some(value) => match key.decode_value(Bytes::copy_from_slice(value)) {
            Ok(value) => Some(value),
            Err(CoordinatorRecordError::UnknownType(_) | CoordinatorRecordError::UnknownVersion { .. }) => {
                return Ok(Read::Unknown);
            }
            Err(malformed) => return Err(malformed),
        },
    };
    Ok(Read::Known(Record { key, value }))
}
