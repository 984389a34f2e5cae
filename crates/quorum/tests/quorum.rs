//! A quorum of one over a disk in memory: starts, crashes, snapshots.
// Tests may panic: that is how they fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_env::disk::{Disk, Open, read_exact_at};
use ottla_env::testing::MemDisk;
use ottla_machine::Outcome;
use ottla_metadata::bootstrap::{Fresh, fresh};
use ottla_metadata::features::levels_at_format;
use ottla_metadata::{ConfigResource, Image, MetadataVersion};
use ottla_model::{Now, Tick, Uuid};
use ottla_quorum::{DIRECTORY, OpenError, Options, ProposeError, Quorum, Segments, voters_record};
use ottla_raft::{Endpoint, Refused, ReplicaKey, SUPPORTED, Voter, Voters};
use ottla_record::batches;
use ottla_storage::atomic_file;
use ottla_storage::file_cache::FileCache;
use ottla_wire::MetadataRecord;
use ottla_wire::messages::{BeginTransactionRecord, ConfigRecord, RemoveTopicRecord, TopicRecord};
use proptest::prelude::*;

const ROOT: &str = "/data";

fn voter(port: u16) -> Voter {
    Voter {
        key: ReplicaKey { id: 1, directory: Uuid::from_bytes([7; 16]) },
        endpoints: vec![Endpoint { name: "CONTROLLER".into(), host: "localhost".into(), port }],
        versions: SUPPORTED,
    }
}

fn now(millis: u64) -> Now {
    Now { tick: Tick::default().plus_millis(millis), wall: i64::try_from(millis).unwrap() }
}

fn options(disk: &Arc<dyn Disk>) -> Options {
    Options {
        cache: FileCache::new(Arc::clone(disk), 100),
        dir: PathBuf::from(ROOT),
        me: voter(9093),
        configured_voters: Voters::default(),
        segments: Segments { bytes: 4096, ms: i64::MAX },
        snapshot_after_bytes: 1 << 20,
        snapshot_after_ms: 3_600_000,
        min_insync_replicas: 1,
    }
}

fn log_dir() -> PathBuf {
    Path::new(ROOT).join(DIRECTORY)
}

/// A directory as the format command leaves it.
fn formatted() -> Arc<dyn Disk> {
    let disk: Arc<dyn Disk> = Arc::new(MemDisk::new());
    format_on(&*disk);
    disk
}

fn format_on(disk: &dyn Disk) {
    let levels = levels_at_format(MetadataVersion::DEFAULT, &BTreeMap::new()).unwrap();
    let voters = voters_record(&Voters::new([voter(9093)]));
    let Fresh { bootstrap, zero } = fresh(MetadataVersion::DEFAULT, &levels, voters, 5).unwrap();
    disk.create_dir_all(&log_dir()).unwrap();
    disk.sync_dir(Path::new(ROOT)).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    atomic_file::write(disk, &Path::new(ROOT).join("bootstrap.checkpoint"), &bootstrap).unwrap();
    let zero_path = log_dir().join("00000000000000000000-0000000000.checkpoint");
    atomic_file::write(disk, &zero_path, &zero.unwrap()).unwrap();
}

fn open(disk: &Arc<dyn Disk>) -> Quorum {
    let mut quorum = Quorum::open(options(disk), now(10)).unwrap();
    let _ = quorum.sync().unwrap();
    quorum
}

fn topic(name: &str, byte: u8) -> MetadataRecord {
    TopicRecord { name: name.into(), topic_id: Uuid::from_bytes([byte; 16]) }.into()
}

fn setting(value: usize) -> MetadataRecord {
    ConfigRecord {
        resource_type: 4,
        resource_name: "".into(),
        name: "background.threads".into(),
        value: Some(value.to_string().into()),
    }
    .into()
}

fn read_file(disk: &dyn Disk, path: &Path) -> Vec<u8> {
    let file = disk.open(path, Open::Read).unwrap();
    let mut content = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    read_exact_at(&*file, &mut content, 0).unwrap();
    content
}

fn state(disk: &dyn Disk) -> String {
    String::from_utf8(read_file(disk, &log_dir().join("quorum-state"))).unwrap()
}

fn names(disk: &dyn Disk) -> Vec<String> {
    disk.list(&log_dir()).unwrap().into_iter().map(|entry| entry.name).collect()
}

