//! Topics and configurations: usable when answered, refused with their codes, obeyed at run time.

use ottla_env::testing::MemDisk;
use ottla_model::ErrorCode;
use ottla_record::{Builder, Codec};
use ottla_wire::messages::create_partitions_request::CreatePartitionsTopic;
use ottla_wire::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic};
use ottla_wire::messages::describe_configs_request::DescribeConfigsResource;
use ottla_wire::messages::{CreatePartitionsRequest, CreateTopicsRequest, DescribeConfigsRequest};

use crate::client::{BROKER, Client, TOPIC, batch, build, code};
use crate::stand::{Ground, Stand};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_by_asking_for_it_can_be_used_at_once() {
    let stand = Ground::on(MemDisk::new()).with("num.partitions", "3").start().await;
    let mut client = stand.client().await;
    let absent = client.topic("t", false).await;
    assert_eq!(absent.error_code, code(ErrorCode::UnknownTopicOrPartition));
    let made = client.topic("t", true).await;
    assert_eq!((made.error_code, made.partitions.len()), (0, 3));
    assert!(made.partitions.iter().all(|one| one.leader_id == 1 && one.error_code == 0));
    for partition in 0..3 {
        assert_eq!(client.append("t", partition, batch(&["a"])).await, 0);
    }
    let refused = client.topic("no/name", true).await;
    assert_eq!(refused.error_code, code(ErrorCode::InvalidTopicException));
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_topic_is_made_by_asking_where_that_is_switched_off() {
    let stand = Ground::on(MemDisk::new()).with("auto.create.topics.enable", "false").start().await;
    let mut client = stand.client().await;
    assert_eq!(client.topic("t", true).await.error_code, code(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(client.topics().await, []);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_create_a_topic_one_succeeds_and_all_can_use_it() {
    let stand = Stand::new().await;
    let mut tasks = Vec::new();
    for number in 0..16 {
        let mut client = stand.client().await;
        tasks.push(tokio::spawn(async move {
            let outcome = if number % 2 == 0 {
                client.try_create("t", 4, &[]).await.error_code
            } else {
                let topic = client.topic("t", true).await;
                assert_eq!(topic.error_code, 0);
                i16::MAX
            };
            client.append("t", 0, batch(&["a"])).await;
            outcome
        }));
    }
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    let created = outcomes.iter().filter(|outcome| **outcome == 0).count();
    let exists = outcomes.iter().filter(|outcome| **outcome == code(ErrorCode::TopicAlreadyExists)).count();
    assert!(created <= 1, "{outcomes:?}");
    assert_eq!(created + exists, 8, "{outcomes:?}");
    let mut client = stand.client().await;
    assert_eq!(client.topics().await.len(), 1);
    assert_eq!(client.read_from("t", 0, 0).await.len(), 16);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_created_has_its_code_and_leaves_nothing() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("a.b", 1, &[]).await;
    let topic = |name: &str, partitions, replicas| CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: replicas,
        ..Default::default()
    };
    let assigned = |brokers: &[i32]| CreatableTopic {
        assignments: vec![CreatableReplicaAssignment { partition_index: 0, broker_ids: brokers.to_vec() }],
        ..topic("assigned", -1, -1)
    };
    let long = "x".repeat(250);
    let cases = [
        (topic("", 1, 1), ErrorCode::InvalidTopicException),
        (topic("..", 1, 1), ErrorCode::InvalidTopicException),
        (topic("../etc", 1, 1), ErrorCode::InvalidTopicException),
        (topic("a\0b", 1, 1), ErrorCode::InvalidTopicException),
        (topic("ü", 1, 1), ErrorCode::InvalidTopicException),
        (topic(&long, 1, 1), ErrorCode::InvalidTopicException),
        (topic("a_b", 1, 1), ErrorCode::InvalidTopicException),
        (topic("a.b", 1, 1), ErrorCode::TopicAlreadyExists),
        (topic("t", 0, 1), ErrorCode::InvalidPartitions),
        (topic("t", -2, 1), ErrorCode::InvalidPartitions),
        (topic("t", 1, 0), ErrorCode::InvalidReplicationFactor),
        (topic("t", 1, 2), ErrorCode::InvalidReplicationFactor),
        (topic("t", 1, i16::MAX), ErrorCode::InvalidReplicationFactor),
        (assigned(&[7]), ErrorCode::InvalidReplicaAssignment),
        (assigned(&[1, 1]), ErrorCode::InvalidReplicaAssignment),
        (assigned(&[]), ErrorCode::InvalidReplicaAssignment),
    ];
    for (topic, expected) in cases {
        let shown = format!("{topic:?}");
        let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
        let answer = client.ask(&request).await.topics.remove(0);
        assert_eq!(answer.error_code, code(expected), "{shown}: {:?}", answer.error_message);
    }
    for (name, value) in [("no.such.setting", "1"), ("retention.ms", "soon"), ("cleanup.policy", "burn")] {
        let answer = client.try_create("t", 1, &[(name, value)]).await;
        assert_eq!(answer.error_code, code(ErrorCode::InvalidConfig), "{name}={value}");
    }
    let twice =
        CreateTopicsRequest { topics: vec![topic("t", 1, 1), topic("t", 1, 1)], ..Default::default() };
    let answers = client.ask(&twice).await.topics;
    assert!(answers.iter().all(|answer| answer.error_code == code(ErrorCode::InvalidRequest)));
    let tried =
        CreateTopicsRequest { topics: vec![topic("t", 1, 1)], validate_only: true, ..Default::default() };
    assert_eq!(client.ask(&tried).await.topics[0].error_code, 0);
    assert_eq!(client.topics().await.len(), 1);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_added_can_be_used_at_once() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    let grow = |count| CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic { name: "t".into(), count, assignments: None }],
        timeout_ms: 30_000,
        validate_only: false,
    };
    assert_eq!(client.ask(&grow(3)).await.results[0].error_code, 0);
    for partition in 0..3 {
        client.append("t", partition, batch(&["a"])).await;
    }
    for count in [3, 2, 0, -1] {
        let answer = client.ask(&grow(count)).await;
        assert_eq!(answer.results[0].error_code, code(ErrorCode::InvalidPartitions), "{count}");
    }
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topics_size_limit_and_timestamps_change_at_run_time() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[]).await;
    let large = batch(&["x".repeat(1000).as_str()]);
    client.append("t", 0, large.clone()).await;
    assert_eq!(client.configure(TOPIC, "t", "max.message.bytes", "500").await, 0);
    let refused = client.produce(-1, "t", 0, large.clone()).await;
    assert_eq!(refused.error_code, code(ErrorCode::MessageTooLarge));
    assert_eq!(client.configure(TOPIC, "t", "max.message.bytes", "5000").await, 0);
    client.append("t", 0, large).await;
    assert_eq!(client.configure(TOPIC, "t", "message.timestamp.type", "LogAppendTime").await, 0);
    let mut old = Builder::new(0, Codec::None);
    old.push(1, None, Some(b"old"), &[]);
    let appended = client.produce(-1, "t", 0, old.finish().unwrap()).await;
    assert!(appended.log_append_time_ms > 1, "{}", appended.log_append_time_ms);
    assert_eq!(client.offset_for("t", 0, 1).await.0, 0);
    assert_eq!(client.offset_for("t", 0, -3).await.0, 2, "the largest timestamp is the broker's");
    assert_eq!(client.configure(TOPIC, "t", "no.such", "1").await, code(ErrorCode::InvalidConfig));
    assert_eq!(
        client.configure(TOPIC, "nowhere", "retention.ms", "1").await,
        code(ErrorCode::UnknownTopicOrPartition)
    );
    stand.stop().await;
}

