//! `.txnindex`: the aborted transactions of a segment (Kafka `TransactionIndex`, `AbortedTxn`).
//!
//! Entry, 34 bytes: i16 version 0, i64 producer id, i64 first offset, i64 last offset (the abort
//! marker), i64 last stable offset once this transaction was decided. In order of the marker, in
//! the segment that holds the marker. The file is made with the first entry; no file, no entries.
//! Unlike the other two, what is missing here shows aborted records to readers: every entry is
//! written at once, and a sound length and order are demanded of the whole file.

use ottla_env::disk::File;
use ottla_model::{Offset, ProducerId};

use super::slots::{Entry, Slots};
use super::{AppendIndexError, Damage, IndexError};
use crate::limits::INDEX_PAGE_BYTES;

const VERSION: i16 = 0;

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTxn {
    /// Whose.
    pub producer_id: ProducerId,
    /// Its first record.
    pub first_offset: Offset,
    /// Its abort marker.
    pub last_offset: Offset,
    /// The first offset still undecided when it had been aborted.
    pub last_stable_offset: Offset,
}

impl Entry for AbortedTxn {
    const SIZE: usize = 34;

    fn read(bytes: &[u8], _base: Offset) -> Result<Self, Damage> {
        let (version, rest) = bytes.split_first_chunk().ok_or(Damage::Version)?;
        let (producer_id, rest) = rest.split_first_chunk().ok_or(Damage::Version)?;
        let (first_offset, rest) = rest.split_first_chunk().ok_or(Damage::Version)?;
        let (last_offset, rest) = rest.split_first_chunk().ok_or(Damage::Version)?;
        let last_stable_offset = rest.first_chunk().ok_or(Damage::Version)?;
        if i16::from_be_bytes(*version) != VERSION {
            return Err(Damage::Version);
        }
        Ok(Self {
            producer_id: i64::from_be_bytes(*producer_id),
            first_offset: i64::from_be_bytes(*first_offset),
            last_offset: i64::from_be_bytes(*last_offset),
            last_stable_offset: i64::from_be_bytes(*last_stable_offset),
        })
    }

    fn write(&self, _base: Offset, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        for field in [self.producer_id, self.first_offset, self.last_offset, self.last_stable_offset] {
            bytes.extend_from_slice(&field.to_be_bytes());
        }
    }
}

/// What [`TxnIndex::collect`] found in one segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbortedTxns {
    /// Those that overlap the range, in order of their markers.
    pub txns: Vec<AbortedTxn>,
    /// No later segment can hold another one.
    pub complete: bool,
}

/// The transaction index of one segment. Every `file` is the segment's `.txnindex`; an empty index
/// has no file, so that reading methods take none when it [is empty](Self::is_empty).
#[derive(Clone, Debug)]
pub struct TxnIndex {
    slots: Slots<AbortedTxn>,
}

impl TxnIndex {
    /// The index of a segment without an aborted transaction.
    #[must_use]
    pub fn empty(base: Offset) -> Self {
        Self { slots: Slots::empty(base) }
    }

    /// The index that a file holds; every entry is looked at.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when it has to be rebuilt.
    pub fn load(file: &dyn File, base: Offset) -> Result<Self, IndexError> {
        let index = Self { slots: Slots::load(file, base)? };
        let mut previous = None;
        index.scan(file, 0, |txn| {
            if txn.last_offset < base {
                return Err(Damage::BelowBase { last: txn.last_offset, base });
            }
            if previous.is_some_and(|previous| txn.last_offset <= previous)
                || txn.first_offset > txn.last_offset
            {
                return Err(Damage::Order);
            }
            previous = Some(txn.last_offset);
            Ok(true)
        })?;
        Ok(index)
    }

    /// Entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no transaction was aborted in this segment.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes an aborted transaction; syncing is the owner's.
    ///
    /// # Errors
    /// The inner error when its marker does not follow the last one's, with nothing changed; the
    /// outer one when the disk fails.
    pub fn append(
        &mut self,
        file: &dyn File,
        txn: AbortedTxn,
    ) -> std::io::Result<Result<(), AppendIndexError>> {
        if let Some(last) = self.slots.last().filter(|last| txn.last_offset <= last.last_offset) {
            let error = AppendIndexError::OffsetOrder { offset: txn.last_offset, last: last.last_offset };
            return Ok(Err(error));
        }
        self.slots.push(txn);
        self.slots.write_pending(file).map(Ok)
    }

    /// The aborted transactions with a record in `from..until`. Complete, so that the next segment
    /// need not be asked, once an entry says that everything below `until` was decided.
    ///
    /// # Errors
    /// When the disk fails or an entry cannot be read.
    pub fn collect(&self, file: &dyn File, from: Offset, until: Offset) -> Result<AbortedTxns, IndexError> {
        let mut found = AbortedTxns::default();
        // Markers are in order: what ended before `from` cannot overlap. What it says about
        // stability only matters in the (odd) case `until <= from`.
        let skip = self.slots.count_up_to(file, from.min(until).saturating_sub(1), |txn| txn.last_offset)?;
        self.scan(file, skip, |txn| {
            if txn.last_offset >= from && txn.first_offset < until {
                found.txns.push(txn);
            }
            found.complete = txn.last_stable_offset >= until;
            Ok(!found.complete)
        })?;
        Ok(found)
    }

    /// Every entry.
    ///
    /// # Errors
    /// When the disk fails or an entry cannot be read.
    pub fn all(&self, file: &dyn File) -> Result<Vec<AbortedTxn>, IndexError> {
        let mut all = Vec::new();
        self.scan(file, 0, |txn| {
            all.push(txn);
            Ok(true)
        })?;
        Ok(all)
    }

    /// Drops every transaction whose marker is at or above an offset.
    ///
    /// # Errors
    /// When the disk fails or an entry cannot be read.
    pub fn truncate_to(&mut self, file: &dyn File, offset: Offset) -> Result<(), IndexError> {
        let keep = self.slots.count_up_to(file, offset.saturating_sub(1), |txn| txn.last_offset)?;
        self.slots.truncate(file, keep)
    }

    /// Drops every entry, for a rebuild; also cuts a file that could not be loaded.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn reset(&mut self, file: &dyn File) -> std::io::Result<()> {
        file.set_len(0)?;
        self.slots = Slots::empty(self.slots.base);
        Ok(())
    }

    /// Shows entries from a slot on, page by page, as long as `more` answers true.
    fn scan(
        &self,
        file: &dyn File,
        from: usize,
        mut more: impl FnMut(AbortedTxn) -> Result<bool, Damage>,
    ) -> Result<(), IndexError> {
        let in_page = INDEX_PAGE_BYTES / AbortedTxn::SIZE;
        for first in (from..self.slots.len()).step_by(in_page) {
            for txn in self.slots.page(file, first, in_page.min(self.slots.len() - first))? {
                if !more(txn)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
