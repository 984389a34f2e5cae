//! Entries of one size, some in a file and the newest in memory: what the three indexes share.
//!
//! Slots are numbered from 0; those below `written` are in the file at `slot * SIZE`, the rest in
//! `pending`. What an entry means, and which entry may follow which, is left to the index.

use std::io::{self, IoSlice};

use ottla_env::disk::{File, read_exact_at};
use ottla_model::Offset;

use super::{Damage, IndexError};
use crate::limits::{INDEX_PAGE_BYTES, PENDING_INDEX_ENTRIES};

/// The size of the largest entry, that of `.txnindex`.
const MAX_ENTRY: usize = 34;

/// An entry with a fixed size in the file.
pub(super) trait Entry: Copy {
    /// Bytes in the file.
    const SIZE: usize;
    /// Reads exactly `SIZE` bytes.
    fn read(bytes: &[u8], base: Offset) -> Result<Self, Damage>;
    /// Appends exactly `SIZE` bytes.
    fn write(&self, base: Offset, bytes: &mut Vec<u8>);
}

/// The entries of one index.
#[derive(Clone, Debug)]
pub(super) struct Slots<E> {
    /// The segment's base offset.
    pub(super) base: Offset,
    /// Entries in the file.
    written: usize,
    /// The entries after those, oldest first; at most `PENDING_INDEX_ENTRIES` when the owner writes what is due.
    pending: Vec<E>,
    /// The newest entry, wherever it is; `None` exactly when there are no entries.
    last: Option<E>,
}

impl<E: Entry> Slots<E> {
    pub(super) fn empty(base: Offset) -> Self {
        Self { base, written: 0, pending: Vec::new(), last: None }
    }

    /// The entries of a file, judged by its length alone.
    pub(super) fn load(file: &dyn File, base: Offset) -> Result<Self, IndexError> {
        let len = file.len()?;
        let damage = Damage::Length { len, entry: E::SIZE };
        let len = usize::try_from(len).map_err(|_| damage.clone())?;
        if !len.is_multiple_of(E::SIZE) {
            return Err(damage.into());
        }
        let mut slots = Self { base, written: len / E::SIZE, pending: Vec::new(), last: None };
        if let Some(slot) = slots.written.checked_sub(1) {
            slots.last = Some(slots.get(file, slot)?);
        }
        Ok(slots)
    }

    pub(super) fn len(&self) -> usize {
        self.written.saturating_add(self.pending.len())
    }

    pub(super) fn last(&self) -> Option<E> {
        self.last
    }

    /// The entry in a slot below `len`.
    pub(super) fn get(&self, file: &dyn File, slot: usize) -> Result<E, IndexError> {
        if let Some(entry) = slot.checked_sub(self.written).and_then(|slot| self.pending.get(slot)) {
            return Ok(*entry);
        }
        let mut bytes = [0; MAX_ENTRY];
        let bytes = bytes.get_mut(..E::SIZE).unwrap_or_default();
        read_exact_at(file, bytes, position::<E>(slot))?;
        Ok(E::read(bytes, self.base)?)
    }

    pub(super) fn push(&mut self, entry: E) {
        self.pending.push(entry);
        self.last = Some(entry);
    }

    pub(super) fn due(&self) -> bool {
        self.pending.len() >= PENDING_INDEX_ENTRIES
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes what waits, in one write. After an error the same entries still wait.
    pub(super) fn write_pending(&mut self, file: &dyn File) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(self.pending.len().saturating_mul(E::SIZE));
        for entry in &self.pending {
            entry.write(self.base, &mut bytes);
        }
        file.write_at(&mut [IoSlice::new(&bytes)], position::<E>(self.written))?;
        self.written = self.len();
        // An idle partition holds no buffer.
        self.pending = Vec::new();
        Ok(())
    }

    /// How many entries have `key(entry) <= target`, where the keys never fall.
    pub(super) fn count_up_to(
        &self,
        file: &dyn File,
        target: i64,
        key: fn(&E) -> i64,
    ) -> Result<usize, IndexError> {
        if self.last.is_none_or(|last| key(&last) <= target) {
            return Ok(self.len());
        }
        if self.pending.first().is_some_and(|first| key(first) <= target) {
            return Ok(self.written + self.pending.partition_point(|entry| key(entry) <= target));
        }
        // The answer is in low..=high: entries below `low` are up to the target, those from `high` on are not.
        let (mut low, mut high) = (0, self.written);
        // Single entries narrow it down to a page, which is then read whole.
        while high - low > INDEX_PAGE_BYTES / E::SIZE {
            let middle = low + (high - low) / 2;
            if key(&self.get(file, middle)?) <= target {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let page = self.page(file, low, high - low)?;
        Ok(low + page.partition_point(|entry| key(entry) <= target))
    }

    /// The written entries `first..first + count`; at most a page of them.
    pub(super) fn page(&self, file: &dyn File, first: usize, count: usize) -> Result<Vec<E>, IndexError> {
        let mut bytes = [0; INDEX_PAGE_BYTES];
        let wanted = count.saturating_mul(E::SIZE).min(INDEX_PAGE_BYTES / E::SIZE * E::SIZE);
        let bytes = bytes.get_mut(..wanted).unwrap_or_default();
        read_exact_at(file, bytes, position::<E>(first))?;
        bytes.chunks_exact(E::SIZE).map(|entry| E::read(entry, self.base).map_err(IndexError::from)).collect()
    }

    /// Drops the slots from `len` on, in memory and in the file.
    pub(super) fn truncate(&mut self, file: &dyn File, len: usize) -> Result<(), IndexError> {
        if len >= self.len() {
            return Ok(());
        }
        let last = match len.checked_sub(1) {
            Some(slot) => Some(self.get(file, slot)?),
            None => None,
        };
        if len < self.written {
            file.set_len(position::<E>(len))?;
            self.written = len;
        }
        self.pending.truncate(len - self.written);
        self.last = last;
        Ok(())
    }
}

const fn position<E: Entry>(slot: usize) -> u64 {
    // Slots come from the length of a file: the product fits.
    (slot as u64).saturating_mul(E::SIZE as u64)
}
