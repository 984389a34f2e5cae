//! Small files that are read whole and replaced whole.
//!
//! Invariant: under the name there is always one complete version. A new one is written beside it
//! (`NAME.tmp`, as Kafka does), synced, renamed over it, and the directory is synced; when
//! [`write()`] has returned, the new one survives the machine.

use std::fmt;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use ottla_env::disk::{Disk, Open, read_exact_at};

/// Replaces a file.
///
/// # Errors
/// When the disk fails; the old version is under the name then, or, when the directory could not
/// be synced, either one.
pub fn write(disk: &dyn Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    // What a crash left under this name is overwritten.
    let file = disk.open(&temporary, Open::Create)?;
    file.set_len(0)?;
    file.write_at(&mut [IoSlice::new(content)], 0)?;
    file.sync()?;
    drop(file);
    disk.rename(&temporary, path)?;
    match path.parent() {
        Some(directory) => disk.sync_dir(directory),
        None => Ok(()),
    }
}

/// Reads a file of at most `limit` bytes; `None` when there is none.
///
/// # Errors
/// When the disk fails, or the file is larger, which says that it is not what its name says.
pub fn read(disk: &dyn Disk, path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    if disk.metadata(path)?.is_none() {
        return Ok(None);
    }
    let file = disk.open(path, Open::Read)?;
    let len = file.len()?;
    let bytes = usize::try_from(len).ok().filter(|_| len <= limit);
    let Some(bytes) = bytes else {
        let problem = format!("{} has {len} bytes, more than the {limit} it may have", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    };
    let mut content = vec![0; bytes];
    read_exact_at(&*file, &mut content, 0)?;
    Ok(Some(content))
}

/// Removes a file, durably; no error when there is none.
///
/// # Errors
/// When the disk fails.
pub fn remove(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    if disk.metadata(path)?.is_none() {
        return Ok(());
    }
    disk.remove_file(path)?;
    match path.parent() {
        Some(directory) => disk.sync_dir(directory),
        None => Ok(()),
    }
}

/// A line that does not say what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl Malformed {
    pub(crate) fn new(line: usize, problem: impl Into<String>) -> Self {
        Self { line, problem: problem.into() }
    }
}

/// Why a small file could not be read; its text names the file and the line.
#[derive(Debug)]
pub enum ReadFileError {
    /// The disk failed, or the file is out of bounds.
    Io {
        /// The file.
        path: PathBuf,
        /// What the disk says.
        error: io::Error,
    },
    /// The content is not what it should be.
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what.
        malformed: Malformed,
    },
}

impl fmt::Display for ReadFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{} cannot be read: {error}", path.display()),
            Self::Malformed { path, malformed: Malformed { line, problem } } => {
                write!(f, "{} line {line}: {problem}", path.display())
            }
        }
    }
}

impl std::error::Error for ReadFileError {}

/// Reads a text file and hands it to a parser; `None` when there is none.
pub(crate) fn read_text<T>(
    disk: &dyn Disk,
    path: &Path,
    limit: u64,
    parse: impl FnOnce(&str) -> Result<T, Malformed>,
) -> Result<Option<T>, ReadFileError> {
    let content = match read(disk, path, limit) {
        Ok(Some(content)) => content,
        Ok(None) => return Ok(None),
        Err(error) => return Err(ReadFileError::Io { path: path.to_owned(), error }),
    };
    let parsed = match std::str::from_utf8(&content) {
        Ok(text) => parse(text),
        Err(error) => {
            let before = content.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            Err(Malformed::new(line, "not UTF-8"))
        }
    };
    parsed.map(Some).map_err(|malformed| ReadFileError::Malformed { path: path.to_owned(), malformed })
}

#[cfg(test)]
mod tests;
