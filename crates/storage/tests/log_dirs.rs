//! The log directories of a node: whose they are, what they refuse, what an orderly stop leaves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests say what went wrong by stopping"
)]

mod fixture;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fixture::{NOW, append, batch, everything, partition, small};
use ottla_env::disk::Disk;
use ottla_env::testing::{FaultDisk, MemDisk, SeededRandom, Verb};
use ottla_env::{Random, RealRandom, disk::RealDisk};
use ottla_model::{TopicName, TopicPartition, Uuid};
use ottla_storage::clean_shutdown;
use ottla_storage::log_dirs::{CreateError, Expected, LogDirs, OpenDirsError};
use ottla_storage::meta_properties::{self, MetaProperties};

const EXPECTED: Expected = Expected { node_id: 1, file_budget: 64, producer_expiration_ms: 86_400_000 };

fn id(byte: u8) -> Uuid {
    Uuid::from_bytes([byte; 16])
}

fn format(disk: &dyn Disk, dir: &str, cluster: &str, node: i32, directory: u8) {
    let dir = Path::new(dir);
    disk.create_dir_all(dir).unwrap();
    let meta = MetaProperties {
        version: 1,
        cluster_id: Some(cluster.to_owned()),
        node_id: Some(node),
        directory_id: Some(id(directory)),
    };
    meta_properties::write(disk, dir, &meta).unwrap();
}

fn try_open(disk: &Arc<dyn Disk>, dirs: &[&str]) -> Result<LogDirs, OpenDirsError> {
    let paths: Vec<PathBuf> = dirs.iter().map(PathBuf::from).collect();
    LogDirs::open(disk.clone(), &paths, &EXPECTED, &SeededRandom::new(1))
}

#[test]
fn directories_that_do_not_belong_together_are_refused_with_one_line() {
    let disk: Arc<dyn Disk> = Arc::new(MemDisk::new());
    format(&*disk, "/a", "one", 1, 1);
    format(&*disk, "/b", "two", 1, 2);
    format(&*disk, "/c", "one", 7, 3);
    format(&*disk, "/d", "one", 1, 1);
    for (dirs, says) in [
        (&["/a", "/b"][..], "/a belongs to cluster one and /b to cluster two: take one out of log.dirs"),
        (&["/a", "/c"], "/c belongs to node 7, not to node.id=1: correct node.id or log.dirs"),
        (&["/a", "/d"], "have the same directory.id"),
        (&["/a", "/a"], "log.dirs names /a twice: remove one"),
        (&["/new"], "/new has no meta.properties: start with --format to format it"),
    ] {
        let error = try_open(&disk, dirs).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(!error.contains('\n'));
    }
}

#[test]
fn a_directory_in_use_is_refused_and_free_again_afterwards() {
    let disk: Arc<dyn Disk> = Arc::new(MemDisk::new());
    format(&*disk, "/a", "one", 1, 1);
    let dirs = try_open(&disk, &["/a"]).unwrap();
    assert!(matches!(try_open(&disk, &["/a"]), Err(OpenDirsError::InUse(_))));
    drop(dirs);
    try_open(&disk, &["/a"]).unwrap();
}

#[test]
fn a_new_directory_gets_an_id_of_its_own_and_keeps_it() {
    let disk: Arc<dyn Disk> = Arc::new(MemDisk::new());
    format(&*disk, "/a", "one", 1, 1);
    let dirs = try_open(&disk, &["/a", "/b"]).unwrap();
    let ids = dirs.online_ids();
    assert_eq!((ids[0], dirs.cluster_id()), (id(1), "one"));
    assert_ne!(ids[1], id(1));
    drop(dirs);
    assert_eq!(try_open(&disk, &["/a", "/b"]).unwrap().online_ids(), ids);
}

#[test]
fn the_mark_of_a_clean_stop_is_gone_before_anything_else_and_never_trusted_twice() {
    let mem = MemDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(mem.clone());
    format(&mem, "/a", "one", 1, 1);
    clean_shutdown::write(&mem, Path::new("/a"), 42).unwrap();
    mem.sync_dir(Path::new("/")).unwrap();
    let dirs = try_open(&disk, &["/a"]).unwrap();
    assert!(dirs.were_clean());
    assert_eq!(dirs.dirs()[0].last_broker_epoch(), Some(42));
    for seed in 0..20 {
        let disk: Arc<dyn Disk> = Arc::new(mem.crash(seed));
        assert!(!try_open(&disk, &["/a"]).unwrap().were_clean());
    }
}

#[test]
fn a_mark_that_survives_power_loss_says_the_truth() {
    let mut stop = 0;
    let mut marked = 0;
    loop {
        let mem = MemDisk::new();
        format(&mem, "/a", "one", 1, 1);
        mem.sync_dir(Path::new("/")).unwrap();
        let faults = FaultDisk::new(Arc::new(mem.clone()));
        let disk: Arc<dyn Disk> = Arc::new(faults.clone());
        let dirs = try_open(&disk, &["/a"]).unwrap();
        let (index, mut log) = dirs.create(&partition(), id(1), small(), None, NOW).unwrap();
        for tag in 0..30 {
            append(&mut log, &batch(tag, &[NOW.wall], 40), 1).unwrap();
        }
        faults.stop_after(stop);
        let closed =
            log.close(NOW).is_ok() && dirs.close_dir(index, &[(partition(), log.offsets())], 77).is_ok();
        for seed in 0..10 {
            let disk: Arc<dyn Disk> = Arc::new(mem.crash(seed));
            let dirs = try_open(&disk, &["/a"]).unwrap();
            assert!(dirs.were_clean() || !closed);
            if dirs.were_clean() {
                marked += 1;
                let job = dirs.load(0).unwrap().jobs.remove(0);
                let opened = job.run(small(), NOW).unwrap();
                assert_eq!(opened.findings, []);
                assert_eq!(everything(&opened.log).len(), 30);
                assert!(disk.metadata(Path::new("/a/t-0/00000000000000000030.snapshot")).unwrap().is_some());
            }
        }
        if closed {
            break;
        }
        stop += 1;
    }
    assert!(stop > 10 && marked >= 10);
}

