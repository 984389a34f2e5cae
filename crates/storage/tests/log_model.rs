//! A log against a list of batches: whatever is done to both, both tell the same.

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

use std::sync::Arc;

use fixture::{NOW, append, batch, bytes_of, offsets_of, open, small};
use ottla_env::disk::Disk;
use ottla_env::testing::MemDisk;
use ottla_model::{Millis, Offset};
use ottla_storage::log::{Log, ReadError, Start};
use proptest::prelude::*;

/// A batch as the model remembers it.
#[derive(Clone, Debug)]
struct Kept {
    base: Offset,
    last: Offset,
    bytes: Vec<u8>,
    timestamps: Vec<Millis>,
}

#[derive(Clone, Debug)]
enum Step {
    Append { timestamps: Vec<Millis>, padding: usize },
    Roll,
    Truncate(u64),
    RaiseStart(u64),
    Retain,
    Flush,
    Reopen { clean: bool },
    Read { from: u64, max: u64, upper: u64, min_one: bool },
    Find(Millis),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (prop::collection::vec(0_i64..1_000, 1..6), 0_usize..60)
            .prop_map(|(timestamps, padding)| Step::Append { timestamps, padding }),
        1 => Just(Step::Roll),
        1 => (0_u64..200).prop_map(Step::Truncate),
        1 => (0_u64..200).prop_map(Step::RaiseStart),
        1 => Just(Step::Retain),
        1 => Just(Step::Flush),
        2 => any::<bool>().prop_map(|clean| Step::Reopen { clean }),
        6 => (0_u64..200, 0_u64..3_000, 0_u64..200, any::<bool>())
            .prop_map(|(from, max, upper, min_one)| Step::Read { from, max, upper, min_one }),
        3 => (0_i64..1_010).prop_map(Step::Find),
    ]
}

struct Pair {
    disk: Arc<dyn Disk>,
    log: Log,
    model: Vec<Kept>,
    start: Offset,
    end: Offset,
    tag: u64,
}

impl Pair {
    fn new() -> Self {
        let disk: Arc<dyn Disk> = Arc::new(MemDisk::new());
        let log = open(&disk, small(), Start::default()).log;
        Self { disk, log, model: Vec::new(), start: 0, end: 0, tag: 0 }
    }

