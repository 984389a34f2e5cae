//! The indexes against naive ones, entry by entry and byte by byte.

use std::io::IoSlice;
use std::sync::Arc;

use ottla_env::disk::{Disk, File, Open, RealDisk};
use proptest::prelude::*;

use super::*;

const BASE: Offset = 1_000;

/// An empty file; the directory goes when the handle is dropped.
struct Scratch {
    _dir: tempfile::TempDir,
    file: Arc<dyn File>,
}

impl Scratch {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = RealDisk.open(&dir.path().join("index"), Open::CreateNew).unwrap();
        Self { _dir: dir, file }
    }

    fn with(content: &[u8]) -> Self {
        let scratch = Self::new();
        scratch.file.write_at(&mut [IoSlice::new(content)], 0).unwrap();
        scratch
    }

    fn file(&self) -> &dyn File {
        &*self.file
    }

    fn content(&self) -> Vec<u8> {
        let mut content = vec![0; usize::try_from(self.file.len().unwrap()).unwrap()];
        self.file.read_at(&mut content, 0).unwrap();
        content
    }
}

#[test]
fn entries_have_kafkas_bytes() {
    let scratch = Scratch::new();
    let mut index = OffsetIndex::empty(BASE, 80);
    index.append(BASE + 258, 0x0102_0304).unwrap();
    index.write_pending(scratch.file()).unwrap();
    assert_eq!(scratch.content(), [0, 0, 1, 2, 1, 2, 3, 4]);

    let scratch = Scratch::new();
    let mut index = TimeIndex::empty(BASE, 80);
    index.append(0x0102_0304_0506_0708, BASE + 9).unwrap();
    index.write_pending(scratch.file()).unwrap();
    assert_eq!(scratch.content(), [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9]);

    let scratch = Scratch::new();
    let mut index = TxnIndex::empty(BASE);
    let txn = AbortedTxn { producer_id: 1, first_offset: 2_000, last_offset: 2_003, last_stable_offset: 4 };
    index.append(scratch.file(), txn).unwrap().unwrap();
    let mut bytes = vec![0; 34];
    bytes[9] = 1;
    bytes[16..18].copy_from_slice(&2_000_u16.to_be_bytes());
    bytes[24..26].copy_from_slice(&2_003_u16.to_be_bytes());
    bytes[33] = 4;
    assert_eq!(scratch.content(), bytes);
}

#[test]
fn an_index_is_full_at_its_size_and_a_time_index_keeps_a_slot() {
    let mut offsets = OffsetIndex::empty(BASE, 23);
    for n in 1..=2 {
        assert!(!offsets.is_full());
        offsets.append(BASE + n, 1).unwrap();
    }
    assert_eq!(offsets.append(BASE + 3, 1), Err(AppendIndexError::Full));

    let mut times = TimeIndex::empty(BASE, 47);
    for n in 1..=2 {
        assert!(!times.is_full());
        times.append(n, BASE + n).unwrap();
    }
    assert_eq!(times.append(3, BASE + 3), Err(AppendIndexError::Full));
    times.append_final(3, BASE + 3).unwrap();
    assert_eq!(times.len(), 3);
}

#[test]
fn offsets_beyond_31_bits_are_refused() {
    let mut index = OffsetIndex::empty(BASE, 1_000);
    let far = BASE + i64::from(i32::MAX);
    assert_eq!(index.append(BASE - 1, 1), Err(AppendIndexError::Overflow { offset: BASE - 1, base: BASE }));
    assert_eq!(index.append(far + 1, 1), Err(AppendIndexError::Overflow { offset: far + 1, base: BASE }));
    index.append(far, 1).unwrap();
    assert!(relative_offset(i64::MIN, i64::MAX).is_err());
}

#[test]
fn what_says_nothing_new_or_contradicts_is_not_added_to_a_time_index() {
    let mut index = TimeIndex::empty(BASE, 1_000);
    index.append(-1, BASE).unwrap();
    assert!(index.is_empty());
    index.append(10, BASE + 5).unwrap();
    index.append(10, BASE + 7).unwrap();
    assert_eq!(index.len(), 1);
    assert_eq!(
        index.append(11, BASE + 4),
        Err(AppendIndexError::OffsetOrder { offset: BASE + 4, last: BASE + 5 })
    );
    assert_eq!(index.append(9, BASE + 8), Err(AppendIndexError::TimestampOrder { timestamp: 9, last: 10 }));
}

