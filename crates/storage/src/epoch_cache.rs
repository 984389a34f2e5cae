//! Where each leader epoch of a log begins (Kafka `LeaderEpochFileCache`), as a value.
//!
//! Invariant: epochs and start offsets both grow strictly from entry to entry. The file is
//! `checkpoint`'s; when it is written is the log's to decide: each change answers whether there
//! is something new to write.

use ottla_model::{LeaderEpoch, NO_LEADER_EPOCH, Offset};

/// An epoch and the offset of its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    /// Never negative.
    pub epoch: LeaderEpoch,
    /// Never negative.
    pub start_offset: Offset,
}

/// The end of an epoch, as `OffsetForLeaderEpoch` answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The largest known epoch up to the one asked for; that one itself when it is older than all.
    pub epoch: LeaderEpoch,
    /// The offset after its last record.
    pub end_offset: Offset,
}

/// The epochs of one log, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochCache {
    entries: Vec<EpochEntry>,
}

impl EpochCache {
    /// From a checkpoint, or from batch headers in log order; entries that contradict later ones
    /// give way, as in [`Self::assign`].
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = EpochEntry>) -> Self {
        let mut cache = Self::default();
        for entry in entries {
            cache.assign(entry.epoch, entry.start_offset);
        }
        cache
    }

    /// The epochs, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    /// The newest entry.
    #[must_use]
    pub fn latest(&self) -> Option<EpochEntry> {
        self.entries.last().copied()
    }

    /// The oldest entry.
    #[must_use]
    pub fn earliest(&self) -> Option<EpochEntry> {
        self.entries.first().copied()
    }

    /// The newest epoch below another one.
    #[must_use]
    pub fn previous(&self, epoch: LeaderEpoch) -> Option<EpochEntry> {
        let below = self.entries.partition_point(|entry| entry.epoch < epoch);
        below.checked_sub(1).and_then(|slot| self.entries.get(slot)).copied()
    }

    /// Notes that an epoch begins at an offset; true when that is news. What is known of this
    /// epoch or newer ones, or of this offset or later ones, was never kept and gives way. An
    /// epoch already begun keeps its start. Negative values (no epoch) are passed over.
    pub fn assign(&mut self, epoch: LeaderEpoch, start_offset: Offset) -> bool {
        let known =
            self.latest().is_some_and(|last| epoch == last.epoch && start_offset >= last.start_offset);
        if known || epoch < 0 || start_offset < 0 {
            return false;
        }
        let contradicts = |entry: &EpochEntry| entry.epoch >= epoch || entry.start_offset >= start_offset;
        while self.entries.last().is_some_and(contradicts) {
            self.entries.pop();
        }
        self.entries.push(EpochEntry { epoch, start_offset });
        true
    }

    /// The end of the largest epoch up to `requested`, for a log that ends at `log_end`. `None`
    /// where Kafka answers epoch −1 and offset −1: nothing was asked, or nothing as new is known.
    #[must_use]
    pub fn end_offset_for(&self, requested: LeaderEpoch, log_end: Offset) -> Option<EpochEnd> {
        if requested == NO_LEADER_EPOCH {
            return None;
        }
        if self.latest().is_some_and(|last| last.epoch == requested) {
            return Some(EpochEnd { epoch: requested, end_offset: log_end });
        }
        let above = self.entries.partition_point(|entry| entry.epoch <= requested);
        let end_offset = self.entries.get(above)?.start_offset;
        let floor = above.checked_sub(1).and_then(|slot| self.entries.get(slot));
        Some(EpochEnd { epoch: floor.map_or(requested, |entry| entry.epoch), end_offset })
    }

    /// The epoch that an offset belongs to; `None` below the first entry.
    #[must_use]
    pub fn epoch_for_offset(&self, offset: Offset) -> Option<LeaderEpoch> {
        let up_to = self.entries.partition_point(|entry| entry.start_offset <= offset);
        up_to.checked_sub(1).and_then(|slot| self.entries.get(slot)).map(|entry| entry.epoch)
    }

    /// Drops the epochs that begin at or after an offset: the log ends there. True when any did.
    pub fn truncate_from_end(&mut self, end_offset: Offset) -> bool {
        if end_offset < 0 {
            return false;
        }
        let before = self.entries.len();
        self.entries.truncate(self.entries.partition_point(|entry| entry.start_offset < end_offset));
        self.entries.len() != before
    }

    /// Drops the epochs that ended at or before an offset and lets the one there begin at it: the
    /// log starts there. True when any entry changed.
    pub fn truncate_from_start(&mut self, start_offset: Offset) -> bool {
        let up_to = self.entries.partition_point(|entry| entry.start_offset <= start_offset);
        let Some(first) = up_to.checked_sub(1) else { return false };
        let changed = first > 0 || self.earliest().is_some_and(|entry| entry.start_offset != start_offset);
        self.entries.drain(..first);
        if let Some(entry) = self.entries.first_mut() {
            entry.start_offset = start_offset;
        }
        changed
    }

    /// Forgets everything; true when there was something.
    pub fn clear(&mut self) -> bool {
        let had = !self.entries.is_empty();
        self.entries.clear();
        had
    }
}

#[cfg(test)]
mod tests;
