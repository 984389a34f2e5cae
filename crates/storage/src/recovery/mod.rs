//! What is found in a partition's directory at start, and what is done with it: a table of cases.
//!
//! | case | found | done |
//! |---|---|---|
//! | `Deleted` | `.deleted` of a segment file | removed: its time was up |
//! | `Unfinished` | `.cleaned`; `.swap` at or above the first `.cleaned` | removed: the originals stand |
//! | `Swapped` | other `.swap` | replaces the files of its range, then gets its name |
//! | `Orphan` | an index without its `.log` | removed |
//! | `Foreign` | a file whose name nothing here has | left, reported |
//! | `NotAFile` | a link, device or directory under a segment's name | the partition is refused |
//! | `Torn` | unclean start: bytes after the last sound batch | cut off |
//! | `Hole` | unclean start: offsets missing between two segments (not when compacted) | the log ends there |
//! | `SetAside` | unclean start: segments after a cut or a hole | moved to `ottla/`, for the operator |
//! | `BelowStart` | the log ends below its start offset | begun anew at the start |
//! | `EpochsLost` | `leader-epoch-checkpoint` damaged | found again in the batch headers |
//! | `TxnIndexRebuilt` | `.txnindex` damaged | rebuilt from the batches |
//!
//! A missing or damaged `.index` or `.timeindex` is rebuilt where it is first used (`segment`); a
//! damaged `.snapshot` is passed over for the one before (`producer_state`). Doing it twice is
//! doing it once: each step leaves a directory of which the next start makes the same log.

mod check;
mod sweep;

use std::fmt;
use std::io;
use std::path::PathBuf;

use ottla_model::Offset;

pub(crate) use check::{Checker, replay, take_in};
pub(crate) use sweep::{Found, sweep};

/// One thing that was found and done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A file of a deleted segment was removed.
    Deleted(String),
    /// A file of an unfinished cleaning was removed.
    Unfinished(String),
    /// A finished cleaning was completed.
    Swapped(String),
    /// An index without a segment was removed.
    Orphan(String),
    /// A name that is none of ours stays where it is.
    Foreign(String),
    /// Bytes after the last sound batch were cut off.
    Torn {
        /// The segment.
        base_offset: Offset,
        /// Where it ends.
        valid_bytes: u64,
        /// How much is gone.
        lost_bytes: u64,
        /// What stood there.
        why: String,
    },
    /// A segment ends before the next one begins.
    Hole {
        /// Where it ends, and the log now with it.
        end_offset: Offset,
        /// Where the next one begins.
        next_base: Offset,
    },
    /// A segment after a cut or a hole was moved to `ottla/`.
    SetAside {
        /// The segment.
        base_offset: Offset,
        /// Its size.
        bytes: u64,
    },
    /// The log ended below its start offset and was begun anew.
    BelowStart {
        /// Where it ended.
        end_offset: Offset,
        /// Where it begins.
        start_offset: Offset,
    },
    /// The leader epochs were read from the batches, because the checkpoint was damaged.
    EpochsLost(String),
    /// A transaction index was damaged and rebuilt.
    TxnIndexRebuilt(Offset),
    /// Segments were read batch by batch.
    Checked {
        /// How many.
        segments: usize,
        /// Their bytes.
        bytes: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted(name) => write!(f, "{name}: removed, its segment was deleted before"),
            Self::Unfinished(name) => write!(f, "{name}: removed, the cleaning around it did not finish"),
            Self::Swapped(name) => write!(f, "{name}: renamed, the cleaning that wrote it had finished"),
            Self::Orphan(name) => write!(f, "{name}: removed, there is no segment to it"),
            Self::Foreign(name) => write!(f, "{name}: not a file of a log, left alone"),
            Self::Torn { base_offset, valid_bytes, lost_bytes, why } => write!(
                f,
                "segment {base_offset}: {lost_bytes} bytes after byte {valid_bytes} were cut off: {why}"
            ),
            Self::Hole { end_offset, next_base } => {
                write!(f, "offsets {end_offset} to {next_base} never reached the disk: the log ends there")
            }
            Self::SetAside { base_offset, bytes } => {
                write!(
                    f,
                    "segment {base_offset} ({bytes} bytes): moved to ottla/, what comes before it is incomplete"
                )
            }
            Self::BelowStart { end_offset, start_offset } => {
                write!(f, "the log ended at {end_offset}, below its start {start_offset}: begun anew there")
            }
            Self::EpochsLost(why) => write!(f, "leader epochs were read from the batches again: {why}"),
            Self::TxnIndexRebuilt(base_offset) => {
                write!(f, "segment {base_offset}: transaction index rebuilt")
            }
            Self::Checked { segments, bytes } => {
                write!(f, "{segments} segments ({bytes} bytes) were checked")
            }
        }
    }
}

/// Why a partition's directory cannot be opened.
#[derive(Debug)]
pub enum RecoveryError {
    /// The disk failed.
    Io(io::Error),
    /// A link, device or directory stands where a segment's file should be.
    NotAFile(PathBuf),
}

impl fmt::Display for RecoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::NotAFile(path) => {
                write!(f, "{} is not a regular file: move it away, links are not followed", path.display())
            }
        }
    }
}

impl std::error::Error for RecoveryError {}

impl From<io::Error> for RecoveryError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
