//! What the log holds is the shard.

use std::io::ErrorKind;
use std::sync::Arc;

use ottla_coordinator::{GroupShard, LoadError};
use ottla_env::testing::Verb;
use ottla_group::{Ask, Client, Waiter};
use ottla_model::ErrorCode;
use ottla_record::control::EndMarker;
use ottla_record::{Builder, Codec};
use ottla_wire::messages::{OffsetCommitKey, OffsetCommitValue};
use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue};

use crate::node::{
    NOW, Node, ask, batch, codes, commit, commit_as, committed_offset, context, heartbeat, later, settled,
};

fn refusal(shard: &GroupShard) -> ErrorCode {
    let ask = Ask { waiter: Waiter(99), client: Client::default(), version: 3, request: commit("g", 9) };
    let refused = shard.submit(&ask, &context(NOW)).unwrap_err();
    assert_eq!(shard.read(|_| ()).unwrap_err(), refused);
    refused.0
}

#[test]
fn requests_are_refused_until_the_log_is_loaded() {
    let node = Node::new();
    let shard = node.unloaded();
    assert_eq!(refusal(&shard), ErrorCode::CoordinatorLoadInProgress);
    assert!(shard.expire(&context(later(1))).is_empty() && shard.committed(10).is_empty());
    let (loaded, _) = shard.load(&context(NOW)).unwrap();
    assert_eq!((loaded.records, loaded.unknown, loaded.groups), (0, 0, 0));
    assert!(ask(&shard, 1, commit("g", 5)).waits);
}

#[test]
fn loading_finds_everything_again() {
    let node = Node::new();
    let shard = node.shard();
    let member = settled(&node, &shard, "g");
    ask(&shard, 1, commit_as("g", &member, 1, &[(0, 5), (1, 6)]));
    ask(&shard, 2, commit("h", 7));
    ask(&shard, 3, commit("h", 8));
    let other = node.unloaded();
    let (loaded, submitted) = other.load(&context(NOW)).unwrap();
    assert_eq!((loaded.records, loaded.unknown, loaded.groups), (6, 0, 2));
    assert_eq!((committed_offset(&other, "g"), committed_offset(&other, "h")), (Some(5), Some(8)));
    assert_eq!(other.read(|_| ()).unwrap().1, 6);
    // Members have a session's time from now on.
    assert!(submitted.next_deadline.is_some());
    assert_eq!(ask(&other, 4, heartbeat("g", &member, 1)).replies.len(), 0, "the log is not flushed");
    assert_eq!(codes(&other.committed(node.flush().acknowledged_offset)), [(4, 0)]);
    let gone = other.expire(&context(later(10_000)));
    assert_eq!(gone.iter().map(|submitted| submitted.records).sum::<usize>(), 1);
}

#[test]
fn what_was_answered_survives_a_power_loss() {
    for seed in 0..20 {
        let node = Node::new();
        let shard = node.shard();
        let member = settled(&node, &shard, "g");
        ask(&shard, 1, commit_as("g", &member, 1, &[(0, 5)]));
        assert_eq!(codes(&shard.committed(node.flush().acknowledged_offset)), [(1, 0)]);
        ask(&shard, 2, commit_as("g", &member, 1, &[(0, 6), (1, 1)]));
        let node = node.crash(seed);
        let shard = node.shard();
        let found = committed_offset(&shard, "g");
        assert!(found == Some(5) || found == Some(6), "{found:?}");
        let offsets = shard.read(|shard| shard.counts().offsets).unwrap().0;
        assert_eq!(offsets, if found == Some(6) { 2 } else { 1 }, "a decision is there or not");
        ask(&shard, 3, heartbeat("g", &member, 1));
        // Nothing may have been written since: then the log was acknowledged when it was opened.
        assert_eq!(shard.read(|shard| shard.counts().members).unwrap().0, 1);
    }
}

#[test]
fn logs_in_every_codec_are_loaded() {
    for codec in [Codec::None, Codec::Gzip(6), Codec::Snappy, Codec::Lz4(9), Codec::Zstd(3)] {
        let node = Node::new();
        let shard = GroupShard::new(0, Arc::clone(&node.partition), codec);
        shard.load(&context(NOW)).unwrap();
        let offsets: Vec<(i32, i64)> = (0..100).map(|partition| (partition, 7)).collect();
        ask(&shard, 1, commit_as("g", "", -1, &offsets));
        let shard = node.shard();
        assert_eq!(shard.read(|shard| shard.counts().offsets).unwrap().0, 100, "{codec:?}");
    }
}

