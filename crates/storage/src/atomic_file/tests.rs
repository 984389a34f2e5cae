//! A file that is replaced whole, with the power cut after each step.

use std::sync::Arc;

use ottla_env::testing::{FaultDisk, MemDisk};

use super::*;

const DIR: &str = "/logs";
const OLD: &[u8] = b"the old version";
const NEW: &[u8] = &[b'n'; 5_000];

fn path() -> PathBuf {
    Path::new(DIR).join("checkpoint")
}

fn disk_with_old_version() -> MemDisk {
    let disk = MemDisk::new();
    disk.create_dir_all(Path::new(DIR)).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    write(&disk, &path(), OLD).unwrap();
    disk
}

fn content(disk: &MemDisk) -> Option<Vec<u8>> {
    read(disk, &path(), 10_000).unwrap()
}

#[test]
fn after_a_crash_at_any_step_the_file_is_the_old_or_the_new_one_and_can_be_replaced() {
    for steps in 0.. {
        let memory = disk_with_old_version();
        let disk = FaultDisk::new(Arc::new(memory.clone()));
        disk.stop_after(steps);
        let written = write(&disk, &path(), NEW).is_ok();
        for seed in 0..200 {
            for after in [memory.crash(seed), memory.kill()] {
                let found = content(&after).unwrap();
                assert!(found == NEW || (found == OLD && !written), "after {steps} steps, seed {seed}");
                write(&after, &path(), b"next").unwrap();
                assert_eq!(content(&after.crash(seed)).unwrap(), b"next");
            }
        }
        if written {
            assert!(steps >= 5, "write, length, sync, rename and sync of the directory are steps");
            return;
        }
    }
}

#[test]
fn a_removed_file_stays_away() {
    let disk = disk_with_old_version();
    remove(&disk, &path()).unwrap();
    remove(&disk, &path()).unwrap();
    for seed in 0..50 {
        assert_eq!(content(&disk.crash(seed)), None);
    }
}

#[test]
fn a_file_beyond_the_limit_is_not_read() {
    let disk = disk_with_old_version();
    assert_eq!(read(&disk, &path(), 14).unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert_eq!(read(&disk, &path(), 15).unwrap().as_deref(), Some(OLD));
}
