//! Control records: transaction markers, and the records Raft writes into its own log.
//!
//! Key: `i16 version (0)`, `i16 type`. A marker's value: `i16 version (0)`, `i32 coordinator epoch`. The values of
//! Raft's records are messages, which `wire` encodes; here they are bytes.

use crate::builder::{BuildError, Builder};
use crate::codec::Codec;
use bytes::{Buf, Bytes};
use ottla_model::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId};

/// What a control record says (`ControlRecordType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // Kafka's names
pub enum ControlType {
    Abort,
    Commit,
    LeaderChange,
    SnapshotHeader,
    SnapshotFooter,
    KraftVersion,
    KraftVoters,
}

impl ControlType {
    /// All types, in the order of their ids.
    pub const ALL: [Self; 7] = [
        Self::Abort,
        Self::Commit,
        Self::LeaderChange,
        Self::SnapshotHeader,
        Self::SnapshotFooter,
        Self::KraftVersion,
        Self::KraftVoters,
    ];

    /// The id in the key.
    #[must_use]
    pub const fn id(self) -> i16 {
        match self {
            Self::Abort => 0,
            Self::Commit => 1,
            Self::LeaderChange => 2,
            Self::SnapshotHeader => 3,
            Self::SnapshotFooter => 4,
            Self::KraftVersion => 5,
            Self::KraftVoters => 6,
        }
    }

    /// The key of a control record of this type.
    #[must_use]
    pub const fn key(self) -> [u8; 4] {
        let [high, low] = self.id().to_be_bytes();
        [0, 0, high, low]
    }

    /// The type in a key. `None`: too short, a negative version, or a type that Kafka 4.4 does not have
    /// (readers skip those).
    #[must_use]
    pub fn from_key(mut key: &[u8]) -> Option<Self> {
        if key.len() < 4 || key.get_i16() < 0 {
            return None;
        }
        let id = key.get_i16();
        Self::ALL.into_iter().find(|known| known.id() == id)
    }
}

/// The end of a transaction in one partition (`EndTransactionMarker`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndMarker {
    /// Committed, or aborted.
    pub commit: bool,
    /// Epoch of the transaction coordinator that decided it.
    pub coordinator_epoch: i32,
}

impl EndMarker {
    /// Reads a control record; `None` when it is not a transaction marker or its value is too short.
    #[must_use]
    pub fn read(key: &[u8], mut value: &[u8]) -> Option<Self> {
        let commit = match ControlType::from_key(key)? {
            ControlType::Abort => false,
            ControlType::Commit => true,
            ControlType::LeaderChange
            | ControlType::SnapshotHeader
            | ControlType::SnapshotFooter
            | ControlType::KraftVersion
            | ControlType::KraftVoters => return None,
        };
        if value.len() < 6 || value.get_i16() < 0 {
            return None;
        }
        Some(Self { commit, coordinator_epoch: value.get_i32() })
    }

    /// The type of the marker's record.
    #[must_use]
    pub const fn control_type(self) -> ControlType {
        if self.commit { ControlType::Commit } else { ControlType::Abort }
    }

    /// The value of the marker's record.
    #[must_use]
    pub const fn value(self) -> [u8; 6] {
        let [a, b, c, d] = self.coordinator_epoch.to_be_bytes();
        [0, 0, a, b, c, d]
    }

    /// A batch with this marker alone, as Kafka writes it: transactional, control, no sequence.
    pub fn batch(
        self,
        base_offset: Offset,
        leader_epoch: LeaderEpoch,
        now: Millis,
        producer: (ProducerId, ProducerEpoch),
    ) -> Result<Bytes, BuildError> {
        let mut builder = Builder::new(base_offset, Codec::None)
            .leader_epoch(leader_epoch)
            .producer(producer.0, producer.1, ottla_model::NO_SEQUENCE)
            .transactional()
            .control();
        builder.push(now, Some(&self.control_type().key()), Some(&self.value()), &[]);
        builder.finish()
    }
}

/// A batch of Raft's control records, as Kafka writes them: control, uncompressed, no producer.
pub fn raft_batch(
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
    now: Millis,
    records: &[(ControlType, &[u8])],
) -> Result<Bytes, BuildError> {
    let mut builder = Builder::new(base_offset, Codec::None).leader_epoch(leader_epoch).control();
    for (kind, value) in records {
        builder.push(now, Some(&kind.key()), Some(value), &[]);
    }
    builder.finish()
}
