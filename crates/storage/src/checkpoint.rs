//! The five text checkpoints (Kafka `CheckpointFile`, `OffsetCheckpointFile`,
//! `LeaderEpochCheckpointFile`).
//!
//! Line 1 is the version, `0`; line 2 the number of entries; then one entry a line. A file that is
//! absent, empty or ends after line 1 holds no entries. What a malformed one means (start over,
//! rebuild, or refuse) is left to the caller.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::path::Path;

use ottla_env::disk::Disk;
use ottla_model::{Offset, TopicName, TopicPartition};

use crate::atomic_file::{self, Malformed, ReadFileError};
use crate::epoch_cache::EpochEntry;
use crate::limits::MAX_CHECKPOINT_BYTES;

/// In a log directory: the first unflushed offset of each log.
pub const RECOVERY_POINT: &str = "recovery-point-offset-checkpoint";
/// In a log directory: the high watermark of each log.
pub const HIGH_WATERMARK: &str = "replication-offset-checkpoint";
/// In a log directory: the start of each log that does not start with its first segment.
pub const LOG_START: &str = "log-start-offset-checkpoint";
/// In a log directory: the first offset that compaction has not seen.
pub const CLEANER: &str = "cleaner-offset-checkpoint";
/// In a partition's directory: where each leader epoch begins.
pub const LEADER_EPOCH: &str = "leader-epoch-checkpoint";

/// An offset for each of some partitions.
pub type Offsets = BTreeMap<TopicPartition, Offset>;

/// Reads one of the four checkpoints of a log directory. Offsets are as found: negative ones too.
///
/// # Errors
/// When the disk fails or a line is malformed.
pub fn read_offsets(disk: &dyn Disk, path: &Path) -> Result<Offsets, ReadFileError> {
    let offsets = atomic_file::read_text(disk, path, MAX_CHECKPOINT_BYTES, parse_offsets)?;
    Ok(offsets.unwrap_or_default())
}

/// Replaces one of the four checkpoints of a log directory.
///
/// # Errors
/// When the disk fails; see [`atomic_file::write`].
pub fn write_offsets(disk: &dyn Disk, path: &Path, offsets: &Offsets) -> io::Result<()> {
    atomic_file::write(disk, path, format_offsets(offsets).as_bytes())
}

/// Reads the leader epochs of a partition, in the order of the file.
///
/// # Errors
/// When the disk fails or a line is malformed.
pub fn read_epochs(disk: &dyn Disk, path: &Path) -> Result<Vec<EpochEntry>, ReadFileError> {
    let entries = atomic_file::read_text(disk, path, MAX_CHECKPOINT_BYTES, parse_epochs)?;
    Ok(entries.unwrap_or_default())
}

/// Replaces the leader epochs of a partition.
///
/// # Errors
/// When the disk fails; see [`atomic_file::write`].
pub fn write_epochs(disk: &dyn Disk, path: &Path, entries: &[EpochEntry]) -> io::Result<()> {
    let mut text = format!("0\n{}\n", entries.len());
    for EpochEntry { epoch, start_offset } in entries {
        let _ = writeln!(text, "{epoch} {start_offset}");
    }
    atomic_file::write(disk, path, text.as_bytes())
}

fn format_offsets(offsets: &Offsets) -> String {
    let mut text = format!("0\n{}\n", offsets.len());
    for (TopicPartition { topic, partition }, offset) in offsets {
        let _ = writeln!(text, "{topic} {partition} {offset}");
    }
    text
}

pub(crate) fn parse_offsets(text: &str) -> Result<Offsets, Malformed> {
    let mut offsets = Offsets::new();
    parse_entries(text, "TOPIC PARTITION OFFSET", |words| {
        let [topic, partition, offset] = words else { return None };
        let partition =
            TopicPartition { topic: TopicName::new(topic).ok()?, partition: partition.parse().ok()? };
        offsets.insert(partition, offset.parse().ok()?);
        Some(())
    })?;
    Ok(offsets)
}

pub(crate) fn parse_epochs(text: &str) -> Result<Vec<EpochEntry>, Malformed> {
    let mut entries = Vec::new();
    parse_entries(text, "EPOCH OFFSET, neither of them negative", |words| {
        let [epoch, start_offset] = words else { return None };
        let entry = EpochEntry { epoch: epoch.parse().ok()?, start_offset: start_offset.parse().ok()? };
        entries.push(entry);
        (entry.epoch >= 0 && entry.start_offset >= 0).then_some(())
    })?;
    Ok(entries)
}

/// Checks the two lines on top and shows each entry's words, at most four of them.
fn parse_entries(
    text: &str,
    form: &str,
    mut entry: impl FnMut(&[&str]) -> Option<()>,
) -> Result<(), Malformed> {
    let mut lines = (1..).zip(text.lines());
    let Some((number, version)) = lines.next() else { return Ok(()) };
    if version.parse() != Ok(0) {
        return Err(Malformed::new(number, format!("version {version:.20?} is not 0")));
    }
    let Some((number, count)) = lines.next() else { return Ok(()) };
    let Ok(count) = count.parse::<u32>() else {
        return Err(Malformed::new(number, format!("{count:.20?} is not a number of entries")));
    };
    let mut found: u32 = 0;
    for (number, line) in lines {
        let mut words = [""; 4];
        let mut used = 0;
        for (slot, word) in words.iter_mut().zip(line.split_whitespace()) {
            *slot = word;
            used += 1;
        }
        if words.get(..used).and_then(&mut entry).is_none() {
            return Err(Malformed::new(number, format!("{line:.80?} is not of the form {form}")));
        }
        found = found.saturating_add(1);
    }
    if found != count {
        return Err(Malformed::new(number, format!("{count} entries are announced, {found} follow")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
