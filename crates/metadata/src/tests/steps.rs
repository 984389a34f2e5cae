//! Transactions on the timeline, and the step between two images.

use ottla_wire::messages::{
    AbortTransactionRecord, BeginTransactionRecord, EndTransactionRecord, NoOpRecord, RemoveTopicRecord,
};

use super::*;
use crate::{Delta, Timeline};

fn run(timeline: &mut Timeline, records: &[MetadataRecord]) {
    for (offset, record) in (0..).zip(records) {
        timeline.replay(record, offset).unwrap();
    }
}

#[test]
fn an_open_transaction_is_worked_on_and_not_seen() {
    let mut timeline = Timeline::default();
    run(&mut timeline, &[topic("a", 1), BeginTransactionRecord::default().into(), topic("b", 2)]);
    assert_eq!(timeline.open_transaction(), Some(1));
    assert!(timeline.working().topics.named("b").is_some());
    assert!(timeline.visible().topics.named("b").is_none());
    assert_eq!(timeline.take_touched().topics.keys().copied().collect::<Vec<_>>(), [id(1)]);

    timeline.replay(&EndTransactionRecord::default().into(), 3).unwrap();
    assert!(timeline.visible().topics.named("b").is_some());
    assert!(timeline.take_touched().topics.contains_key(&id(2)));
    assert!(timeline.take_touched().is_empty());
}

#[test]
fn an_aborted_transaction_never_was() {
    let mut timeline = Timeline::default();
    run(&mut timeline, &[topic("a", 1), BeginTransactionRecord::default().into(), topic("b", 2)]);
    timeline.replay(&AbortTransactionRecord::default().into(), 3).unwrap();
    assert!(timeline.working().topics.named("b").is_none());
    assert_eq!(timeline.take_touched().topics.keys().copied().collect::<Vec<_>>(), [id(1)]);
}

#[test]
fn transactions_do_not_nest_and_end_only_when_begun() {
    let mut timeline = Timeline::default();
    let end = EndTransactionRecord::default().into();
    assert_eq!(timeline.replay(&end, 0), Err(ReplayError::NoTransaction));
    let begin = BeginTransactionRecord::default().into();
    timeline.replay(&begin, 1).unwrap();
    assert_eq!(timeline.replay(&begin, 2), Err(ReplayError::TransactionOpen));
}

#[test]
fn a_sign_of_life_touches_nothing() {
    let mut timeline = Timeline::default();
    timeline.replay(&NoOpRecord::default().into(), 0).unwrap();
    assert!(timeline.take_touched().is_empty());
}

#[test]
fn a_delta_names_what_came_changed_and_went() {
    let mut timeline = Timeline::default();
    run(&mut timeline, &[topic("kept", 1), partition(1, 0).into(), topic("gone", 2), partition(2, 0).into()]);
    let _ = timeline.take_touched();
    let before = timeline.visible().clone();
    run(
        &mut timeline,
        &[
            partition(1, 1).into(),
            RemoveTopicRecord { topic_id: id(2) }.into(),
            topic("new", 3),
            topic("brief", 4),
        ],
    );
    timeline.replay(&RemoveTopicRecord { topic_id: id(4) }.into(), 9).unwrap();
    let delta = Delta { before, after: timeline.visible().clone(), touched: timeline.take_touched() };
    let names =
        |topics: Vec<&crate::Topic>| topics.iter().map(|topic| topic.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(delta.created_topics().collect()), ["new"]);
    assert_eq!(names(delta.deleted_topics().collect()), ["gone"]);
    let steps: Vec<_> = delta
        .partitions()
        .map(|step| (step.topic.name.to_string(), step.number, step.before.is_some(), step.after.is_some()))
        .collect();
    assert_eq!(steps, [("kept".into(), 1, false, true), ("gone".into(), 0, true, false)]);
}

#[test]
fn an_image_handed_out_never_changes() {
    let mut timeline = Timeline::default();
    run(&mut timeline, &[topic("a", 1), partition(1, 0).into()]);
    let held = timeline.visible().clone();
    let copy = held.clone();
    run(&mut timeline, &[partition(1, 1).into(), RemoveTopicRecord { topic_id: id(1) }.into()]);
    assert_eq!(held, copy);
    assert_eq!(held.topics.partition_count(), 1);
}
