//! Producer state by Kafka's rules, and against one that is worked out anew from the whole log.

mod files;
mod naive;

use ottla_record::BatchHeader;

use super::*;

/// A data batch of producer 7 at an offset.
fn batch(offset: Offset, epoch: i16, sequence: i32, count: i32) -> BatchHeader {
    BatchHeader {
        base_offset: offset,
        last_offset_delta: count - 1,
        record_count: count,
        producer_id: 7,
        producer_epoch: epoch,
        base_sequence: sequence,
        max_timestamp: 1_000 + offset,
        ..BatchHeader::default()
    }
}

fn transactional(mut batch: BatchHeader) -> BatchHeader {
    batch.set_transactional(true);
    batch
}

fn control(offset: Offset, epoch: i16) -> BatchHeader {
    let mut batch = transactional(batch(offset, epoch, -1, 1));
    batch.set_control(true);
    batch
}

fn marker(abort: bool, transaction_version: i16) -> Marker {
    Marker { abort, coordinator_epoch: 3, timestamp: 5_000, transaction_version }
}

/// Checks and applies a client's batch.
fn produce(state: &mut ProducerState, batch: BatchHeader) -> Result<Verdict, ProducerError> {
    append(state, batch, None, Origin::Client).map(|(verdict, _)| verdict)
}

fn append(
    state: &mut ProducerState,
    batch: BatchHeader,
    marker: Option<Marker>,
    origin: Origin,
) -> Result<(Verdict, Vec<AbortedTxn>), ProducerError> {
    let mut update = Update::default();
    let verdict = state.check(&mut update, &batch, marker, origin)?;
    let aborted =
        if verdict == Verdict::Append { state.apply(update, batch.next_offset()) } else { Vec::new() };
    Ok((verdict, aborted))
}

/// A state in which producer 7 has written sequences 0 to 9 in ten batches.
fn ten_batches() -> ProducerState {
    let mut state = ProducerState::new(0);
    for n in 0..10 {
        assert_eq!(produce(&mut state, batch(i64::from(n), 0, n, 1)), Ok(Verdict::Append));
    }
    state
}

#[test]
fn one_of_the_last_five_batches_is_a_duplicate() {
    let mut state = ten_batches();
    for n in 5..10 {
        let Ok(Verdict::Duplicate(found)) = produce(&mut state, batch(10, 0, n, 1)) else { panic!("{n}") };
        let offset = i64::from(n);
        assert_eq!(found, Duplicate { base_offset: offset, last_offset: offset, timestamp: 1_000 + offset });
    }
    let error = ProducerError::OutOfOrderSequence { producer_id: 7, sequence: 4, last: 9 };
    assert_eq!(produce(&mut state, batch(10, 0, 4, 1)), Err(error));
    assert_eq!(state, ten_batches(), "neither changes anything");
}

#[test]
fn a_batch_that_only_overlaps_is_no_duplicate() {
    let error = ProducerError::OutOfOrderSequence { producer_id: 7, sequence: 9, last: 9 };
    assert_eq!(produce(&mut ten_batches(), batch(10, 0, 9, 2)), Err(error));
}

#[test]
fn a_gap_is_out_of_order() {
    let error = ProducerError::OutOfOrderSequence { producer_id: 7, sequence: 11, last: 9 };
    assert_eq!(produce(&mut ten_batches(), batch(10, 0, 11, 1)), Err(error));
}

#[test]
fn sequences_wrap_to_zero() {
    let mut state = ProducerState::new(0);
    produce(&mut state, batch(0, 0, i32::MAX - 1, 2)).unwrap();
    assert_eq!(state.producer(7).unwrap().last_sequence(), i32::MAX);
    assert_eq!(produce(&mut state, batch(2, 0, 0, 1)), Ok(Verdict::Append));
    let mut state = ProducerState::new(0);
    produce(&mut state, batch(0, 0, i32::MAX - 1, 4)).unwrap();
    assert_eq!(state.producer(7).unwrap().last_sequence(), 1);
    assert!(matches!(produce(&mut state, batch(4, 0, i32::MAX - 1, 4)), Ok(Verdict::Duplicate(_))));
    assert_eq!(produce(&mut state, batch(4, 0, 2, 1)), Ok(Verdict::Append));
}