#[test]
fn damage_is_named() {
    let load = |content: &[u8]| match OffsetIndex::load(Scratch::with(content).file(), BASE, 80) {
        Err(IndexError::Damaged(damage)) => Some(damage),
        other => panic!("{other:?}"),
    };
    assert_eq!(load(&[0; 9]), Some(Damage::Length { len: 9, entry: 8 }));
    assert_eq!(load(&[0; 16]), Some(Damage::Order));
    assert_eq!(
        load(&[255, 255, 255, 255, 0, 0, 0, 1]),
        Some(Damage::BelowBase { last: BASE - 1, base: BASE })
    );

    let load = |content: &[u8]| match TimeIndex::load(Scratch::with(content).file(), BASE, 80) {
        Err(IndexError::Damaged(damage)) => Some(damage),
        other => panic!("{other:?}"),
    };
    assert_eq!(load(&[0; 13]), Some(Damage::Length { len: 13, entry: 12 }));
    let mut untrimmed = [0; 24];
    untrimmed[7] = 5;
    assert_eq!(load(&untrimmed), Some(Damage::Order));

    let load = |content: &[u8]| match TxnIndex::load(Scratch::with(content).file(), BASE) {
        Err(IndexError::Damaged(damage)) => Some(damage),
        other => panic!("{other:?}"),
    };
    assert_eq!(load(&[0; 33]), Some(Damage::Length { len: 33, entry: 34 }));
    assert_eq!(load(&[0; 34]), Some(Damage::BelowBase { last: 0, base: BASE }));
    assert_eq!(load(&[1; 34]), Some(Damage::Version));
}

