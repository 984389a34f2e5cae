//! The `.snapshot` files of one log: written, listed, loaded, removed (the file side of Kafka's
//! `ProducerStateManager`).
//!
//! A snapshot's name is the end offset of the state in it. It is written under its own name: the
//! CRC tells a torn one, which is removed when it is met, and the one before serves, with the log
//! replayed from there. The log decides when one is due (roll, close, before truncation).

use std::collections::BTreeSet;
use std::io::{self, IoSlice};
use std::path::Path;

use ottla_env::disk::{Disk, Kind, Open};
use ottla_model::{Millis, Offset};

use super::{ProducerState, decode_snapshot, encode_snapshot};
use crate::atomic_file;
use crate::limits::MAX_SNAPSHOT_BYTES;
use crate::names::{FileKind, FileName, FileState};

/// The snapshots of one log. Every `dir` is the partition's directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerSnapshots {
    offsets: BTreeSet<Offset>,
    /// No snapshot is worth taking up to here (Kafka's `lastSnapOffset`).
    last: Offset,
}

impl ProducerSnapshots {
    /// The snapshots in a partition's directory.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn list(disk: &dyn Disk, dir: &Path) -> io::Result<Self> {
        let files = disk.list(dir)?.into_iter().filter(|entry| entry.kind == Kind::File);
        let names = files.filter_map(|entry| FileName::parse(&entry.name));
        let live = names.filter(|name| name.kind == FileKind::Snapshot && name.state == FileState::Live);
        Ok(Self { offsets: live.map(|name| name.offset).collect(), last: 0 })
    }

    /// The offsets of the snapshots, ascending.
    pub fn offsets(&self) -> impl DoubleEndedIterator<Item = Offset> {
        self.offsets.iter().copied()
    }

    /// The newest snapshot.
    #[must_use]
    pub fn latest(&self) -> Option<Offset> {
        self.offsets.last().copied()
    }

    /// The newest snapshot up to an offset.
    #[must_use]
    pub fn latest_up_to(&self, offset: Offset) -> Option<Offset> {
        self.offsets.range(..=offset).next_back().copied()
    }

    /// The oldest snapshot.
    #[must_use]
    pub fn oldest(&self) -> Option<Offset> {
        self.offsets.first().copied()
    }

    /// Writes a snapshot at the state's end offset, unless the last one is as new; true when it
    /// did. Without `sync` it becomes durable with the next flush of the log.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn take(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        state: &ProducerState,
        sync: bool,
    ) -> io::Result<bool> {
        let offset = state.end_offset();
        if offset <= self.last {
            return Ok(false);
        }
        let file = disk.open(&path(dir, offset), Open::Create)?;
        file.set_len(0)?;
        file.write_at(&mut [IoSlice::new(&encode_snapshot(state))], 0)?;
        if sync {
            file.sync()?;
            disk.sync_dir(dir)?;
        }
        self.offsets.insert(offset);
        self.last = offset;
        Ok(true)
    }

    /// Removes the snapshots that belong to no segment, except the newest one when it is not below
    /// the last segment: a clean stop writes that.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn remove_strays(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        segments: &BTreeSet<Offset>,
    ) -> io::Result<()> {
        let strays: Vec<Offset> = self.offsets.difference(segments).copied().collect();
        let kept = strays.last().copied().filter(|newest| segments.last().is_none_or(|last| newest >= last));
        strays
            .into_iter()
            .filter(|stray| Some(*stray) != kept)
            .try_for_each(|stray| self.remove(disk, dir, stray))
    }

    /// Removes the snapshots below an offset.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn remove_before(&mut self, disk: &dyn Disk, dir: &Path, offset: Offset) -> io::Result<()> {
        let old: Vec<Offset> = self.offsets.range(..offset).copied().collect();
        old.into_iter().try_for_each(|old| self.remove(disk, dir, old))
    }

    /// Removes every snapshot and lets the next one be taken above `offset`: the log starts anew.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn clear(&mut self, disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        self.remove_before(disk, dir, Offset::MAX)?;
        self.last = 0;
        Ok(())
    }

    /// Gives the snapshot of a segment that goes the suffix `.deleted`; its new name, `None` when
    /// there is no such snapshot.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn mark_deleted(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        offset: Offset,
    ) -> io::Result<Option<FileName>> {
        if !self.offsets.remove(&offset) {
            return Ok(None);
        }
        let deleted = FileName::live(offset, FileKind::Snapshot).to(FileState::Deleted);
        match disk.rename(&path(dir, offset), &dir.join(deleted.to_string())) {
            Ok(()) => Ok(Some(deleted)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The log starts later; see [`ProducerState::on_log_start`].
    pub fn on_log_start(&mut self, log_start: Offset) {
        self.last = self.latest().unwrap_or(log_start);
    }

    fn remove(&mut self, disk: &dyn Disk, dir: &Path, offset: Offset) -> io::Result<()> {
        self.offsets.remove(&offset);
        match disk.remove_file(&path(dir, offset)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The state of the newest sound snapshot; damaged ones are removed on the way. Without any,
    /// an empty state at the log's start.
    fn load(&mut self, disk: &dyn Disk, dir: &Path, at: &Reload) -> io::Result<ProducerState> {
        while let Some(offset) = self.latest() {
            let entries = match atomic_file::read(disk, &path(dir, offset), MAX_SNAPSHOT_BYTES) {
                Ok(content) => decode_snapshot(&content.unwrap_or_default()).ok(),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
                Err(error) => return Err(error),
            };
            if let Some(entries) = entries {
                self.last = offset;
                return Ok(ProducerState::from_snapshot(entries, offset, at.now, at.expiration_ms));
            }
            self.remove(disk, dir, offset)?;
        }
        self.last = at.log_start;
        Ok(ProducerState::new(at.log_start))
    }
}

/// Where a log stands when its producer state is loaded or cut back.
#[derive(Clone, Copy, Debug)]
pub struct Reload {
    /// The log's start offset.
    pub log_start: Offset,
    /// The log's end offset; the state must not reach beyond it.
    pub log_end: Offset,
    /// Wall clock.
    pub now: Millis,
    /// `producer.id.expiration.ms`.
    pub expiration_ms: i64,
}

/// Brings a state back inside a log that was opened or truncated (Kafka `truncateAndReload`):
/// snapshots outside it go, and unless the state ends where the log ends it is replaced by the
/// newest snapshot left. What lies between the state's end and the log's is for the caller to
/// replay, with [`Origin::Recovery`](super::Origin::Recovery).
///
/// # Errors
/// When the disk fails.
pub fn reload(
    state: &mut ProducerState,
    snapshots: &mut ProducerSnapshots,
    disk: &dyn Disk,
    dir: &Path,
    at: Reload,
) -> io::Result<()> {
    let outside = |offset: &Offset| *offset > at.log_end || *offset <= at.log_start;
    let outside: Vec<Offset> = snapshots.offsets().filter(outside).collect();
    outside.into_iter().try_for_each(|offset| snapshots.remove(disk, dir, offset))?;
    if at.log_end == state.end_offset() {
        state.on_log_start(at.log_start);
        snapshots.on_log_start(at.log_start);
    } else {
        *state = snapshots.load(disk, dir, &at)?;
    }
    Ok(())
}

fn path(dir: &Path, offset: Offset) -> std::path::PathBuf {
    dir.join(FileName::live(offset, FileKind::Snapshot).to_string())
}
