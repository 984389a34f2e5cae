//! Groups that change their protocol while they have members.

use std::collections::BTreeSet;

use ottla_model::ErrorCode;
use ottla_wire::messages::sync_group_request::SyncGroupRequestAssignment;
use ottla_wire::messages::{JoinGroupRequest, SyncGroupRequest};

use crate::assign::Assignment;
use crate::consumer::embedded;
use crate::consumer::tests::classic::{ask_join, classic_join, code};
use crate::consumer::tests::world::{GROUP, World, beat, given, join, owning, topic_id};
use crate::reply::Reply;
use crate::request::Request;
use crate::settings::MigrationPolicy;
use crate::state::Group;
use crate::state::classic::{ClassicGroup, State};

fn classic(world: &World) -> &ClassicGroup {
    match world.shard.groups.get(GROUP) {
        Some(Group::Classic(group)) => group,
        other => panic!("{other:?}"),
    }
}

/// A classic group of one consumer, which has both partitions of `t`. The member's id.
fn classic_group() -> (World, String) {
    let mut world = World::new();
    world.topic("t", 2);
    world.settings.initial_rebalance_delay_ms = 0;
    let asked = ask_join(&mut world, &classic_join("", &["t"], &BTreeSet::new()));
    let id = asked.member_id.to_string();
    assert!(world.ask(9, Request::Join(classic_join(&id, &["t"], &BTreeSet::new()))).is_none());
    let waiter = world.last_waiter();
    world.pass(1);
    let Some(Reply::Join(joined)) = world.late.remove(&waiter) else { panic!("has not joined") };
    let everything = Assignment::from([(topic_id("t"), BTreeSet::from([0, 1]))]);
    let request = SyncGroupRequest {
        group_id: GROUP.into(),
        generation_id: joined.generation_id,
        member_id: id.as_str().into(),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: id.as_str().into(),
            assignment: embedded::write(&everything, &world.image, 3),
        }],
        ..Default::default()
    };
    assert!(matches!(world.ask(5, Request::Sync(request)), Some(Reply::Sync(_))));
    assert_eq!(classic(&world).state, State::Stable);
    (world, id)
}

#[test]
fn a_classic_group_becomes_a_consumer_group_and_its_members_keep_what_they_have() {
    let (mut world, id) = classic_group();
    let before = world.log.len();
    let joined = world.beat(&join("n", &["t"])).unwrap();
    assert_eq!((joined.member_epoch, given(&joined).unwrap().len()), (2, 0));
    let member = world.member(&id);
    assert!(member.is_classic());
    assert_eq!((member.epoch, member.assigned.values().flatten().count()), (1, 2));
    assert_eq!(
        world.records_from(before)[..6],
        [(2, false), (5, true), (3, true), (7, true), (6, true), (8, true)]
    );
    world.check_replay();
}

#[test]
fn who_waits_in_the_classic_group_is_told_to_join_again() {
    let (mut world, id) = classic_group();
    let asked = ask_join(&mut world, &classic_join("", &["t"], &BTreeSet::new()));
    let request = classic_join(&asked.member_id, &["t"], &BTreeSet::new());
    assert!(world.ask(9, Request::Join(request)).is_none());
    let waiter = world.last_waiter();
    world.beat(&join("n", &["t"])).unwrap();
    let Some(Reply::Join(answer)) = world.late.remove(&waiter) else { panic!("still waits") };
    assert_eq!(code(answer.error_code), ErrorCode::RebalanceInProgress);
    assert_eq!(answer.member_id, asked.member_id);
    assert_eq!(world.group().unwrap().members.size(), 3);
    assert!(world.member(&id).is_classic());
}

#[test]
fn groups_that_may_not_or_cannot_be_upgraded_stay_as_they_are() {
    let (mut world, _) = classic_group();
    let before = world.log.len();
    for policy in [MigrationPolicy::Disabled, MigrationPolicy::Downgrade] {
        world.settings.migration = policy;
        assert_eq!(world.beat(&join("n", &["t"])).unwrap_err(), ErrorCode::GroupIdNotFound);
    }
    world.settings.migration = MigrationPolicy::Bidirectional;
    world.settings.consumer_max_size = 0;
    assert_eq!(world.beat(&join("n", &["t"])).unwrap_err(), ErrorCode::GroupIdNotFound);
    assert_eq!(world.beat(&beat("n", 1)).unwrap_err(), ErrorCode::GroupIdNotFound);
    assert_eq!((world.log.len(), classic(&world).state), (before, State::Stable));
}

#[test]
fn a_group_of_others_than_consumers_is_not_upgraded() {
    let mut world = World::new();
    world.settings.initial_rebalance_delay_ms = 0;
    let connect =
        JoinGroupRequest { protocol_type: "connect".into(), ..classic_join("", &["t"], &BTreeSet::new()) };
    let asked = ask_join(&mut world, &connect);
    world.ask(9, Request::Join(JoinGroupRequest { member_id: asked.member_id, ..connect }));
    assert_eq!(world.beat(&join("n", &["t"])).unwrap_err(), ErrorCode::GroupIdNotFound);
}

#[test]
fn an_empty_classic_group_gives_way() {
    let mut world = World::new();
    world.topic("t", 1);
    let asked = ask_join(&mut world, &classic_join("", &["t"], &BTreeSet::new()));
    assert_eq!(code(asked.error_code), ErrorCode::MemberIdRequired);
    assert_eq!(classic(&world).state, State::Empty);
    let deadlines = world.shard.counts().deadlines;
    assert_eq!(world.beat(&join("n", &["t"])).unwrap().member_epoch, 2);
    // The id that was given out is forgotten, and its deadline with it.
    assert_eq!((world.shard.counts().deadlines, deadlines), (1, 1));
    world.check_replay();
}

