//! May this batch be appended? (Kafka `ProducerAppendInfo`, and the duplicate search of
//! `UnifiedLog.analyzeAndValidateProducerState`.)
//!
//! | origin | duplicates | sequence | epoch |
//! |---|---|---|---|
//! | client | found | checked | checked |
//! | coordinator | appended | not looked at | checked |
//! | replication, recovery | appended | not looked at | taken as it is |
//!
//! A leader has checked what replication and recovery bring; refusing it would only stop the log.

use std::collections::BTreeMap;
use std::fmt;

use ottla_model::{Millis, NO_PRODUCER_EPOCH, Offset, ProducerEpoch, ProducerId};
use ottla_record::BatchHeader;

use super::entry::{AppendedBatch, ProducerEntry};

/// Where a batch comes from (Kafka `AppendOrigin`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A produce request.
    Client,
    /// A coordinator of this node, or a transaction marker.
    Coordinator,
    /// The leader's log.
    Replication,
    /// This log itself, read again.
    Recovery,
}

impl Origin {
    const fn is_checked(self) -> bool {
        match self {
            Self::Client | Self::Coordinator => true,
            Self::Replication | Self::Recovery => false,
        }
    }
}

/// The control record that ends a transaction (Kafka `EndTransactionMarker`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Abort rather than commit.
    pub abort: bool,
    /// Epoch of the coordinator that wrote it.
    pub coordinator_epoch: i32,
    /// Timestamp of the record.
    pub timestamp: Millis,
    /// The `transaction.version` under which it was written (KIP-890); 0 where nobody knows any
    /// more: from replication and recovery.
    pub transaction_version: i16,
}

/// What is to be done with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Append it.
    Append,
    /// It is there already: answer success with the old offsets.
    Duplicate(Duplicate),
}

/// A batch that was appended before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// Its largest timestamp.
    pub timestamp: Millis,
}

/// Why a batch may not be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProducerError {
    /// A gap, or a duplicate older than the window (OUT_OF_ORDER_SEQUENCE_NUMBER).
    OutOfOrderSequence {
        /// Whose batch.
        producer_id: ProducerId,
        /// Sequence of its first record.
        sequence: i32,
        /// The last one appended; −1 for none.
        last: i32,
    },
    /// A new epoch has to begin with sequence 0 (OUT_OF_ORDER_SEQUENCE_NUMBER).
    EpochNotFromZero {
        /// Whose batch.
        producer_id: ProducerId,
        /// Sequence of its first record.
        sequence: i32,
        /// The new epoch.
        epoch: ProducerEpoch,
    },
    /// The epoch is over (INVALID_PRODUCER_EPOCH).
    InvalidProducerEpoch {
        /// Whose batch.
        producer_id: ProducerId,
        /// Its epoch.
        epoch: ProducerEpoch,
        /// The newest one seen.
        current: ProducerEpoch,
    },
    /// Data outside a transaction while one is open (INVALID_TXN_STATE).
    TransactionOpen {
        /// Whose batch.
        producer_id: ProducerId,
    },
    /// A marker of a coordinator that was replaced (TRANSACTION_COORDINATOR_FENCED).
    CoordinatorFenced {
        /// Whose transaction.
        producer_id: ProducerId,
        /// The coordinator's epoch.
        coordinator_epoch: i32,
        /// The newest one seen.
        current: i32,
    },
}

impl fmt::Display for ProducerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfOrderSequence { producer_id, sequence, last } => {
                write!(f, "sequence {sequence} of producer {producer_id} does not follow {last}")
            }
            Self::EpochNotFromZero { producer_id, sequence, epoch } => {
                write!(
                    f,
                    "epoch {epoch} of producer {producer_id} begins with sequence {sequence}, not with 0"
                )
            }
            Self::InvalidProducerEpoch { producer_id, epoch, current } => {
                write!(f, "epoch {epoch} of producer {producer_id} is over, {current} is current")
            }
            Self::TransactionOpen { producer_id } => {
                write!(f, "producer {producer_id} has a transaction open and wrote outside it")
            }
            Self::CoordinatorFenced { producer_id, coordinator_epoch, current } => {
                write!(
                    f,
                    "coordinator epoch {coordinator_epoch} for producer {producer_id} is over, {current} is current"
                )
            }
        }
    }
}

impl std::error::Error for ProducerError {}

/// What an append will change once it has succeeded.
#[derive(Clone, Debug, Default)]
pub struct Update {
    pub(super) producers: BTreeMap<ProducerId, Change>,
    /// First offsets of transactions that begin.
    pub(super) started: Vec<(Offset, ProducerId)>,
    /// Transactions that end, in order of their markers.
    pub(super) completed: Vec<CompletedTxn>,
}

impl Update {
    /// Whether the append concerns no producer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }
}

/// A producer as it will be.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) entry: ProducerEntry,
    /// Whether the log knew an epoch of it before this append.
    known: bool,
}

/// A transaction that had data here and is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CompletedTxn {
    pub(super) producer_id: ProducerId,
    pub(super) first_offset: Offset,
    /// The marker's.
    pub(super) last_offset: Offset,
    pub(super) aborted: bool,
}

