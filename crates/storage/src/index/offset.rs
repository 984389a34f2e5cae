//! `.index`: from an offset to a position in the segment's log file (Kafka `OffsetIndex`).
//!
//! Entry, 8 bytes: i32 offset minus base offset, i32 position. The offset is the last one of a
//! batch, the position that batch's first byte. Offsets grow strictly. The first batch of a
//! segment is never indexed, so no position is 0.

use std::io;

use ottla_env::disk::File;
use ottla_model::Offset;

use super::slots::{Entry, Slots};
use super::{AppendIndexError, Damage, IndexError, relative_offset};

/// Where a batch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetPosition {
    /// Last offset of the batch (the base offset of the segment for its beginning).
    pub offset: Offset,
    /// Its first byte in the log file.
    pub position: u32,
}

impl Entry for OffsetPosition {
    const SIZE: usize = 8;

    fn read(bytes: &[u8], base: Offset) -> Result<Self, Damage> {
        let (relative, position) = bytes.split_first_chunk().ok_or(Damage::Version)?;
        let position = position.first_chunk().ok_or(Damage::Version)?;
        let offset = base.saturating_add(i64::from(i32::from_be_bytes(*relative)));
        Ok(Self { offset, position: u32::from_be_bytes(*position) })
    }

    fn write(&self, base: Offset, bytes: &mut Vec<u8>) {
        // `append` let nothing in that does not fit.
        let relative = relative_offset(base, self.offset).unwrap_or_default();
        bytes.extend_from_slice(&relative.to_be_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
    }
}

/// The offset index of one segment. Every `file` is the segment's `.index`.
#[derive(Clone, Debug)]
pub struct OffsetIndex {
    slots: Slots<OffsetPosition>,
    max_entries: usize,
}

impl OffsetIndex {
    /// The index of a segment that has none yet; `max_bytes` is `segment.index.bytes`.
    #[must_use]
    pub fn empty(base: Offset, max_bytes: u32) -> Self {
        Self { slots: Slots::empty(base), max_entries: max_bytes as usize / OffsetPosition::SIZE }
    }

    /// The index that a file holds, after the checks that need no more than its last entry.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when it has to be rebuilt.
    pub fn load(file: &dyn File, base: Offset, max_bytes: u32) -> Result<Self, IndexError> {
        let slots = Slots::<OffsetPosition>::load(file, base)?;
        if let Some(last) = slots.last() {
            if last.offset < base {
                return Err(Damage::BelowBase { last: last.offset, base }.into());
            }
            if last.position == 0 {
                return Err(Damage::Order.into());
            }
        }
        Ok(Self { slots, ..Self::empty(base, max_bytes) })
    }

    /// Entries, written or waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the next entry would exceed `segment.index.bytes`: a reason to roll.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= self.max_entries
    }

    /// The newest entry; of an empty index the segment's beginning.
    #[must_use]
    pub fn last(&self) -> OffsetPosition {
        self.slots.last().unwrap_or(OffsetPosition { offset: self.slots.base, position: 0 })
    }

    /// The entry in a slot below [`Self::len`]; for tools and checks.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn entry(&self, file: &dyn File, slot: usize) -> Result<OffsetPosition, IndexError> {
        self.slots.get(file, slot)
    }

    /// Adds an entry in memory; see [`Self::due`].
    ///
    /// # Errors
    /// When the index is full, or the offset does not follow or does not fit.
    pub fn append(&mut self, offset: Offset, position: u32) -> Result<(), AppendIndexError> {
        if self.is_full() {
            return Err(AppendIndexError::Full);
        }
        relative_offset(self.slots.base, offset)?;
        if let Some(last) = self.slots.last().filter(|last| offset <= last.offset) {
            return Err(AppendIndexError::OffsetOrder { offset, last: last.offset });
        }
        self.slots.push(OffsetPosition { offset, position });
        Ok(())
    }

    /// Whether enough entries wait for a write to be worth it.
    #[must_use]
    pub fn due(&self) -> bool {
        self.slots.due()
    }

    /// Whether any entry waits: a flush or a close has to write first.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.slots.has_pending()
    }

    /// Writes what waits, in one write; syncing is the owner's.
    ///
    /// # Errors
    /// When the disk fails; the entries still wait then.
    pub fn write_pending(&mut self, file: &dyn File) -> io::Result<()> {
        self.slots.write_pending(file)
    }

    /// The entry with the largest offset up to `target`, else the segment's beginning.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn lookup(&self, file: &dyn File, target: Offset) -> Result<OffsetPosition, IndexError> {
        let last = self.last();
        if last.offset <= target {
            return Ok(last);
        }
        match self.slots.count_up_to(file, target, |entry| entry.offset)?.checked_sub(1) {
            Some(slot) => self.slots.get(file, slot),
            None => Ok(OffsetPosition { offset: self.slots.base, position: 0 }),
        }
    }

    /// The entry with the largest position up to `target`, else the segment's beginning: where to
    /// look for the last batch that ends before a position.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn lookup_position(&self, file: &dyn File, target: u64) -> Result<OffsetPosition, IndexError> {
        let last = self.last();
        if u64::from(last.position) <= target {
            return Ok(last);
        }
        let target = i64::try_from(target).unwrap_or(i64::MAX);
        match self.slots.count_up_to(file, target, |entry| i64::from(entry.position))?.checked_sub(1) {
            Some(slot) => self.slots.get(file, slot),
            None => Ok(OffsetPosition { offset: self.slots.base, position: 0 }),
        }
    }

    /// The first entry at or after a position: its offset bounds what a read that ends there can
    /// hold (Kafka's `fetchUpperBoundOffset`). `None` when the read may reach past the last entry.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn upper_bound(&self, file: &dyn File, position: u64) -> Result<Option<OffsetPosition>, IndexError> {
        let before = i64::try_from(position).unwrap_or(i64::MAX).saturating_sub(1);
        let slot = self.slots.count_up_to(file, before, |entry| i64::from(entry.position))?;
        if slot == self.len() { Ok(None) } else { self.slots.get(file, slot).map(Some) }
    }

    /// Drops every entry at or above an offset, in memory and in the file.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn truncate_to(&mut self, file: &dyn File, offset: Offset) -> Result<(), IndexError> {
        let keep = self.slots.count_up_to(file, offset.saturating_sub(1), |entry| entry.offset)?;
        self.slots.truncate(file, keep)
    }

    /// Drops every entry, for a rebuild; also cuts a file that could not be loaded.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn reset(&mut self, file: &dyn File) -> io::Result<()> {
        file.set_len(0)?;
        self.slots = Slots::empty(self.slots.base);
        Ok(())
    }
}
