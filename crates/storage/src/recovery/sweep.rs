//! The names in a partition's directory: leftovers go, finished swaps are completed, segments are
//! listed. What is in the segments is for `check`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use ottla_env::disk::{Disk, Kind, Open};
use ottla_model::Offset;

use super::{Finding, RecoveryError};
use crate::names::{FileKind, FileName, FileState, parse_metadata_snapshot};
use crate::segment::{Present, Scan};
use crate::{checkpoint, partition_metadata};

/// A segment that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) base_offset: Offset,
    pub(crate) size: u64,
    pub(crate) present: Present,
}

/// Tidies a partition's directory; answers its segments, in order.
pub(crate) fn sweep(
    disk: &dyn Disk,
    dir: &Path,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Found>, RecoveryError> {
    let mut names = list(disk, dir, findings)?;
    remove_leftovers(disk, dir, &mut names, findings)?;
    complete_swaps(disk, dir, &mut names, findings)?;
    Ok(segments(disk, dir, &names, findings)?)
}

/// Files of segments, in any state.
fn list(disk: &dyn Disk, dir: &Path, findings: &mut Vec<Finding>) -> Result<Vec<FileName>, RecoveryError> {
    let mut names = Vec::new();
    for entry in disk.list(dir)? {
        match FileName::parse(&entry.name) {
            Some(name) if entry.kind == Kind::File => names.push(name),
            Some(_) => return Err(RecoveryError::NotAFile(dir.join(&entry.name))),
            None if is_known(&entry.name) => {}
            None => findings.push(Finding::Foreign(entry.name)),
        }
    }
    Ok(names)
}

/// Names that belong to others: our own corner, checkpoints, the quorum's files.
fn is_known(name: &str) -> bool {
    let own = [checkpoint::LEADER_EPOCH, partition_metadata::NAME, "quorum-state", "ottla"];
    let plain = name.strip_suffix(".tmp").unwrap_or(name);
    let snapshot = plain.trim_end_matches(".part").trim_end_matches(".deleted");
    own.contains(&plain) || parse_metadata_snapshot(snapshot).is_some()
}

fn remove_leftovers(
    disk: &dyn Disk,
    dir: &Path,
    names: &mut Vec<FileName>,
    findings: &mut Vec<Finding>,
) -> io::Result<()> {
    let cleaned = names.iter().filter(|name| name.state == FileState::Cleaned);
    let first_cleaned = cleaned.map(|name| name.offset).min().unwrap_or(Offset::MAX);
    let mut kept = Vec::with_capacity(names.len());
    for name in names.drain(..) {
        let finding: fn(String) -> Finding = match name.state {
            FileState::Deleted => Finding::Deleted,
            FileState::Cleaned => Finding::Unfinished,
            // A split writes all its parts before it renames the first: one still `.cleaned` undoes it.
            FileState::Swap if name.offset >= first_cleaned => Finding::Unfinished,
            FileState::Swap | FileState::Live => {
                kept.push(name);
                continue;
            }
        };
        disk.remove_file(&dir.join(name.to_string()))?;
        findings.push(finding(name.to_string()));
    }
    *names = kept;
    Ok(())
}

/// Finished cleanings: what they replace is removed, then they get their names, indexes before the
/// `.log`, so that a crash in between is the same case again.
fn complete_swaps(
    disk: &dyn Disk,
    dir: &Path,
    names: &mut Vec<FileName>,
    findings: &mut Vec<Finding>,
) -> io::Result<()> {
    let (mut swaps, live): (Vec<_>, Vec<_>) = names.drain(..).partition(|name| name.state == FileState::Swap);
    let logs: Vec<FileName> = swaps.iter().filter(|name| name.kind == FileKind::Log).copied().collect();
    let (mut first, mut end) = (Offset::MAX, Offset::MIN);
    for swap in &logs {
        first = first.min(swap.offset);
        end = end.max(next_offset(disk, &dir.join(swap.to_string()), swap.offset)?);
    }
    for name in live {
        // An index renamed before the crash has its `.log` still waiting: it stays.
        let renamed = name.kind != FileKind::Log
            && logs.iter().any(|log| log.offset == name.offset)
            && !swaps.iter().any(|swap| (swap.offset, swap.kind) == (name.offset, name.kind));
        if (first..end).contains(&name.offset) && name.kind != FileKind::Snapshot && !renamed {
            disk.remove_file(&dir.join(name.to_string()))?;
            findings.push(Finding::Unfinished(name.to_string()));
        } else {
            names.push(name);
        }
    }
    swaps.sort_by_key(|name| (name.kind == FileKind::Log, *name));
    for swap in swaps {
        let live = swap.to(FileState::Live);
        disk.rename(&dir.join(swap.to_string()), &dir.join(live.to_string()))?;
        findings.push(Finding::Swapped(swap.to_string()));
        if !names.contains(&live) {
            names.push(live);
        }
    }
    Ok(())
}

fn next_offset(disk: &dyn Disk, path: &Path, base_offset: Offset) -> io::Result<Offset> {
    let file = disk.open(path, Open::Read)?;
    let mut scan = Scan::new(&*file, 0, file.len()?);
    let mut next = base_offset;
    while let Some(found) = scan.next()? {
        next = found.last_offset.saturating_add(1);
    }
    Ok(next)
}

fn segments(
    disk: &dyn Disk,
    dir: &Path,
    names: &[FileName],
    findings: &mut Vec<Finding>,
) -> io::Result<Vec<Found>> {
    let mut found = BTreeMap::new();
    for name in names.iter().filter(|name| name.kind == FileKind::Log) {
        let size = disk.metadata(&dir.join(name.to_string()))?.map_or(0, |metadata| metadata.len);
        found.insert(name.offset, Found { base_offset: name.offset, size, present: Present::default() });
    }
    for name in names {
        match (name.kind, found.get_mut(&name.offset)) {
            (FileKind::Log | FileKind::Snapshot, _) => {}
            (FileKind::Index, Some(segment)) => segment.present.index = true,
            (FileKind::TimeIndex, Some(segment)) => segment.present.time_index = true,
            (FileKind::TxnIndex, Some(segment)) => segment.present.txn_index = true,
            (FileKind::Index | FileKind::TimeIndex | FileKind::TxnIndex, None) => {
                disk.remove_file(&dir.join(name.to_string()))?;
                findings.push(Finding::Orphan(name.to_string()));
            }
        }
    }
    Ok(found.into_values().collect())
}
