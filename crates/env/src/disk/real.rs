//! The machine's file systems.
//!
//! Descriptors are closed on exec and the last part of a path is never a link that is followed.
//! A POSIX lock belongs to the process and goes when *any* descriptor of its file is closed, so a
//! file that is locked here is not opened a second time: [`HELD`] knows them.

use std::ffi::OsString;
use std::fs::{DirBuilder, FileType};
use std::io::{self, IoSlice, IoSliceMut};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rustix::fs::{Advice, FallocateFlags, FlockOperation, Mode, OFlags, Stat};
use rustix::io::{Errno, ReadWriteFlags, retry_on_intr};

use super::{Disk, Entry, File, Kind, Lock, Metadata, Open, Space};
use crate::clock::millis_of;

/// Slices that one `pwritev` takes (`IOV_MAX` of Linux).
const SLICES_PER_WRITE: usize = 1024;

/// Mode of new files; the process's umask takes bits away.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// The files this process has locked.
static HELD: Mutex<Vec<Held>> = Mutex::new(Vec::new());

#[derive(PartialEq, Eq)]
struct Held {
    name: OsString,
    device: u64,
    inode: u64,
}

impl Held {
    fn of(path: &Path, stat: &Stat) -> Self {
        let name = path.file_name().unwrap_or_default().to_owned();
        Self { name, device: stat.st_dev, inode: stat.st_ino }
    }
}

/// The real disk. It holds nothing; copies are the same disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        // Opening and closing a locked file would release its lock: refuse by name and inode.
        if is_held(&HELD.lock(), path) {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "the file is locked by this process"));
        }
        let file = open_regular(path, flags(how))?;
        Ok(Arc::new(RealFile { file, probes: AtomicBool::new(true) }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o755).create(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push(Entry { name, kind: kind_of(entry.file_type()?) });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn metadata(&self, path: &Path) -> io::Result<Option<Metadata>> {
        match std::fs::symlink_metadata(path) {
            Ok(found) => Ok(Some(Metadata {
                kind: kind_of(found.file_type()),
                len: found.len(),
                modified: millis_of(found.modified()?),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = retry_on_intr(|| rustix::fs::open(dir, flags, Mode::empty()))?;
        Ok(retry_on_intr(|| rustix::fs::fsync(&dir))?)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let stat = retry_on_intr(|| rustix::fs::statvfs(path))?;
        Ok(Space {
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let mut held = HELD.lock();
        if is_held(&held, path) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let file = open_regular(path, flags(Open::Create))?;
        match retry_on_intr(|| rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => {}
            // POSIX allows either for a lock that another process holds.
            Err(Errno::AGAIN | Errno::ACCESS) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => return Err(error.into()),
        }
        let stat = rustix::fs::fstat(&file)?;
        held.push(Held::of(path, &stat));
        Ok(Box::new(RealLock { file: Some(file), held: Held::of(path, &stat) }))
    }
}

fn flags(how: Open) -> OFlags {
    match how {
        Open::Read => OFlags::RDONLY,
        Open::Write => OFlags::RDWR,
        Open::Create => OFlags::RDWR | OFlags::CREATE,
        Open::CreateNew => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
    }
}

/// Opens without waiting (a pipe under the name must not hang us) and refuses what is no file.
fn open_regular(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = retry_on_intr(|| rustix::fs::open(path, flags, FILE_MODE))?;
    let stat = rustix::fs::fstat(&file)?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
    }
}

fn is_held(held: &[Held], path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    held.iter().any(|one| one.name == name)
        && rustix::fs::lstat(path).is_ok_and(|stat| held.contains(&Held::of(path, &stat)))
}

fn kind_of(kind: FileType) -> Kind {
    if kind.is_file() {
        Kind::File
    } else if kind.is_dir() {
        Kind::Dir
    } else {
        Kind::Other
    }
}

struct RealLock {
    /// `Some` until dropped.
    file: Option<OwnedFd>,
    held: Held,
}

impl Lock for RealLock {}

impl Drop for RealLock {
    fn drop(&mut self) {
        let mut held = HELD.lock();
        // Closing releases the lock; only then may the file be opened again.
        drop(self.file.take());
        held.retain(|one| *one != self.held);
    }
}

#[derive(Debug)]
struct RealFile {
    file: OwnedFd,
    /// Whether the file system knows `RWF_NOWAIT`; true until it says no.
    probes: AtomicBool,
}

impl RealFile {
    fn read_loop(
        buffer: &mut [u8],
        position: u64,
        read: impl Fn(&mut [u8], u64) -> Result<usize, Errno>,
    ) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match read(rest, position.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }
}

impl File for RealFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        Self::read_loop(buffer, position, |rest, at| rustix::io::pread(&self.file, rest, at))
    }

    fn read_cached_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        if self.probes.load(Ordering::Relaxed) {
            let read = Self::read_loop(buffer, position, |rest, at| {
                let mut slices = [IoSliceMut::new(rest)];
                rustix::io::preadv2(&self.file, &mut slices, at, ReadWriteFlags::NOWAIT)
            });
            match read {
                Err(error) if is_unsupported(&error) => self.probes.store(false, Ordering::Relaxed),
                known => return known,
            }
        }
        self.read_at(buffer, position)
    }

    fn write_at(&self, slices: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        let mut rest = slices;
        let mut at = position;
        // Empty slices at the front would make a complete write look like none.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let count = rest.len().min(SLICES_PER_WRITE);
            let now = rest.get(..count).unwrap_or_default();
            match rustix::io::pwritev(&self.file, now, at) {
                Ok(0) if now.iter().any(|slice| !slice.is_empty()) => {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                Ok(0) => rest = rest.get_mut(count..).unwrap_or_default(),
                Ok(written) => {
                    at = at.saturating_add(written as u64);
                    IoSlice::advance_slices(&mut rest, written);
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let size = rustix::fs::fstat(&self.file)?.st_size;
        u64::try_from(size).map_err(|_| io::Error::other("the file system says a negative length"))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Ok(retry_on_intr(|| rustix::fs::ftruncate(&self.file, len))?)
    }

    fn allocate(&self, position: u64, len: u64) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        match retry_on_intr(|| rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, position, len)) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// `fdatasync`: it leaves out times, never a changed length.
    fn sync(&self) -> io::Result<()> {
        Ok(retry_on_intr(|| rustix::fs::fdatasync(&self.file))?)
    }

    fn will_need(&self, position: u64, len: u64) {
        if let Some(len) = NonZeroU64::new(len) {
            // A hint: a file system that does not take it reads later.
            let _ = rustix::fs::fadvise(&self.file, position, Some(len), Advice::WillNeed);
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL].iter().any(|known| code == Some(known.raw_os_error()))
}
