//! The epoch cache against the epochs of every offset, and its answers where Kafka has a rule.

use proptest::prelude::*;

use super::*;

fn cache(entries: &[(LeaderEpoch, Offset)]) -> EpochCache {
    EpochCache::new(
        entries.iter().map(|(epoch, start_offset)| EpochEntry { epoch: *epoch, start_offset: *start_offset }),
    )
}

fn pairs(cache: &EpochCache) -> Vec<(LeaderEpoch, Offset)> {
    cache.entries().iter().map(|entry| (entry.epoch, entry.start_offset)).collect()
}

#[test]
fn the_end_of_an_epoch_is_the_start_of_the_next() {
    let cache = cache(&[(2, 10), (4, 20), (7, 30)]);
    let end = |requested| cache.end_offset_for(requested, 50).map(|end| (end.epoch, end.end_offset));
    assert_eq!(end(-1), None);
    assert_eq!(end(1), Some((1, 10)), "older than all: where the log starts");
    assert_eq!(end(2), Some((2, 20)));
    assert_eq!(end(3), Some((2, 20)));
    assert_eq!(end(6), Some((4, 30)));
    assert_eq!(end(7), Some((7, 50)), "the current one ends with the log");
    assert_eq!(end(8), None, "newer than all");
    assert_eq!(EpochCache::default().end_offset_for(0, 50), None);
}

#[test]
fn an_epoch_once_begun_keeps_its_start() {
    let mut cache = cache(&[(2, 10)]);
    assert!(!cache.assign(2, 15));
    assert!(!cache.assign(2, 10));
    assert_eq!(pairs(&cache), [(2, 10)]);
    assert!(cache.assign(2, 5), "unless it began earlier than thought");
    assert_eq!(pairs(&cache), [(2, 5)]);
}

#[test]
fn a_new_epoch_displaces_what_contradicts_it() {
    let mut first = cache(&[(2, 10), (4, 20), (7, 30)]);
    assert!(first.assign(8, 20));
    assert_eq!(pairs(&first), [(2, 10), (8, 20)]);
    let mut second = cache(&[(2, 10), (4, 20), (7, 30)]);
    assert!(second.assign(3, 40));
    assert_eq!(pairs(&second), [(2, 10), (3, 40)]);
}

#[test]
fn negative_values_name_no_epoch() {
    let mut cache = EpochCache::default();
    assert!(!cache.assign(-1, 0));
    assert!(!cache.assign(0, -1));
    assert!(cache.entries().is_empty());
}

#[test]
fn truncation_from_the_start_keeps_the_epoch_there() {
    let mut middle = cache(&[(2, 10), (4, 20), (7, 30)]);
    assert!(middle.truncate_from_start(25));
    assert_eq!(pairs(&middle), [(4, 25), (7, 30)]);
    assert!(!middle.truncate_from_start(25));
    assert!(!middle.truncate_from_start(5), "before everything nothing changes");
    assert!(middle.truncate_from_start(30));
    assert_eq!(pairs(&middle), [(7, 30)]);
    assert_eq!(middle.previous(7), None);
}

#[test]
fn truncation_from_the_end_drops_epochs_without_records() {
    let mut end = cache(&[(2, 10), (4, 20), (7, 30)]);
    assert!(!end.truncate_from_end(31));
    assert!(end.truncate_from_end(30));
    assert_eq!(pairs(&end), [(2, 10), (4, 20)]);
    assert_eq!(end.previous(4).map(|entry| entry.epoch), Some(2));
    assert!(!end.truncate_from_end(-1));
    assert!(end.clear());
    assert!(!end.clear());
}

/// What a log does.
#[derive(Clone, Debug)]
enum Step {
    /// The leader changes (epoch rises by so much), then so many records are written.
    Lead(LeaderEpoch, usize),
    /// The log is cut at this share (in 100) of its length.
    CutEnd(usize),
    /// The log starts at this share of its length.
    CutStart(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1_i32..4, 1_usize..6).prop_map(|(epoch, records)| Step::Lead(epoch, records)),
        1 => (0_usize..=100).prop_map(Step::CutEnd),
        1 => (0_usize..=100).prop_map(Step::CutStart),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    /// The reference is the log itself: the epoch of each offset, offsets below `start` gone.
    #[test]
    fn a_cache_knows_the_epoch_of_every_offset(steps in steps()) {
        let mut cache = EpochCache::default();
        let (mut log, mut start, mut epoch): (Vec<LeaderEpoch>, usize, LeaderEpoch) = (Vec::new(), 0, 0);
        for step in steps {
            match step {
                Step::Lead(by, records) => {
                    epoch += by;
                    cache.assign(epoch, i64::try_from(log.len()).unwrap());
                    log.extend(std::iter::repeat_n(epoch, records));
                }
                Step::CutEnd(share) => {
                    log.truncate(start + (log.len() - start) * share / 100);
                    cache.truncate_from_end(i64::try_from(log.len()).unwrap());
                }
                Step::CutStart(share) => {
                    start += (log.len() - start) * share / 100;
                    cache.truncate_from_start(i64::try_from(start).unwrap());
                }
            }
            let entries = cache.entries();
            let rises = |two: &[EpochEntry]| {
                two[0].epoch < two[1].epoch && two[0].start_offset < two[1].start_offset
            };
            prop_assert!(entries.windows(2).all(rises));
        }
        let end = i64::try_from(log.len()).unwrap();
        for (offset, epoch) in log.iter().enumerate().skip(start) {
            prop_assert_eq!(cache.epoch_for_offset(i64::try_from(offset).unwrap()), Some(*epoch));
        }
        for requested in 0..=epoch {
            let Some(found) = cache.end_offset_for(requested, end) else { continue };
            // Nothing at or after the end is of the epoch or an older one; what is before, is.
            for (offset, epoch) in log.iter().enumerate().skip(start) {
                let before = i64::try_from(offset).unwrap() < found.end_offset;
                prop_assert_eq!(before, *epoch <= requested);
            }
        }
        prop_assert_eq!(EpochCache::new(cache.entries().to_vec()), cache);
    }
}