/// Waits until retention has moved a topic's start.
async fn until_it_starts_at(client: &mut Client, topic: &str, offset: i64) {
    while client.offset_for(topic, 0, -2).await.0 < offset {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.offset_for(topic, 0, -2).await.0, offset);
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_follows_the_topic_and_the_cluster_at_run_time() {
    let ground = Ground::on(MemDisk::new()).with("log.retention.check.interval.ms", "1");
    let stand = ground.start().await;
    let mut client = stand.client().await;
    let size = i64::try_from(batch(&["x".repeat(600_000).as_str()]).len()).unwrap();
    for topic in ["by-size", "by-time"] {
        client.create(topic, 1, &[("segment.bytes", "1048576")]).await;
        for _ in 0..4 {
            client.append(topic, 0, batch(&["x".repeat(600_000).as_str()])).await;
        }
        assert_eq!(client.offset_for(topic, 0, -2).await.0, 0);
    }
    let kept = (size * 2 + 1).to_string();
    assert_eq!(client.configure(TOPIC, "by-size", "retention.bytes", &kept).await, 0);
    until_it_starts_at(&mut client, "by-size", 1).await;
    let gone = client.fetch("by-size", 0, 0).await;
    assert_eq!(gone.error_code, code(ErrorCode::OffsetOutOfRange));
    // Everything is an hour old; the cluster's default becomes half of it.
    ground.clock.move_ahead(3_600_000);
    assert_eq!(client.configure(BROKER, "", "log.retention.ms", "1800000").await, 0);
    until_it_starts_at(&mut client, "by-time", 4).await;
    assert_eq!(client.append("by-time", 0, build(Builder::new(0, Codec::None), &["next"])).await, 4);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_an_address_are_limited_at_run_time() {
    let stand = Stand::new().await;
    let mut first = stand.client().await;
    first.is_served().await;
    let mut second = stand.client().await;
    second.is_served().await;
    drop(second);
    assert_eq!(first.configure(BROKER, "", "max.connections.per.ip", "1").await, 0);
    // The limit is set beside the answer; connections that come before it are served.
    let refused = async {
        loop {
            let Ok(mut client) = Client::try_connect(stand.address()).await else { continue };
            let asked = client.write(&[0, 0, 0, 0]).await;
            let request = ottla_wire::messages::DescribeClusterRequest::default();
            if asked.is_err()
                || client
                    .write(&crate::client::framed(&crate::client::encoded(&request, 0, 1)))
                    .await
                    .is_err()
            {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), refused).await.expect("the limit has no effect");
    first.is_served().await;
    assert_eq!(first.configure(BROKER, "", "max.connections.per.ip", "100").await, 0);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_setting_is_shown_with_its_source() {
    let stand = Stand::new().await;
    let mut client = stand.client().await;
    client.create("t", 1, &[("retention.ms", "5000")]).await;
    assert_eq!(client.configure(BROKER, "", "log.segment.bytes", "2097152").await, 0);
    let resource = DescribeConfigsResource {
        resource_type: TOPIC,
        resource_name: "t".into(),
        configuration_keys: Some(vec![
            "retention.ms".into(),
            "segment.bytes".into(),
            "max.message.bytes".into(),
        ]),
    };
    let request = DescribeConfigsRequest { resources: vec![resource], ..Default::default() };
    let mut configs = client.ask(&request).await.results.remove(0).configs;
    configs.sort_by(|one, other| one.name.cmp(&other.name));
    let told: Vec<(&str, &str, i8)> = configs
        .iter()
        .map(|config| (&*config.name, config.value.as_deref().unwrap(), config.config_source))
        .collect();
    let (topic, cluster, default) = (1, 3, 5);
    let expected = [
        ("max.message.bytes", "1048588", default),
        ("retention.ms", "5000", topic),
        ("segment.bytes", "2097152", cluster),
    ];
    assert_eq!(told, expected);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_comes_and_goes_under_load_is_whole_or_absent() {
    let disk = MemDisk::new();
    let ground = Ground::on(disk.clone());
    let stand = ground.start().await;
    let mut tasks = Vec::new();
    for number in 0..3 {
        let mut client = stand.client().await;
        tasks.push(tokio::spawn(async move {
            for round in 0..60 {
                let (outcome, allowed) = match (number + round) % 3 {
                    0 => (client.delete("t").await, [ErrorCode::UnknownTopicOrPartition; 2]),
                    _ => {
                        (client.try_create("t", 2, &[]).await.error_code, [ErrorCode::TopicAlreadyExists; 2])
                    }
                };
                assert!(outcome == 0 || allowed.map(code).contains(&outcome), "{outcome}");
            }
        }));
    }
    for _ in 0..3 {
        let mut client = stand.client().await;
        tasks.push(tokio::spawn(async move {
            let allowed =
                [ErrorCode::None, ErrorCode::UnknownTopicOrPartition, ErrorCode::NotLeaderOrFollower];
            for round in 0..150 {
                let produced = client.produce(-1, "t", round % 2, batch(&["a", "b"])).await;
                assert!(allowed.map(code).contains(&produced.error_code), "{}", produced.error_code);
                let fetched = client.fetch("t", round % 2, 0).await;
                assert!(allowed.map(code).contains(&fetched.error_code), "{}", fetched.error_code);
                assert_eq!(crate::client::records_of(&fetched).len() % 2, 0);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let mut client = stand.client().await;
    client.delete("t").await;
    let id = client.create("t", 2, &[]).await;
    assert_eq!(client.read_from("t", 0, 0).await, []);
    client.append("t", 0, batch(&["kept"])).await;
    stand.stop().await;
    let stand = ground.start().await;
    let mut client = stand.client().await;
    assert_eq!(client.topics().await, [("t".to_owned(), id)]);
    assert_eq!(client.read_from("t", 0, 0).await, [(0, "kept".to_owned())]);
    stand.stop().await;
}