/// Base offset, count, epoch and whether it is control, of every batch.
fn shape(disk: &dyn Disk) -> Vec<(i64, i32, i32, bool)> {
    let mut found = Vec::new();
    for name in names(disk).iter().filter(|name| name.ends_with(".log")) {
        let content = read_file(disk, &log_dir().join(name));
        for batch in batches(&content).map_while(Result::ok) {
            let header = batch.header();
            found.push((
                header.base_offset,
                header.record_count,
                header.partition_leader_epoch,
                header.is_control(),
            ));
        }
    }
    found
}

#[test]
fn the_first_start_writes_what_kafka_would() {
    let disk = formatted();
    let quorum = open(&disk);
    // LeaderChange, KRaftVersion, Voters; then Begin, six levels, min.insync.replicas, End.
    assert_eq!(shape(&*disk), [(0, 3, 1, true), (3, 9, 1, false)]);
    assert_eq!(
        state(&*disk),
        r#"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#
    );
    let image = quorum.image();
    assert_eq!(image.metadata_version(), MetadataVersion::DEFAULT);
    assert_eq!(image.features.level("share.version"), 1);
    assert_eq!(image.configs.value(&ConfigResource::all_brokers(), "min.insync.replicas"), Some("1"));
    assert_eq!(quorum.committed(), Some(12));
    assert_eq!(quorum.kraft_version(), 1);
}

#[test]
fn a_later_start_writes_one_leader_change_in_a_higher_epoch() {
    let disk = formatted();
    let mut quorum = open(&disk);
    quorum.propose(&[topic("a", 1)], now(20)).unwrap();
    quorum.sync().unwrap().unwrap();
    let image = quorum.image().clone();
    quorum.close(now(30)).unwrap();
    let quorum = open(&disk);
    assert_eq!(*quorum.image(), image);
    assert_eq!(shape(&*disk)[2..], [(12, 1, 1, false), (13, 1, 2, true)]);
    assert_eq!(quorum.describe().epoch, 2);
}

#[test]
fn an_address_that_changed_is_written_to_the_log() {
    let disk = formatted();
    open(&disk).close(now(20)).unwrap();
    let elsewhere = Options { me: voter(9999), ..options(&disk) };
    let mut quorum = Quorum::open(elsewhere, now(30)).unwrap();
    quorum.sync().unwrap();
    assert_eq!(shape(&*disk)[2..], [(12, 3, 2, true)]);
    quorum.close(now(40)).unwrap();
    let quorum = Quorum::open(Options { me: voter(9999), ..options(&disk) }, now(50)).unwrap();
    assert_eq!(shape(&*disk)[3..], [(15, 1, 3, true)]);
    assert_eq!(quorum.describe().voters.get(1).unwrap().endpoints[0].port, 9999);
}

