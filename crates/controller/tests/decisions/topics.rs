//! CreateTopics and DeleteTopics.

use ottla_controller::{Reply, Request};
use ottla_metadata::ConfigResource;
use ottla_model::{ErrorCode, Uuid};
use ottla_wire::messages::DeleteTopicsRequest;
use ottla_wire::messages::delete_topics_request::DeleteTopicState;

use crate::cluster::{Cluster, DIRECTORY, code, configured, placed, topic};

fn deleted(cluster: &mut Cluster, topics: &[(Option<&str>, Uuid)]) -> Vec<(Option<String>, Uuid, ErrorCode)> {
    let state = |(name, topic_id): &(Option<&str>, Uuid)| DeleteTopicState {
        name: name.map(Into::into),
        topic_id: *topic_id,
    };
    let topics = topics.iter().map(state).collect();
    let request = DeleteTopicsRequest { topics, topic_names: Vec::new(), timeout_ms: 0 };
    let Reply::DeleteTopics(Ok(response)) = cluster.ask(Request::DeleteTopics { request, version: 6 }) else {
        panic!("not answered")
    };
    let result = |result: ottla_wire::messages::delete_topics_response::DeletableTopicResult| {
        (result.name.map(|name| name.to_string()), result.topic_id, code(result.error_code))
    };
    response.responses.into_iter().map(result).collect()
}

#[test]
fn a_topic_is_led_by_the_only_broker_in_its_only_directory() {
    let mut cluster = Cluster::running();
    let result = cluster.create(topic("t", 3, 1));
    assert_eq!(
        (code(result.error_code), result.num_partitions, result.replication_factor),
        (ErrorCode::None, 3, 1)
    );
    let made = cluster.image.topics.named("t").unwrap();
    assert_eq!((made.id, made.partitions.size()), (result.topic_id, 3));
    for partition in made.partitions.values() {
        assert_eq!((partition.leader, &*partition.replicas, &*partition.isr), (Some(1), &[1][..], &[1][..]));
        assert_eq!((partition.leader_epoch, &*partition.directories), (0, &[DIRECTORY][..]));
    }
}

#[test]
fn minus_one_means_the_nodes_defaults() {
    let mut cluster = Cluster::with_settings(&[("num.partitions", "4")]);
    let result = cluster.create(topic("t", -1, -1));
    assert_eq!(
        (code(result.error_code), result.num_partitions, result.replication_factor),
        (ErrorCode::None, 4, 1)
    );
}

#[test]
fn bad_counts_are_refused() {
    let mut cluster = Cluster::running();
    for (partitions, factor, expected) in [
        (0, 1, ErrorCode::InvalidPartitions),
        (-2, 1, ErrorCode::InvalidPartitions),
        (i32::MIN, 1, ErrorCode::InvalidPartitions),
        (i32::MAX, 1, ErrorCode::PolicyViolation),
        (10_000_000, 1, ErrorCode::PolicyViolation),
        (1, 0, ErrorCode::InvalidReplicationFactor),
        (1, -2, ErrorCode::InvalidReplicationFactor),
        (1, 2, ErrorCode::InvalidReplicationFactor),
        (1, i16::MAX, ErrorCode::InvalidReplicationFactor),
    ] {
        assert_eq!(
            cluster.created(vec![topic("t", partitions, factor)]),
            [expected],
            "{partitions} {factor}"
        );
    }
    assert!(cluster.image.topics.is_empty());
}

#[test]
fn bad_names_are_refused() {
    let mut cluster = Cluster::running();
    let long = "x".repeat(250);
    for name in ["", ".", "..", "a/b", "../../etc/passwd", "a\0b", "a b", "ü", "%2e%2e", &long] {
        assert_eq!(cluster.created(vec![topic(name, 1, 1)]), [ErrorCode::InvalidTopicException], "{name:?}");
    }
    assert_eq!(cluster.created(vec![topic("__cluster_metadata", 1, 1)]), [ErrorCode::InvalidRequest]);
    assert_eq!(cluster.created(vec![topic("__consumer_offsets", 1, 1)]), [ErrorCode::None]);
    assert_eq!(cluster.created(vec![topic(&"x".repeat(249), 1, 1)]), [ErrorCode::None]);
}

