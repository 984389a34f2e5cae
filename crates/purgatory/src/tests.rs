//! The purgatory beside a list that is searched from end to end.

use proptest::prelude::*;

use super::*;

fn at(millis: u64) -> Tick {
    Tick(0).plus_millis(millis)
}

#[test]
fn a_produce_is_released_when_its_last_partition_is_reached() {
    let mut waits = Purgatory::default();
    waits.park(Until::All, vec![("a", 5), ("b", 7)], at(100), "produce");
    assert!(waits.reached("a", 5).is_empty());
    assert!(waits.reached("b", 6).is_empty());
    assert_eq!(waits.reached("b", 9), ["produce"]);
    assert!(waits.is_empty());
    assert_eq!(waits.next_deadline(), None);
}

#[test]
fn a_fetch_is_woken_by_the_first_partition_that_moves() {
    let mut waits = Purgatory::default();
    waits.park(Until::Any, vec![("a", 5), ("b", 7)], at(100), "fetch");
    assert_eq!(waits.reached("b", 7), ["fetch"]);
    assert!(waits.reached("a", 99).is_empty());
}

#[test]
fn a_key_named_twice_counts_with_its_higher_value() {
    let mut waits = Purgatory::default();
    waits.park(Until::All, vec![("a", 5), ("a", 8)], at(100), ());
    assert!(waits.reached("a", 7).is_empty());
    assert_eq!(waits.reached("a", 8).len(), 1);
}

#[test]
fn deadlines_pass_in_their_order() {
    let mut waits = Purgatory::default();
    waits.park(Until::Any, vec![("a", 1)], at(20), "late");
    waits.park(Until::Any, vec![], at(10), "early");
    assert_eq!(waits.next_deadline(), Some(at(10)));
    assert!(waits.expire(at(9)).is_empty());
    assert_eq!(waits.expire(at(30)), ["early", "late"]);
}

#[test]
fn a_partition_that_leaves_gives_back_all_that_wait_on_it() {
    let mut waits = Purgatory::default();
    waits.park(Until::All, vec![("a", 1), ("b", 1)], at(20), 1);
    waits.park(Until::Any, vec![("a", 9)], at(20), 2);
    let mut gone = waits.gone("a");
    gone.sort_unstable();
    assert_eq!(gone, [1, 2]);
    assert!(waits.reached("b", 9).is_empty());
    assert!(waits.is_empty());
}

#[derive(Clone, Debug)]
enum Op {
    Park { all: bool, keys: Vec<(u8, i64)>, deadline: u64 },
    Reached { key: u8, value: i64 },
    Gone { key: u8 },
    Expire { now: u64 },
    Cancel { nth: usize },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (any::<bool>(), prop::collection::vec((0..4_u8, 0..10_i64), 0..4), 0..50_u64)
            .prop_map(|(all, keys, deadline)| Op::Park { all, keys, deadline }),
        3 => (0..4_u8, 0..12_i64).prop_map(|(key, value)| Op::Reached { key, value }),
        1 => (0..4_u8).prop_map(|key| Op::Gone { key }),
        1 => (0..50_u64).prop_map(|now| Op::Expire { now }),
        1 => (0..20_usize).prop_map(|nth| Op::Cancel { nth }),
    ]
}

/// What a wait is in the naive model: its keys with "reached" marks.
struct Naive {
    payload: usize,
    all: bool,
    keys: BTreeMap<u8, i64>,
    deadline: u64,
}

fn drain(model: &mut Vec<Naive>, mut hit: impl FnMut(&mut Naive) -> bool) -> Vec<usize> {
    let mut out = Vec::new();
    let mut kept = Vec::new();
    for mut wait in model.drain(..) {
        if hit(&mut wait) { out.push(wait.payload) } else { kept.push(wait) }
    }
    *model = kept;
    out.sort_unstable();
    out
}

proptest! {
    #[test]
    fn every_wait_is_given_back_once_and_as_the_list_says(ops in prop::collection::vec(op(), 0..60)) {
        let mut waits = Purgatory::default();
        let mut model: Vec<Naive> = Vec::new();
        let mut ids = Vec::new();
        for op in ops {
            let (mut got, want) = match op {
                Op::Park { all, keys, deadline } => {
                    let until = if all { Until::All } else { Until::Any };
                    let payload = ids.len();
                    ids.push(waits.park(until, keys.clone(), at(deadline), payload));
                    let mut merged = BTreeMap::new();
                    for (key, value) in keys {
                        let highest = merged.entry(key).or_insert(value);
                        *highest = value.max(*highest);
                    }
                    model.push(Naive { payload, all, keys: merged, deadline });
                    (Vec::new(), Vec::new())
                }
                Op::Reached { key, value } => (waits.reached(&key, value), drain(&mut model, |wait| {
                    let hit = wait.keys.get(&key).is_some_and(|wanted| *wanted <= value);
                    if hit { wait.keys.remove(&key); }
                    hit && (!wait.all || wait.keys.is_empty())
                })),
                Op::Gone { key } => (waits.gone(&key), drain(&mut model, |wait| wait.keys.contains_key(&key))),
                Op::Expire { now } => (waits.expire(at(now)), drain(&mut model, |wait| wait.deadline <= now)),
                Op::Cancel { nth } => match ids.get(nth) {
                    Some(id) => (waits.cancel(*id).into_iter().collect(), drain(&mut model, |wait| wait.payload == nth)),
                    None => continue,
                },
            };
            got.sort_unstable();
            prop_assert_eq!(got, want);
            prop_assert_eq!(waits.len(), model.len());
            prop_assert_eq!(waits.next_deadline(), model.iter().map(|wait| at(wait.deadline)).min());
        }
    }
}