pub(super) fn check(
    producers: &BTreeMap<ProducerId, ProducerEntry>,
    update: &mut Update,
    batch: &BatchHeader,
    marker: Option<Marker>,
    origin: Origin,
) -> Result<Verdict, ProducerError> {
    if !batch.has_producer_id() || (batch.is_control() && marker.is_none()) {
        return Ok(Verdict::Append);
    }
    let current = producers.get(&batch.producer_id);
    if origin == Origin::Client
        && let Some(found) = current.and_then(|entry| {
            entry.duplicate_of(batch.producer_epoch, batch.base_sequence, batch.last_sequence())
        })
    {
        let AppendedBatch { last_offset, timestamp, .. } = found;
        return Ok(Verdict::Duplicate(Duplicate {
            base_offset: found.base_offset(),
            last_offset,
            timestamp,
        }));
    }
    let Update { producers: changes, started, completed } = update;
    let change = changes.entry(batch.producer_id).or_insert_with(|| Change {
        entry: current.cloned().unwrap_or(ProducerEntry::UNKNOWN),
        known: current.is_some_and(|entry| entry.epoch != NO_PRODUCER_EPOCH),
    });
    match marker {
        Some(marker) => completed.extend(end_txn(&mut change.entry, batch, marker, origin)?),
        None => started.extend(data(change, batch, origin)?),
    }
    Ok(Verdict::Append)
}

/// Adds a data batch; answers the transaction it begins.
fn data(
    change: &mut Change,
    batch: &BatchHeader,
    origin: Origin,
) -> Result<Option<(Offset, ProducerId)>, ProducerError> {
    let producer_id = batch.producer_id;
    let entry = &mut change.entry;
    if origin.is_checked() && batch.producer_epoch < entry.epoch {
        let (epoch, current) = (batch.producer_epoch, entry.epoch);
        return Err(ProducerError::InvalidProducerEpoch { producer_id, epoch, current });
    }
    if origin == Origin::Client {
        check_sequence(entry, change.known, batch)?;
    }
    if origin.is_checked() && entry.txn_first_offset().is_some() && !batch.is_transactional() {
        return Err(ProducerError::TransactionOpen { producer_id });
    }
    entry.set_epoch(batch.producer_epoch);
    entry.push(AppendedBatch {
        last_sequence: batch.last_sequence(),
        offset_delta: batch.last_offset_delta,
        last_offset: batch.last_offset(),
        timestamp: batch.max_timestamp,
    });
    if batch.is_transactional() && entry.txn_first_offset().is_none() {
        entry.begin_txn(batch.base_offset);
        return Ok(Some((batch.base_offset, producer_id)));
    }
    Ok(None)
}

fn check_sequence(entry: &ProducerEntry, known: bool, batch: &BatchHeader) -> Result<(), ProducerError> {
    let (producer_id, sequence, last) = (batch.producer_id, batch.base_sequence, entry.last_sequence());
    if batch.producer_epoch != entry.epoch {
        // Nothing known of it (expired, or its records are deleted): it goes on where it is.
        if sequence != 0 && entry.epoch != NO_PRODUCER_EPOCH {
            let epoch = batch.producer_epoch;
            return Err(ProducerError::EpochNotFromZero { producer_id, sequence, epoch });
        }
    } else if known {
        let follows = last.checked_add(1).map_or(sequence == 0, |next| sequence == next);
        if !follows {
            return Err(ProducerError::OutOfOrderSequence { producer_id, sequence, last });
        }
    }
    Ok(())
}

/// Ends the open transaction, if there is one.
fn end_txn(
    entry: &mut ProducerEntry,
    batch: &BatchHeader,
    marker: Marker,
    origin: Origin,
) -> Result<Option<CompletedTxn>, ProducerError> {
    let producer_id = batch.producer_id;
    if origin.is_checked() {
        check_marker_epoch(entry, batch, marker)?;
        if entry.coordinator_epoch > marker.coordinator_epoch {
            let (coordinator_epoch, current) = (marker.coordinator_epoch, entry.coordinator_epoch);
            return Err(ProducerError::CoordinatorFenced { producer_id, coordinator_epoch, current });
        }
    }
    let completed = entry.end_txn().map(|first_offset| CompletedTxn {
        producer_id,
        first_offset,
        last_offset: batch.base_offset,
        aborted: marker.abort,
    });
    entry.set_epoch(batch.producer_epoch);
    entry.coordinator_epoch = marker.coordinator_epoch;
    entry.last_timestamp = marker.timestamp;
    Ok(completed)
}

/// Before transactions v2 a marker has the epoch of the data it ends. From v2 on the coordinator
/// raises the epoch for each marker, so that an equal one is late, unless nothing is open: then it
/// is the same marker again, and harmless (KAFKA-19999). At the largest epoch there is no raising.
fn check_marker_epoch(
    entry: &ProducerEntry,
    batch: &BatchHeader,
    marker: Marker,
) -> Result<(), ProducerError> {
    let (producer_id, epoch, current) = (batch.producer_id, batch.producer_epoch, entry.epoch);
    let valid = if marker.transaction_version >= 2 {
        let again = epoch == current && (entry.txn_first_offset().is_none() || epoch == ProducerEpoch::MAX);
        epoch > current || again
    } else {
        epoch >= current
    };
    if valid { Ok(()) } else { Err(ProducerError::InvalidProducerEpoch { producer_id, epoch, current }) }
}
