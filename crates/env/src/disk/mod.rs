//! The disk: few verbs, all of them synchronous, none of them hidden.
//!
//! What is written is in the page cache and survives the process; only what is synced survives
//! the machine: a file's bytes by [`File::sync`], a name (created, renamed, removed) by
//! [`Disk::sync_dir`] of the directory that holds it. Symbolic links are never followed out of
//! the path given. A failed sync is final: the caller stops trusting the file, it never retries.

mod real;

pub use real::RealDisk;

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

use ottla_model::Millis;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It must exist; reads only.
    Read,
    /// It must exist; reads and writes.
    Write,
    /// It is made when absent; reads and writes.
    Create,
    /// It must not exist; reads and writes.
    CreateNew,
}

/// What a name in a directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A link, device, socket or pipe: nothing of ours.
    Other,
}

/// What is known of a name without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file.
    pub len: u64,
    /// Last change of its content, wall clock.
    pub modified: Millis,
}

/// A name in a directory. Names that are not UTF-8 are listed with U+FFFD and cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, without its directory.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// Room on the file system of a path, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// In all.
    pub total: u64,
    /// Free for this process.
    pub free: u64,
}

/// A file system, seen through the verbs that a log needs.
pub trait Disk: Send + Sync + 'static {
    /// Opens a regular file; anything else under the name is an error.
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>>;
    /// Makes a directory and those above it; no error when it is there.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;
    /// What a name stands for, `None` when there is nothing.
    fn metadata(&self, path: &Path) -> io::Result<Option<Metadata>>;
    /// Renames a file or directory, replacing a file of the new name at once.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; an error when it is absent.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory with all that is in it.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Room on the file system that holds the path.
    fn space(&self, path: &Path) -> io::Result<Space>;
    /// Takes a POSIX (fcntl) write lock on a file, made when absent, for as long as the answer
    /// lives; `WouldBlock` when another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>>;
}

/// A held lock; released when dropped.
pub trait Lock: Send + Sync {}

#[allow(clippy::len_without_is_empty, reason = "asking the length can fail and costs a call")]
/// An open file. Every method takes its position: handles are shared and have none.
pub trait File: Send + Sync + std::fmt::Debug {
    /// Reads up to `buffer.len()` bytes at `position`; fewer only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;
    /// As `read_at`, only from memory: `WouldBlock` when the bytes would have to be waited for.
    fn read_cached_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;
    /// Writes all the slices, one after the other, from `position` on.
    fn write_at(&self, slices: &mut [IoSlice<'_>], position: u64) -> io::Result<()>;
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;
    /// Cuts the file to, or fills it with zeros up to, `len` bytes.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Reserves blocks for `position..position + len` without changing the length; a disk that
    /// cannot reserve answers `Ok`.
    fn allocate(&self, position: u64, len: u64) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync(&self) -> io::Result<()>;
    /// Asks for `position..position + len` to be read ahead; never an error.
    fn will_need(&self, position: u64, len: u64);
    /// The descriptor, for `sendfile`; `None` when the file has none (memory).
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

/// Reads exactly `buffer.len()` bytes; `UnexpectedEof` when the file ends before.
pub fn read_exact_at(file: &dyn File, buffer: &mut [u8], position: u64) -> io::Result<()> {
    let read = file.read_at(buffer, position)?;
    if read == buffer.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// A stretch of an open file: what a fetch answers instead of bytes. Holding it keeps the file.
#[derive(Clone, Debug)]
pub struct FileRegion {
    /// The file.
    pub file: Arc<dyn File>,
    /// Where the stretch begins.
    pub position: u64,
    /// Its length in bytes.
    pub len: u64,
}
