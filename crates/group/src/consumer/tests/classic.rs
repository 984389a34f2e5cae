//! Members of a consumer group that speak the classic protocol, beside one that speaks the new one.

use std::collections::BTreeSet;

use bytes::Bytes;
use ottla_model::ErrorCode;
use ottla_wire::messages::join_group_request::JoinGroupRequestProtocol;
use ottla_wire::messages::leave_group_request::MemberIdentity;
use ottla_wire::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
    SyncGroupResponse,
};

use crate::consumer::embedded;
use crate::consumer::tests::actor::subscription;
use crate::consumer::tests::world::{GROUP, Place, World, beat, given, join, owning, topic_id};
use crate::reply::Reply;
use crate::request::Request;
use crate::settings::MigrationPolicy;
use crate::state::member::MemberState;

pub(super) fn classic_join(member: &str, topics: &[&str], held: &BTreeSet<Place>) -> JoinGroupRequest {
    let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
    JoinGroupRequest {
        group_id: GROUP.into(),
        session_timeout_ms: 20_000,
        rebalance_timeout_ms: 30_000,
        member_id: member.into(),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".into(),
            metadata: subscription(&topics, held),
        }],
        ..Default::default()
    }
}

pub(super) fn ask_join(world: &mut World, request: &JoinGroupRequest) -> JoinGroupResponse {
    match world.ask(9, Request::Join(request.clone())) {
        Some(Reply::Join(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

pub(super) fn code(code: i16) -> ErrorCode {
    ErrorCode::from_code(code).unwrap()
}

fn ask_sync(world: &mut World, member: &str, generation: i32) -> SyncGroupResponse {
    let request = SyncGroupRequest {
        group_id: GROUP.into(),
        generation_id: generation,
        member_id: member.into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        ..Default::default()
    };
    match world.ask(5, Request::Sync(request)) {
        Some(Reply::Sync(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

fn ask_heartbeat(world: &mut World, member: &str, generation: i32) -> ErrorCode {
    let request = HeartbeatRequest {
        group_id: GROUP.into(),
        generation_id: generation,
        member_id: member.into(),
        group_instance_id: None,
    };
    match world.ask(4, Request::Heartbeat(request)) {
        Some(Reply::Heartbeat(answer)) => code(answer.error_code),
        other => panic!("{other:?}"),
    }
}

fn synced(world: &mut World, member: &str, generation: i32) -> BTreeSet<Place> {
    let answer = ask_sync(world, member, generation);
    let assignment = embedded::ids(&embedded::assignment(&answer.assignment).unwrap(), &world.image);
    let flat = assignment.into_iter();
    flat.flat_map(|(topic, numbers)| numbers.into_iter().map(move |number| (topic, number))).collect()
}

/// `n` speaks the new protocol and has everything; a classic member has joined. Its id.
fn with_classic_member() -> (World, String) {
    let mut world = World::new();
    world.topic("t", 4);
    world.beat(&join("n", &["t"])).unwrap();
    let asked = ask_join(&mut world, &classic_join("", &["t"], &BTreeSet::new()));
    assert_eq!(code(asked.error_code), ErrorCode::MemberIdRequired);
    let id = asked.member_id.to_string();
    let joined = ask_join(&mut world, &classic_join(&id, &["t"], &BTreeSet::new()));
    assert_eq!((code(joined.error_code), joined.generation_id), (ErrorCode::None, 3));
    assert_eq!((&*joined.leader, joined.protocol_name.as_deref()), ("", Some("range")));
    (world, id)
}

#[test]
fn a_classic_member_gets_its_part_when_it_is_free() {
    let (mut world, id) = with_classic_member();
    assert!(world.member(&id).is_classic());
    assert!(synced(&mut world, &id, 3).is_empty());
    assert_eq!(ask_heartbeat(&mut world, &id, 3), ErrorCode::None);
    let told = given(&world.beat(&owning("n", 2, &every())).unwrap()).unwrap();
    assert_eq!(ask_heartbeat(&mut world, &id, 3), ErrorCode::None);
    world.beat(&owning("n", 2, &told)).unwrap();
    assert_eq!(ask_heartbeat(&mut world, &id, 3), ErrorCode::RebalanceInProgress);
    let again = ask_join(&mut world, &classic_join(&id, &["t"], &BTreeSet::new()));
    assert_eq!(again.generation_id, 3);
    let got = synced(&mut world, &id, 3);
    assert_eq!((got.len(), got.is_disjoint(&told)), (2, true));
    assert_eq!(ask_heartbeat(&mut world, &id, 3), ErrorCode::None);
    assert_eq!(world.group().unwrap().state_name(), "Stable");
    world.check_replay();
}

fn every() -> BTreeSet<Place> {
    (0..4).map(|number| (topic_id("t"), number)).collect()
}

#[test]
fn a_classic_member_gives_back_by_joining_without() {
    let (mut world, id) = with_shared_topic();
    for member in ["m", "o"] {
        world.beat(&join(member, &["t"])).unwrap();
    }
    assert_eq!(ask_heartbeat(&mut world, &id, 3), ErrorCode::RebalanceInProgress);
    let held: BTreeSet<Place> = world.member(&id).holds().collect();
    assert_eq!(held.len(), 2);
    let told = ask_join(&mut world, &classic_join(&id, &["t"], &held));
    assert_eq!((told.generation_id, world.member(&id).state), (3, MemberState::Unrevoked));
    let kept = synced(&mut world, &id, 3);
    assert_eq!(kept.len(), 1);
    assert_eq!(ask_heartbeat(&mut world, &id, 3), ErrorCode::RebalanceInProgress);
    let done = ask_join(&mut world, &classic_join(&id, &["t"], &kept));
    assert_eq!((done.generation_id, world.member(&id).state), (5, MemberState::Stable));
    world.check_replay();
}

/// `n` and a classic member have two partitions each, in epoch 3.
fn with_shared_topic() -> (World, String) {
    let (mut world, id) = with_classic_member();
    let told = given(&world.beat(&owning("n", 2, &every())).unwrap()).unwrap();
    world.beat(&owning("n", 2, &told)).unwrap();
    ask_join(&mut world, &classic_join(&id, &["t"], &BTreeSet::new()));
    ask_sync(&mut world, &id, 3);
    (world, id)
}

#[test]
fn classic_requests_are_checked() {
    let (mut world, id) = with_classic_member();
    assert_eq!(ask_heartbeat(&mut world, &id, 2), ErrorCode::IllegalGeneration);
    assert_eq!(ask_heartbeat(&mut world, "x", 3), ErrorCode::UnknownMemberId);
    assert_eq!(ask_heartbeat(&mut world, "n", 2), ErrorCode::UnknownMemberId);
    assert_eq!(code(ask_sync(&mut world, &id, 9).error_code), ErrorCode::IllegalGeneration);
    let mut other = classic_join("", &["t"], &BTreeSet::new());
    other.protocols[0].name = "sticky".into();
    assert_eq!(code(ask_join(&mut world, &other).error_code), ErrorCode::InconsistentGroupProtocol);
    other = classic_join("y", &["t"], &BTreeSet::new());
    other.protocols[0].metadata = Bytes::from_static(&[0, 3, 0, 0, 0, 9]);
    assert_eq!(code(ask_join(&mut world, &other).error_code), ErrorCode::InconsistentGroupProtocol);
    other.protocol_type = "connect".into();
    assert_eq!(code(ask_join(&mut world, &other).error_code), ErrorCode::InconsistentGroupProtocol);
    world.settings.migration = MigrationPolicy::Disabled;
    let again = classic_join(&id, &["t"], &BTreeSet::new());
    assert_eq!(code(ask_join(&mut world, &again).error_code), ErrorCode::InconsistentGroupProtocol);
}

#[test]
fn a_classic_member_that_does_not_ask_for_its_assignment_is_fenced() {
    let (mut world, id) = with_classic_member();
    for _ in 0..4 {
        world.pass(7_000);
        world.beat(&beat("n", world.member("n").epoch)).unwrap();
        assert_eq!(ask_heartbeat(&mut world, &id, 3), ErrorCode::None);
    }
    // It has 30 seconds.
    world.settings.migration = MigrationPolicy::Upgrade;
    world.pass(3_000);
    assert!(!world.group().unwrap().members.contains_key(&*id));
}

#[test]
fn an_administrator_takes_out_members_of_either_protocol() {
    let (mut world, id) = with_classic_member();
    let identity = |member: &str| MemberIdentity { member_id: member.into(), ..Default::default() };
    let request = LeaveGroupRequest {
        group_id: GROUP.into(),
        members: vec![identity("n"), identity("x"), identity(&id), identity("n")],
        ..Default::default()
    };
    let Some(Reply::Leave(answer)) = world.ask(5, Request::Leave(request)) else { panic!("no answer") };
    let codes: Vec<_> = answer.members.iter().map(|member| code(member.error_code)).collect();
    assert_eq!(codes, [ErrorCode::None, ErrorCode::UnknownMemberId, ErrorCode::None, ErrorCode::None]);
    assert!(world.group().unwrap().is_empty());
    world.check_replay();
}
