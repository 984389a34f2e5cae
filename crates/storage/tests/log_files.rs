//! What a log leaves on disk, and what it makes of what it finds there: the table of cases in
//! `recovery`, one test for each row, and errors of the disk.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "tests say what went wrong by stopping"
)]

mod fixture;

use std::io::{ErrorKind, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use fixture::{NOW, append, batch, everything, flush, make_dir, open, small};
use ottla_config::{CleanupPolicy, LogSettings};
use ottla_env::disk::{Disk, Open, RealDisk};
use ottla_env::testing::{FaultDisk, MemDisk, Sequence, Verb};
use ottla_model::{Now, Tick};
use ottla_record::control::EndMarker;
use ottla_record::{BatchView, Builder, Codec};
use ottla_storage::file_cache::FileCache;
use ottla_storage::index::OffsetIndex;
use ottla_storage::log::{AppendError, Log, LogPlace, NewBatch, Start};
use ottla_storage::producer_state::{Marker, Origin};
use ottla_storage::recovery::Finding;

const CLEAN: Start = Start { clean: true, recovery_point: 0, start_offset: None, high_watermark: 0 };

fn file(name: &str) -> PathBuf {
    Path::new("/data/t-0").join(name)
}

fn log_file(base: i64, suffix: &str) -> PathBuf {
    file(&format!("{base:020}{suffix}"))
}

fn write(disk: &dyn Disk, path: &Path, bytes: &[u8]) {
    disk.open(path, Open::Create).unwrap().write_at(&mut [IoSlice::new(bytes)], 0).unwrap();
}

fn names(disk: &dyn Disk) -> Vec<String> {
    disk.list(Path::new("/data/t-0")).unwrap().into_iter().map(|entry| entry.name).collect()
}

/// Base offset, last offset, tag.
type Batch = (i64, i64, u64);

/// A log of some segments, closed in order.
fn closed(batches: u64) -> (Arc<dyn Disk>, Vec<Batch>) {
    let mem = MemDisk::new();
    make_dir(&mem);
    let disk: Arc<dyn Disk> = Arc::new(mem);
    let mut log = open(&disk, small(), Start::default()).log;
    for tag in 0..batches {
        append(&mut log, &batch(tag, &[1_000 + tag as i64, 900], 50), 1).unwrap();
    }
    let all = everything(&log);
    log.close(NOW).unwrap();
    (disk, all)
}

#[test]
fn a_clean_start_finds_everything_and_reads_next_to_nothing() {
    let (disk, all) = closed(40);
    let opened = open(&disk, small(), CLEAN);
    assert_eq!(opened.findings, []);
    assert_eq!(opened.log.durable_offset(), 80);
    assert_eq!(everything(&opened.log), all);
    assert_eq!(opened.log.reader().max_timestamp().unwrap().unwrap().timestamp, 1_039);
}

#[test]
fn an_untouched_log_writes_nothing_when_it_is_closed() {
    let (disk, _) = closed(10);
    let faults = FaultDisk::new(disk);
    let disk: Arc<dyn Disk> = Arc::new(faults.clone());
    let mut log = open(&disk, small(), CLEAN).log;
    log.close(NOW).unwrap();
    let writes =
        |(verb, _): &(Verb, PathBuf)| matches!(verb, Verb::Write | Verb::Sync | Verb::SyncDir | Verb::SetLen);
    assert!(!faults.log().iter().any(writes), "{:?}", faults.log());
}

#[test]
fn segments_are_named_and_indexed_as_kafka_does() {
    let (disk, all) = closed(40);
    let bases: Vec<i64> = names(&*disk)
        .iter()
        .filter_map(|name| name.strip_suffix(".log").map(|base| base.parse().unwrap()))
        .collect();
    assert!(bases.len() > 3);
    for base in &bases {
        let index = disk.open(&log_file(*base, ".index"), Open::Read).unwrap();
        let loaded = OffsetIndex::load(&*index, *base, 10_000).unwrap();
        for slot in 0..loaded.len() {
            let entry = loaded.entry(&*index, slot).unwrap();
            let batch = all.iter().find(|(_, last, _)| *last == entry.offset).unwrap();
            let segment = disk.open(&log_file(*base, ".log"), Open::Read).unwrap();
            let mut head = [0; 61];
            segment.read_at(&mut head, u64::from(entry.position)).unwrap();
            assert_eq!(ottla_record::BatchHeader::parse(&head).unwrap().base_offset, batch.0);
        }
        assert!(disk.metadata(&log_file(*base, ".timeindex")).unwrap().unwrap().len >= 12);
        if *base > 0 {
            assert!(disk.metadata(&log_file(*base, ".snapshot")).unwrap().is_some());
        }
    }
    assert!(disk.metadata(&log_file(80, ".snapshot")).unwrap().is_some());
}

fn content(disk: &dyn Disk, path: &Path) -> Vec<u8> {
    let file = disk.open(path, Open::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_at(&mut bytes, 0).unwrap();
    bytes
}

#[test]
fn lost_indexes_are_rebuilt_byte_for_byte() {
    for suffix in [".index", ".timeindex"] {
        let (disk, all) = closed(40);
        let path = log_file(0, suffix);
        let before = content(&*disk, &path);
        // Missing, preallocated with zeros and never trimmed, of an odd length.
        for damage in 0..3 {
            disk.remove_file(&path).unwrap();
            match damage {
                0 => {}
                1 => disk.open(&path, Open::Create).unwrap().set_len(10_485_720).unwrap(),
                _ => write(&*disk, &path, &[1; 13]),
            }
            let opened = open(&disk, small(), Start::default());
            assert_eq!(everything(&opened.log), all, "{suffix} {damage}");
            assert_eq!(content(&*disk, &path), before, "{suffix} {damage}");
            let opened = open(&disk, small(), CLEAN);
            assert_eq!(everything(&opened.log), all);
        }
        disk.remove_file(&path).unwrap();
        let opened = open(&disk, small(), CLEAN);
        assert_eq!(everything(&opened.log), all, "rebuilt where it is first used");
        assert!(opened.log.reader().offset_for_timestamp(1_001).unwrap().is_some());
    }
}

#[test]
fn a_torn_tail_is_cut_and_reported() {
    let (disk, all) = closed(3);
    let path = log_file(0, ".log");
    let segment = disk.open(&path, Open::Write).unwrap();
    let size = segment.len().unwrap();
    for garbage in [vec![0; 300], vec![0xff; 10], batch(9, &[1], 0)[..40].to_vec()] {
        segment.write_at(&mut [IoSlice::new(&garbage)], size).unwrap();
        let opened = open(&disk, small(), Start::default());
        let torn = opened.findings.iter().find(|finding| matches!(finding, Finding::Torn { .. })).unwrap();
        assert!(
            matches!(torn, Finding::Torn { lost_bytes, .. } if *lost_bytes == garbage.len() as u64),
            "{torn}"
        );
        assert_eq!(everything(&opened.log), all);
        assert_eq!(segment.len().unwrap(), size);
    }
}

#[test]
fn segments_after_damage_are_set_aside_and_not_lost() {
    let (disk, all) = closed(40);
    let segment = disk.open(&log_file(0, ".log"), Open::Write).unwrap();
    segment.write_at(&mut [IoSlice::new(b"rot")], 200).unwrap();
    let opened = open(&disk, small(), Start::default());
    let found = everything(&opened.log);
    assert_eq!(found, all[..found.len()]);
    assert!(found.len() < 10);
    let aside = disk.list(&file("ottla")).unwrap();
    let segments =
        opened.findings.iter().filter(|finding| matches!(finding, Finding::SetAside { .. })).count();
    assert!(segments > 2);
    assert_eq!(aside.iter().filter(|entry| entry.name.ends_with(".log")).count(), segments);
    assert_eq!(opened.log.segment_count(), 1);
    // Kafka's recovery point says where reading begins: below it damage is not looked for.
    let (disk, all) = closed(40);
    disk.open(&log_file(0, ".log"), Open::Write).unwrap().write_at(&mut [IoSlice::new(b"rot")], 200).unwrap();
    let opened = open(&disk, small(), Start { recovery_point: 60, ..Start::default() });
    assert_eq!(opened.log.end_offset(), all.last().unwrap().1 + 1);
}

#[test]
fn leftovers_go_and_orphans_too() {
    let (disk, all) = closed(10);
    for name in ["00000000000000000500.index", "00000000000000000500.txnindex"] {
        write(&*disk, &file(name), b"orphan");
    }
    for name in ["00000000000000000000.log.deleted", "00000000000000000000.index.cleaned", "notes.txt"] {
        write(&*disk, &file(name), b"left");
    }
    let opened = open(&disk, small(), CLEAN);
    assert_eq!(everything(&opened.log), all);
    let names = names(&*disk);
    assert!(names.contains(&"notes.txt".to_owned()));
    assert!(
        !names
            .iter()
            .any(|name| name.contains("500") || name.contains(".deleted") || name.contains(".cleaned"))
    );
    assert!(opened.findings.contains(&Finding::Foreign("notes.txt".to_owned())));
    assert_eq!(opened.findings.len(), 5, "{:?}", opened.findings);
}

#[test]
fn a_finished_swap_is_completed_and_an_unfinished_one_undone() {
    let (disk, all) = closed(40);
    let second = names(&*disk).iter().filter(|name| name.ends_with(".log")).nth(1).unwrap().clone();
    // The cleaned segment, here an equal one, waits under its `.swap` name; the old one still stands.
    let old = disk.open(&file(&second), Open::Read).unwrap();
    let mut bytes = vec![0; old.len().unwrap() as usize];
    old.read_at(&mut bytes, 0).unwrap();
    write(&*disk, &file(&format!("{second}.swap")), &bytes);
    let opened = open(&disk, small(), CLEAN);
    assert!(opened.findings.contains(&Finding::Swapped(format!("{second}.swap"))));
    assert_eq!(everything(&opened.log), all);
    write(&*disk, &file(&format!("{second}.swap")), b"half");
    write(&*disk, &log_file(0, ".log.cleaned"), b"half");
    let opened = open(&disk, small(), CLEAN);
    assert_eq!(everything(&opened.log), all);
    assert!(!names(&*disk).iter().any(|name| name.ends_with(".swap") || name.ends_with(".cleaned")));
}

#[test]
fn a_directory_under_a_segments_name_is_refused() {
    let (disk, _) = closed(3);
    disk.create_dir_all(&file("00000000000000000900.log")).unwrap();
    let error = Log::open(fixture::place(disk, small()), CLEAN, NOW).unwrap_err();
    assert!(error.to_string().contains("00000000000000000900.log is not a regular file"), "{error}");
}

#[test]
fn damaged_epochs_are_read_from_the_batches() {
    let mem = MemDisk::new();
    make_dir(&mem);
    let disk: Arc<dyn Disk> = Arc::new(mem);
    let mut log = open(&disk, small(), Start::default()).log;
    for tag in 0..40 {
        append(&mut log, &batch(tag, &[1], 50), (tag / 15) as i32 + 4).unwrap();
    }
    let epochs = log.epochs().to_vec();
    log.close(NOW).unwrap();
    write(&*disk, &file("leader-epoch-checkpoint"), b"7\nnonsense\n");
    let opened = open(&disk, small(), CLEAN);
    assert_eq!(opened.log.epochs(), epochs);
    assert!(matches!(opened.findings[..], [Finding::EpochsLost(_)]));
    let end = opened.log.end_offset_for_epoch(4).unwrap();
    assert_eq!((end.epoch, end.end_offset), (4, 15));
}

#[test]
fn a_log_that_ends_below_its_start_begins_anew() {
    let (disk, _) = closed(10);
    let opened = open(&disk, small(), Start { start_offset: Some(1_000), ..CLEAN });
    assert_eq!((opened.log.start_offset(), opened.log.end_offset()), (1_000, 1_000));
    assert!(matches!(opened.findings[0], Finding::BelowStart { end_offset: 20, start_offset: 1_000 }));
    let mut log = opened.log;
    assert_eq!(append(&mut log, &batch(1, &[1], 0), 9).unwrap().base_offset, 1_000);
}

#[test]
fn checkpoints_beyond_the_log_are_clamped() {
    let (disk, _) = closed(10);
    let start = Start { recovery_point: 1 << 40, high_watermark: 1 << 40, ..Start::default() };
    let opened = open(&disk, small(), start);
    assert_eq!((opened.log.high_watermark(), opened.log.durable_offset()), (20, 20));
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let mem = MemDisk::new();
    make_dir(&mem);
    let faults = FaultDisk::new(Arc::new(mem));
    let disk: Arc<dyn Disk> = Arc::new(faults.clone());
    let mut log = open(&disk, small(), Start::default()).log;
    let mut tag = 0;
    for room in 0..400 {
        faults.fill_after(room);
        while append(&mut log, &batch(tag, &[1], 0), 1)
            .inspect_err(|error| {
                assert!(matches!(error, AppendError::Full(_)), "{error:?}");
            })
            .is_ok()
        {
            tag += 1;
        }
        let all = everything(&log);
        assert_eq!(all.len() as u64, tag);
        faults.heal();
        append(&mut log, &batch(tag, &[1], 0), 1).unwrap();
        tag += 1;
    }
    let tags: Vec<u64> = everything(&log).iter().map(|(_, _, tag)| *tag).collect();
    assert_eq!(tags, (0..tag).collect::<Vec<_>>());
}

#[test]
fn a_disk_that_fails_to_write_takes_the_log_offline_and_a_failed_sync_is_never_retried() {
    let mem = MemDisk::new();
    make_dir(&mem);
    let faults = FaultDisk::new(Arc::new(mem));
    let disk: Arc<dyn Disk> = Arc::new(faults.clone());
    let mut log = open(&disk, small(), Start::default()).log;
    append(&mut log, &batch(0, &[1], 0), 1).unwrap();
    faults.fail(Verb::Sync, 1, ErrorKind::Other);
    assert!(log.flush_job().run().is_err());
    assert!(log.flush_job().run().is_err(), "nothing is left to sync, and nothing is durable");
    append(&mut log, &batch(1, &[1], 0), 1).unwrap();
    assert!(log.flush_job().run().is_err(), "the file is poisoned, though the disk would sync again");
    assert_eq!(log.durable_offset(), 0);
    faults.fail(Verb::Write, 1, ErrorKind::Other);
    assert!(matches!(append(&mut log, &batch(2, &[1], 0), 1), Err(AppendError::Storage(_))));
    assert!(matches!(append(&mut log, &batch(2, &[1], 0), 1), Err(AppendError::Offline)));
    assert_eq!(everything(&log).len(), 2);
}

#[test]
fn a_flush_from_before_a_truncation_makes_nothing_durable() {
    let mem = MemDisk::new();
    make_dir(&mem);
    let disk: Arc<dyn Disk> = Arc::new(mem);
    let mut log = open(&disk, small(), Start::default()).log;
    for tag in 0..4 {
        append(&mut log, &batch(tag, &[1], 0), 1).unwrap();
    }
    let flushed = log.flush_job().run().unwrap();
    log.truncate_to(1, NOW).unwrap();
    append(&mut log, &batch(9, &[1], 0), 2).unwrap();
    assert_eq!(log.flushed(&flushed), None);
    assert_eq!(log.durable_offset(), 0);
    flush(&mut log);
    assert_eq!(log.durable_offset(), 2);
}

#[test]
fn retention_renames_first_and_removes_later() {
    let mem = MemDisk::new();
    make_dir(&mem);
    let disk: Arc<dyn Disk> = Arc::new(mem);
    let delete = CleanupPolicy { delete: true, compact: false };
    let settings = LogSettings { retention_bytes: 4_000, cleanup_policy: delete, ..small() };
    let mut log = open(&disk, settings, Start::default()).log;
    for tag in 0..60 {
        append(&mut log, &batch(tag, &[NOW.wall], 50), 1).unwrap();
    }
    let before = log.reader();
    assert!(log.retain(NOW).unwrap().is_empty(), "nothing above the high watermark goes");
    log.set_high_watermark(60);
    let garbage = log.retain(NOW).unwrap();
    assert!(!garbage.is_empty());
    assert!(log.size() >= 4_000 && log.size() < 6_000, "{}", log.size());
    assert!(log.start_offset() > 0);
    assert!(names(&*disk).iter().any(|name| name.ends_with(".log.deleted")));
    let old = before.read(0, 500, true, 60).unwrap();
    assert!(!fixture::offsets_of(&old).is_empty(), "who read it before goes on");
    for gone in garbage {
        assert_eq!(gone.due, Tick(0).plus_millis(60_000));
        gone.remove().unwrap();
    }
    assert!(!names(&*disk).iter().any(|name| name.ends_with(".deleted")));
    let old = Now { wall: NOW.wall + 8 * 86_400_000, ..NOW };
    log.set_settings(LogSettings { retention_ms: 604_800_000, retention_bytes: -1, ..small() });
    log.retain(old).unwrap();
    assert_eq!(
        (log.start_offset(), log.size()),
        (60, 0),
        "the active segment goes too, when all of it is old"
    );
}

#[test]
fn a_repeated_batch_is_answered_with_its_old_offsets() {
    let mem = MemDisk::new();
    make_dir(&mem);
    let disk: Arc<dyn Disk> = Arc::new(mem);
    let mut log = open(&disk, small(), Start::default()).log;
    let produced = |sequence| {
        let mut builder = Builder::new(0, Codec::None).producer(7, 0, sequence);
        builder.push(NOW.wall, None, Some(&[0; 8]), &[]);
        builder.finish().unwrap()
    };
    append(&mut log, &produced(0), 1).unwrap();
    append(&mut log, &produced(1), 1).unwrap();
    let again = append(&mut log, &produced(0), 1).unwrap();
    assert!(again.duplicate);
    assert_eq!((again.base_offset, again.last_offset, again.end_offset), (0, 0, 2));
    assert!(matches!(append(&mut log, &produced(5), 1), Err(AppendError::Producer(_))));
    for start in [CLEAN, Start::default()] {
        if start.clean {
            log.close(NOW).unwrap();
        }
        log = open(&disk, small(), start).log;
        assert!(append(&mut log, &produced(1), 1).unwrap().duplicate);
    }
    assert_eq!(log.end_offset(), 2);
}

fn transactional(log: &mut Log, producer: i64, sequence: i32) {
    let mut builder = Builder::new(0, Codec::None).producer(producer, 0, sequence).transactional();
    builder.push(5, None, Some(&[0; 60]), &[]);
    append(log, &builder.finish().unwrap(), 1).unwrap();
}

fn end(log: &mut Log, producer: i64, commit: bool) {
    let bytes = EndMarker { commit, coordinator_epoch: 3 }.batch(0, 1, 5, (producer, 0)).unwrap();
    let view = BatchView::parse(&bytes).unwrap();
    let marker = Marker { abort: !commit, coordinator_epoch: 3, timestamp: 5, transaction_version: 0 };
    let batch = NewBatch { header: *view.header(), body: view.body(), marker: Some(marker) };
    log.append_as_leader(&[batch], 1, Origin::Coordinator, NOW).unwrap();
}

#[test]
fn aborted_transactions_are_found_over_segments_and_after_every_kind_of_start() {
    let mem = MemDisk::new();
    make_dir(&mem);
    let disk: Arc<dyn Disk> = Arc::new(mem);
    let mut log = open(&disk, small(), Start::default()).log;
    for round in 0..20 {
        transactional(&mut log, 1, round);
        transactional(&mut log, 2, round);
        end(&mut log, 1, round % 2 == 0);
        end(&mut log, 2, true);
    }
    transactional(&mut log, 3, 0);
    log.set_high_watermark(log.end_offset());
    assert_eq!(log.last_stable_offset(), 80);
    let aborted = |log: &Log| {
        let found = log.reader().aborted(0, 80).unwrap();
        found.iter().map(|txn| (txn.producer_id, txn.first_offset, txn.last_offset)).collect::<Vec<_>>()
    };
    let expected: Vec<_> =
        (0..20).filter(|round| round % 2 == 1).map(|round| (1, round * 4, round * 4 + 2)).collect();
    assert_eq!(aborted(&log), expected);
    assert!(log.segment_count() > 3);
    let unclean = open(&disk, small(), Start::default()).log;
    assert_eq!(aborted(&unclean), expected);
    drop(unclean);
    log.close(NOW).unwrap();
    let clean = open(&disk, small(), Start { high_watermark: 81, ..CLEAN });
    assert_eq!(clean.findings, []);
    assert_eq!(aborted(&clean.log), expected);
    assert_eq!(clean.log.last_stable_offset(), 80);
    // A damaged transaction index is rebuilt even after a clean stop: it would show aborted records.
    let index = names(&*disk).into_iter().find(|name| name.ends_with(".txnindex")).unwrap();
    write(&*disk, &file(&index), &[9; 5]);
    let mended = open(&disk, small(), CLEAN);
    assert_eq!(aborted(&mended.log), expected);
    assert!(mended.findings.iter().any(|finding| matches!(finding, Finding::TxnIndexRebuilt(_))));
}

#[test]
fn what_a_leader_sent_is_kept_as_it_is() {
    let mem = MemDisk::new();
    make_dir(&mem);
    let disk: Arc<dyn Disk> = Arc::new(mem);
    let mut leader = open(&disk, small(), Start::default()).log;
    for tag in 0..10 {
        append(&mut leader, &batch(tag, &[1, 2], 50), 3).unwrap();
    }
    let read = leader.reader().read(0, 1_700, true, 20).unwrap();
    let bytes = fixture::bytes_of(&read.regions);
    let mem = MemDisk::new();
    make_dir(&mem);
    let disk: Arc<dyn Disk> = Arc::new(mem);
    let mut follower = open(&disk, small(), Start::default()).log;
    let cut = &bytes[..bytes.len() - 5];
    let appended = follower.append_as_follower(cut, NOW).unwrap();
    let whole = fixture::offsets_of(&read).len() as i64 - 1;
    assert_eq!(appended.end_offset, whole * 2, "the cut-off batch is left out");
    assert_eq!(follower.latest_epoch(), Some(3));
    let again = follower.append_as_follower(&bytes, NOW);
    assert!(matches!(again, Err(AppendError::Batch(_))), "{again:?}");
    let mut damaged = bytes.clone();
    damaged[80] ^= 1;
    let mut fresh = open(&disk, small(), Start::default()).log;
    assert!(fresh.append_as_follower(&damaged, NOW).is_err());
    assert_eq!(fresh.end_offset(), follower.end_offset());
}

#[test]
fn old_message_sets_load_and_are_served() {
    let mem = MemDisk::new();
    make_dir(&mem);
    // Magic 1: offset, size, CRC-32, magic, attributes, timestamp, key, value.
    let mut bytes = Vec::new();
    for offset in 0..50_i64 {
        let mut message = vec![1, 0];
        message.extend_from_slice(&(1_000 + offset).to_be_bytes());
        message.extend_from_slice(&(-1_i32).to_be_bytes());
        message.extend_from_slice(&3_i32.to_be_bytes());
        message.extend_from_slice(b"old");
        bytes.extend_from_slice(&offset.to_be_bytes());
        bytes.extend_from_slice(&(message.len() as i32 + 4).to_be_bytes());
        bytes.extend_from_slice(&ottla_record::crc32(&message).to_be_bytes());
        bytes.extend_from_slice(&message);
    }
    write(&mem, &log_file(0, ".log"), &bytes);
    let disk: Arc<dyn Disk> = Arc::new(mem);
    let mut log = open(&disk, small(), Start::default()).log;
    assert_eq!(log.end_offset(), 50);
    let view = log.reader();
    let read = view.read(17, 1, true, 50).unwrap();
    assert_eq!((read.first_offset, read.bytes), (17, bytes.len() as u64 / 50));
    assert_eq!(view.offset_for_timestamp(1_033).unwrap().unwrap().offset, 33);
    assert_eq!(append(&mut log, &batch(1, &[2_000], 0), 1).unwrap().base_offset, 50);
}

#[test]
fn many_logs_share_few_descriptors_and_a_dirty_file_is_synced_before_it_is_closed() {
    let mem = MemDisk::new();
    let faults = FaultDisk::new(Arc::new(mem));
    let disk: Arc<dyn Disk> = Arc::new(faults.clone());
    let cache = FileCache::new(disk.clone(), 16);
    let mut logs: Vec<Log> = (0..40)
        .map(|number| {
            let dir = PathBuf::from(format!("/data/t-{number}"));
            let place = LogPlace { dir, cache: cache.clone(), ..fixture::place(disk.clone(), small()) };
            Log::open(place, Start::default(), NOW).unwrap().log
        })
        .collect();
    for tag in 0..30 {
        for log in &mut logs {
            append(log, &batch(tag, &[1], 50), 1).unwrap();
            assert!(cache.open_files() <= 16, "{cache:?}");
        }
    }
    assert!(faults.log().iter().any(|(verb, _)| *verb == Verb::Sync), "nobody flushed but the cache");
    for log in &logs {
        let tags: Vec<u64> = everything(log).iter().map(|(_, _, tag)| *tag).collect();
        assert_eq!(tags, (0..30).collect::<Vec<_>>());
    }
    drop(logs);
    assert_eq!(cache.open_files(), 0);
}

#[test]
fn readers_beside_the_writer_see_whole_batches_only() {
    let root = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let place = LogPlace { dir: root.path().join("t-0"), ..fixture::place(disk, small()) };
    let log = Mutex::new(Log::open(place, Start::default(), NOW).unwrap().log);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            let (log, done) = (&log, &done);
            scope.spawn(move || {
                let mut luck = Sequence::new(reader);
                while !done.load(Ordering::Acquire) {
                    let view = log.lock().unwrap().reader();
                    let from = luck.below(view.end_offset as u64 + 1) as i64;
                    let read = view.read(from, luck.below(3_000), true, view.end_offset).unwrap();
                    let offsets = fixture::offsets_of(&read);
                    assert_eq!(offsets.is_empty(), from == view.end_offset);
                    assert!(offsets.iter().all(|(_, last)| *last < view.end_offset));
                    assert!(offsets.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
                    assert!(offsets.first().is_none_or(|(base, last)| (*base..=*last).contains(&from)));
                }
            });
        }
        for tag in 0..1_000 {
            append(&mut log.lock().unwrap(), &batch(tag, &[1, 2], 30), 1).unwrap();
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(log.into_inner().unwrap().end_offset(), 2_000);
}
