//! Members that speak the new protocol: they join, share, give back, leave, and are fenced.

use std::collections::BTreeSet;

use ottla_model::ErrorCode;

use crate::consumer::tests::world::{Place, World, beat, given, join, owning, topic_id};
use crate::reply::{Note, Reason};
use crate::state::member::MemberState;

fn places(topic: &str, partitions: impl IntoIterator<Item = i32>) -> BTreeSet<Place> {
    partitions.into_iter().map(|number| (topic_id(topic), number)).collect()
}

/// A group in which `a` has everything.
fn with_one_member() -> World {
    let mut world = World::new();
    world.topic("t", 4);
    world.beat(&join("a", &["t"])).unwrap();
    world
}

#[test]
fn who_has_only_come_or_waits_for_partitions_comes_back_sooner() {
    let mut world = World::new();
    world.topic("t", 4);
    assert_eq!(world.beat(&join("a", &["t"])).unwrap().heartbeat_interval_ms, 500);
    assert_eq!(world.beat(&beat("a", 2)).unwrap().heartbeat_interval_ms, 5000);
    // Its assignment is put off for a second, then it waits for what the first has to give back.
    let comes = world.beat(&join("b", &["t"])).unwrap();
    assert_eq!(comes.heartbeat_interval_ms, 500);
    world.pass(1_100);
    let waits = world.beat(&beat("b", comes.member_epoch)).unwrap();
    assert_eq!((given(&waits), waits.heartbeat_interval_ms), (None, 500));
    let gives = world.beat(&beat("a", 2)).unwrap();
    assert_eq!((given(&gives).map(|kept| kept.len()), gives.heartbeat_interval_ms), (Some(2), 500));
    let kept = given(&gives).unwrap();
    assert_eq!(world.beat(&owning("a", 2, &kept)).unwrap().heartbeat_interval_ms, 5000);
    let settled = world.beat(&beat("b", waits.member_epoch)).unwrap();
    assert_eq!((given(&settled).map(|part| part.len()), settled.heartbeat_interval_ms), (Some(2), 5000));
}

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut world = World::new();
    world.topic("t", 4);
    let joined = world.beat(&join("a", &["t"])).unwrap();
    assert_eq!((joined.member_epoch, given(&joined).unwrap()), (2, places("t", 0..4)));
    // Member, epoch, target, epoch of the target, current assignment.
    assert_eq!(world.records_from(0), [(5, true), (3, true), (7, true), (6, true), (8, true)]);
    assert_eq!(world.group().unwrap().state_name(), "Stable");
    assert!(matches!(
        &world.notes[..],
        [
            Note::Rebalance { generation: 1, reason: Reason::MemberJoined, .. },
            Note::Settled { generation: 2, members: 1, .. }
        ]
    ));
    world.check_replay();
}

#[test]
fn a_heartbeat_without_news_writes_nothing_and_tells_nothing() {
    let mut world = with_one_member();
    let before = world.log.len();
    let answer = world.beat(&beat("a", 2)).unwrap();
    assert_eq!((answer.member_epoch, given(&answer)), (2, None));
    assert_eq!(world.log.len(), before);
}

#[test]
fn a_partition_is_given_back_before_somebody_else_gets_it() {
    let mut world = with_one_member();
    let joined = world.beat(&join("b", &["t"])).unwrap();
    assert_eq!((joined.member_epoch, given(&joined).unwrap()), (3, BTreeSet::new()));
    assert_eq!(world.member("b").state, MemberState::Unreleased);
    assert_eq!(world.group().unwrap().state_name(), "Reconciling");
    let told = world.beat(&owning("a", 2, &places("t", 0..4))).unwrap();
    let kept = given(&told).unwrap();
    assert_eq!((told.member_epoch, kept.len()), (2, 2));
    assert_eq!(world.member("a").state, MemberState::Unrevoked);
    // It still owns them; saying nothing is no news either.
    world.beat(&owning("a", 2, &places("t", 0..4))).unwrap();
    world.beat(&beat("a", 2)).unwrap();
    assert_eq!(given(&world.beat(&owning("b", 3, &BTreeSet::new())).unwrap()), None);
    let moved = world.beat(&owning("a", 2, &kept)).unwrap();
    assert_eq!((moved.member_epoch, given(&moved)), (3, None));
    let got = given(&world.beat(&owning("b", 3, &BTreeSet::new())).unwrap()).unwrap();
    assert_eq!((got.len(), got.is_disjoint(&kept)), (2, true));
    assert_eq!(world.group().unwrap().state_name(), "Stable");
    assert!(matches!(world.notes.last(), Some(Note::Settled { generation: 3, members: 2, .. })));
    world.check_replay();
}

