//! Static members: they come back with another id and go on with what they had.

use std::collections::BTreeSet;

use ottla_model::ErrorCode;
use ottla_wire::messages::ConsumerGroupHeartbeatRequest;

use crate::consumer::tests::world::{World, beat, given, join};

fn static_join(member: &str, instance: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest { instance_id: Some(instance.into()), ..join(member, &["t"]) }
}

fn static_beat(member: &str, instance: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest { instance_id: Some(instance.into()), ..beat(member, epoch) }
}

fn with_static_member() -> World {
    let mut world = World::new();
    world.topic("t", 2);
    world.beat(&static_join("a", "one")).unwrap();
    world
}

#[test]
fn who_left_for_now_comes_back_to_what_it_had() {
    let mut world = with_static_member();
    let left = world.beat(&static_beat("a", "one", -2)).unwrap();
    assert_eq!(left.member_epoch, -2);
    assert_eq!(world.member("a").epoch, -2);
    assert_eq!(world.group().unwrap().epoch, 2);
    world.check_replay();
    let back = world.beat(&static_join("b", "one")).unwrap();
    assert_eq!((back.member_epoch, given(&back).unwrap().len()), (2, 2));
    let group = world.group().unwrap();
    assert_eq!((group.epoch, group.members.size()), (2, 1));
    // A commit with the former id is refused: only what it got itself counts.
    assert!(!group.members.contains_key("a"));
    world.check_replay();
}

#[test]
fn an_instance_id_in_use_is_not_handed_over() {
    let mut world = with_static_member();
    assert_eq!(world.beat(&static_join("b", "one")).unwrap_err(), ErrorCode::UnreleasedInstanceId);
    assert_eq!(world.beat(&static_join("a", "one")).unwrap_err(), ErrorCode::UnreleasedInstanceId);
}

#[test]
fn a_former_self_is_fenced() {
    let mut world = with_static_member();
    world.beat(&static_beat("a", "one", -2)).unwrap();
    world.beat(&static_join("b", "one")).unwrap();
    assert_eq!(world.beat(&static_beat("a", "one", 2)).unwrap_err(), ErrorCode::FencedInstanceId);
    assert_eq!(world.beat(&static_beat("a", "one", -1)).unwrap_err(), ErrorCode::FencedInstanceId);
    assert_eq!(world.beat(&static_beat("a", "two", 2)).unwrap_err(), ErrorCode::UnknownMemberId);
    world.beat(&static_beat("b", "one", 2)).unwrap();
}

#[test]
fn who_left_for_now_and_does_not_come_back_is_fenced() {
    let mut world = with_static_member();
    world.beat(&join("c", &["t"])).unwrap();
    world.beat(&static_beat("a", "one", -2)).unwrap();
    world.pass(44_000);
    world.beat(&beat("c", 3)).unwrap();
    world.pass(1_000);
    assert_eq!(world.group().unwrap().members.size(), 1);
    let mut asks = beat("c", 3);
    asks.topic_partitions = Some(Vec::new());
    let got = world.beat(&asks).unwrap();
    assert_eq!(given(&got).unwrap().len(), 2);
    assert_eq!(world.beat(&static_join("b", "one")).map(|answer| given(&answer)), Ok(Some(BTreeSet::new())));
}

#[test]
fn a_static_member_may_leave_for_good() {
    let mut world = with_static_member();
    world.beat(&static_beat("a", "one", -1)).unwrap();
    assert!(world.group().unwrap().is_empty());
    world.check_replay();
}

#[test]
fn a_static_member_back_in_a_full_group_has_room() {
    let mut world = with_static_member();
    world.settings.consumer_max_size = 1;
    world.beat(&static_beat("a", "one", -2)).unwrap();
    world.beat(&static_join("b", "one")).unwrap();
    assert_eq!(world.beat(&static_join("c", "two")).unwrap_err(), ErrorCode::GroupMaxSizeReached);
}
