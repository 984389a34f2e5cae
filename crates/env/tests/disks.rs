//! Every disk keeps the contract; the memory disk's crashes are legal ones; faults come as planned.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests say what went wrong by stopping"
)]

use std::collections::BTreeSet;
use std::io::{ErrorKind, IoSlice};
use std::path::Path;
use std::sync::Arc;

use ottla_env::disk::{Disk, File, Open, RealDisk, read_exact_at};
use ottla_env::testing::{FaultDisk, MemDisk, Verb, contract};

fn write(file: &dyn File, position: u64, bytes: &[u8]) {
    file.write_at(&mut [IoSlice::new(bytes)], position).unwrap();
}

fn content(disk: &dyn Disk, path: &str) -> Option<Vec<u8>> {
    let file = disk.open(Path::new(path), Open::Read).ok()?;
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    read_exact_at(&*file, &mut bytes, 0).unwrap();
    Some(bytes)
}

#[test]
fn the_real_disk_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    contract::disk(&RealDisk, dir.path());
}

#[test]
fn the_memory_disk_keeps_the_contract() {
    contract::disk(&MemDisk::new(), Path::new("/"));
}

#[test]
fn the_fault_disk_without_faults_keeps_the_contract() {
    contract::disk(&FaultDisk::new(Arc::new(MemDisk::new())), Path::new("/"));
    let dir = tempfile::tempdir().unwrap();
    contract::disk(&FaultDisk::new(Arc::new(RealDisk)), dir.path());
}

#[test]
fn a_link_or_pipe_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("target"), b"x").unwrap();
    std::os::unix::fs::symlink(dir.path().join("target"), dir.path().join("link")).unwrap();
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert!(RealDisk.open(&dir.path().join("link"), Open::Read).is_err());
    assert!(RealDisk.open(&pipe, Open::Read).is_err());
}

#[test]
fn reserving_room_leaves_the_length() {
    let dir = tempfile::tempdir().unwrap();
    let file = RealDisk.open(&dir.path().join("a"), Open::Create).unwrap();
    file.allocate(0, 1 << 20).unwrap();
    assert_eq!(file.len().unwrap(), 0);
    assert!(file.fd().is_some());
}

#[test]
fn a_kill_keeps_what_was_written_and_frees_the_lock() {
    let disk = MemDisk::new();
    let file = disk.open(Path::new("/a"), Open::Create).unwrap();
    let _lock = disk.lock(Path::new("/.lock")).unwrap();
    write(&*file, 0, b"abc");
    let next = disk.kill();
    write(&*file, 0, b"zombie");
    assert_eq!(content(&next, "/a").unwrap(), b"abc");
    next.lock(Path::new("/.lock")).unwrap();
}

#[test]
fn a_crash_keeps_what_was_synced() {
    let disk = MemDisk::new();
    disk.create_dir_all(Path::new("/d")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    let file = disk.open(Path::new("/d/a"), Open::Create).unwrap();
    write(&*file, 0, b"kept");
    file.sync().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    for seed in 0..200 {
        assert_eq!(content(&disk.crash(seed), "/d/a").unwrap(), b"kept");
    }
}

#[test]
fn a_crash_loses_keeps_or_tears_what_was_not_synced() {
    let disk = MemDisk::new();
    let file = disk.open(Path::new("/a"), Open::Create).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    write(&*file, 0, &[1; 3000]);
    write(&*file, 3000, &[2; 9000]);
    let outcomes: BTreeSet<Vec<u8>> =
        (0..300).map(|seed| content(&disk.crash(seed), "/a").unwrap()).collect();
    let whole = content(&disk, "/a").unwrap();
    assert!(outcomes.contains(&Vec::new()), "all lost");
    assert!(outcomes.contains(&whole), "all kept");
    assert!(outcomes.iter().any(|found| whole.starts_with(found) && found.len() % 512 != 0), "torn");
    assert!(outcomes.iter().any(|found| !whole.starts_with(found)), "a hole before what was kept");
    for found in &outcomes {
        assert!(found.iter().zip(&whole).all(|(found, written)| found == written || *found == 0));
    }
    assert_eq!(content(&disk.crash(7), "/a"), content(&disk.crash(7), "/a"), "a seed repeats");
}

#[test]
fn a_crash_loses_or_keeps_unsynced_names() {
    let disk = MemDisk::new();
    let old = disk.open(Path::new("/x"), Open::Create).unwrap();
    write(&*old, 0, b"old");
    old.sync().unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    let new = disk.open(Path::new("/x.tmp"), Open::Create).unwrap();
    write(&*new, 0, b"new");
    new.sync().unwrap();
    disk.rename(Path::new("/x.tmp"), Path::new("/x")).unwrap();
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let after = disk.crash(seed);
        seen.insert((content(&after, "/x").unwrap(), content(&after, "/x.tmp").is_some()));
    }
    let outcomes = [("new", false), ("new", true), ("old", false), ("old", true)];
    assert_eq!(seen, outcomes.map(|(x, both)| (x.as_bytes().to_vec(), both)).into());
}

#[test]
fn a_crash_after_a_failed_sync_may_lose_the_bytes() {
    let inner = MemDisk::new();
    let disk = FaultDisk::new(Arc::new(inner.clone()));
    let file = disk.open(Path::new("/a"), Open::Create).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    write(&*file, 0, b"x");
    disk.fail(Verb::Sync, 1, ErrorKind::Other);
    assert!(file.sync().is_err());
    assert!((0..50).any(|seed| content(&inner.crash(seed), "/a").unwrap().is_empty()));
}

#[test]
fn the_nth_call_fails_and_no_other() {
    let disk = FaultDisk::new(Arc::new(MemDisk::new()));
    let file = disk.open(Path::new("/a"), Open::Create).unwrap();
    disk.fail(Verb::Write, 2, ErrorKind::Other);
    write(&*file, 0, b"1");
    assert!(file.write_at(&mut [IoSlice::new(b"2")], 1).is_err());
    write(&*file, 1, b"3");
    assert_eq!(content(&disk, "/a").unwrap(), b"13");
    let verbs: Vec<Verb> = disk.log().into_iter().map(|(verb, _)| verb).take(4).collect();
    assert_eq!(verbs, [Verb::Open, Verb::Write, Verb::Write, Verb::Write]);
}

#[test]
fn a_full_disk_takes_what_fits() {
    let disk = FaultDisk::new(Arc::new(MemDisk::new()));
    let file = disk.open(Path::new("/a"), Open::Create).unwrap();
    disk.fill_after(3);
    disk.set_free(3);
    assert_eq!(disk.space(Path::new("/")).unwrap().free, 3);
    let full = file.write_at(&mut [IoSlice::new(b"ab"), IoSlice::new(b"cd")], 0).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    assert_eq!(content(&disk, "/a").unwrap(), b"abc");
    disk.heal();
    write(&*file, 0, b"abcd");
}

#[test]
fn after_the_power_is_gone_nothing_works() {
    let inner = MemDisk::new();
    let disk = FaultDisk::new(Arc::new(inner.clone()));
    disk.stop_after(2);
    let file = disk.open(Path::new("/a"), Open::Create).unwrap();
    write(&*file, 0, b"x");
    assert!(file.sync().is_err());
    assert!(disk.list(Path::new("/")).is_err());
    assert_eq!(content(&inner.kill(), "/a").unwrap(), b"x");
}