#[test]
fn a_new_epoch_begins_with_sequence_zero() {
    let mut state = ten_batches();
    let error = ProducerError::EpochNotFromZero { producer_id: 7, sequence: 10, epoch: 1 };
    assert_eq!(produce(&mut state, batch(10, 1, 10, 1)), Err(error));
    assert_eq!(produce(&mut state, batch(10, 1, 0, 1)), Ok(Verdict::Append));
    assert_eq!(state.producer(7).unwrap().batches().count(), 1);
}

#[test]
fn stale_epoch_is_fenced() {
    let mut state = ten_batches();
    produce(&mut state, batch(10, 1, 0, 1)).unwrap();
    let error = ProducerError::InvalidProducerEpoch { producer_id: 7, epoch: 0, current: 1 };
    assert_eq!(produce(&mut state, batch(11, 0, 10, 1)), Err(error));
}

#[test]
fn an_unknown_producer_begins_anywhere() {
    assert_eq!(produce(&mut ProducerState::new(0), batch(0, 5, 1_234, 1)), Ok(Verdict::Append));
}

#[test]
fn batches_without_producer_change_nothing() {
    let mut state = ProducerState::new(0);
    let plain = BatchHeader { producer_id: -1, ..batch(0, -1, -1, 1) };
    assert_eq!(produce(&mut state, plain), Ok(Verdict::Append));
    assert!(state.is_empty());
    assert_eq!(state.end_offset(), 1);
}

#[test]
fn coordinators_are_checked_by_epoch_only_and_replication_not_at_all() {
    let mut state = ten_batches();
    append(&mut state, batch(10, 0, 50, 1), None, Origin::Coordinator).unwrap();
    append(&mut state, batch(11, 1, 90, 1), None, Origin::Coordinator).unwrap();
    assert!(append(&mut state, batch(12, 0, 91, 1), None, Origin::Coordinator).is_err());
    append(&mut state, batch(12, 0, 91, 1), None, Origin::Replication).unwrap();
    append(&mut state, batch(13, 0, 3, 1), None, Origin::Recovery).unwrap();
    assert_eq!(state.producer(7).unwrap().last_sequence(), 3);
}

#[test]
fn a_refused_append_changes_nothing() {
    let state = ten_batches();
    let mut update = Update::default();
    state.check(&mut update, &batch(10, 0, 10, 1), None, Origin::Client).unwrap();
    assert!(state.check(&mut update, &batch(11, 0, 12, 1), None, Origin::Client).is_err());
    assert_eq!(state, ten_batches());
}

#[test]
fn an_open_transaction_holds_the_last_stable_offset_until_its_marker_is_replicated() {
    let mut state = ProducerState::new(0);
    produce(&mut state, transactional(batch(5, 0, 0, 2))).unwrap();
    produce(&mut state, transactional(batch(7, 0, 2, 1))).unwrap();
    assert_eq!(state.first_undecided_offset(), Some(5));
    assert_eq!(state.last_stable_offset(0, 8), 5);
    assert_eq!(state.last_stable_offset(0, 4), 4);
    assert_eq!(state.last_stable_offset(6, 8), 6, "never below the log's start");
    let (_, aborted) =
        append(&mut state, control(8, 0), Some(marker(false, 0)), Origin::Coordinator).unwrap();
    assert_eq!(aborted, []);
    assert_eq!(state.first_undecided_offset(), None);
    assert_eq!(state.first_unstable_offset(), Some(5), "decided, not replicated");
    state.on_high_watermark(8);
    assert_eq!(state.last_stable_offset(0, 8), 5);
    state.on_high_watermark(9);
    assert_eq!(state.last_stable_offset(0, 9), 9);
}