/// What may be done to an index.
#[derive(Clone, Debug)]
enum Step {
    /// Add the next entry, so much further on in offset and position (or timestamp).
    Append(i64, u32),
    Write,
    /// Cut at so many offsets above the base.
    Truncate(i64),
    /// Forget everything in memory and load again.
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => (1_i64..5, 1_u32..50).prop_map(|(offset, position)| Step::Append(offset, position)),
        2 => Just(Step::Write),
        1 => (0_i64..2_000).prop_map(Step::Truncate),
        1 => Just(Step::Reload),
    ];
    // Some runs are longer than a page (512 entries) and than what waits in memory.
    proptest::collection::vec(step, 0..1_500)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_offset_index_is_a_sorted_list(steps in steps(), probes in proptest::collection::vec(0_i64..4_000, 20)) {
        let scratch = Scratch::new();
        let file = scratch.file();
        let mut index = OffsetIndex::empty(BASE, 10 << 20);
        let mut naive: Vec<OffsetPosition> = Vec::new();
        for step in steps {
            match step {
                Step::Append(offset, position) => {
                    let last = naive.last().copied().unwrap_or(OffsetPosition { offset: BASE, position: 0 });
                    let entry = OffsetPosition { offset: last.offset + offset, position: last.position + position };
                    index.append(entry.offset, entry.position).unwrap();
                    let again = index.append(entry.offset, entry.position);
                    prop_assert!(again.is_err());
                    naive.push(entry);
                    if index.due() {
                        index.write_pending(file).unwrap();
                    }
                }
                Step::Write => index.write_pending(file).unwrap(),
                Step::Truncate(offset) => {
                    index.truncate_to(file, BASE + offset).unwrap();
                    naive.retain(|entry| entry.offset < BASE + offset);
                }
                Step::Reload => {
                    index.write_pending(file).unwrap();
                    index = OffsetIndex::load(file, BASE, 10 << 20).unwrap();
                }
            }
            prop_assert_eq!(index.len(), naive.len());
            prop_assert_eq!(index.last(), naive.last().copied().unwrap_or(OffsetPosition { offset: BASE, position: 0 }));
        }
        let first = OffsetPosition { offset: BASE, position: 0 };
        for probe in probes {
            let expected = naive.iter().rev().find(|entry| entry.offset <= BASE + probe).copied().unwrap_or(first);
            prop_assert_eq!(index.lookup(file, BASE + probe).unwrap(), expected);
            let position = u64::try_from(probe).unwrap() * 10;
            let expected = naive.iter().find(|entry| u64::from(entry.position) >= position).copied();
            prop_assert_eq!(index.upper_bound(file, position).unwrap(), expected);
        }
        for (slot, entry) in naive.iter().enumerate() {
            prop_assert_eq!(index.entry(file, slot).unwrap(), *entry);
        }
        index.write_pending(file).unwrap();
        prop_assert_eq!(scratch.content().len(), naive.len() * 8);
    }

    #[test]
    fn a_time_index_is_a_sorted_list(steps in steps(), probes in proptest::collection::vec(-2_i64..40_000, 20)) {
        let scratch = Scratch::new();
        let file = scratch.file();
        let mut index = TimeIndex::empty(BASE, 10 << 20);
        let mut naive: Vec<TimestampOffset> = Vec::new();
        for step in steps {
            match step {
                Step::Append(offset, later) => {
                    let last = naive.last().copied().unwrap_or(TimestampOffset { timestamp: -1, offset: BASE });
                    // The offset may stay; the timestamp has to be later to be worth an entry.
                    let entry = TimestampOffset {
                        timestamp: last.timestamp + i64::from(later) - 1,
                        offset: last.offset + offset - 1,
                    };
                    index.append(entry.timestamp, entry.offset).unwrap();
                    if entry.timestamp > last.timestamp {
                        naive.push(entry);
                    }
                }
                Step::Write => index.write_pending(file).unwrap(),
                Step::Truncate(offset) => {
                    index.truncate_to(file, BASE + offset).unwrap();
                    naive.retain(|entry| entry.offset < BASE + offset);
                }
                Step::Reload => {
                    index.write_pending(file).unwrap();
                    index = TimeIndex::load(file, BASE, 10 << 20).unwrap();
                }
            }
            prop_assert_eq!(index.len(), naive.len());
        }
        let first = TimestampOffset { timestamp: -1, offset: BASE };
        prop_assert_eq!(index.last(), naive.last().copied().unwrap_or(first));
        for probe in probes {
            let expected = naive.iter().rev().find(|entry| entry.timestamp <= probe).copied().unwrap_or(first);
            prop_assert_eq!(index.lookup(file, probe).unwrap(), expected);
        }
    }

    #[test]
    fn a_txn_index_finds_what_a_scan_of_all_segments_finds(
        lengths in proptest::collection::vec((1_i64..20, 0_i64..30, 0_i64..10), 0..300),
        ranges in proptest::collection::vec((0_i64..6_000, 1_i64..500), 20),
        cut in 0_i64..6_000,
    ) {
        let scratch = Scratch::new();
        let file = scratch.file();
        let mut index = TxnIndex::empty(BASE);
        let mut naive: Vec<AbortedTxn> = Vec::new();
        let mut marker = BASE;
        for (gap, length, unstable) in lengths {
            marker += gap;
            let txn = AbortedTxn {
                producer_id: gap,
                first_offset: marker - length,
                last_offset: marker,
                last_stable_offset: marker + 1 - unstable,
            };
            index.append(file, txn).unwrap().unwrap();
            prop_assert!(index.append(file, txn).unwrap().is_err());
            naive.push(txn);
        }
        index.truncate_to(file, BASE + cut).unwrap();
        naive.retain(|txn| txn.last_offset < BASE + cut);
        let loaded = TxnIndex::load(file, BASE).unwrap();
        prop_assert_eq!(loaded.all(file).unwrap(), naive.clone());
        for (from, length) in ranges {
            let (from, until) = (BASE + from, BASE + from + length);
            let mut expected = AbortedTxns::default();
            for txn in &naive {
                if txn.last_offset >= from && txn.first_offset < until {
                    expected.txns.push(*txn);
                }
                if txn.last_stable_offset >= until {
                    expected.complete = true;
                    break;
                }
            }
            prop_assert_eq!(loaded.collect(file, from, until).unwrap(), expected);
        }
    }

    #[test]
    fn any_file_is_searched_or_refused(content in proptest::collection::vec(any::<u8>(), 0..600), probe: i64) {
        let whole = content.len() / 408 * 408;
        for content in [&content[..], &content[..whole]] {
            let scratch = Scratch::with(content);
            let file = scratch.file();
            if let Ok(mut index) = OffsetIndex::load(file, BASE, 10 << 20) {
                index.lookup(file, probe).unwrap();
                index.upper_bound(file, probe.unsigned_abs()).unwrap();
                index.truncate_to(file, probe).unwrap();
            }
            if let Ok(mut index) = TimeIndex::load(file, BASE, 10 << 20) {
                index.lookup(file, probe).unwrap();
                index.truncate_to(file, probe).unwrap();
            }
            if let Ok(index) = TxnIndex::load(file, BASE) {
                index.collect(file, probe, probe.saturating_add(9)).unwrap();
            }
        }
    }
}
