//! What a log knows of its idempotent and transactional producers (Kafka `ProducerStateManager`,
//! `ProducerAppendInfo`), as a value.
//!
//! An append is decided first ([`ProducerState::check`], batch by batch into an [`Update`]), then
//! written, then applied ([`ProducerState::apply`]); a refused or failed append changes nothing.
//! Invariants: `ongoing` holds exactly the producers with an open transaction, by its first
//! offset; `unreplicated` the decided ones whose marker is not below the high watermark yet;
//! everything below `end_offset` is accounted for. Whether a transaction was announced to its
//! coordinator (verification) and who may write are left to others; files are [`ProducerSnapshots`]'.

mod check;
mod entry;
mod files;
mod snapshot;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ottla_model::{Millis, Offset, ProducerId};

use crate::index::AbortedTxn;
pub use check::{Duplicate, Marker, Origin, ProducerError, Update, Verdict};
pub use entry::{AppendedBatch, ProducerEntry};
pub use files::{ProducerSnapshots, Reload, reload};
pub use snapshot::{SnapshotDamage, decode as decode_snapshot, encode as encode_snapshot};

/// The producers of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerState {
    /// Ordered, so that equal states make equal snapshots.
    producers: BTreeMap<ProducerId, ProducerEntry>,
    /// Open transactions: first offset to producer.
    ongoing: BTreeMap<Offset, ProducerId>,
    /// Decided transactions whose marker is at or above the high watermark: first to last offset.
    unreplicated: BTreeMap<Offset, Offset>,
    /// Everything below is in this state.
    end_offset: Offset,
}

impl ProducerState {
    /// Knows nobody, at the start of a log.
    #[must_use]
    pub fn new(start_offset: Offset) -> Self {
        Self { end_offset: start_offset, ..Self::default() }
    }

    /// Takes over what a snapshot holds, except producers that have expired.
    #[must_use]
    pub fn from_snapshot(
        entries: Vec<(ProducerId, ProducerEntry)>,
        end_offset: Offset,
        now: Millis,
        expiration_ms: i64,
    ) -> Self {
        let mut state = Self::new(end_offset);
        for (producer_id, entry) in entries {
            if !expired(&entry, now, expiration_ms) {
                state.ongoing.extend(entry.txn_first_offset().map(|first| (first, producer_id)));
                state.producers.insert(producer_id, entry);
            }
        }
        state
    }

    /// The offset up to which (exclusive) batches are accounted for.
    #[must_use]
    pub const fn end_offset(&self) -> Offset {
        self.end_offset
    }

    /// Whether no producer is known and nothing holds the last stable offset back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.producers.is_empty() && self.unreplicated.is_empty()
    }

    /// How many producers are known.
    #[must_use]
    pub fn producer_count(&self) -> usize {
        self.producers.len()
    }

    /// One producer.
    #[must_use]
    pub fn producer(&self, id: ProducerId) -> Option<&ProducerEntry> {
        self.producers.get(&id)
    }

    /// Every producer, in the order of their ids.
    pub fn producers(&self) -> impl Iterator<Item = (ProducerId, &ProducerEntry)> {
        self.producers.iter().map(|(id, entry)| (*id, entry))
    }

    /// Decides one batch that is to be appended at `batch.base_offset`, after those already in
    /// `update`. The header is as it will be written. `marker` is the control record of a control
    /// batch; without one (compaction took it) the batch changes nothing.
    ///
    /// # Errors
    /// Why the batch may not be appended; `update` is of no use then.
    pub fn check(
        &self,
        update: &mut Update,
        batch: &ottla_record::BatchHeader,
        marker: Option<Marker>,
        origin: Origin,
    ) -> Result<Verdict, ProducerError> {
        check::check(&self.producers, update, batch, marker, origin)
    }

    /// Takes over what was checked, once the append has succeeded and the log ends at
    /// `end_offset`. The answer belongs into the transaction index of the segment appended to.
    pub fn apply(&mut self, update: Update, end_offset: Offset) -> Vec<AbortedTxn> {
        self.end_offset = end_offset;
        self.ongoing.extend(update.started);
        self.producers.extend(update.producers.into_iter().map(|(id, change)| (id, change.entry)));
        let mut aborted = Vec::new();
        for txn in update.completed {
            let others = self.ongoing.iter().find(|(_, producer_id)| **producer_id != txn.producer_id);
            let last_stable_offset = others.map_or(txn.last_offset.saturating_add(1), |(first, _)| *first);
            self.ongoing.remove(&txn.first_offset);
            self.unreplicated.insert(txn.first_offset, txn.last_offset);
            if txn.aborted {
                let check::CompletedTxn { producer_id, first_offset, last_offset, .. } = txn;
                aborted.push(AbortedTxn { producer_id, first_offset, last_offset, last_stable_offset });
            }
        }
        aborted
    }

    /// Moves the end forward over batches without producers.
    pub fn advance(&mut self, end_offset: Offset) {
        self.end_offset = end_offset;
    }

    /// The first offset that is undecided, or decided by a marker that is not replicated yet.
    #[must_use]
    pub fn first_unstable_offset(&self) -> Option<Offset> {
        let unreplicated = self.unreplicated.first_key_value().map(|(first, _)| *first);
        match (self.first_undecided_offset(), unreplicated) {
            (Some(undecided), Some(unreplicated)) => Some(undecided.min(unreplicated)),
            (undecided, unreplicated) => undecided.or(unreplicated),
        }
    }

    /// The first offset of the oldest open transaction.
    #[must_use]
    pub fn first_undecided_offset(&self) -> Option<Offset> {
        self.ongoing.first_key_value().map(|(first, _)| *first)
    }

    /// Up to where (exclusive) a reader of committed data may read.
    #[must_use]
    pub fn last_stable_offset(&self, log_start: Offset, high_watermark: Offset) -> Offset {
        let unstable = self.first_unstable_offset().map(|offset| offset.max(log_start));
        unstable.map_or(high_watermark, |offset| offset.min(high_watermark))
    }

    /// The high watermark has moved: transactions decided below it no longer hold anything back.
    pub fn on_high_watermark(&mut self, high_watermark: Offset) {
        // Called for each append: nothing to do is the common case.
        if !self.unreplicated.is_empty() {
            self.unreplicated.retain(|_, last| *last >= high_watermark);
        }
    }

    /// The log starts later: what was decided below is gone. Producers stay known.
    pub fn on_log_start(&mut self, log_start: Offset) {
        self.on_high_watermark(log_start);
        self.end_offset = self.end_offset.max(log_start);
    }

    /// Forgets producers that were silent for `producer.id.expiration.ms` and have no open
    /// transaction; answers how many.
    pub fn remove_expired(&mut self, now: Millis, expiration_ms: i64) -> usize {
        let before = self.producers.len();
        self.producers.retain(|_, entry| !expired(entry, now, expiration_ms));
        before - self.producers.len()
    }

    /// When the producer of the oldest open transaction last wrote: long ago means that the
    /// transaction hangs.
    #[must_use]
    pub fn oldest_txn_last_timestamp(&self) -> Option<Millis> {
        let (_, producer_id) = self.ongoing.first_key_value()?;
        self.producers.get(producer_id).map(|entry| entry.last_timestamp)
    }

    /// How many transactions are open.
    #[must_use]
    pub fn open_transactions(&self) -> usize {
        self.ongoing.len()
    }
}

fn expired(entry: &ProducerEntry, now: Millis, expiration_ms: i64) -> bool {
    entry.txn_first_offset().is_none() && now.saturating_sub(entry.last_timestamp) >= expiration_ms
}
