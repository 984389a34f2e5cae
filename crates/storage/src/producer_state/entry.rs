//! What a log remembers of one producer (Kafka `ProducerStateEntry`, `BatchMetadata`).
//!
//! Invariant: the window holds the newest batches of the current epoch, at most five, oldest
//! first; a new epoch empties it. Logs may know hundreds of thousands of producers, most of them
//! idle, so an entry is 56 bytes and only a window of more than one batch has an allocation.

use ottla_model::{Millis, NO_PRODUCER_EPOCH, NO_SEQUENCE, Offset, ProducerEpoch};
use ottla_record::sequence_minus;

/// Batches remembered besides the newest one; Kafka's `NUM_BATCHES_TO_RETAIN` less one.
const OLDER: usize = 4;

/// A batch that was appended, as far as recognising it again needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendedBatch {
    /// Sequence of its last record; −1 without sequences.
    pub last_sequence: i32,
    /// Its last offset minus its first; never negative.
    pub offset_delta: i32,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// Its largest timestamp.
    pub timestamp: Millis,
}

impl AppendedBatch {
    /// Sequence of its first record, in the ring of 2^31.
    #[must_use]
    pub const fn first_sequence(&self) -> i32 {
        if self.last_sequence < 0 || self.offset_delta < 0 {
            NO_SEQUENCE
        } else {
            sequence_minus(self.last_sequence, self.offset_delta)
        }
    }

    /// Offset of its first record.
    #[must_use]
    pub fn base_offset(&self) -> Offset {
        self.last_offset.saturating_sub(i64::from(self.offset_delta))
    }
}

/// Stands where there is no batch: options would make an entry half as large again.
const NO_BATCH: AppendedBatch =
    AppendedBatch { last_sequence: NO_SEQUENCE, offset_delta: 0, last_offset: -1, timestamp: -1 };

/// The batches before the newest one; the first `len` are in use, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Older {
    len: usize,
    batches: [AppendedBatch; OLDER],
}

/// One producer, as one log knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    /// Current epoch; −1 before anything is known.
    pub(super) epoch: ProducerEpoch,
    /// Of the last marker; −1 before the first.
    pub(super) coordinator_epoch: i32,
    /// Of the last batch or marker.
    pub(super) last_timestamp: Millis,
    /// First offset of the open transaction; −1 for none.
    txn_first_offset: Offset,
    /// Last offset −1 for none.
    newest: AppendedBatch,
    older: Option<Box<Older>>,
}

impl ProducerEntry {
    /// A producer of which nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        epoch: NO_PRODUCER_EPOCH,
        coordinator_epoch: -1,
        last_timestamp: -1,
        txn_first_offset: -1,
        newest: NO_BATCH,
        older: None,
    };

    /// Current epoch.
    #[must_use]
    pub const fn epoch(&self) -> ProducerEpoch {
        self.epoch
    }

    /// Epoch of the coordinator that wrote the last marker; −1 before the first.
    #[must_use]
    pub const fn coordinator_epoch(&self) -> i32 {
        self.coordinator_epoch
    }

    /// Timestamp of the last batch or marker; −1 before the first.
    #[must_use]
    pub const fn last_timestamp(&self) -> Millis {
        self.last_timestamp
    }

    /// First offset of the open transaction.
    #[must_use]
    pub const fn txn_first_offset(&self) -> Option<Offset> {
        if self.txn_first_offset < 0 { None } else { Some(self.txn_first_offset) }
    }

    /// The newest batch of the current epoch.
    #[must_use]
    pub const fn newest(&self) -> Option<AppendedBatch> {
        if self.newest.last_offset < 0 { None } else { Some(self.newest) }
    }

    /// Sequence of the newest record; −1 when the current epoch has none yet.
    #[must_use]
    pub const fn last_sequence(&self) -> i32 {
        self.newest.last_sequence
    }

    /// The batches of the window, oldest first.
    pub fn batches(&self) -> impl Iterator<Item = AppendedBatch> {
        let older =
            self.older.as_deref().and_then(|older| older.batches.get(..older.len)).unwrap_or_default();
        older.iter().copied().chain(self.newest())
    }

    /// The batch of the window with exactly these sequences in this epoch.
    #[must_use]
    pub fn duplicate_of(&self, epoch: ProducerEpoch, first: i32, last: i32) -> Option<AppendedBatch> {
        if epoch != self.epoch {
            return None;
        }
        self.batches().find(|batch| batch.first_sequence() == first && batch.last_sequence == last)
    }

    /// Takes over an epoch; another one than before empties the window.
    pub(super) fn set_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.newest = NO_BATCH;
            self.older = None;
        }
    }

    /// A transaction begins.
    pub(super) const fn begin_txn(&mut self, first_offset: Offset) {
        self.txn_first_offset = first_offset;
    }

    /// The open transaction ends; its first offset.
    pub(super) const fn end_txn(&mut self) -> Option<Offset> {
        let first_offset = self.txn_first_offset();
        self.txn_first_offset = -1;
        first_offset
    }

    /// Adds the newest batch of the current epoch and drops the sixth.
    pub(super) fn push(&mut self, batch: AppendedBatch) {
        self.last_timestamp = batch.timestamp;
        let previous = std::mem::replace(&mut self.newest, batch);
        if previous.last_offset < 0 {
            return;
        }
        let older = self.older.get_or_insert_with(|| Box::new(Older { len: 0, batches: [previous; OLDER] }));
        if older.len == OLDER {
            older.batches.rotate_left(1);
            older.len -= 1;
        }
        if let Some(slot) = older.batches.get_mut(older.len) {
            *slot = previous;
            older.len += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(sequence: i32) -> AppendedBatch {
        AppendedBatch {
            last_sequence: sequence,
            offset_delta: 0,
            last_offset: i64::from(sequence),
            timestamp: 1,
        }
    }

    #[test]
    fn an_idle_producer_is_small() {
        assert!(size_of::<ProducerEntry>() <= 56, "{}", size_of::<ProducerEntry>());
    }

    #[test]
    fn five_batches_are_remembered() {
        let mut entry = ProducerEntry::UNKNOWN;
        entry.set_epoch(0);
        for sequence in 0..20 {
            entry.push(batch(sequence));
            let window: Vec<i32> = entry.batches().map(|batch| batch.last_sequence).collect();
            assert_eq!(window, ((sequence - 4).max(0)..=sequence).collect::<Vec<_>>());
        }
        entry.set_epoch(1);
        assert_eq!(entry.batches().count(), 0);
    }

    #[test]
    fn sequences_of_a_batch_may_wrap() {
        let wrapped = AppendedBatch { last_sequence: 1, offset_delta: 3, last_offset: 9, timestamp: 0 };
        assert_eq!(wrapped.first_sequence(), i32::MAX - 1);
        assert_eq!(wrapped.base_offset(), 6);
    }
}