#[test]
fn an_abort_is_handed_to_the_transaction_index() {
    let mut state = ProducerState::new(0);
    produce(&mut state, transactional(batch(5, 0, 0, 2))).unwrap();
    produce(&mut state, BatchHeader { producer_id: 8, ..transactional(batch(7, 0, 0, 1)) }).unwrap();
    let (_, aborted) = append(&mut state, control(8, 0), Some(marker(true, 0)), Origin::Coordinator).unwrap();
    let txn = AbortedTxn { producer_id: 7, first_offset: 5, last_offset: 8, last_stable_offset: 7 };
    assert_eq!(aborted, [txn]);
    let other = BatchHeader { producer_id: 8, ..control(9, 0) };
    let (_, aborted) = append(&mut state, other, Some(marker(true, 0)), Origin::Coordinator).unwrap();
    assert_eq!(aborted[0].last_stable_offset, 10);
}

#[test]
fn a_marker_without_data_decides_nothing_but_is_remembered() {
    let mut state = ProducerState::new(0);
    let (_, aborted) = append(&mut state, control(0, 4), Some(marker(true, 0)), Origin::Coordinator).unwrap();
    assert_eq!(aborted, []);
    let entry = state.producer(7).unwrap();
    assert_eq!((entry.epoch(), entry.coordinator_epoch(), entry.last_timestamp()), (4, 3, 5_000));
    let error = ProducerError::OutOfOrderSequence { producer_id: 7, sequence: 1, last: -1 };
    assert_eq!(produce(&mut state, batch(1, 4, 1, 1)), Err(error));
}

#[test]
fn a_control_batch_emptied_by_compaction_changes_nothing() {
    let mut state = ProducerState::new(0);
    append(&mut state, control(0, 4), None, Origin::Recovery).unwrap();
    assert!(state.is_empty());
}

#[test]
fn data_outside_the_open_transaction_is_refused() {
    let mut state = ProducerState::new(0);
    produce(&mut state, transactional(batch(0, 0, 0, 1))).unwrap();
    assert_eq!(
        produce(&mut state, batch(1, 0, 1, 1)),
        Err(ProducerError::TransactionOpen { producer_id: 7 })
    );
}

/// KIP-890: under transactions v2 the coordinator raises the epoch for each marker.
#[test]
fn markers_follow_the_rules_of_their_transaction_version() {
    let open = |epoch| {
        let mut state = ProducerState::new(0);
        produce(&mut state, transactional(batch(0, epoch, 0, 1))).unwrap();
        state
    };
    let end = |mut state: ProducerState, epoch, version| {
        append(&mut state, control(1, epoch), Some(marker(true, version)), Origin::Coordinator)
            .map(|(_, aborted)| aborted.len())
    };
    let late = |epoch, current| Err(ProducerError::InvalidProducerEpoch { producer_id: 7, epoch, current });
    assert_eq!(end(open(2), 2, 1), Ok(1), "v1: the epoch of the data");
    assert_eq!(end(open(2), 3, 1), Ok(1), "v1: or a newer one");
    assert_eq!(end(open(2), 1, 1), late(1, 2));
    assert_eq!(end(open(2), 3, 2), Ok(1), "v2: a newer one");
    assert_eq!(end(open(2), 2, 2), late(2, 2), "v2: the same one is late");
    assert_eq!(end(open(i16::MAX), i16::MAX, 2), Ok(1), "unless there is no newer one");
    let mut ended = open(2);
    append(&mut ended, control(1, 3), Some(marker(true, 2)), Origin::Coordinator).unwrap();
    assert_eq!(end(ended, 3, 2), Ok(0), "v2: the same marker again");
}

#[test]
fn a_replaced_coordinator_is_fenced() {
    let mut state = ProducerState::new(0);
    produce(&mut state, transactional(batch(0, 0, 0, 1))).unwrap();
    append(&mut state, control(1, 0), Some(marker(false, 0)), Origin::Coordinator).unwrap();
    let old = Marker { coordinator_epoch: 2, ..marker(false, 0) };
    let error = ProducerError::CoordinatorFenced { producer_id: 7, coordinator_epoch: 2, current: 3 };
    assert_eq!(append(&mut state, control(2, 0), Some(old), Origin::Coordinator), Err(error));
    append(&mut state, control(2, 0), Some(old), Origin::Replication).unwrap();
}

