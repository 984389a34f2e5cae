//! Members that subscribe by pattern.

use std::collections::BTreeSet;

use ottla_model::ErrorCode;
use ottla_wire::messages::ConsumerGroupHeartbeatRequest;

use crate::consumer::tests::world::{World, beat, given, join, owning, topic_id};
use crate::limits::MAX_PATTERNS;
use crate::reply::Reply;
use crate::request::Request;

fn matching(member: &str, pattern: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some(pattern.into()),
        ..join(member, &[])
    }
}

fn with_pattern() -> World {
    let mut world = World::new();
    world.topic("orders-eu", 1);
    world.topic("orders-us", 1);
    world.topic("orders", 1);
    world.beat(&matching("a", "orders-.*")).unwrap();
    world
}

#[test]
fn a_member_gets_the_topics_that_its_pattern_matches_whole() {
    let world = with_pattern();
    let topics: Vec<_> = world.member("a").assigned.keys().copied().collect();
    assert_eq!(topics, [topic_id("orders-eu"), topic_id("orders-us")]);
    assert_eq!(world.member("a").epoch, 2);
    let group = world.group().unwrap();
    assert!(group.is_subscribed_to("orders-eu") && !group.is_subscribed_to("orders"));
    assert!(world.records_from(0).contains(&(16, true)));
    world.check_replay();
}

#[test]
fn new_topics_are_found_but_not_more_often_than_every_ten_seconds() {
    let mut world = with_pattern();
    world.topic("orders-asia", 2);
    world.beat(&beat("a", 2)).unwrap();
    assert_eq!(world.group().unwrap().epoch, 2);
    world.pass(10_001);
    let told = world.beat(&beat("a", 2)).unwrap();
    assert_eq!((told.member_epoch, given(&told).unwrap().len()), (3, 4));
    world.pass(10_001);
    let before = world.log.len();
    world.beat(&beat("a", 3)).unwrap();
    assert_eq!(world.log.len(), before, "nothing is resolved again without need");
    world.pass(5_000);
}

#[test]
fn patterns_are_refreshed_now_and_then() {
    let mut world = with_pattern();
    let resolved = |world: &World| world.group().unwrap().patterns.get("orders-.*").unwrap().timestamp;
    let first = resolved(&world);
    for _ in 0..30 {
        world.pass(20_001);
        world.beat(&beat("a", 2)).unwrap();
    }
    assert!(resolved(&world) > first);
    assert_eq!(world.group().unwrap().epoch, 2);
}

#[test]
fn what_is_no_pattern_is_refused_and_nothing_is_written() {
    let mut world = World::new();
    assert_eq!(world.beat(&matching("a", "(")).unwrap_err(), ErrorCode::InvalidRegularExpression);
    assert_eq!(
        world.beat(&matching("a", &"x".repeat(5000))).unwrap_err(),
        ErrorCode::InvalidRegularExpression
    );
    assert!(world.log.is_empty() && world.group().is_none());
}

#[test]
fn a_pattern_that_nobody_has_is_forgotten() {
    let mut world = with_pattern();
    world.beat(&matching("b", "orders-e.*")).unwrap();
    assert_eq!(world.group().unwrap().patterns.size(), 1, "ten seconds have not passed");
    world.pass(10_001);
    world.beat(&beat("a", 2)).unwrap();
    assert_eq!(world.group().unwrap().patterns.size(), 2);
    let epoch = world.member("b").epoch;
    let mut names = beat("b", epoch);
    names.subscribed_topic_regex = Some("".into());
    names.subscribed_topic_names = Some(vec!["orders".into()]);
    world.beat(&names).unwrap();
    assert_eq!(world.group().unwrap().patterns.size(), 1);
    world.beat(&beat("a", -1)).unwrap();
    assert_eq!(world.group().unwrap().patterns.size(), 0);
    world.check_replay();
}

#[test]
fn a_known_pattern_is_shared() {
    let mut world = with_pattern();
    let joined = world.beat(&matching("b", "orders-.*")).unwrap();
    assert_eq!(joined.member_epoch, 3);
    world.beat(&owning("a", 2, &BTreeSet::new())).unwrap();
    let got = world.beat(&owning("b", 3, &BTreeSet::new())).unwrap();
    assert_eq!(given(&got).unwrap().len(), 1);
}

#[test]
fn one_pattern_more_than_a_group_may_have_is_refused() {
    let mut world = World::new();
    for number in 0..MAX_PATTERNS {
        world.beat(&matching(&format!("m{number}"), &format!("orders-{number}"))).unwrap();
    }
    let before = world.log.len();
    let one_more = matching("late", "others");
    assert_eq!(world.beat(&one_more).unwrap_err(), ErrorCode::InvalidRequest);
    let Some(Reply::ConsumerHeartbeat(told)) = world.ask(1, Request::ConsumerHeartbeat(one_more)) else {
        panic!("a heartbeat is answered at once");
    };
    assert!(told.error_message.unwrap().contains("64 patterns"));
    assert_eq!(world.log.len(), before);
    world.beat(&matching("late", "orders-7")).unwrap();
    world.beat(&matching("m0", "others")).unwrap();
    assert_eq!(world.beat(&matching("late", "orders-0")).unwrap_err(), ErrorCode::InvalidRequest);
}

#[test]
fn a_new_pattern_is_resolved_alone_when_no_topic_has_come() {
    let mut world = with_pattern();
    let patterns = |world: &World, start: usize| {
        world.records_from(start).iter().filter(|(kind, _)| *kind == 16).count()
    };
    let resolved = |world: &World, pattern: &str| {
        world.group().unwrap().patterns.get(pattern).map(|resolved| resolved.timestamp)
    };
    world.pass(10_001);
    world.beat(&beat("a", 2)).unwrap();
    let first = resolved(&world, "orders-.*");
    world.pass(10_001);
    let before = world.log.len();
    world.beat(&matching("b", "orders")).unwrap();
    assert_eq!(patterns(&world, before), 1);
    assert_eq!(resolved(&world, "orders-.*"), first);
    assert!(resolved(&world, "orders") > first);
    assert_eq!(world.group().unwrap().epoch, 3);
}