#[test]
fn who_does_not_give_back_in_time_is_fenced() {
    let mut world = with_one_member();
    world.beat(&join("b", &["t"])).unwrap();
    world.beat(&owning("a", 2, &places("t", 0..4))).unwrap();
    for _ in 0..4 {
        world.pass(8_000);
        world.beat(&beat("b", 3)).unwrap();
        let _ = world.beat(&beat("a", 2));
    }
    assert_eq!(world.beat(&beat("a", 2)).unwrap_err(), ErrorCode::UnknownMemberId);
    let answer = world.beat(&owning("b", 4, &BTreeSet::new())).unwrap();
    assert_eq!(answer.member_epoch, 4);
    assert_eq!(world.member("b").assigned.values().flatten().count(), 4);
    let expired = |note: &Note| matches!(note, Note::Rebalance { reason: Reason::RebalanceExpired, .. });
    assert!(world.notes.iter().any(expired));
}

#[test]
fn a_silent_member_is_fenced_and_what_it_owned_is_free() {
    let mut world = with_one_member();
    world.beat(&join("b", &["t"])).unwrap();
    world.pass(40_000);
    world.beat(&beat("b", 3)).unwrap();
    world.pass(10_000);
    assert!(!world.group().unwrap().members.contains_key("a"));
    let got = world.beat(&owning("b", 3, &BTreeSet::new())).unwrap();
    assert_eq!((got.member_epoch, given(&got).unwrap()), (4, places("t", 0..4)));
    world.check_replay();
}

#[test]
fn who_leaves_is_gone_and_the_last_one_leaves_an_empty_group() {
    let mut world = with_one_member();
    let left = world.beat(&beat("a", -1)).unwrap();
    assert_eq!(left.member_epoch, -1);
    let group = world.group().unwrap();
    assert_eq!(
        (group.state_name(), group.epoch, group.target_epoch, group.target_timestamp),
        ("Empty", 3, 3, 0)
    );
    assert!(group.owners.is_empty() && group.targets.is_empty());
    assert_eq!(world.shard.next_deadline(), None);
    world.check_replay();
    let joined = world.beat(&join("c", &["t"])).unwrap();
    assert_eq!(joined.member_epoch, 4);
}

#[test]
fn epochs_that_are_not_the_members_are_fenced() {
    let mut world = with_one_member();
    for epoch in [1, 3, i32::MAX] {
        assert_eq!(world.beat(&beat("a", epoch)).unwrap_err(), ErrorCode::FencedMemberEpoch, "{epoch}");
    }
    assert_eq!(world.beat(&beat("x", 2)).unwrap_err(), ErrorCode::UnknownMemberId);
}

#[test]
fn the_epoch_before_is_taken_when_its_answer_was_lost() {
    let mut world = with_one_member();
    world.topic("t", 6);
    // The answer with epoch 3 is lost.
    world.beat(&beat("a", 2)).unwrap();
    assert_eq!(world.member("a").epoch, 3);
    assert_eq!(world.beat(&beat("a", 2)).unwrap_err(), ErrorCode::FencedMemberEpoch);
    let mut again = join("a", &["t"]);
    again.member_epoch = 2;
    again.topic_partitions = owning("a", 2, &places("t", 0..4)).topic_partitions;
    let answer = world.beat(&again).unwrap();
    assert_eq!((answer.member_epoch, given(&answer).unwrap()), (3, places("t", 0..6)));
    again.topic_partitions = owning("a", 2, &places("t", 0..9)).topic_partitions;
    assert_eq!(world.beat(&again).unwrap_err(), ErrorCode::FencedMemberEpoch);
}

#[test]
fn a_member_that_joins_anew_keeps_its_place() {
    let mut world = with_one_member();
    let before = world.log.len();
    let again = world.beat(&join("a", &["t"])).unwrap();
    assert_eq!((again.member_epoch, given(&again).unwrap()), (2, places("t", 0..4)));
    assert_eq!(world.log.len(), before);
}

#[test]
fn topics_that_grow_and_vanish_rebalance_the_group() {
    let mut world = with_one_member();
    world.topic("other", 3);
    world.beat(&beat("a", 2)).unwrap();
    assert_eq!(world.group().unwrap().epoch, 2);
    world.topic("t", 5);
    let grown = world.beat(&beat("a", 2)).unwrap();
    assert_eq!((grown.member_epoch, given(&grown).unwrap()), (3, places("t", 0..5)));
    world.vanish("t");
    let told = world.beat(&beat("a", 3)).unwrap();
    assert_eq!(given(&told).unwrap(), BTreeSet::new());
    let done = world.beat(&owning("a", 3, &BTreeSet::new())).unwrap();
    assert_eq!(done.member_epoch, 4);
    assert_eq!(world.group().unwrap().metadata_hash, 0);
    world.check_replay();
}