#[test]
fn idle_producers_expire_unless_a_transaction_is_open() {
    let mut state = ten_batches();
    produce(&mut state, BatchHeader { producer_id: 8, ..transactional(batch(10, 0, 0, 1)) }).unwrap();
    assert_eq!(state.remove_expired(1_009 + 99, 100), 0);
    assert_eq!(state.remove_expired(1_009 + 100, 100), 1);
    assert_eq!(state.remove_expired(i64::MAX, 100), 0);
    assert_eq!(state.oldest_txn_last_timestamp(), Some(1_010));
    assert_eq!(state.open_transactions(), 1);
}

#[test]
fn a_later_log_start_forgets_decided_transactions_but_no_producer() {
    let mut state = ProducerState::new(0);
    produce(&mut state, transactional(batch(0, 0, 0, 1))).unwrap();
    append(&mut state, control(1, 0), Some(marker(false, 0)), Origin::Coordinator).unwrap();
    state.on_log_start(20);
    assert_eq!((state.first_unstable_offset(), state.end_offset(), state.producer_count()), (None, 20, 1));
}

#[test]
fn a_snapshot_has_kafkas_bytes() {
    let mut state = ProducerState::new(0);
    let wide = BatchHeader { producer_id: 0x0102, max_timestamp: 0x55, ..batch(0x10, 3, 9, 2) };
    produce(&mut state, transactional(wide)).unwrap();
    let bytes = encode_snapshot(&state);
    let entries = [
        0, 0, 0, 1, // one producer
        0, 0, 0, 0, 0, 0, 1, 2, 0, 3, 0, 0, 0, 10, // id, epoch, last sequence
        0, 0, 0, 0, 0, 0, 0, 0x11, 0, 0, 0, 1, // last offset, delta
        0, 0, 0, 0, 0, 0, 0, 0x55, 0xff, 0xff, 0xff, 0xff, // timestamp, coordinator epoch
        0, 0, 0, 0, 0, 0, 0, 0x10, // the open transaction
    ];
    assert_eq!(bytes[..2], [0, 1]);
    assert_eq!(bytes[2..6], ottla_record::crc32c(&entries).to_be_bytes());
    assert_eq!(bytes[6..], entries);
}

#[test]
fn the_window_shrinks_to_one_batch_in_a_snapshot() {
    let entries = decode_snapshot(&encode_snapshot(&ten_batches())).unwrap();
    let mut state = ProducerState::from_snapshot(entries, 10, 1_000, i64::MAX);
    assert!(matches!(produce(&mut state, batch(10, 0, 9, 1)), Ok(Verdict::Duplicate(_))));
    assert!(produce(&mut state, batch(10, 0, 8, 1)).is_err());
    assert_eq!(produce(&mut state, batch(10, 0, 10, 1)), Ok(Verdict::Append));
}

#[test]
fn damage_of_a_snapshot_is_named() {
    let sound = encode_snapshot(&ten_batches());
    let with = |position: usize, byte: u8| {
        let mut bytes = sound.clone();
        bytes[position] = byte;
        decode_snapshot(&bytes).unwrap_err()
    };
    assert_eq!(decode_snapshot(&[]), Err(SnapshotDamage::Length));
    assert_eq!(decode_snapshot(&sound[..sound.len() - 1]), Err(SnapshotDamage::Length));
    assert_eq!(with(1, 2), SnapshotDamage::Version(2));
    assert_eq!(with(6, 255), SnapshotDamage::Length);
    for (position, byte) in sound.iter().enumerate().skip(10) {
        assert_eq!(with(position, byte ^ 0x40), SnapshotDamage::Crc, "{position}");
    }
}