    /// An offset between start and end, and a little outside of both.
    fn pick(&self, seed: u64) -> Offset {
        self.start - 1 + (seed % (self.end - self.start + 3) as u64) as i64
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Append { timestamps, padding } => self.append(timestamps, padding),
            Step::Roll => self.log.roll(NOW).unwrap(),
            Step::Truncate(seed) => self.truncate(self.pick(seed)),
            Step::RaiseStart(seed) => {
                let offset = self.pick(seed);
                self.log.set_high_watermark(self.end);
                self.log.raise_start_offset(offset);
                self.start = self.start.max(offset.min(self.end));
            }
            Step::Retain => {
                self.log.set_high_watermark(self.end);
                for garbage in self.log.retain(NOW).unwrap() {
                    garbage.remove().unwrap();
                }
            }
            Step::Flush => fixture::flush(&mut self.log),
            Step::Reopen { clean } => self.reopen(clean),
            Step::Read { from, max, upper, min_one } => {
                self.read(self.pick(from), max, self.pick(upper), min_one);
            }
            Step::Find(target) => self.find(target),
        }
        assert_eq!((self.log.start_offset(), self.log.end_offset()), (self.start, self.end));
        assert!(self.log.durable_offset() <= self.end);
        assert_eq!(self.log.producers().end_offset(), self.end);
    }

    fn append(&mut self, timestamps: Vec<Millis>, padding: usize) {
        self.tag += 1;
        let bytes = batch(self.tag, &timestamps, padding);
        let done = append(&mut self.log, &bytes, 3).unwrap();
        let last = self.end + timestamps.len() as i64 - 1;
        assert_eq!((done.base_offset, done.last_offset, done.end_offset), (self.end, last, last + 1));
        assert_eq!(done.max_timestamp, *timestamps.iter().max().unwrap());
        self.model.push(Kept { base: self.end, last, bytes, timestamps });
        self.end = last + 1;
    }

    fn truncate(&mut self, offset: Offset) {
        let offset = offset.max(self.start);
        for garbage in self.log.truncate_to(offset, NOW).unwrap() {
            garbage.remove().unwrap();
        }
        if offset < self.end {
            self.model.retain(|kept| kept.last < offset);
            let held = self.log.end_offset();
            // A log that keeps nothing ends where its first segment begins, at or above its start.
            self.end = self.model.last().map_or(held, |kept| kept.last + 1);
            if self.end < self.start {
                self.model.clear();
                self.end = self.start;
            }
            assert!(self.end <= offset);
        }
    }

    fn reopen(&mut self, clean: bool) {
        let offsets = self.log.offsets();
        if clean {
            self.log.close(NOW).unwrap();
        } else {
            self.log.write_epochs().unwrap();
        }
        let start = Start {
            clean,
            recovery_point: if clean { self.end } else { offsets.recovery_point },
            start_offset: offsets.start_offset,
            high_watermark: self.end,
        };
        // An epoch without records may be forgotten.
        let end = self.end;
        let epochs = |log: &Log| {
            let mut epochs = log.epochs().to_vec();
            epochs.retain(|entry| entry.start_offset < end);
            epochs
        };
        let before = epochs(&self.log);
        let opened = open(&self.disk, small(), start);
        assert!(!clean || opened.findings.is_empty(), "{:?}", opened.findings);
        self.log = opened.log;
        assert_eq!(epochs(&self.log), before);
    }

    fn read(&mut self, from: Offset, max: u64, upper: Offset, min_one: bool) {
        let read = self.log.reader().read(from, max, min_one, upper);
        if from < self.start || from > self.end {
            assert!(matches!(read, Err(ReadError::OutOfRange { .. })), "{read:?}");
            return;
        }
        let read = read.unwrap();
        let mut left = max;
        let mut expected = Vec::new();
        for kept in self.model.iter().filter(|kept| kept.last >= from) {
            let size = kept.bytes.len() as u64;
            let fits = size <= left || (min_one && expected.is_empty());
            if kept.last >= upper || from >= upper || !fits {
                break;
            }
            left = left.saturating_sub(size);
            expected.push((kept.base, kept.last));
        }
        let found = offsets_of(&read);
        // A read may end at the end of a segment; the next one goes on.
        assert_eq!(found, expected, "from {from} max {max} upper {upper} min_one {min_one}");
        if let Some((base, _)) = found.first() {
            assert_eq!(read.first_offset, *base);
            let first = self.model.iter().find(|kept| kept.base == *base).unwrap();
            assert_eq!(bytes_of(&read.regions)[21..first.bytes.len()], first.bytes[21..]);
        }
    }

    fn find(&mut self, target: Millis) {
        let records = self.model.iter().flat_map(|kept| (kept.base..).zip(kept.timestamps.iter().copied()));
        let records: Vec<(Offset, Millis)> = records.filter(|(offset, _)| *offset >= self.start).collect();
        let expected = records.iter().find(|(_, timestamp)| *timestamp >= target);
        let found = self.log.reader().offset_for_timestamp(target).unwrap();
        assert_eq!(found.map(|found| (found.offset, found.timestamp)), expected.copied(), "target {target}");
        if self.start == 0 {
            let newest = records.iter().map(|(_, timestamp)| *timestamp).max();
            let expected =
                newest.and_then(|newest| records.iter().find(|(_, timestamp)| *timestamp == newest));
            let found = self.log.reader().max_timestamp().unwrap();
            assert_eq!(found.map(|found| (found.offset, found.timestamp)), expected.copied());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn log_and_list_tell_the_same(steps in prop::collection::vec(step(), 1..80)) {
        let mut pair = Pair::new();
        for step in steps {
            pair.step(step);
        }
        let (start, end) = (pair.start, pair.end);
        for offset in start..=end {
            pair.read(offset, 1, end, true);
        }
    }
}
