//! A disk in memory that knows what a loss of power may leave.
//!
//! Each file is what was last synced plus the changes since; each directory likewise. While the
//! machine lives, readers see everything. [`MemDisk::kill`] is the death of the process: all that
//! was written stays. [`MemDisk::crash`] is the death of the machine: of what was not synced, each
//! change is kept, lost or torn, drawn from a seed. Both answer a *new* disk; handles of the old
//! one live on and change nothing in the new, as after a real restart.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::{Component, Path};
use std::sync::Arc;

use ottla_model::Millis;
use parking_lot::Mutex;

use super::Sequence;
use crate::disk::{Disk, Entry, File, Kind, Lock, Metadata, Open, Space};

/// What power loss tears a write into.
const SECTOR: usize = 512;

/// What may reach the disk in any order.
const PAGE: usize = 4096;

type Id = u64;

const ROOT: Id = 0;

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug)]
struct State {
    nodes: BTreeMap<Id, Node>,
    next: Id,
    /// What is written gets this time of change.
    wall: Millis,
    total: u64,
    locked: BTreeSet<Id>,
}

#[derive(Clone, Debug)]
enum Node {
    File(Content),
    Dir(Names),
}

#[derive(Clone, Debug, Default)]
struct Content {
    /// What everybody sees.
    bytes: Vec<u8>,
    /// What was synced last.
    durable: Vec<u8>,
    /// `durable` with these is `bytes`.
    pending: Vec<Change>,
    modified: Millis,
}

#[derive(Clone, Debug)]
enum Change {
    Write { position: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Debug, Default)]
struct Names {
    /// What everybody sees.
    names: BTreeMap<String, Id>,
    /// What was synced last.
    durable: BTreeMap<String, Id>,
    /// `durable` with these is `names`. One entry is what one call did in this directory.
    pending: Vec<Vec<(String, Option<Id>)>>,
}