#[test]
fn an_empty_consumer_group_gives_way() {
    let mut world = World::new();
    world.topic("t", 1);
    world.beat(&join("n", &["t"])).unwrap();
    world.beat(&beat("n", -1)).unwrap();
    ask_join(&mut world, &classic_join("", &["t"], &BTreeSet::new()));
    assert_eq!(classic(&world).state, State::Empty);
    assert!(matches!(world.twin().groups.get(GROUP), Some(Group::Classic(_))));
}

/// A group of `n`, which speaks the new protocol, and a classic member that has its part. The latter's id.
fn mixed_group() -> (World, String) {
    let (mut world, id) = classic_group();
    world.beat(&join("n", &["t"])).unwrap();
    (world, id)
}

#[test]
fn a_consumer_group_becomes_a_classic_one_when_the_last_of_the_new_protocol_goes() {
    let (mut world, id) = mixed_group();
    let epoch = world.group().unwrap().epoch;
    world.beat(&beat("n", -1)).unwrap();
    let group = classic(&world);
    assert_eq!((group.state, group.generation), (State::PreparingRebalance, epoch));
    assert!(group.is_of_consumers() && group.is_subscribed_to("t"));
    let member = group.members.get(&*id).unwrap();
    let assignment = embedded::ids(&embedded::assignment(&member.assignment).unwrap(), &world.image);
    assert_eq!(assignment, Assignment::from([(topic_id("t"), BTreeSet::from([0, 1]))]));
    let twin = world.twin();
    let Some(Group::Classic(loaded)) = twin.groups.get(GROUP) else { panic!("not a classic group") };
    assert_eq!((loaded.state, loaded.generation, loaded.members.len()), (State::Stable, epoch, 1));
}

#[test]
fn a_session_that_ends_may_be_the_last_of_the_new_protocol() {
    let (mut world, id) = mixed_group();
    for _ in 0..5 {
        world.pass(10_000);
        let request = classic_join(&id, &["t"], &BTreeSet::new());
        world.ask(9, Request::Join(request));
    }
    assert!(classic(&world).members.contains_key(&*id));
}

#[test]
fn without_leave_to_downgrade_a_group_stays_a_consumer_group() {
    let (mut world, _) = mixed_group();
    world.settings.migration = MigrationPolicy::Upgrade;
    world.beat(&beat("n", -1)).unwrap();
    assert_eq!(world.group().unwrap().members.size(), 1);
    world.check_replay();
}

#[test]
fn a_static_member_that_comes_back_with_the_classic_protocol_takes_the_group_with_it() {
    let mut world = World::new();
    world.topic("t", 2);
    let mut first = join("n", &["t"]);
    first.instance_id = Some("one".into());
    world.beat(&first).unwrap();
    let mut back = classic_join("", &["t"], &BTreeSet::new());
    back.group_instance_id = Some("one".into());
    let joined = ask_join(&mut world, &back);
    assert_eq!(code(joined.error_code), ErrorCode::None);
    let group = classic(&world);
    assert_eq!((group.state, group.generation, joined.generation_id), (State::Stable, 2, 2));
    let member = group.members.get(&*joined.member_id).unwrap();
    let assignment = embedded::ids(&embedded::assignment(&member.assignment).unwrap(), &world.image);
    assert_eq!(assignment.values().flatten().count(), 2);
    assert!(matches!(world.twin().groups.get(GROUP), Some(Group::Classic(_))));
}

#[test]
fn a_static_member_that_comes_back_with_the_new_protocol_need_not_have_left() {
    let (mut world, _) = mixed_group();
    let mut old = classic_join("", &["t"], &BTreeSet::new());
    old.group_instance_id = Some("one".into());
    let joined = ask_join(&mut world, &old);
    assert_eq!(code(joined.error_code), ErrorCode::None);
    let mut new = join("s", &["t"]);
    new.instance_id = Some("one".into());
    let answer = world.beat(&new).unwrap();
    let group = world.group().unwrap();
    assert!(!group.members.contains_key(&*joined.member_id));
    assert!(!world.member("s").is_classic());
    world.beat(&owning("s", answer.member_epoch, &BTreeSet::new())).err();
    world.check_replay();
}

#[test]
fn a_refused_classic_join_leaves_an_empty_group_in_its_place() {
    let mut world = World::new();
    world.topic("t", 1);
    world.beat(&join("a", &["t"])).unwrap();
    world.beat(&beat("a", -1)).unwrap();
    assert!(world.group().is_some_and(|group| group.is_empty()));
    let written = world.records_from(0).len();
    // Somebody who was in a group of this name, and somebody who offers nothing.
    let nothing = BTreeSet::new();
    let stale = ask_join(&mut world, &classic_join("stale", &["t"], &nothing));
    assert_eq!(code(stale.error_code), ErrorCode::UnknownMemberId);
    let mut offers_nothing = classic_join("", &["t"], &nothing);
    offers_nothing.protocols.clear();
    let refused = ask_join(&mut world, &offers_nothing);
    assert_eq!(code(refused.error_code), ErrorCode::InconsistentGroupProtocol);
    assert!(world.group().is_some_and(|group| group.is_empty()));
    assert_eq!(world.records_from(0).len(), written);
}
