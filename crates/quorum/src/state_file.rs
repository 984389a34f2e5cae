//! `quorum-state`: one line, replaced as a whole and durably before anything is done in its epoch.

use std::path::{Path, PathBuf};

use ottla_env::disk::Disk;
use ottla_raft::{Election, Voters};
use ottla_storage::atomic_file;

use crate::error::OpenError;
use crate::limits::STATE_FILE_BYTES;

/// The file's name.
const NAME: &str = "quorum-state";

/// Where it lies in the metadata log's directory.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// Reads it; `None` when there is none.
pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<Election>, OpenError> {
    let path = path(dir);
    let content = atomic_file::read(disk, &path, STATE_FILE_BYTES)
        .map_err(|error| OpenError::Io { path: path.clone(), error })?;
    let Some(content) = content else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&content);
    Election::from_json(&text).map(Some).map_err(|error| OpenError::QuorumState { path, error })
}

/// Replaces it; when this returns, it survives the machine.
pub(crate) fn write(
    disk: &dyn Disk,
    dir: &Path,
    election: &Election,
    kraft_version: i16,
    voters: &Voters,
) -> Result<(), OpenError> {
    let path = path(dir);
    let json = election.to_json(kraft_version, voters);
    atomic_file::write(disk, &path, json.as_bytes()).map_err(|error| OpenError::Io { path, error })
}
