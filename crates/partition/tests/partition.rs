//! One partition on a disk in memory, without a broker around it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests say what went wrong by stopping"
)]

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use ottla_config::{CleanupPolicy, LogSettings};
use ottla_env::testing::MemDisk;
use ottla_model::{Now, Tick, TopicName, TopicPartition, Uuid};
use ottla_partition::{
    AppendError, AppendRequest, DeleteRecordsError, Isolation, LookupError, NotLeader, OffsetSpec, Partition,
    PartitionId, ReadError, ReadRequest,
};
use ottla_record::{Builder, Codec};
use ottla_replication::{AckDurable, Acks};
use ottla_storage::file_cache::FileCache;
use ottla_storage::log::{Log, LogPlace, Start};

const NOW: Now = Now { tick: Tick(1_000_000), wall: 1_700_000_000_000 };

fn partition_with(topic: &str, settings: LogSettings, ack_durable: AckDurable) -> Partition {
    let name = TopicPartition { topic: TopicName::new(topic).unwrap(), partition: 0 };
    let place = LogPlace {
        partition: name,
        topic_id: Some(Uuid::UNASSIGNED),
        dir: PathBuf::from("/data/t-0"),
        cache: FileCache::new(Arc::new(MemDisk::new()), 64),
        dirty: Arc::default(),
        settings,
        producer_expiration_ms: 86_400_000,
    };
    let log = Log::open(place, Start::default(), NOW).unwrap().log;
    Partition::new(PartitionId { topic: Uuid::UNASSIGNED, partition: 0 }, log, ack_durable)
}

fn leader() -> Partition {
    let partition = partition_with("t", LogSettings::default(), AckDurable::Alone);
    partition.become_leader(3);
    partition
}

fn batch(values: &[&str]) -> Bytes {
    let mut builder = Builder::new(0, Codec::None);
    for value in values {
        builder.push(NOW.wall, None, Some(value.as_bytes()), &[]);
    }
    builder.finish().unwrap()
}

fn ask(acks: Acks) -> AppendRequest {
    AppendRequest { acks, zstd_allowed: true, now: NOW }
}

fn flush(partition: &Partition) {
    let flushed = partition.with_log(|log| log.flush_job()).run().unwrap();
    partition.flushed(&flushed).unwrap();
}

fn from(offset: i64, current_leader_epoch: i32) -> ReadRequest {
    ReadRequest {
        offset,
        max_bytes: 1 << 20,
        min_one: true,
        isolation: Isolation::Uncommitted,
        current_leader_epoch,
        last_fetched_epoch: -1,
    }
}

#[test]
fn what_is_appended_shows_at_once_and_is_acknowledged_when_durable() {
    let partition = leader();
    let appended = partition.append(&batch(&["a", "b"]), &ask(Acks::All)).unwrap();
    assert_eq!((appended.base_offset, appended.last_offset, appended.leader_epoch), (0, 1, 3));
    assert_eq!((appended.effect.high_watermark, appended.effect.acknowledged_offset), (2, 0));
    assert!(partition.read(&from(0, -1)).unwrap().bytes > 0);
    flush(&partition);
    assert_eq!(partition.acknowledged_offset(), 2);
    let offsets = partition.offsets();
    assert_eq!((offsets.start, offsets.last_stable, offsets.high_watermark), (0, 2, 2));
}

#[test]
fn a_node_told_so_acknowledges_before_its_disk() {
    let partition = partition_with("t", LogSettings::default(), AckDurable::Never);
    partition.become_leader(0);
    let appended = partition.append(&batch(&["a"]), &ask(Acks::All)).unwrap();
    assert_eq!((appended.effect.acknowledged_offset, appended.effect.durable_offset), (1, 0));
}

#[test]
fn who_does_not_lead_neither_appends_nor_answers() {
    let partition = leader();
    assert!(partition.become_follower(4).failed, "waits end: clients look for the leader");
    let refused = partition.append(&batch(&["a"]), &ask(Acks::Leader)).unwrap_err();
    assert!(matches!(refused, AppendError::NotLeader(NotLeader::Elsewhere)));
    assert!(matches!(partition.read(&from(0, -1)), Err(ReadError::NotLeader(NotLeader::Elsewhere))));
    let found = partition.find(OffsetSpec::Latest, Isolation::Uncommitted, -1);
    assert!(matches!(found, Err(LookupError::NotLeader(NotLeader::Elsewhere))));
}

