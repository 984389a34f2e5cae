//! `.timeindex`: from a timestamp to an offset (Kafka `TimeIndex`).
//!
//! Entry, 12 bytes: i64 largest timestamp so far in the segment, i32 offset minus base offset of
//! the last record of the batch that has it. Timestamps grow strictly, offsets never fall. An
//! entry says: what is later than this timestamp has a larger offset than this. One slot is kept
//! free for the final entry that is added when the segment is rolled or closed.

use std::io;

use ottla_env::disk::File;
use ottla_model::{Millis, Offset};

use super::slots::{Entry, Slots};
use super::{AppendIndexError, Damage, IndexError, relative_offset};

/// No timestamp (Kafka's `NO_TIMESTAMP`).
const NO_TIMESTAMP: Millis = -1;

/// A timestamp and the offset of the batch that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// Largest timestamp up to that batch; −1 for none.
    pub timestamp: Millis,
    /// Last offset of the batch.
    pub offset: Offset,
}

impl Entry for TimestampOffset {
    const SIZE: usize = 12;

    fn read(bytes: &[u8], base: Offset) -> Result<Self, Damage> {
        let (timestamp, relative) = bytes.split_first_chunk().ok_or(Damage::Version)?;
        let relative = relative.first_chunk().ok_or(Damage::Version)?;
        let offset = base.saturating_add(i64::from(i32::from_be_bytes(*relative)));
        Ok(Self { timestamp: i64::from_be_bytes(*timestamp), offset })
    }

    fn write(&self, base: Offset, bytes: &mut Vec<u8>) {
        // `append` let nothing in that does not fit.
        let relative = relative_offset(base, self.offset).unwrap_or_default();
        bytes.extend_from_slice(&self.timestamp.to_be_bytes());
        bytes.extend_from_slice(&relative.to_be_bytes());
    }
}

/// The time index of one segment. Every `file` is the segment's `.timeindex`.
#[derive(Clone, Debug)]
pub struct TimeIndex {
    slots: Slots<TimestampOffset>,
    max_entries: usize,
}

impl TimeIndex {
    /// The index of a segment that has none yet; `max_bytes` is `segment.index.bytes`.
    #[must_use]
    pub fn empty(base: Offset, max_bytes: u32) -> Self {
        Self { slots: Slots::empty(base), max_entries: max_bytes as usize / TimestampOffset::SIZE }
    }

    /// The index that a file holds, after the checks that need its first and last entry.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when it has to be rebuilt.
    pub fn load(file: &dyn File, base: Offset, max_bytes: u32) -> Result<Self, IndexError> {
        let slots = Slots::<TimestampOffset>::load(file, base)?;
        if let Some(last) = slots.last() {
            if last.offset < base {
                return Err(Damage::BelowBase { last: last.offset, base }.into());
            }
            if slots.len() > 1 && last.timestamp <= slots.get(file, 0)?.timestamp {
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

    /// Whether only the slot of the final entry is left: a reason to roll.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len().saturating_add(1) >= self.max_entries
    }

    /// The newest entry; of an empty index timestamp −1 at the base offset.
    #[must_use]
    pub fn last(&self) -> TimestampOffset {
        self.slots.last().unwrap_or(TimestampOffset { timestamp: NO_TIMESTAMP, offset: self.slots.base })
    }

    /// The entry in a slot below [`Self::len`]; for tools and checks.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn entry(&self, file: &dyn File, slot: usize) -> Result<TimestampOffset, IndexError> {
        self.slots.get(file, slot)
    }

    /// Adds an entry in memory when its timestamp is later than the last one; otherwise it says
    /// nothing new and is passed over. See [`Self::due`].
    ///
    /// # Errors
    /// When the index is full, or the entry contradicts the last one or does not fit.
    pub fn append(&mut self, timestamp: Millis, offset: Offset) -> Result<(), AppendIndexError> {
        if self.is_full() {
            return Err(AppendIndexError::Full);
        }
        self.append_final(timestamp, offset)
    }

    /// As [`Self::append`], into the slot kept free: for the roll or close of the segment.
    ///
    /// # Errors
    /// When the entry contradicts the last one or does not fit.
    pub fn append_final(&mut self, timestamp: Millis, offset: Offset) -> Result<(), AppendIndexError> {
        if let Some(last) = self.slots.last() {
            if offset < last.offset {
                return Err(AppendIndexError::OffsetOrder { offset, last: last.offset });
            }
            if timestamp < last.timestamp {
                return Err(AppendIndexError::TimestampOrder { timestamp, last: last.timestamp });
            }
        }
        if timestamp > self.last().timestamp {
            relative_offset(self.slots.base, offset)?;
            self.slots.push(TimestampOffset { timestamp, offset });
        }
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

    /// The entry with the largest timestamp up to `target`, else −1 at the base offset. A search
    /// for the first record at or after `target` may begin at that offset.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn lookup(&self, file: &dyn File, target: Millis) -> Result<TimestampOffset, IndexError> {
        let last = self.last();
        if last.timestamp <= target {
            return Ok(last);
        }
        match self.slots.count_up_to(file, target, |entry| entry.timestamp)?.checked_sub(1) {
            Some(slot) => self.slots.get(file, slot),
            None => Ok(TimestampOffset { timestamp: NO_TIMESTAMP, offset: self.slots.base }),
        }
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
