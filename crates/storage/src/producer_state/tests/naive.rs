//! The reference: no state at all, every question is answered by reading the whole log.

use proptest::prelude::*;

use super::*;

/// A batch or marker in the log.
#[derive(Clone, Copy, Debug)]
struct Logged {
    batch: BatchHeader,
    marker: Option<Marker>,
}

#[derive(Debug, Default)]
struct Log {
    batches: Vec<Logged>,
}

impl Log {
    fn end(&self) -> Offset {
        self.batches.last().map_or(0, |logged| logged.batch.next_offset())
    }

    fn of(&self, producer_id: i64) -> impl DoubleEndedIterator<Item = &Logged> {
        self.batches.iter().filter(move |logged| logged.batch.producer_id == producer_id)
    }

    fn epoch(&self, producer_id: i64) -> Option<i16> {
        self.of(producer_id).next_back().map(|logged| logged.batch.producer_epoch)
    }

    /// The newest five data batches since the epoch last changed, newest first.
    fn window(&self, producer_id: i64) -> Vec<BatchHeader> {
        let epoch = self.epoch(producer_id);
        let current =
            self.of(producer_id).rev().take_while(|logged| Some(logged.batch.producer_epoch) == epoch);
        current.filter(|logged| logged.marker.is_none()).map(|logged| logged.batch).take(5).collect()
    }

    fn open(&self, producer_id: i64) -> Option<Offset> {
        let since = self.of(producer_id).rev().take_while(|logged| logged.marker.is_none());
        since.filter(|logged| logged.batch.is_transactional()).map(|logged| logged.batch.base_offset).last()
    }

    fn first_undecided(&self) -> Option<Offset> {
        (0..PRODUCERS).filter_map(|producer_id| self.open(producer_id)).min()
    }

    /// First and last offset of each transaction that is decided, and whether it was aborted.
    fn decided(&self) -> Vec<(i64, Offset, Offset, bool)> {
        let mut decided = Vec::new();
        for (index, logged) in self.batches.iter().enumerate() {
            let Some(marker) = logged.marker else { continue };
            let before = Self { batches: self.batches[..index].to_vec() };
            if let Some(first) = before.open(logged.batch.producer_id) {
                decided.push((logged.batch.producer_id, first, logged.batch.base_offset, marker.abort));
            }
        }
        decided
    }

    fn verdict(&self, batch: &BatchHeader) -> Result<Verdict, ()> {
        let id = batch.producer_id;
        let window = self.window(id);
        let Some(epoch) = self.epoch(id) else { return Ok(Verdict::Append) };
        let same = |old: &&BatchHeader| {
            old.base_sequence == batch.base_sequence
                && old.last_offset_delta == batch.last_offset_delta
                && old.producer_epoch == batch.producer_epoch
        };
        if let Some(old) = window.iter().find(same) {
            return Ok(Verdict::Duplicate(Duplicate {
                base_offset: old.base_offset,
                last_offset: old.last_offset(),
                timestamp: old.max_timestamp,
            }));
        }
        // The sequences of a ring: the next one after i32::MAX is 0.
        let last = window
            .first()
            .map(|old| (i64::from(old.base_sequence) + i64::from(old.last_offset_delta)).rem_euclid(1 << 31));
        let next = last.map_or(0, |last| (last + 1).rem_euclid(1 << 31));
        let in_order = match batch.producer_epoch.cmp(&epoch) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => i64::from(batch.base_sequence) == next,
            std::cmp::Ordering::Greater => batch.base_sequence == 0,
        };
        let outside = self.open(id).is_some() && !batch.is_transactional();
        if in_order && !outside { Ok(Verdict::Append) } else { Err(()) }
    }
}

const PRODUCERS: i64 = 3;

/// What happens to the log.
#[derive(Clone, Debug)]
enum Step {
    Produce {
        producer_id: i64,
        epoch: i16,
        sequence: Sequence,
        count: i32,
        transactional: bool,
    },
    End {
        producer_id: i64,
        raise: i16,
        abort: bool,
    },
    Replicated(usize),
    /// The process dies: everything is replayed.
    Replay,
    /// It stops cleanly: a snapshot, of which only the newest batch of each window returns.
    Snapshot,
}