#[test]
fn a_clients_epoch_is_compared_with_the_leaders() {
    let partition = leader();
    let fenced = partition.read(&from(0, 2)).unwrap_err();
    assert!(matches!(fenced, ReadError::NotLeader(NotLeader::Fenced { current: 3 })));
    let unknown = partition.read(&from(0, 4)).unwrap_err();
    assert!(matches!(unknown, ReadError::NotLeader(NotLeader::Unknown { current: 3 })));
    assert!(partition.read(&from(0, 3)).is_ok());
}

#[test]
fn internal_topics_and_transactional_batches_are_refused() {
    let internal = partition_with("__consumer_offsets", LogSettings::default(), AckDurable::Alone);
    internal.become_leader(0);
    let refused = internal.append(&batch(&["a"]), &ask(Acks::Leader));
    assert!(matches!(refused, Err(AppendError::InternalTopic)));
    let mut builder = Builder::new(0, Codec::None).producer(9, 0, 0).transactional();
    builder.push(NOW.wall, None, Some(b"a"), &[]);
    let refused = leader().append(&builder.finish().unwrap(), &ask(Acks::Leader));
    assert!(matches!(refused, Err(AppendError::Transactional)));
}

#[test]
fn the_start_is_raised_within_what_can_be_read() {
    let partition = leader();
    partition.append(&batch(&["a", "b", "c"]), &ask(Acks::Leader)).unwrap();
    assert_eq!(partition.delete_records(Some(4)).unwrap_err(), DeleteRecordsError::OutOfRange);
    assert_eq!(partition.delete_records(Some(-2)).unwrap_err(), DeleteRecordsError::OutOfRange);
    assert_eq!(partition.delete_records(Some(2)).unwrap().0, 2);
    assert_eq!(partition.delete_records(Some(1)).unwrap().0, 2, "it never goes back");
    assert!(matches!(partition.read(&from(1, -1)), Err(ReadError::OutOfRange { .. })));
    assert_eq!(partition.delete_records(None).unwrap().0, 3, "the high watermark");
    let compact = CleanupPolicy { delete: false, compact: true };
    let settings = LogSettings { cleanup_policy: compact, ..LogSettings::default() };
    let compacted = partition_with("t", settings, AckDurable::Alone);
    compacted.become_leader(0);
    assert_eq!(compacted.delete_records(None).unwrap_err(), DeleteRecordsError::Compacted);
}

#[test]
fn offsets_are_found_by_their_names_and_times() {
    let partition = leader();
    partition.append(&batch(&["a", "b"]), &ask(Acks::Leader)).unwrap();
    let find = |spec| partition.find(spec, Isolation::Uncommitted, -1).unwrap();
    assert_eq!(find(OffsetSpec::Earliest).unwrap().offset, 0);
    let latest = find(OffsetSpec::Latest).unwrap();
    assert_eq!((latest.offset, latest.leader_epoch, latest.timestamp), (2, 3, -1));
    assert_eq!(find(OffsetSpec::Timestamp(NOW.wall)).unwrap().offset, 0);
    assert_eq!(find(OffsetSpec::Timestamp(NOW.wall + 1)), None);
    assert_eq!(find(OffsetSpec::MaxTimestamp).unwrap().timestamp, NOW.wall);
    assert_eq!(find(OffsetSpec::Remote).unwrap().offset, -1);
    assert_eq!(partition.end_of_epoch(3, -1).unwrap(), Some((3, 2)));
}

#[test]
fn flush_ms_counts_from_the_oldest_record_that_no_sync_covers() {
    let settings = LogSettings { flush_ms: 1000, ..LogSettings::default() };
    let partition = partition_with("t", settings, AckDurable::Never);
    partition.become_leader(0);
    assert!(!partition.flush_is_overdue(NOW.tick.plus_millis(5000)), "nothing waits");
    partition.append(&batch(&["a"]), &ask(Acks::Leader)).unwrap();
    let later = AppendRequest { now: Now { tick: NOW.tick.plus_millis(900), ..NOW }, ..ask(Acks::Leader) };
    partition.append(&batch(&["b"]), &later).unwrap();
    assert!(!partition.flush_is_overdue(NOW.tick.plus_millis(999)));
    assert!(partition.flush_is_overdue(NOW.tick.plus_millis(1000)));
    flush(&partition);
    assert!(!partition.flush_is_overdue(NOW.tick.plus_millis(5000)));
}