#[test]
fn names_that_metrics_cannot_tell_apart_collide() {
    let mut cluster = Cluster::running();
    assert_eq!(cluster.created(vec![topic("a.b", 1, 1)]), [ErrorCode::None]);
    assert_eq!(cluster.created(vec![topic("a_b", 1, 1)]), [ErrorCode::InvalidTopicException]);
    let both = vec![topic("x.y", 1, 1), topic("x_y", 1, 1)];
    assert_eq!(cluster.created(both), [ErrorCode::None, ErrorCode::InvalidTopicException]);
    assert_eq!(cluster.created(vec![topic("a.b", 1, 1)]), [ErrorCode::TopicAlreadyExists]);
}

#[test]
fn a_name_that_comes_twice_is_refused_and_answered_once() {
    let mut cluster = Cluster::running();
    let topics = vec![topic("t", 1, 1), topic("u", 1, 1), topic("t", 2, 1)];
    assert_eq!(cluster.created(topics), [ErrorCode::InvalidRequest, ErrorCode::None]);
    assert_eq!(cluster.image.topics.len(), 1);
}

#[test]
fn validating_answers_the_same_and_changes_nothing() {
    let mut cluster = Cluster::running();
    let before = cluster.image.clone();
    let asked = || vec![topic("t", 2, 1), topic("..", 1, 1)];
    let only = cluster.create_all(asked(), true);
    assert_eq!(cluster.image, before);
    let real = cluster.create_all(asked(), false);
    let facts = |results: &[ottla_wire::messages::create_topics_response::CreatableTopicResult]| {
        results.iter().map(|r| (r.error_code, r.num_partitions, r.configs.clone())).collect::<Vec<_>>()
    };
    assert_eq!(facts(&only), facts(&real));
}

#[test]
fn replicas_can_be_placed_by_hand() {
    let mut cluster = Cluster::running();
    cluster.add_broker(2, None, false);
    cluster.add_broker(3, None, true);
    assert_eq!(cluster.created(vec![placed("t", &[(1, &[1, 2]), (0, &[2, 3])])]), [ErrorCode::None]);
    assert_eq!(cluster.partition("t", 0).leader, Some(2));
    assert_eq!(cluster.partition("t", 0).isr, [2], "who is fenced is not in sync");
    assert_eq!(cluster.partition("t", 1).replicas, [1, 2]);
    for (bad, why) in [
        (placed("u", &[(0, &[])]), "no replicas"),
        (placed("u", &[(0, &[1, 1])]), "one twice"),
        (placed("u", &[(0, &[9])]), "unknown broker"),
        (placed("u", &[(0, &[1]), (1, &[1, 2])]), "unequal lengths"),
        (placed("u", &[(0, &[1]), (2, &[1])]), "a gap"),
        (placed("u", &[(-1, &[1]), (0, &[1])]), "a negative number"),
        (placed("u", &[(0, &[1]), (0, &[2])]), "a partition twice"),
        (placed("u", &[(0, &[3])]), "fenced ones only"),
    ] {
        assert_eq!(cluster.created(vec![bad]), [ErrorCode::InvalidReplicaAssignment], "{why}");
    }
    let mut counted = placed("u", &[(0, &[1])]);
    counted.num_partitions = 1;
    assert_eq!(cluster.created(vec![counted]), [ErrorCode::InvalidRequest]);
}

#[test]
fn settings_are_checked_and_stored_with_the_topic() {
    let mut cluster = Cluster::running();
    let good = configured("t", &[("cleanup.policy", Some("compact")), ("retention.ms", Some("1000"))]);
    let result = cluster.create(good);
    let shown = |name: &str| {
        let configs = result.configs.as_ref().unwrap();
        configs
            .iter()
            .find(|config| *config.name == *name)
            .map(|config| (config.value.clone(), config.config_source))
    };
    assert_eq!(shown("retention.ms"), Some((Some("1000".into()), 1)));
    assert_eq!(shown("segment.bytes"), Some((Some("1073741824".into()), 5)));
    let resource = ConfigResource::topic("t");
    assert_eq!(cluster.image.configs.value(&resource, "cleanup.policy"), Some("compact"));
    for bad in [
        configured("u", &[("no.such.setting", Some("1"))]),
        configured("u", &[("retention.ms", Some("soon"))]),
        configured("u", &[("retention.ms", None)]),
        configured("u", &[("cleanup.policy", Some("nonsense"))]),
    ] {
        assert_eq!(cluster.created(vec![bad]), [ErrorCode::InvalidConfig]);
    }
    assert_eq!(cluster.image.topics.len(), 1);
}