impl Default for MemDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl MemDisk {
    /// An empty disk of 1 TiB.
    #[must_use]
    pub fn new() -> Self {
        let root = Node::Dir(Names::default());
        let state = State {
            nodes: BTreeMap::from([(ROOT, root)]),
            next: ROOT + 1,
            wall: 0,
            total: 1 << 40,
            locked: BTreeSet::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Files changed from now on carry this time.
    pub fn set_wall(&self, wall: Millis) {
        self.state.lock().wall = wall;
    }

    /// The disk as the next process finds it when this one is killed.
    #[must_use]
    pub fn kill(&self) -> Self {
        let mut state = self.state.lock().clone();
        state.locked.clear();
        state.forget_unreachable();
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The disk as the next process finds it after a loss of power: one of the legal outcomes,
    /// drawn from the seed.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        let mut state = self.state.lock().clone();
        let mut luck = Sequence::new(seed);
        for node in state.nodes.values_mut() {
            match node {
                Node::File(content) => content.crash(&mut luck),
                Node::Dir(names) => names.crash(&mut luck),
            }
        }
        state.locked.clear();
        state.forget_unreachable();
        Self { state: Arc::new(Mutex::new(state)) }
    }
}

impl Content {
    fn write(&mut self, position: usize, slices: &[IoSlice<'_>]) {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        if bytes.is_empty() {
            return;
        }
        write_into(&mut self.bytes, position, &bytes);
        self.pending.push(Change::Write { position, bytes });
    }

    fn set_len(&mut self, len: usize) {
        self.bytes.resize(len, 0);
        self.pending.push(Change::Length(len));
    }

    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// Half of the time changes survive up to some point, the last one torn at a sector; else any
    /// set of pages survives, which leaves zeros where a later page made the file longer.
    fn crash(&mut self, luck: &mut Sequence) {
        let pending = std::mem::take(&mut self.pending);
        if luck.one_in(2) {
            let kept = luck.below(pending.len() as u64 + 1);
            for (index, change) in (0..).zip(pending) {
                if index < kept {
                    change.apply(&mut self.durable);
                } else if index == kept {
                    change.torn(luck).apply(&mut self.durable);
                }
            }
        } else {
            for change in pending {
                change.some_pages(luck, &mut self.durable);
            }
        }
        self.bytes.clone_from(&self.durable);
    }
}

impl Change {
    fn apply(self, file: &mut Vec<u8>) {
        match self {
            Self::Write { position, bytes } => write_into(file, position, &bytes),
            Self::Length(len) => file.resize(len, 0),
        }
    }

    fn torn(self, luck: &mut Sequence) -> Self {
        match self {
            Self::Write { position, mut bytes } => {
                let sectors = luck.below((bytes.len() / SECTOR) as u64 + 1);
                bytes.truncate(usize::try_from(sectors).unwrap() * SECTOR);
                Self::Write { position, bytes }
            }
            Self::Length(len) => Self::Length(len),
        }
    }

    fn some_pages(self, luck: &mut Sequence, file: &mut Vec<u8>) {
        match self {
            Self::Write { position, bytes } => {
                let mut done = 0;
                while done < bytes.len() {
                    let page = (PAGE - (position + done) % PAGE).min(bytes.len() - done);
                    if luck.one_in(2) {
                        write_into(file, position + done, &bytes[done..done + page]);
                    }
                    done += page;
                }
            }
            Self::Length(len) => {
                if luck.one_in(2) {
                    file.resize(len, 0);
                }
            }
        }
    }
}

fn write_into(file: &mut Vec<u8>, position: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let end = position + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[position..end].copy_from_slice(bytes);
}

impl Names {
    fn set(&mut self, changes: Vec<(String, Option<Id>)>) {
        apply_names(&mut self.names, &changes);
        self.pending.push(changes);
    }

    fn sync(&mut self) {
        for changes in self.pending.drain(..) {
            apply_names(&mut self.durable, &changes);
        }
    }

    /// Each unsynced call is kept or lost: in order up to some point (a journal), or each for
    /// itself. A rename may also leave both names, never none.
    fn crash(&mut self, luck: &mut Sequence) {
        let pending = std::mem::take(&mut self.pending);
        let journal = luck.one_in(2);
        let kept = luck.below(pending.len() as u64 + 1);
        for (index, changes) in (0..).zip(pending) {
            let keep = if journal { index < kept } else { luck.one_in(2) };
            if keep {
                let both = !journal && changes.len() > 1 && luck.one_in(4);
                let parts = if both { &changes[..1] } else { &changes[..] };
                apply_names(&mut self.durable, parts);
            }
        }
        self.names.clone_from(&self.durable);
    }
}

fn apply_names(names: &mut BTreeMap<String, Id>, changes: &[(String, Option<Id>)]) {
    for (name, id) in changes {
        match id {
            Some(id) => names.insert(name.clone(), *id),
            None => names.remove(name),
        };
    }
}

impl State {
    fn dir(&mut self, id: Id) -> io::Result<&mut Names> {
        match self.nodes.get_mut(&id) {
            Some(Node::Dir(names)) => Ok(names),
            Some(Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn file(&mut self, id: Id) -> io::Result<&mut Content> {
        match self.nodes.get_mut(&id) {
            Some(Node::File(content)) => Ok(content),
            Some(Node::Dir(_)) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn make(&mut self, node: Node) -> Id {
        let id = self.next;
        self.next += 1;
        self.nodes.insert(id, node);
        id
    }

    fn find(&mut self, path: &Path) -> io::Result<Id> {
        let mut at = ROOT;
        for name in names_of(path)? {
            at = *self.dir(at)?.names.get(&name).ok_or(ErrorKind::NotFound)?;
        }
        Ok(at)
    }

    /// The directory that holds the path, and the last name.
    fn parent(&mut self, path: &Path) -> io::Result<(Id, String)> {
        let mut names = names_of(path)?;
        let name = names.pop().ok_or(ErrorKind::InvalidInput)?;
        let mut at = ROOT;
        for name in names {
            at = *self.dir(at)?.names.get(&name).ok_or(ErrorKind::NotFound)?;
        }
        self.dir(at)?;
        Ok((at, name))
    }

    fn open(&mut self, path: &Path, how: Open) -> io::Result<Id> {
        let (dir, name) = self.parent(path)?;
        match (self.dir(dir)?.names.get(&name).copied(), how) {
            (Some(_), Open::CreateNew) => Err(ErrorKind::AlreadyExists.into()),
            (Some(id), _) => match self.nodes.get(&id) {
                Some(Node::File(_)) => Ok(id),
                _ => Err(ErrorKind::IsADirectory.into()),
            },
            (None, Open::Read | Open::Write) => Err(ErrorKind::NotFound.into()),
            (None, Open::Create | Open::CreateNew) => {
                let content = Content { modified: self.wall, ..Content::default() };
                let id = self.make(Node::File(content));
                self.dir(dir)?.set(vec![(name, Some(id))]);
                Ok(id)
            }
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let (from_dir, from_name) = self.parent(from)?;
        let (to_dir, to_name) = self.parent(to)?;
        let id = *self.dir(from_dir)?.names.get(&from_name).ok_or(ErrorKind::NotFound)?;
        if (from_dir, &from_name) == (to_dir, &to_name) {
            return Ok(());
        }
        let moved_is_dir = matches!(self.nodes.get(&id), Some(Node::Dir(_)));
        if let Some(old) = self.dir(to_dir)?.names.get(&to_name).copied() {
            match self.nodes.get(&old) {
                Some(Node::File(_)) if moved_is_dir => return Err(ErrorKind::NotADirectory.into()),
                Some(Node::Dir(_)) if !moved_is_dir => return Err(ErrorKind::IsADirectory.into()),
                Some(Node::Dir(names)) if !names.names.is_empty() => {
                    return Err(ErrorKind::DirectoryNotEmpty.into());
                }
                _ => {}
            }
        }
        if from_dir == to_dir {
            self.dir(to_dir)?.set(vec![(to_name, Some(id)), (from_name, None)]);
        } else {
            self.dir(to_dir)?.set(vec![(to_name, Some(id))]);
            self.dir(from_dir)?.set(vec![(from_name, None)]);
        }
        Ok(())
    }

    fn remove(&mut self, path: &Path, kind: Kind) -> io::Result<()> {
        let (dir, name) = self.parent(path)?;
        let id = *self.dir(dir)?.names.get(&name).ok_or(ErrorKind::NotFound)?;
        match (self.nodes.get(&id), kind) {
            (Some(Node::Dir(_)), Kind::File) => return Err(ErrorKind::IsADirectory.into()),
            (Some(Node::File(_)), Kind::Dir) => return Err(ErrorKind::NotADirectory.into()),
            _ => {}
        }
        self.dir(dir)?.set(vec![(name, None)]);
        Ok(())
    }

    fn used(&self) -> u64 {
        let bytes = |node: &Node| match node {
            Node::File(content) => content.bytes.len() as u64,
            Node::Dir(_) => 0,
        };
        self.nodes.values().map(bytes).sum()
    }

    fn forget_unreachable(&mut self) {
        let mut seen = BTreeSet::from([ROOT]);
        let mut next = vec![ROOT];
        while let Some(id) = next.pop() {
            if let Some(Node::Dir(dir)) = self.nodes.get(&id) {
                let pending = dir.pending.iter().flatten().filter_map(|(_, id)| *id);
                let ids = dir.names.values().chain(dir.durable.values()).copied().chain(pending);
                next.extend(ids.filter(|id| seen.insert(*id)));
            }
        }
        self.nodes.retain(|id, _| seen.contains(id));
    }
}

fn names_of(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => {
                names.push(name.to_str().ok_or(ErrorKind::InvalidInput)?.to_owned());
            }
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(ErrorKind::InvalidInput.into()),
        }
    }
    Ok(names)
}

impl Disk for MemDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        let mut state = self.state.lock();
        let id = state.open(path, how)?;
        if state.locked.contains(&id) {
            return Err(ErrorKind::WouldBlock.into());
        }
        let writable = how != Open::Read;
        Ok(Arc::new(MemFile { state: Arc::clone(&self.state), id, writable }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let mut at = ROOT;
        for name in names_of(path)? {
            at = match state.dir(at)?.names.get(&name).copied() {
                Some(id) => id,
                None => {
                    let id = state.make(Node::Dir(Names::default()));
                    state.dir(at)?.set(vec![(name, Some(id))]);
                    id
                }
            };
        }
        match state.dir(at) {
            Ok(_) => Ok(()),
            Err(_) => Err(ErrorKind::AlreadyExists.into()),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut state = self.state.lock();
        let id = state.find(dir)?;
        let names = state.dir(id)?.names.clone();
        let kind = |id: &Id| match state.nodes.get(id) {
            Some(Node::Dir(_)) => Kind::Dir,
            _ => Kind::File,
        };
        Ok(names.iter().map(|(name, id)| Entry { name: name.clone(), kind: kind(id) }).collect())
    }

    fn metadata(&self, path: &Path) -> io::Result<Option<Metadata>> {
        let mut state = self.state.lock();
        let id = match state.find(path) {
            Ok(id) => id,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(state.nodes.get(&id).map(|node| match node {
            Node::File(content) => {
                Metadata { kind: Kind::File, len: content.bytes.len() as u64, modified: content.modified }
            }
            Node::Dir(_) => Metadata { kind: Kind::Dir, len: 0, modified: 0 },
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state.lock().rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.state.lock().remove(path, Kind::File)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.state.lock().remove(path, Kind::Dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        let id = state.find(dir)?;
        state.dir(id)?.sync();
        Ok(())
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let mut state = self.state.lock();
        state.find(path)?;
        Ok(Space { total: state.total, free: state.total.saturating_sub(state.used()) })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let mut state = self.state.lock();
        let id = state.open(path, Open::Create)?;
        if !state.locked.insert(id) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(MemLock { state: Arc::clone(&self.state), id }))
    }
}

struct MemLock {
    state: Arc<Mutex<State>>,
    id: Id,
}

impl Lock for MemLock {}

impl Drop for MemLock {
    fn drop(&mut self) {
        self.state.lock().locked.remove(&self.id);
    }
}

struct MemFile {
    state: Arc<Mutex<State>>,
    id: Id,
    writable: bool,
}

impl std::fmt::Debug for MemFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemFile").field("id", &self.id).field("writable", &self.writable).finish()
    }
}

impl MemFile {
    fn change(&self, change: impl FnOnce(&mut Content)) -> io::Result<()> {
        if !self.writable {
            return Err(ErrorKind::PermissionDenied.into());
        }
        let mut state = self.state.lock();
        let wall = state.wall;
        let content = state.file(self.id)?;
        content.modified = wall;
        change(content);
        Ok(())
    }
}

fn place(position: u64) -> io::Result<usize> {
    usize::try_from(position).map_err(|_| ErrorKind::FileTooLarge.into())
}

impl File for MemFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let mut state = self.state.lock();
        let bytes = &state.file(self.id)?.bytes;
        let from = bytes.get(place(position)?..).unwrap_or_default();
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn read_cached_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.read_at(buffer, position)
    }

    fn write_at(&self, slices: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        let position = place(position)?;
        self.change(|content| content.write(position, slices))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().file(self.id)?.bytes.len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = place(len)?;
        self.change(|content| content.set_len(len))
    }

    fn allocate(&self, _position: u64, _len: u64) -> io::Result<()> {
        self.change(|_| ())
    }

    fn sync(&self) -> io::Result<()> {
        self.state.lock().file(self.id)?.sync();
        Ok(())
    }

    fn will_need(&self, _position: u64, _len: u64) {}

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
