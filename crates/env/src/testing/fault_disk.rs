//! A disk that fails where a test tells it to, in front of any other.
//!
//! It counts and records the calls that change something, so that a test can first run a workload,
//! then repeat it once for each change with the power going out there ([`FaultDisk::stop_after`]
//! here, then [`super::MemDisk::crash`] of the disk behind).

use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::{Disk, Entry, File, Lock, Metadata, Open, Space};

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the method of Disk or File of that name")]
pub enum Verb {
    Open,
    CreateDirAll,
    List,
    Metadata,
    Rename,
    RemoveFile,
    RemoveDirAll,
    SyncDir,
    Space,
    Lock,
    Read,
    Write,
    SetLen,
    Allocate,
    Sync,
}

impl Verb {
    fn changes(self) -> bool {
        match self {
            Self::Open
            | Self::CreateDirAll
            | Self::Rename
            | Self::RemoveFile
            | Self::RemoveDirAll
            | Self::SyncDir
            | Self::Write
            | Self::SetLen
            | Self::Sync => true,
            Self::List | Self::Metadata | Self::Space | Self::Lock | Self::Read | Self::Allocate => false,
        }
    }
}

/// A disk with planned faults. Clones share the plan.
#[derive(Clone)]
pub struct FaultDisk {
    inner: Arc<dyn Disk>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    faults: Vec<Fault>,
    /// Bytes that may still be written.
    room: Option<u64>,
    /// What [`Disk::space`] says is free.
    free: Option<u64>,
    /// Changes that still succeed.
    changes_left: Option<u64>,
    cold: bool,
    log: Vec<(Verb, PathBuf)>,
}

#[derive(Debug)]
struct Fault {
    verb: Verb,
    /// Part of the path; empty means any.
    path: String,
    /// Calls that pass before.
    after: u64,
    error: ErrorKind,
    forever: bool,
}

impl FaultDisk {
    /// A disk without faults.
    #[must_use]
    pub fn new(inner: Arc<dyn Disk>) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// The `nth` call of that kind from now on (1 is the next) fails, once.
    pub fn fail(&self, verb: Verb, nth: u64, error: ErrorKind) {
        self.plan_fault(verb, "", nth, error, false);
    }

    /// Every call of that kind on paths that contain `path` fails from now on.
    pub fn fail_always(&self, verb: Verb, path: &str, error: ErrorKind) {
        self.plan_fault(verb, path, 1, error, true);
    }

    fn plan_fault(&self, verb: Verb, path: &str, nth: u64, error: ErrorKind, forever: bool) {
        let path = path.to_owned();
        let after = nth.saturating_sub(1);
        self.plan.lock().faults.push(Fault { verb, path, after, error, forever });
    }

    /// All planned faults are taken back.
    pub fn heal(&self) {
        let mut plan = self.plan.lock();
        *plan = Plan { log: std::mem::take(&mut plan.log), ..Plan::default() };
    }

    /// After `bytes` more have been written the disk is full: what fits is written, then
    /// `StorageFull`.
    pub fn fill_after(&self, bytes: u64) {
        self.plan.lock().room = Some(bytes);
    }

    /// [`Disk::space`] says that this much is free.
    pub fn set_free(&self, bytes: u64) {
        self.plan.lock().free = Some(bytes);
    }

    /// After `changes` more calls that change something, every call fails: the power is gone.
    pub fn stop_after(&self, changes: u64) {
        self.plan.lock().changes_left = Some(changes);
    }

    /// With true, nothing is in memory: [`File::read_cached_at`] always would block.
    pub fn set_cold(&self, cold: bool) {
        self.plan.lock().cold = cold;
    }

    /// The calls so far that change something, failed ones included, with their paths.
    #[must_use]
    pub fn log(&self) -> Vec<(Verb, PathBuf)> {
        self.plan.lock().log.clone()
    }

