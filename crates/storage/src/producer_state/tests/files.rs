//! The snapshot files: which are kept, and what is loaded when the newest is damaged.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ottla_env::disk::{Disk, RealDisk};
use ottla_env::testing::MemDisk;
use proptest::prelude::*;

use super::*;

fn state_at(end: Offset) -> ProducerState {
    let mut state = ProducerState::new(0);
    produce(&mut state, batch(end - 1, 0, 0, 1)).unwrap();
    state
}

fn snapshots_at(dir: &Path, offsets: &[Offset]) -> ProducerSnapshots {
    for offset in offsets {
        assert!(ProducerSnapshots::default().take(&RealDisk, dir, &state_at(*offset), true).unwrap());
    }
    ProducerSnapshots::list(&RealDisk, dir).unwrap()
}

fn on_disk(dir: &Path) -> Vec<String> {
    RealDisk.list(dir).unwrap().into_iter().map(|entry| entry.name).collect()
}

fn snapshot(dir: &Path, offset: Offset) -> PathBuf {
    dir.join(format!("{offset:020}.snapshot"))
}

fn at(log_start: Offset, log_end: Offset) -> Reload {
    Reload { log_start, log_end, now: 1_000, expiration_ms: i64::MAX }
}

#[test]
fn a_snapshot_is_taken_once_for_an_offset() {
    let dir = tempfile::tempdir().unwrap();
    let mut snapshots = ProducerSnapshots::list(&RealDisk, dir.path()).unwrap();
    assert!(!snapshots.take(&RealDisk, dir.path(), &ProducerState::new(0), true).unwrap());
    assert!(snapshots.take(&RealDisk, dir.path(), &state_at(5), false).unwrap());
    assert!(!snapshots.take(&RealDisk, dir.path(), &state_at(5), false).unwrap());
    assert_eq!(on_disk(dir.path()), ["00000000000000000005.snapshot"]);
    assert_eq!((snapshots.oldest(), snapshots.latest()), (Some(5), Some(5)));
}

#[test]
fn a_longer_old_file_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(snapshot(dir.path(), 5), [1; 4_000]).unwrap();
    snapshots_at(dir.path(), &[5]);
    assert!(decode_snapshot(&std::fs::read(snapshot(dir.path(), 5)).unwrap()).is_ok());
}

#[test]
fn strays_go_but_not_the_one_of_a_clean_stop() {
    let dir = tempfile::tempdir().unwrap();
    let mut snapshots = snapshots_at(dir.path(), &[5, 10, 15, 20, 25]);
    snapshots.remove_strays(&RealDisk, dir.path(), &BTreeSet::from([0, 10, 20])).unwrap();
    assert_eq!(snapshots.offsets().collect::<Vec<_>>(), [10, 20, 25]);
    assert_eq!(on_disk(dir.path()).len(), 3);
    snapshots.remove_strays(&RealDisk, dir.path(), &BTreeSet::from([0, 10, 20, 30])).unwrap();
    assert_eq!(snapshots.offsets().collect::<Vec<_>>(), [10, 20]);
    assert_eq!(snapshots.latest_up_to(19), Some(10));
}

#[test]
fn a_damaged_snapshot_is_removed_and_the_one_before_used() {
    let dir = tempfile::tempdir().unwrap();
    let mut snapshots = snapshots_at(dir.path(), &[5, 10, 15]);
    std::fs::write(snapshot(dir.path(), 15), b"").unwrap();
    std::fs::write(snapshot(dir.path(), 10), [0; 100]).unwrap();
    let mut state = ProducerState::new(0);
    reload(&mut state, &mut snapshots, &RealDisk, dir.path(), at(0, 18)).unwrap();
    assert_eq!(state, state_at(5));
    assert_eq!(on_disk(dir.path()).len(), 1);
}

