//! What can go wrong in the quorum; each text names the file and, where there is one, the remedy.

use std::fmt;
use std::io;
use std::path::PathBuf;

use ottla_metadata::ReplayError;
use ottla_metadata::batch::{self, WriteError};
use ottla_metadata::bootstrap::ActivationError;
use ottla_metadata::checkpoint::{CheckpointError, SnapshotId};
use ottla_model::Offset;
use ottla_raft::{BadQuorumState, Refused};
use ottla_storage::atomic_file::ReadFileError;
use ottla_storage::log;

/// The metadata log cannot be taken over.
#[derive(Debug)]
pub enum OpenError {
    /// The disk failed.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A small file is not what it should be.
    File(ReadFileError),
    /// The log cannot be opened.
    Log(log::OpenError),
    /// The log cannot be read.
    Read(log::ReadError),
    /// A batch of the log is damaged.
    Damaged {
        /// The log's directory.
        dir: PathBuf,
        /// Where.
        offset: Offset,
        /// How.
        problem: String,
    },
    /// `quorum-state` is not what it should be.
    QuorumState {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: BadQuorumState,
    },
    /// A checkpoint is damaged.
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: CheckpointError,
    },
    /// The log begins behind its start and no snapshot says what came before.
    NoSnapshot {
        /// The log's directory.
        dir: PathBuf,
        /// Where the log begins.
        start: Offset,
        /// The newest snapshot there is.
        latest: Option<SnapshotId>,
    },
    /// A record of the log is malformed or unknown.
    Record(batch::ReadError),
    /// A record does not fit what came before.
    Replay {
        /// Where: an offset of the log, or a file.
        place: String,
        /// How.
        error: ReplayError,
    },
    /// This node may not vote alone.
    Refused(Refused),
    /// The log cannot be activated.
    Activation(ActivationError),
    /// The first batches of this start cannot be appended.
    Propose(ProposeError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::File(error) => error.fmt(f),
            Self::Log(error) => error.fmt(f),
            Self::Read(error) => write!(f, "the metadata log cannot be read: {error}"),
            Self::Damaged { dir, offset, problem } => write!(
                f,
                "the metadata log in {} is damaged at offset {offset}: {problem}; restore the directory from a copy",
                dir.display()
            ),
            Self::QuorumState { path, error } => write!(
                f,
                "{} cannot be used: {error}; as the only voter this node can do without it: move the file away",
                path.display()
            ),
            Self::Checkpoint { path, error } => {
                write!(f, "{} cannot be used: {error}; restore it from a copy", path.display())
            }
            Self::NoSnapshot { dir, start, latest } => {
                write!(f, "the metadata log in {} begins at offset {start}, and ", dir.display())?;
                match latest {
                    Some(id) => write!(f, "its newest snapshot {} ends before that", id.file_name())?,
                    None => f.write_str("there is no snapshot of what came before")?,
                }
                f.write_str("; restore the missing file from a copy")
            }
            Self::Record(error) => {
                write!(f, "the metadata log cannot be understood: {error}; use a newer release")
            }
            Self::Replay { place, error } => write!(f, "metadata at {place}: {error}"),
            Self::Refused(error) => error.fmt(f),
            Self::Activation(error) => error.fmt(f),
            Self::Propose(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<batch::ReadError> for OpenError {
    fn from(error: batch::ReadError) -> Self {
        Self::Record(error)
    }
}

impl From<ProposeError> for OpenError {
    fn from(error: ProposeError) -> Self {
        Self::Propose(error)
    }
}

/// A decision was not appended; nothing has changed.
#[derive(Debug)]
pub enum ProposeError {
    /// A record contradicts the image: a bug of who decided.
    Invalid(ReplayError),
    /// The records cannot be encoded as one batch.
    Encode(WriteError),
    /// The log refuses. After an error of the disk the node has to stop; a full disk can be waited for.
    Append(log::AppendError),
}

impl ProposeError {
    /// Whether the metadata log is lost to this process, which then has to stop.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::Append(log::AppendError::Storage(_) | log::AppendError::Offline))
    }
}

impl fmt::Display for ProposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => write!(f, "the decision contradicts the metadata: {error}"),
            Self::Encode(error) => error.fmt(f),
            Self::Append(error) => write!(f, "the metadata log takes no more: {error}"),
        }
    }
}

impl std::error::Error for ProposeError {}