    fn pass(&self, verb: Verb, path: &Path) -> io::Result<()> {
        self.plan.lock().pass(verb, path)
    }
}

impl Plan {
    fn pass(&mut self, verb: Verb, path: &Path) -> io::Result<()> {
        if verb.changes() {
            self.log.push((verb, path.to_owned()));
        }
        match &mut self.changes_left {
            Some(0) => return Err(io::Error::other("the power is gone")),
            Some(left) if verb.changes() => *left -= 1,
            _ => {}
        }
        let shown = path.to_string_lossy();
        let mut hit = None;
        for (index, fault) in self.faults.iter_mut().enumerate() {
            if fault.verb == verb && shown.contains(&fault.path) {
                if fault.after > 0 {
                    fault.after -= 1;
                } else {
                    hit = Some(index);
                    break;
                }
            }
        }
        let Some(index) = hit else { return Ok(()) };
        let error = self.faults[index].error;
        if !self.faults[index].forever {
            self.faults.remove(index);
        }
        Err(error.into())
    }
}

impl Disk for FaultDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        self.pass(Verb::Open, path)?;
        let inner = self.inner.open(path, how)?;
        Ok(Arc::new(FaultFile { inner, path: path.to_owned(), plan: Arc::clone(&self.plan) }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.pass(Verb::CreateDirAll, path)?;
        self.inner.create_dir_all(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.pass(Verb::List, dir)?;
        self.inner.list(dir)
    }

    fn metadata(&self, path: &Path) -> io::Result<Option<Metadata>> {
        self.pass(Verb::Metadata, path)?;
        self.inner.metadata(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass(Verb::Rename, from)?;
        self.inner.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.pass(Verb::RemoveFile, path)?;
        self.inner.remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.pass(Verb::RemoveDirAll, path)?;
        self.inner.remove_dir_all(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.pass(Verb::SyncDir, dir)?;
        self.inner.sync_dir(dir)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        self.pass(Verb::Space, path)?;
        let space = self.inner.space(path)?;
        Ok(Space { free: self.plan.lock().free.unwrap_or(space.free), ..space })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        self.pass(Verb::Lock, path)?;
        self.inner.lock(path)
    }
}

#[derive(Debug)]
struct FaultFile {
    inner: Arc<dyn File>,
    path: PathBuf,
    plan: Arc<Mutex<Plan>>,
}

impl FaultFile {
    fn pass(&self, verb: Verb) -> io::Result<()> {
        self.plan.lock().pass(verb, &self.path)
    }

    /// Bytes of `len` that the disk still has room for; they are taken.
    fn take_room(&self, len: u64) -> u64 {
        match &mut self.plan.lock().room {
            Some(room) => {
                let taken = len.min(*room);
                *room -= taken;
                taken
            }
            None => len,
        }
    }
}

impl File for FaultFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.pass(Verb::Read)?;
        self.inner.read_at(buffer, position)
    }

    fn read_cached_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        if self.plan.lock().cold {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.pass(Verb::Read)?;
        self.inner.read_cached_at(buffer, position)
    }

    fn write_at(&self, slices: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        self.pass(Verb::Write)?;
        let len: u64 = slices.iter().map(|slice| slice.len() as u64).sum();
        let fits = self.take_room(len);
        if fits == len {
            return self.inner.write_at(slices, position);
        }
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let part = &bytes[..usize::try_from(fits).unwrap()];
        self.inner.write_at(&mut [IoSlice::new(part)], position)?;
        Err(ErrorKind::StorageFull.into())
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.pass(Verb::SetLen)?;
        self.inner.set_len(len)
    }

    fn allocate(&self, position: u64, len: u64) -> io::Result<()> {
        self.pass(Verb::Allocate)?;
        self.inner.allocate(position, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.pass(Verb::Sync)?;
        self.inner.sync()
    }

    fn will_need(&self, position: u64, len: u64) {
        self.inner.will_need(position, len);
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.inner.fd()
    }
}
