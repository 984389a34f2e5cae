//! A counter as the smallest machine.

use super::*;
use ottla_model::Offset;

#[derive(Debug, Default, PartialEq)]
struct Counter {
    total: i64,
    applied_to: Offset,
}

impl Machine for Counter {
    type Request = i64;
    type Reply = Result<i64, &'static str>;
    type Record = i64;
    type Context = ();
    type Error = &'static str;

    fn decide(&self, request: i64, (): &()) -> Outcome<i64, Self::Reply> {
        if request < 0 {
            return Outcome::unchanged(Err("only upwards"));
        }
        Outcome::decided(vec![request], Ok(self.total + request))
    }

    fn apply(&mut self, record: &i64, at: Position) -> Result<(), &'static str> {
        if *record < 0 {
            return Err("negative record");
        }
        self.total += record;
        self.applied_to = at.offset + 1;
        Ok(())
    }

    fn snapshot(&self) -> Vec<i64> {
        vec![self.total]
    }
}

#[test]
fn deciding_changes_nothing_and_applying_does() {
    let mut counter = Counter::default();
    let outcome = counter.decide(5, &());
    assert_eq!(counter, Counter::default());
    assert_eq!(outcome.reply, Ok(5));
    apply_all(&mut counter, &outcome.records, Position { offset: 7, epoch: 1 }).unwrap();
    assert_eq!(counter, Counter { total: 5, applied_to: 8 });
}

#[test]
fn a_refusal_has_no_records() {
    let outcome = Counter::default().decide(-1, &());
    assert_eq!(outcome, Outcome::unchanged(Err("only upwards")));
}

#[test]
fn a_snapshot_applied_to_a_new_machine_gives_the_state_again() {
    let mut counter = Counter::default();
    apply_all(&mut counter, &[1, 2, 3], Position { offset: 0, epoch: 1 }).unwrap();
    let mut other = Counter::default();
    apply_all(&mut other, &counter.snapshot(), Position { offset: 2, epoch: 1 }).unwrap();
    assert_eq!(other, counter);
}

#[test]
fn applying_stops_at_the_first_record_that_does_not_fit() {
    let mut counter = Counter::default();
    let result = apply_all(&mut counter, &[1, -1, 1], Position { offset: 0, epoch: 1 });
    assert_eq!(result, Err("negative record"));
    assert_eq!(counter, Counter { total: 1, applied_to: 1 });
}
