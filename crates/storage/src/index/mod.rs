//! The three indexes of a segment, byte for byte as Kafka writes them.
//!
//! An index here is a handful of numbers in memory (how many entries, the last one, the few not
//! written yet) beside a file that its owner opens when needed and passes in: no mapping, no
//! preallocation (Kafka takes any whole number of entries and enlarges the file itself), look-ups
//! by positioned reads of one page. Invariant: entries in the file are in order, and what is in
//! memory and what is in the file never overlap. Opening, renaming, syncing, deleting files and
//! deciding when an entry is due are left to the segment.
//!
//! Entries wait in memory until [`OffsetIndex::due`] (or a flush) and leave in one write. Losing
//! them in a crash loses nothing: an index at or above the recovery point is rebuilt.

mod offset;
mod slots;
mod time;
mod txn;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use ottla_model::{Millis, Offset};

pub use offset::{OffsetIndex, OffsetPosition};
pub use time::{TimeIndex, TimestampOffset};
pub use txn::{AbortedTxn, AbortedTxns, TxnIndex};

/// What is wrong with an index file; each case is mended by rebuilding it from its `.log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The length is no whole number of entries.
    Length {
        /// Bytes in the file.
        len: u64,
        /// Bytes of an entry.
        entry: usize,
    },
    /// The last entry lies below the segment's base offset.
    BelowBase {
        /// Offset of the last entry.
        last: Offset,
        /// The segment's base offset.
        base: Offset,
    },
    /// The last entry does not follow the first, as where an index preallocated with zeros was
    /// never trimmed.
    Order,
    /// An entry has a version that Kafka 4.4 does not write.
    Version,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { len, entry } => {
                write!(f, "{len} bytes are no whole number of {entry}-byte entries")
            }
            Self::BelowBase { last, base } => {
                write!(f, "the last entry has offset {last}, below the base offset {base}")
            }
            Self::Order => f.write_str("the last entry does not follow the first one"),
            Self::Version => f.write_str("an entry has an unknown version"),
        }
    }
}

/// Why an index could not be loaded or searched.
#[derive(Debug)]
pub enum IndexError {
    /// The disk failed.
    Io(io::Error),
    /// The file is not a sound index: rebuild it from the log.
    Damaged(Damage),
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "index cannot be read: {error}"),
            Self::Damaged(damage) => write!(f, "index is damaged and has to be rebuilt: {damage}"),
        }
    }
}

impl std::error::Error for IndexError {}

impl From<io::Error> for IndexError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Damage> for IndexError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// Why an entry is refused; nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendIndexError {
    /// `segment.index.bytes` are used up: the segment should have been rolled.
    Full,
    /// The offset does not fit into 31 bits above the base offset: the segment should have been rolled.
    Overflow {
        /// The refused offset.
        offset: Offset,
        /// The segment's base offset.
        base: Offset,
    },
    /// The offset does not follow the last entry's.
    OffsetOrder {
        /// The refused offset.
        offset: Offset,
        /// The last entry's.
        last: Offset,
    },
    /// The timestamp is before the last entry's.
    TimestampOrder {
        /// The refused timestamp.
        timestamp: Millis,
        /// The last entry's.
        last: Millis,
    },
}

impl fmt::Display for AppendIndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the index is full: the segment has to be rolled first"),
            Self::Overflow { offset, base } => {
                write!(
                    f,
                    "offset {offset} is out of reach of base offset {base}: the segment has to be rolled first"
                )
            }
            Self::OffsetOrder { offset, last } => {
                write!(f, "offset {offset} does not follow {last} in the index")
            }
            Self::TimestampOrder { timestamp, last } => {
                write!(f, "timestamp {timestamp} is before {last} in the time index")
            }
        }
    }
}

impl std::error::Error for AppendIndexError {}

/// `offset` as the 31-bit distance from `base` that `.index` and `.timeindex` hold.
///
/// # Errors
/// [`AppendIndexError::Overflow`] when it does not fit: a segment may not hold such an offset.
pub fn relative_offset(base: Offset, offset: Offset) -> Result<i32, AppendIndexError> {
    offset
        .checked_sub(base)
        .filter(|distance| *distance >= 0)
        .and_then(|distance| i32::try_from(distance).ok())
        .ok_or(AppendIndexError::Overflow { offset, base })
}
