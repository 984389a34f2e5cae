//! Heartbeats that no client should send (H114): refused with Kafka's codes, and nothing is written.

use ottla_model::ErrorCode;
use ottla_wire::messages::ConsumerGroupHeartbeatRequest;
use ottla_wire::messages::consumer_group_heartbeat_request::TopicPartitions;

use crate::consumer::tests::world::{World, beat, join, topic_id};

type Change = fn(&mut ConsumerGroupHeartbeatRequest);

#[test]
fn requests_that_no_group_could_answer_are_invalid() {
    let cases: &[(&str, Change)] = &[
        ("no group", |beat| beat.group_id = " \t".into()),
        ("no member", |beat| beat.member_id = "".into()),
        ("blank instance", |beat| beat.instance_id = Some(" ".into())),
        ("blank rack", |beat| beat.rack_id = Some("".into())),
        ("no timeout", |beat| beat.rebalance_timeout_ms = -1),
        ("no owned", |beat| beat.topic_partitions = None),
        ("owns at once", |beat| {
            beat.topic_partitions = Some(vec![TopicPartitions::default()]);
        }),
        ("no subscription", |beat| beat.subscribed_topic_names = None),
        ("epoch -3", |beat| beat.member_epoch = -3),
        ("epoch min", |beat| beat.member_epoch = i32::MIN),
        ("leaves for now without instance", |beat| beat.member_epoch = -2),
    ];
    let mut world = World::new();
    world.topic("t", 1);
    for (what, change) in cases {
        let mut request = join("a", &["t"]);
        change(&mut request);
        assert_eq!(world.beat(&request).unwrap_err(), ErrorCode::InvalidRequest, "{what}");
    }
    assert!(world.log.is_empty());
}

#[test]
fn the_first_version_lets_the_broker_draw_the_id() {
    let mut world = World::new();
    world.topic("t", 1);
    let joined = world.beat_version(0, &join("", &["t"])).unwrap();
    let id = joined.member_id.unwrap();
    assert_eq!(id.len(), 22);
    world.beat_version(0, &beat(&id, 2)).unwrap();
    assert_eq!(world.beat_version(0, &beat("", 2)).unwrap_err(), ErrorCode::InvalidRequest);
    assert_eq!(world.beat_version(0, &beat("", -1)).unwrap_err(), ErrorCode::InvalidRequest);
}

#[test]
fn lies_about_what_is_owned_free_nothing_of_others() {
    let mut world = World::new();
    world.topic("t", 2);
    world.beat(&join("a", &["t"])).unwrap();
    world.beat(&join("b", &["t"])).unwrap();
    let mut lies = beat("b", 3);
    lies.topic_partitions = Some(vec![
        TopicPartitions { topic_id: topic_id("t"), partitions: vec![-1, 0, 1, i32::MAX, 0] },
        TopicPartitions { topic_id: topic_id("t"), partitions: vec![0] },
        TopicPartitions { topic_id: topic_id("none"), partitions: vec![7] },
    ]);
    let answer = world.beat(&lies).unwrap();
    assert!(answer.assignment.is_none());
    assert_eq!(world.member("a").assigned.values().flatten().count(), 2);
}

#[test]
fn names_and_a_pattern_together_are_both_obeyed() {
    let mut world = World::new();
    world.topic("t", 1);
    world.topic("u", 1);
    let mut both = join("a", &["t", "t", "none"]);
    both.subscribed_topic_regex = Some("u.*".into());
    world.beat(&both).unwrap();
    assert_eq!(world.member("a").assigned.len(), 2);
}

#[test]
fn a_dynamic_member_that_takes_an_instance_id_is_still_one_member() {
    let mut world = World::new();
    world.topic("t", 1);
    world.beat(&join("a", &["t"])).unwrap();
    for instance in ["one", "two", "one"] {
        let mut request = join("a", &["t"]);
        request.instance_id = Some(instance.into());
        let code = world.beat(&request).err();
        assert!(matches!(code, None | Some(ErrorCode::UnreleasedInstanceId)));
        world.check_replay();
    }
    assert_eq!(world.group().unwrap().members.size(), 1);
}

#[test]
fn a_negative_time_to_give_back_is_none() {
    let mut world = World::new();
    world.topic("t", 2);
    let mut hasty = join("a", &["t"]);
    hasty.rebalance_timeout_ms = i32::MIN;
    world.beat(&hasty).unwrap();
    world.beat(&join("b", &["t"])).unwrap();
    world.beat(&beat("a", 2)).unwrap();
    world.pass(1);
    assert!(!world.group().unwrap().members.contains_key("a"));
}