#[test]
fn what_a_member_no_longer_subscribes_to_is_taken_at_once() {
    let mut world = with_one_member();
    world.topic("u", 1);
    world.settings.consumer.assignment_interval_ms = 1000;
    let mut other = beat("a", 2);
    other.subscribed_topic_names = Some(vec!["u".into()]);
    let told = world.beat(&other).unwrap();
    // The next target waits; the topic goes before.
    assert_eq!((told.member_epoch, given(&told).unwrap()), (2, BTreeSet::new()));
    assert_eq!(world.member("a").state, MemberState::Unrevoked);
    world.pass(1000);
    let done = world.beat(&owning("a", 2, &BTreeSet::new())).unwrap();
    assert_eq!((done.member_epoch, given(&done).unwrap()), (3, places("u", 0..1)));
}

#[test]
fn assignments_are_not_computed_more_often_than_allowed() {
    let mut world = with_one_member();
    world.settings.consumer.assignment_interval_ms = 1000;
    world.beat(&join("b", &["t"])).unwrap();
    let joined = world.beat(&join("c", &["t"])).unwrap();
    assert_eq!(joined.member_epoch, 2);
    let group = world.group().unwrap();
    assert_eq!((group.epoch, group.target_epoch, group.state_name()), (4, 2, "Assigning"));
    world.pass(999);
    assert_eq!(world.group().unwrap().target_epoch, 2);
    world.pass(1);
    let group = world.group().unwrap();
    assert_eq!((group.target_epoch, group.targets.size()), (4, 3));
    world.check_replay();
}

#[test]
fn a_clock_set_back_does_not_stop_assignments() {
    let mut world = with_one_member();
    world.settings.consumer.assignment_interval_ms = 1000;
    world.now.wall -= 500_000;
    assert_eq!(world.beat(&join("b", &["t"])).unwrap().member_epoch, 3);
}

#[test]
fn the_assignor_that_most_members_ask_for_is_used() {
    let mut world = with_one_member();
    let mut ranged = beat("a", 2);
    ranged.server_assignor = Some("range".into());
    assert_eq!(world.beat(&ranged).unwrap().member_epoch, 3);
    let described = world.shard.describe_consumer("g", &world.image, &world.settings);
    assert_eq!(&*described.assignor_name, "range");
    ranged.server_assignor = Some("sticky".into());
    ranged.member_epoch = 3;
    assert_eq!(world.beat(&ranged).unwrap_err(), ErrorCode::UnsupportedAssignor);
}

#[test]
fn a_full_group_takes_nobody_new() {
    let mut world = with_one_member();
    world.settings.consumer_max_size = 1;
    assert_eq!(world.beat(&join("b", &["t"])).unwrap_err(), ErrorCode::GroupMaxSizeReached);
    world.beat(&join("a", &["t"])).unwrap();
}

#[test]
fn a_loaded_group_goes_on_and_its_deadlines_begin_anew() {
    let mut world = with_one_member();
    world.beat(&join("b", &["t"])).unwrap();
    world.beat(&owning("a", 2, &places("t", 0..4))).unwrap();
    world.reload();
    world.pass(29_000);
    world.beat(&beat("a", 2)).unwrap();
    world.beat(&beat("b", 3)).unwrap();
    world.pass(2_000);
    assert_eq!(world.beat(&beat("a", 2)).unwrap_err(), ErrorCode::UnknownMemberId);
    world.pass(45_000);
    assert!(world.group().unwrap().is_empty());
    world.check_replay();
}

#[test]
fn a_group_is_described_with_what_its_members_still_have_to_give_back() {
    let mut world = with_one_member();
    world.beat(&join("b", &["t"])).unwrap();
    world.beat(&owning("a", 2, &places("t", 0..4))).unwrap();
    let group = world.shard.describe_consumer("g", &world.image, &world.settings);
    assert_eq!((&*group.group_state, group.group_epoch, group.assignment_epoch), ("Reconciling", 3, 3));
    let member = &group.members[0];
    assert_eq!((&*member.member_id, member.member_type, &*member.client_host), ("a", 1, "/10.0.0.1"));
    assert_eq!(member.assignment.topic_partitions[0].partitions, [0, 1, 2, 3]);
    assert_eq!(member.target_assignment.topic_partitions[0].partitions.len(), 2);
    assert_eq!(&*member.assignment.topic_partitions[0].topic_name, "t");
}