#[test]
fn reload_drops_what_lies_outside_the_log_and_starts_empty_without_any() {
    let dir = tempfile::tempdir().unwrap();
    let mut snapshots = snapshots_at(dir.path(), &[5, 10, 15]);
    let mut state = state_at(18);
    reload(&mut state, &mut snapshots, &RealDisk, dir.path(), at(5, 12)).unwrap();
    assert_eq!(state.end_offset(), 10);
    assert_eq!(snapshots.offsets().collect::<Vec<_>>(), [10]);
    reload(&mut state, &mut snapshots, &RealDisk, dir.path(), at(10, 11)).unwrap();
    assert_eq!(state, ProducerState::new(10));
    assert!(on_disk(dir.path()).is_empty());
    assert!(!snapshots.take(&RealDisk, dir.path(), &state, true).unwrap(), "the log's start says as much");
}

#[test]
fn reload_at_the_same_end_keeps_the_whole_window() {
    let dir = tempfile::tempdir().unwrap();
    let mut snapshots = ProducerSnapshots::default();
    let mut state = ten_batches();
    reload(&mut state, &mut snapshots, &RealDisk, dir.path(), at(0, 10)).unwrap();
    assert_eq!(state, ten_batches());
}

#[test]
fn snapshots_go_with_their_segments() {
    let dir = tempfile::tempdir().unwrap();
    let mut snapshots = snapshots_at(dir.path(), &[5, 10, 15, 20]);
    let deleted = snapshots.mark_deleted(&RealDisk, dir.path(), 10).unwrap().unwrap();
    assert_eq!(deleted.to_string(), "00000000000000000010.snapshot.deleted");
    assert_eq!(snapshots.mark_deleted(&RealDisk, dir.path(), 10).unwrap(), None);
    snapshots.remove_before(&RealDisk, dir.path(), 20).unwrap();
    assert_eq!(
        on_disk(dir.path()),
        ["00000000000000000010.snapshot.deleted", "00000000000000000020.snapshot"]
    );
    snapshots.clear(&RealDisk, dir.path()).unwrap();
    assert_eq!(on_disk(dir.path()), ["00000000000000000010.snapshot.deleted"]);
}

proptest! {
    #[test]
    fn any_bytes_are_a_snapshot_or_refused(
        count in 0_u8..4, mut entries in proptest::collection::vec(any::<u8>(), 0..184), sound: bool,
    ) {
        entries.resize(if sound { usize::from(count) * 46 } else { entries.len() }, 0);
        let mut body = vec![0, 0, 0, count];
        body.extend(&entries);
        let mut bytes = vec![0, 1];
        bytes.extend(ottla_record::crc32c(&body).to_be_bytes());
        bytes.extend(body);
        if let Ok(entries) = decode_snapshot(&bytes) {
            let state = ProducerState::from_snapshot(entries, 100, 0, i64::MAX);
            for batch in state.producers().flat_map(|(_, entry)| entry.batches()) {
                prop_assert!(batch.first_sequence() >= -1 && batch.base_offset() <= batch.last_offset);
            }
            let again = decode_snapshot(&encode_snapshot(&state)).unwrap();
            prop_assert_eq!(again.len(), state.producer_count());
        }
    }
}

/// Snapshots are not replaced whole: the checksum has to tell a torn one.
#[test]
fn after_a_crash_an_unsynced_snapshot_is_whole_or_not_used() {
    let dir = Path::new("/t-0");
    let disk = MemDisk::new();
    disk.create_dir_all(dir).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    let mut snapshots = ProducerSnapshots::default();
    assert!(snapshots.take(&disk, dir, &state_at(5), true).unwrap());
    assert!(snapshots.take(&disk, dir, &state_at(10), false).unwrap());
    let mut used = BTreeSet::new();
    for seed in 0..200 {
        let disk = disk.crash(seed);
        let (mut state, mut snapshots) =
            (ProducerState::new(0), ProducerSnapshots::list(&disk, dir).unwrap());
        reload(&mut state, &mut snapshots, &disk, dir, at(0, 12)).unwrap();
        assert!(state == state_at(5) || state == state_at(10));
        assert_eq!(snapshots.latest(), Some(state.end_offset()));
        used.insert(state.end_offset());
    }
    assert_eq!(used, BTreeSet::from([5, 10]), "both happen");
}