#[test]
fn without_any_checkpoint_only_configured_voters_and_a_level_are_left() {
    let disk: Arc<dyn Disk> = Arc::new(MemDisk::new());
    let error = Quorum::open(options(&disk), now(10)).err().unwrap();
    assert!(matches!(error, OpenError::Refused(Refused::NotAVoter { me: 1, .. })), "{error}");
    let mut me = voter(9093);
    me.key.directory = Uuid::ZERO;
    let configured = Options { configured_voters: Voters::new([me]), ..options(&disk) };
    let mut quorum = Quorum::open(configured, now(10)).unwrap();
    quorum.sync().unwrap();
    assert_eq!(quorum.image().metadata_version(), MetadataVersion::DEFAULT);
    assert_eq!(shape(&*disk), [(0, 1, 1, true), (1, 3, 1, false)]);
    assert!(state(&*disk).ends_with(r#""currentVoters":[{"voterId":1}],"data_version":0}"#));
}

#[test]
fn nothing_is_visible_or_committed_before_it_is_durable() {
    let disk = formatted();
    let mut quorum = open(&disk);
    let committed = quorum.committed();
    let proposed = quorum.propose(&[topic("a", 1)], now(20)).unwrap();
    assert!(quorum.working().topics.named("a").is_some());
    assert!(quorum.image().topics.named("a").is_none());
    assert_eq!(quorum.committed(), committed);
    let progress = quorum.sync().unwrap().unwrap();
    assert_eq!(progress.committed, proposed.end_offset);
    let delta = progress.delta.unwrap();
    assert_eq!(delta.created_topics().count(), 1);
    assert!(quorum.image().topics.named("a").is_some());
}

#[test]
fn a_decision_reads_what_is_appended_and_its_reply_waits_for_it() {
    let disk = formatted();
    let mut quorum = open(&disk);
    let first = quorum.submit(|_, _| Outcome::decided(vec![topic("a", 1)], ()), now(20)).unwrap();
    let read = quorum
        .submit(|image, place| Outcome::unchanged((image.topics.len(), place.base_offset)), now(20))
        .unwrap();
    assert_eq!(read.reply, (1, first.end_offset));
    assert_eq!(read.end_offset, first.end_offset, "a read waits for what it saw");
}

#[test]
fn a_refused_decision_changes_nothing() {
    let disk = formatted();
    let mut quorum = open(&disk);
    let before = (shape(&*disk), quorum.working().clone(), quorum.end_offset());
    let unknown = RemoveTopicRecord { topic_id: Uuid::from_bytes([1; 16]) };
    let error = quorum.propose(&[topic("a", 2), unknown.into()], now(20)).unwrap_err();
    assert!(matches!(error, ProposeError::Invalid(_)) && !error.is_fatal());
    assert_eq!((shape(&*disk), quorum.working().clone(), quorum.end_offset()), before);
    assert_eq!(quorum.propose(&[], now(20)).unwrap().end_offset, before.2);
}

#[test]
fn a_transaction_left_open_is_aborted_at_the_next_start() {
    let disk = formatted();
    let mut quorum = open(&disk);
    quorum.propose(&[topic("a", 1)], now(20)).unwrap();
    quorum.propose(&[BeginTransactionRecord::default().into(), topic("b", 2)], now(20)).unwrap();
    quorum.sync().unwrap();
    assert!(quorum.image().topics.named("b").is_none());
    assert!(quorum.snapshot(now(20)).is_none(), "no snapshot ends inside a transaction");
    drop(quorum);
    let quorum = open(&disk);
    assert!(quorum.image().topics.named("a").is_some());
    assert!(quorum.working().topics.named("b").is_none());
    assert_eq!(shape(&*disk).last(), Some(&(16, 1, 2, false)));
}

#[test]
fn an_idle_quorum_writes_nothing() {
    let disk = formatted();
    let mut quorum = open(&disk);
    let before = shape(&*disk);
    assert!(quorum.sync().unwrap().is_none());
    let _ = quorum.snapshot_if_due(now(10_000)).is_none();
    assert_eq!(shape(&*disk), before);
}

fn snapshot(quorum: &mut Quorum, at: u64) {
    let job = quorum.snapshot(now(at)).unwrap();
    let done = job.run().unwrap();
    quorum.snapshot_done(Some(done), now(at)).unwrap();
}

#[test]
fn a_snapshot_is_due_after_bytes_or_time_and_only_when_something_changed() {
    let disk = formatted();
    let mut quorum = Quorum::open(Options { snapshot_after_bytes: 2000, ..options(&disk) }, now(10)).unwrap();
    quorum.sync().unwrap();
    assert!(quorum.snapshot_if_due(now(20)).is_none());
    let job = quorum.snapshot_if_due(now(3_600_010)).unwrap();
    assert_eq!(job.id().file_name(), "00000000000000000012-0000000001.checkpoint");
    assert!(quorum.snapshot_if_due(now(9_000_000)).is_none(), "one at a time");
    quorum.snapshot_done(Some(job.run().unwrap()), now(9_000_000)).unwrap();
    assert!(quorum.snapshot_if_due(now(99_000_000)).is_none(), "nothing changed");
    for value in 0..20 {
        quorum.propose(&[setting(value)], now(20)).unwrap();
    }
    quorum.sync().unwrap();
    assert!(quorum.snapshot_if_due(now(9_000_001)).is_some(), "bytes");
}

#[test]
fn old_segments_and_snapshots_go_and_a_start_reads_the_same() {
    let disk = formatted();
    let mut quorum = open(&disk);
    for round in 0..5 {
        for value in 0..60 {
            quorum.propose(&[setting(round * 100 + value)], now(20)).unwrap();
        }
        quorum.sync().unwrap();
        snapshot(&mut quorum, 20);
    }
    quorum.propose(&[topic("behind", 1)], now(20)).unwrap();
    quorum.sync().unwrap();
    let kept: Vec<String> = names(&*disk).into_iter().filter(|name| name.ends_with(".checkpoint")).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    let first_log = names(&*disk).into_iter().find(|name| name.ends_with(".log")).unwrap();
    assert_ne!(first_log, "00000000000000000000.log");
    let image = quorum.image().clone();
    drop(quorum);
    let quorum = open(&disk);
    assert_eq!(*quorum.image(), image);
    assert_eq!(quorum.kraft_version(), 1, "voters come out of the snapshot");
    assert_eq!(shape(&*disk).last().map(|batch| batch.1), Some(1), "and are not written again");
}

#[test]
fn a_log_that_begins_above_its_snapshots_is_refused() {
    let disk = formatted();
    let mut quorum = open(&disk);
    for round in 0..3 {
        for value in 0..60 {
            quorum.propose(&[setting(round * 100 + value)], now(20)).unwrap();
        }
        quorum.sync().unwrap();
        snapshot(&mut quorum, 20);
    }
    drop(quorum);
    for name in names(&*disk).iter().filter(|name| name.ends_with(".checkpoint")) {
        disk.remove_file(&log_dir().join(name)).unwrap();
    }
    let error = Quorum::open(options(&disk), now(30)).err().unwrap();
    assert!(matches!(error, OpenError::NoSnapshot { latest: None, .. }), "{error}");
}

#[test]
fn half_written_snapshots_are_cleared_away() {
    let disk = formatted();
    open(&disk).close(now(20)).unwrap();
    for name in [
        "00000000000000000012-0000000001.checkpoint.part",
        "00000000000000000011-0000000001.checkpoint.deleted",
    ] {
        disk.open(&log_dir().join(name), Open::Create).unwrap();
    }
    let _ = open(&disk);
    assert!(!names(&*disk).iter().any(|name| name.ends_with(".part") || name.ends_with(".deleted")));
}

#[test]
fn a_damaged_snapshot_or_state_stops_the_start() {
    let disk = formatted();
    let mut quorum = open(&disk);
    snapshot(&mut quorum, 20);
    drop(quorum);
    let name = "00000000000000000012-0000000001.checkpoint";
    let content = read_file(&*disk, &log_dir().join(name));
    atomic_file::write(&*disk, &log_dir().join(name), &content[..content.len() - 5]).unwrap();
    let error = Quorum::open(options(&disk), now(30)).err().unwrap();
    assert!(matches!(error, OpenError::Checkpoint { .. }), "{error}");
    atomic_file::write(&*disk, &log_dir().join(name), &content).unwrap();
    atomic_file::write(&*disk, &log_dir().join("quorum-state"), b"{}").unwrap();
    let error = Quorum::open(options(&disk), now(30)).err().unwrap();
    assert!(error.to_string().contains("data_version"), "{error}");
}

#[test]
fn a_lost_state_file_still_raises_the_epoch() {
    let disk = formatted();
    open(&disk).close(now(20)).unwrap();
    disk.remove_file(&log_dir().join("quorum-state")).unwrap();
    assert_eq!(open(&disk).epoch(), 2);
}

#[derive(Clone, Debug)]
enum Deed {
    Propose(u8),
    Sync,
    Snapshot,
    Kill,
    Crash(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (0..20u8).prop_map(Deed::Propose),
        3 => Just(Deed::Sync),
        1 => Just(Deed::Snapshot),
        1 => Just(Deed::Kill),
        2 => any::<u64>().prop_map(Deed::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_committed_survives_any_crash_and_epochs_never_repeat(
        deeds in proptest::collection::vec(deed(), 1..40)
    ) {
        let mut memory = MemDisk::new();
        format_on(&memory);
        let mut disk: Arc<dyn Disk> = Arc::new(memory.clone());
        let mut quorum = open(&disk);
        let mut committed: Image = quorum.image().clone();
        let mut counter = 0;
        let mut epoch = quorum.epoch();
        for deed in deeds {
            match deed {
                Deed::Propose(count) => {
                    for _ in 0..count {
                        counter += 1;
                        quorum.propose(&[setting(counter)], now(20)).unwrap();
                    }
                }
                Deed::Sync => {
                    if let Some(progress) = quorum.sync().unwrap() {
                        prop_assert_eq!(progress.committed, quorum.end_offset());
                    }
                    prop_assert_eq!(quorum.image(), quorum.working());
                    committed = quorum.image().clone();
                }
                Deed::Snapshot => {
                    if let Some(job) = quorum.snapshot(now(20)) {
                        let done = job.run().unwrap();
                        quorum.snapshot_done(Some(done), now(20)).unwrap();
                    }
                }
                Deed::Kill | Deed::Crash(_) => {
                    drop(quorum);
                    memory = match deed {
                        Deed::Crash(seed) => memory.crash(seed),
                        _ => memory.kill(),
                    };
                    disk = Arc::new(memory.clone());
                    quorum = open(&disk);
                    prop_assert!(quorum.epoch() > epoch);
                    epoch = quorum.epoch();
                    let value = |image: &Image| {
                        let all = ConfigResource::all_brokers();
                        image.configs.value(&all, "background.threads").map_or(0, |v| v.parse::<usize>().unwrap())
                    };
                    prop_assert!(value(quorum.image()) >= value(&committed));
                    committed = quorum.image().clone();
                }
            }
        }
    }
}