/// Everything in one life of a node, on any disk.
fn live(disk: &Arc<dyn Disk>, root: &Path, random: &dyn Random) {
    let paths = [root.join("a"), root.join("b")];
    let open = || LogDirs::open(disk.clone(), &paths, &EXPECTED, random).unwrap();
    let dirs = open();
    let topic = id(9);
    let other = TopicPartition { topic: TopicName::new("u").unwrap(), partition: 3 };
    let (first, mut log) = dirs.create(&partition(), topic, small(), None, NOW).unwrap();
    let (second, mut gone) = dirs.create(&other, topic, small(), None, NOW).unwrap();
    assert_ne!(first, second, "the one with fewer logs is taken");
    for tag in 0..30 {
        append(&mut log, &batch(tag, &[NOW.wall], 40), 1).unwrap();
    }
    assert!(dirs.take_round(first).into_iter().all(|job| {
        let flushed = job.run().unwrap();
        log.flushed(&flushed) == Some(30)
    }));
    assert_eq!(log.durable_offset(), 30);
    assert!(dirs.take_round(first).is_empty());
    log.set_high_watermark(30);
    dirs.persist_start_offset(first, &partition(), 12).unwrap();
    assert!(log.raise_start_offset(12));
    let retired = dirs.delete(&mut gone, id(5), NOW).unwrap();
    assert!(!disk.list(&paths[second]).unwrap().iter().any(|entry| entry.name == "u-3"));
    let all = everything(&log);
    log.close(NOW).unwrap();
    dirs.close_dir(first, &[(partition(), log.offsets())], 77).unwrap();
    dirs.close_dir(second, &[], 77).unwrap();
    drop((dirs, log, retired));

    let dirs = open();
    assert!(dirs.were_clean());
    let loading = dirs.load(first).unwrap();
    assert_eq!(loading.jobs.len(), 1);
    assert!(loading.damaged.is_empty());
    for job in loading.jobs {
        let opened = job.run(small(), NOW).unwrap();
        assert_eq!(opened.findings, []);
        let log = opened.log;
        assert_eq!((log.start_offset(), log.high_watermark(), log.topic_id()), (12, 30, Some(topic)));
        assert_eq!(everything(&log), all);
        assert!(matches!(
            dirs.create(&partition(), id(3), small(), Some(dirs.online_ids()[first]), NOW),
            Err(CreateError::OtherTopic { found }) if found == topic
        ));
    }
    let loading = dirs.load(second).unwrap();
    assert!(loading.jobs.is_empty());
    assert!(!disk.list(&paths[second]).unwrap().iter().any(|entry| entry.name.ends_with("-delete")));
    assert!(dirs.check_space(first).unwrap().total > 0);
}

#[test]
fn a_life_of_a_node_in_memory() {
    let disk: Arc<dyn Disk> = Arc::new(MemDisk::new());
    format(&*disk, "/n/a", "one", 1, 1);
    live(&disk, Path::new("/n"), &SeededRandom::new(5));
}

#[test]
fn a_life_of_a_node_on_a_real_disk() {
    let root = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    format(&*disk, root.path().join("a").to_str().unwrap(), "one", 1, 1);
    live(&disk, root.path(), &RealRandom);
}

#[test]
fn producing_stops_before_the_disk_is_full_and_resumes_with_a_gap() {
    let faults = FaultDisk::new(Arc::new(MemDisk::new()));
    format(&faults, "/a", "one", 1, 1);
    let disk: Arc<dyn Disk> = Arc::new(faults.clone());
    let dirs = try_open(&disk, &["/a"]).unwrap();
    let mib = 1024 * 1024;
    for (free, takes) in [(1_000, true), (257, true), (255, false), (300, false), (383, false), (385, true)] {
        faults.set_free(free * mib);
        assert_eq!(dirs.check_space(0).unwrap().takes_appends, takes, "{free} MiB");
        assert_eq!(dirs.takes_appends(0), takes);
    }
    assert!(dirs.fail(0));
    assert!(!dirs.fail(0), "told once");
    assert!(!dirs.takes_appends(0));
    assert!(dirs.online_ids().is_empty());
    let created = dirs.create(&partition(), id(1), small(), None, NOW);
    assert!(matches!(created, Err(CreateError::NoDirectory)));
}

#[test]
fn an_idle_node_writes_no_checkpoint_again() {
    let faults = FaultDisk::new(Arc::new(MemDisk::new()));
    format(&faults, "/a", "one", 1, 1);
    let disk: Arc<dyn Disk> = Arc::new(faults.clone());
    let dirs = try_open(&disk, &["/a"]).unwrap();
    let (index, mut log) = dirs.create(&partition(), id(1), small(), None, NOW).unwrap();
    append(&mut log, &batch(1, &[1], 0), 1).unwrap();
    log.set_high_watermark(1);
    let writes = || faults.log().iter().filter(|(verb, _)| *verb == Verb::Write).count();
    let offsets = [(partition(), log.offsets())];
    dirs.write_high_watermarks(index, &offsets).unwrap();
    dirs.write_recovery_points(index, &offsets).unwrap();
    let before = writes();
    dirs.write_high_watermarks(index, &offsets).unwrap();
    dirs.write_recovery_points(index, &offsets).unwrap();
    assert_eq!(writes(), before);
}