#[test]
fn replicas_are_striped_over_racks() {
    let mut cluster = Cluster::running();
    for (id, rack) in [(2, "a"), (3, "b"), (4, "a"), (5, "b")] {
        cluster.add_broker(id, Some(rack), false);
    }
    cluster.create(topic("t", 50, 3));
    let made = cluster.image.topics.named("t").unwrap();
    let leaders: std::collections::BTreeSet<_> =
        made.partitions.values().filter_map(|one| one.leader).collect();
    assert_eq!(leaders.len(), 5, "everybody leads something");
    for partition in made.partitions.values() {
        assert_eq!(partition.isr, partition.replicas);
    }
}

#[test]
fn nothing_is_placed_while_everybody_is_fenced() {
    let mut cluster = Cluster::formatted(ottla_metadata::MetadataVersion::DEFAULT);
    assert_eq!(cluster.created(vec![topic("t", 1, 1)]), [ErrorCode::InvalidReplicationFactor]);
    cluster.register(None);
    assert_eq!(cluster.created(vec![topic("t", 1, 1)]), [ErrorCode::InvalidReplicationFactor]);
}

#[test]
fn a_deleted_topic_leaves_nothing_and_its_name_is_free() {
    let mut cluster = Cluster::running();
    let empty = cluster.image.clone();
    let id = cluster.create(configured("t", &[("retention.ms", Some("1"))])).topic_id;
    assert_eq!(deleted(&mut cluster, &[(Some("t"), Uuid::ZERO)]), [(Some("t".into()), id, ErrorCode::None)]);
    assert_eq!(cluster.image, empty);
    let again = cluster.create(topic("t", 1, 1)).topic_id;
    assert_ne!(again, id);
    assert_eq!(deleted(&mut cluster, &[(None, again)]), [(Some("t".into()), again, ErrorCode::None)]);
}

#[test]
fn what_cannot_be_deleted_is_told_one_by_one() {
    let mut cluster = Cluster::running();
    let id = cluster.create(topic("t", 1, 1)).topic_id;
    let strange = Uuid::from_bytes([3; 16]);
    for (asked, expected) in [
        (
            vec![(Some("u"), Uuid::ZERO)],
            vec![(Some("u".into()), Uuid::ZERO, ErrorCode::UnknownTopicOrPartition)],
        ),
        (vec![(None, strange)], vec![(None, strange, ErrorCode::UnknownTopicId)]),
        (vec![(None, Uuid::ZERO)], vec![(None, Uuid::ZERO, ErrorCode::InvalidRequest)]),
        (vec![(Some("t"), id)], vec![(Some("t".into()), id, ErrorCode::InvalidRequest)]),
        (vec![(Some("t"), Uuid::ZERO); 2], vec![(Some("t".into()), Uuid::ZERO, ErrorCode::InvalidRequest)]),
        (vec![(None, id); 2], vec![(None, id, ErrorCode::InvalidRequest)]),
    ] {
        assert_eq!(deleted(&mut cluster, &asked), expected, "{asked:?}");
    }
    assert_eq!(cluster.image.topics.len(), 1);
}

#[test]
fn a_topic_named_both_ways_stays() {
    let mut cluster = Cluster::running();
    let id = cluster.create(topic("t", 1, 1)).topic_id;
    let answers = deleted(&mut cluster, &[(None, id), (Some("t"), Uuid::ZERO)]);
    assert_eq!(answers.iter().map(|answer| answer.2).collect::<Vec<_>>(), [ErrorCode::InvalidRequest]);
    assert_eq!(cluster.image.topics.len(), 1);
}

#[test]
fn deletion_can_be_switched_off() {
    let cluster = Cluster::with_settings(&[("delete.topic.enable", "false")]);
    for (version, expected) in [(2, ErrorCode::InvalidRequest), (3, ErrorCode::TopicDeletionDisabled)] {
        let request = DeleteTopicsRequest { topic_names: vec!["t".into()], ..Default::default() };
        let (records, reply) = cluster.decide(Request::DeleteTopics { request, version });
        assert_eq!((records, reply), (Vec::new(), Reply::DeleteTopics(Err(expected))));
    }
}

#[test]
fn topics_beyond_one_batch_are_refused_and_the_others_made() {
    let mut cluster = Cluster::running();
    let topics = vec![topic("a", 6000, 1), topic("b", 6000, 1), topic("c", 10, 1)];
    assert_eq!(cluster.created(topics), [ErrorCode::None, ErrorCode::PolicyViolation, ErrorCode::None]);
}