#[derive(Clone, Copy, Debug)]
enum Sequence {
    /// The right one.
    Next,
    /// That of an earlier batch of the window, so many back.
    Again(usize),
    Number(i32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let sequence = prop_oneof![
        6 => Just(Sequence::Next),
        2 => (0_usize..7).prop_map(Sequence::Again),
        1 => (0_i32..4).prop_map(Sequence::Number),
        1 => (i32::MAX - 4..=i32::MAX).prop_map(Sequence::Number),
    ];
    let produce =
        (0..PRODUCERS, prop_oneof![8 => Just(0), 1 => -1_i16..3], sequence, 1_i32..4, any::<bool>())
            .prop_map(|(producer_id, epoch, sequence, count, transactional)| Step::Produce {
                producer_id,
                epoch,
                sequence,
                count,
                transactional,
            });
    let end = (0..PRODUCERS, 0_i16..2, any::<bool>()).prop_map(|(producer_id, raise, abort)| Step::End {
        producer_id,
        raise,
        abort,
    });
    let step = prop_oneof![
        12 => produce,
        3 => end,
        2 => (0_usize..=100).prop_map(Step::Replicated),
        1 => Just(Step::Replay),
        1 => Just(Step::Snapshot),
    ];
    proptest::collection::vec(step, 0..60)
}

/// The header that a step stands for.
fn header(log: &Log, producer_id: i64, epoch: i16, sequence: Sequence, count: i32, txn: bool) -> BatchHeader {
    let window = log.window(producer_id);
    let again =
        |back: usize| window.get(back).map_or((0, count), |old| (old.base_sequence, old.record_count));
    let (sequence, count) = match sequence {
        Sequence::Next => {
            (window.first().map_or(0, |old| ottla_record::sequence_plus(old.last_sequence(), 1)), count)
        }
        Sequence::Again(back) => again(back),
        Sequence::Number(number) => (number, count),
    };
    let epoch = (log.epoch(producer_id).unwrap_or(0) + epoch).max(0);
    let mut header = BatchHeader { producer_id, ..batch(log.end(), epoch, sequence, count) };
    header.set_transactional(txn);
    header
}

fn replay(log: &Log, high_watermark: Offset) -> ProducerState {
    let (mut state, mut update) = (ProducerState::new(0), Update::default());
    for logged in &log.batches {
        assert_eq!(
            state.check(&mut update, &logged.batch, logged.marker, Origin::Recovery),
            Ok(Verdict::Append)
        );
    }
    state.apply(update, log.end());
    state.on_high_watermark(high_watermark);
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_state_answers_what_the_whole_log_answers(steps in steps()) {
        let (mut log, mut state, mut high_watermark) = (Log::default(), ProducerState::new(0), 0);
        for step in steps {
            match step {
                Step::Produce { producer_id, epoch, sequence, count, transactional } => {
                    let batch = header(&log, producer_id, epoch, sequence, count, transactional);
                    let expected = log.verdict(&batch);
                    prop_assert_eq!(produce(&mut state, batch).map_err(|_| ()), expected);
                    if expected == Ok(Verdict::Append) {
                        log.batches.push(Logged { batch, marker: None });
                    }
                }
                Step::End { producer_id, raise, abort } => {
                    let epoch = log.epoch(producer_id).unwrap_or(0) + raise;
                    let batch = BatchHeader { producer_id, ..control(log.end(), epoch) };
                    let marker = marker(abort, 0);
                    let open = log.open(producer_id);
                    let (_, aborted) = append(&mut state, batch, Some(marker), Origin::Coordinator).unwrap();
                    log.batches.push(Logged { batch, marker: Some(marker) });
                    let expected = open.filter(|_| abort).map(|first_offset| AbortedTxn {
                        producer_id,
                        first_offset,
                        last_offset: batch.base_offset,
                        last_stable_offset: log.first_undecided().unwrap_or(batch.base_offset + 1),
                    });
                    prop_assert_eq!(aborted, expected.into_iter().collect::<Vec<_>>());
                }
                Step::Replicated(share) => {
                    let share = i64::try_from(share).unwrap();
                    high_watermark += (log.end() - high_watermark) * share / 100;
                    state.on_high_watermark(high_watermark);
                }
                Step::Replay => {
                    let again = replay(&log, high_watermark);
                    prop_assert_eq!(&again, &state);
                    state = again;
                }
                Step::Snapshot => {
                    let entries = decode_snapshot(&encode_snapshot(&state)).unwrap();
                    let loaded = ProducerState::from_snapshot(entries, state.end_offset(), 0, i64::MAX);
                    for (id, entry) in loaded.producers() {
                        let old = state.producer(id).unwrap();
                        // The format has one timestamp: that of the newest batch or marker.
                        let newest = old.newest().map(|batch| AppendedBatch {
                            timestamp: old.last_timestamp(),
                            ..batch
                        });
                        prop_assert_eq!(entry.newest(), newest);
                        prop_assert_eq!(
                            (entry.epoch(), entry.coordinator_epoch(), entry.last_timestamp()),
                            (old.epoch(), old.coordinator_epoch(), old.last_timestamp())
                        );
                        prop_assert_eq!(entry.txn_first_offset(), old.txn_first_offset());
                    }
                    prop_assert_eq!(loaded.producer_count(), state.producer_count());
                    prop_assert_eq!(loaded.first_undecided_offset(), state.first_undecided_offset());
                }
            }
            prop_assert_eq!(state.end_offset(), log.end());
            prop_assert_eq!(state.first_undecided_offset(), log.first_undecided());
            let unreplicated = log.decided().into_iter().filter(|txn| txn.2 >= high_watermark).map(|txn| txn.1);
            let unstable = unreplicated.chain(log.first_undecided()).min();
            prop_assert_eq!(state.first_unstable_offset(), unstable);
            let stable = unstable.map_or(high_watermark, |unstable| unstable.min(high_watermark));
            prop_assert_eq!(state.last_stable_offset(0, high_watermark), stable);
            for producer_id in 0..PRODUCERS {
                let mut window: Vec<_> =
                    state.producer(producer_id).map(|entry| entry.batches().collect()).unwrap_or_default();
                window.reverse();
                let offsets: Vec<_> = window.iter().map(AppendedBatch::base_offset).collect();
                let expected: Vec<_> = log.window(producer_id).iter().map(|batch| batch.base_offset).collect();
                prop_assert_eq!(offsets, expected);
            }
        }
    }
}