#[test]
fn records_of_unknown_types_are_passed_over_and_stay() {
    let node = Node::new();
    node.append(&batch(&[0, 99, 1, 2, 3], Some(b"of a later Kafka")));
    let key = ConsumerOffsetsKey::OffsetCommit(OffsetCommitKey::default()).encode().unwrap();
    node.append(&batch(&key, Some(&[0, 77, 1])));
    let shard = node.unloaded();
    let (loaded, _) = shard.load(&context(NOW)).unwrap();
    assert_eq!((loaded.records, loaded.unknown, loaded.groups), (2, 2, 0));
    ask(&shard, 1, commit("g", 5));
    assert_eq!(node.partition.offsets().high_watermark, 3, "after what is not known");
    let (loaded, _) = node.unloaded().load(&context(NOW)).unwrap();
    assert_eq!((loaded.records, loaded.unknown, loaded.groups), (3, 2, 1));
}

#[test]
fn a_damaged_record_stops_the_load_and_is_named() {
    let node = Node::new();
    ask(&node.shard(), 1, commit("g", 5));
    let key = ConsumerOffsetsKey::OffsetCommit(OffsetCommitKey::default()).encode().unwrap();
    node.append(&batch(&key, Some(&[0, 3, 1])));
    let shard = node.unloaded();
    let error = shard.load(&context(NOW)).unwrap_err();
    assert!(matches!(error, LoadError::Damaged { offset: 1, .. }), "{error:?}");
    let told = error.to_string();
    assert!(told.starts_with("the record at offset 1 cannot be read: "), "{told}");
    assert_eq!(refusal(&shard), ErrorCode::CoordinatorNotAvailable);
}

#[test]
fn a_key_that_is_cut_off_is_damage() {
    let node = Node::new();
    node.append(&batch(&[0, 1, 0], Some(b"x")));
    assert!(matches!(node.unloaded().load(&context(NOW)), Err(LoadError::Damaged { offset: 0, .. })));
}

#[test]
fn a_disk_that_cannot_be_read_stops_the_load() {
    let node = Node::new();
    ask(&node.shard(), 1, commit("g", 5));
    node.disk.fail_always(Verb::Read, ".log", ErrorKind::Other);
    let shard = node.unloaded();
    let error = shard.load(&context(NOW)).unwrap_err();
    assert!(matches!(error, LoadError::Storage(_)), "{error:?}");
    assert_eq!(refusal(&shard), ErrorCode::CoordinatorNotAvailable);
}

#[test]
fn a_partition_that_has_moved_is_not_loaded() {
    let node = Node::new();
    let shard = node.unloaded();
    assert!(shard.leave().is_empty());
    assert!(matches!(shard.load(&context(NOW)), Err(LoadError::Moved)));
    assert_eq!(refusal(&shard), ErrorCode::NotCoordinator);
    let shard = node.unloaded();
    node.partition.become_follower(4);
    assert!(matches!(shard.load(&context(NOW)), Err(LoadError::Moved)));
    assert_eq!(refusal(&shard), ErrorCode::NotCoordinator);
}

/// A batch of a transaction that commits one offset.
fn transactional(producer: i64, sequence: i32, offset: i64) -> bytes::Bytes {
    let key = OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 0 };
    let value = OffsetCommitValue { offset, commit_timestamp: NOW.wall, ..Default::default() };
    let (key, value) =
        (ConsumerOffsetsKey::OffsetCommit(key).encode().unwrap(), ConsumerOffsetsValue::OffsetCommit(value));
    let mut builder = Builder::new(0, Codec::None).producer(producer, 0, sequence).transactional();
    builder.push(NOW.wall, Some(&key), Some(&value.encode(3).unwrap()), &[]);
    builder.finish().unwrap()
}

#[test]
fn transactions_that_kafka_left_count_from_their_markers_on() {
    let node = Node::new();
    let marker = |commit, producer| {
        EndMarker { commit, coordinator_epoch: 0 }.batch(0, 3, NOW.wall, (producer, 0)).unwrap()
    };
    ask(&node.shard(), 1, commit("g", 1));
    node.append(&transactional(7, 0, 5));
    assert_eq!(committed_offset(&node.shard(), "g"), Some(1), "not decided");
    node.append(&marker(true, 7));
    assert_eq!(committed_offset(&node.shard(), "g"), Some(5));
    node.append(&transactional(9, 0, 6));
    node.append(&marker(false, 9));
    assert_eq!(committed_offset(&node.shard(), "g"), Some(5), "aborted");
}
