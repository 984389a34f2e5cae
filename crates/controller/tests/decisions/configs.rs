//! IncrementalAlterConfigs and AlterConfigs.

use ottla_config::alter::Operation;
use ottla_controller::{ConfigChange, ConfigChanges, Reply, Request};
use ottla_metadata::{ConfigKind, ConfigResource};
use ottla_model::ErrorCode;
use ottla_wire::MetadataRecord;

use crate::cluster::{Cluster, code_of, topic};

pub(crate) fn change(name: &str, operation: Operation, value: Option<&str>) -> ConfigChange {
    ConfigChange { name: name.into(), operation, value: value.map(Into::into) }
}

fn set(name: &str, value: &str) -> ConfigChange {
    change(name, Operation::Set, Some(value))
}

fn request(resource: ConfigResource, changes: Vec<ConfigChange>) -> ConfigChanges {
    ConfigChanges { resources: vec![(resource, changes)], replace: false, validate_only: false }
}

fn altered(cluster: &mut Cluster, changes: ConfigChanges) -> Vec<ErrorCode> {
    let Reply::AlterConfigs(outcomes) = cluster.ask(Request::AlterConfigs(changes)) else {
        panic!("the reply is another's")
    };
    outcomes.values().map(code_of).collect()
}

fn one(cluster: &mut Cluster, resource: ConfigResource, changes: Vec<ConfigChange>) -> ErrorCode {
    altered(cluster, request(resource, changes))[0]
}

#[test]
fn values_of_a_topic_are_set_grown_and_deleted() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let t = ConfigResource::topic("t");
    let value = |cluster: &Cluster| cluster.image.configs.value(&t, "cleanup.policy").map(str::to_owned);
    assert_eq!(one(&mut cluster, t.clone(), vec![set("cleanup.policy", "compact")]), ErrorCode::None);
    assert_eq!(value(&cluster).as_deref(), Some("compact"));
    let append = change("cleanup.policy", Operation::Append, Some("delete"));
    assert_eq!(one(&mut cluster, t.clone(), vec![append]), ErrorCode::None);
    assert_eq!(value(&cluster).as_deref(), Some("compact,delete"));
    let subtract = change("cleanup.policy", Operation::Subtract, Some("compact"));
    assert_eq!(one(&mut cluster, t.clone(), vec![subtract]), ErrorCode::None);
    assert_eq!(value(&cluster).as_deref(), Some("delete"));
    assert_eq!(
        one(&mut cluster, t.clone(), vec![change("cleanup.policy", Operation::Delete, None)]),
        ErrorCode::None
    );
    assert_eq!(value(&cluster), None);
}

#[test]
fn what_does_not_change_writes_nothing() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let asked = || Request::AlterConfigs(request(ConfigResource::topic("t"), vec![set("retention.ms", "5")]));
    assert_eq!(cluster.decide(asked()).0.len(), 1);
    cluster.ask(asked());
    assert_eq!(cluster.decide(asked()).0, Vec::new());
}

#[test]
fn replacing_takes_away_what_is_not_named() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let t = ConfigResource::topic("t");
    one(&mut cluster, t.clone(), vec![set("retention.ms", "5"), set("segment.bytes", "1048576")]);
    let replace =
        ConfigChanges { replace: true, ..request(t.clone(), vec![set("segment.bytes", "1048577")]) };
    assert_eq!(altered(&mut cluster, replace), [ErrorCode::None]);
    assert_eq!(cluster.image.configs.value(&t, "retention.ms"), None);
    assert_eq!(cluster.image.configs.value(&t, "segment.bytes"), Some("1048577"));
}

#[test]
fn each_resource_is_decided_for_itself() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let resources = vec![
        (ConfigResource::topic("t"), vec![set("retention.ms", "5")]),
        (ConfigResource::topic("u"), vec![set("retention.ms", "5")]),
        (ConfigResource::broker(1), vec![set("log.retention.ms", "nonsense")]),
        (ConfigResource::all_brokers(), vec![set("log.retention.ms", "7")]),
    ];
    let changes = ConfigChanges { resources, replace: false, validate_only: false };
    let Reply::AlterConfigs(outcomes) = cluster.ask(Request::AlterConfigs(changes)) else {
        panic!("another's")
    };
    let code = |resource: &ConfigResource| code_of(&outcomes[resource]);
    assert_eq!(code(&ConfigResource::topic("t")), ErrorCode::None);
    assert_eq!(code(&ConfigResource::topic("u")), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(code(&ConfigResource::broker(1)), ErrorCode::InvalidRequest);
    assert_eq!(code(&ConfigResource::all_brokers()), ErrorCode::None);
    assert_eq!(cluster.image.configs.value(&ConfigResource::all_brokers(), "log.retention.ms"), Some("7"));
}

#[test]
fn validating_changes_nothing() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let before = cluster.image.clone();
    let asked = request(ConfigResource::topic("t"), vec![set("retention.ms", "5")]);
    assert_eq!(altered(&mut cluster, ConfigChanges { validate_only: true, ..asked }), [ErrorCode::None]);
    assert_eq!(cluster.image, before);
}

#[test]
fn what_nobody_could_obey_is_refused() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let t = ConfigResource::topic("t");
    for (resource, changes, expected) in [
        (t.clone(), vec![set("no.such", "1")], ErrorCode::InvalidConfig),
        (t.clone(), vec![set("retention.ms", "-2")], ErrorCode::InvalidConfig),
        (t.clone(), vec![set("retention.ms", "1"), set("retention.ms", "2")], ErrorCode::InvalidRequest),
        (t.clone(), vec![change("retention.ms", Operation::Set, None)], ErrorCode::InvalidRequest),
        (t, vec![change("retention.ms", Operation::Append, Some("1"))], ErrorCode::InvalidConfig),
        (ConfigResource::topic("a/b"), vec![], ErrorCode::InvalidTopicException),
        (ConfigResource::broker(9), vec![], ErrorCode::BrokerIdNotRegistered),
        (ConfigResource::new(ConfigKind::Broker, "one"), vec![], ErrorCode::InvalidRequest),
        (ConfigResource::broker(1), vec![set("node.id", "2")], ErrorCode::InvalidRequest),
        (ConfigResource::new(ConfigKind::Group, ""), vec![], ErrorCode::InvalidRequest),
        (ConfigResource::new(ConfigKind::ClientMetrics, ""), vec![], ErrorCode::InvalidRequest),
    ] {
        assert_eq!(
            one(&mut cluster, resource.clone(), changes.clone()),
            expected,
            "{resource:?} {changes:?}"
        );
    }
}

#[test]
fn a_value_that_kafka_left_does_not_hold_back_others() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let left = ottla_wire::messages::ConfigRecord {
        resource_type: ConfigKind::Topic.code(),
        resource_name: "t".into(),
        name: "of.some.plugin".into(),
        value: Some("x".into()),
    };
    cluster.replay(&[left.into()]);
    assert_eq!(
        one(&mut cluster, ConfigResource::topic("t"), vec![set("retention.ms", "5")]),
        ErrorCode::None
    );
}

#[test]
fn a_new_minimum_of_in_sync_replicas_forgets_eligible_leaders() {
    let mut cluster = Cluster::running();
    cluster.create(topic("t", 1, 1));
    let t = ConfigResource::topic("t");
    let asked = Request::AlterConfigs(request(t, vec![set("min.insync.replicas", "1")]));
    let (records, _) = cluster.decide(asked);
    assert!(
        matches!(&records[..], [MetadataRecord::Config(_), MetadataRecord::ClearElr(clear)] if &*clear.topic_name == "t")
    );
}

#[test]
fn with_eligible_leaders_the_minimum_is_the_clusters_or_a_topics() {
    let mut cluster = Cluster::running();
    let minimum = || vec![set("min.insync.replicas", "2")];
    assert_eq!(one(&mut cluster, ConfigResource::broker(1), minimum()), ErrorCode::InvalidConfig);
    assert_eq!(one(&mut cluster, ConfigResource::all_brokers(), minimum()), ErrorCode::None);
    let delete = vec![change("min.insync.replicas", Operation::Delete, None)];
    assert_eq!(one(&mut cluster, ConfigResource::all_brokers(), delete), ErrorCode::InvalidConfig);
}

#[test]
fn groups_and_subscriptions_are_configured_before_anybody_uses_them() {
    let mut cluster = Cluster::running();
    let group = ConfigResource::new(ConfigKind::Group, "g");
    let session = |value: &str| vec![set("consumer.session.timeout.ms", value)];
    assert_eq!(one(&mut cluster, group.clone(), session("50000")), ErrorCode::None);
    assert_eq!(one(&mut cluster, group.clone(), session("1")), ErrorCode::InvalidConfig);
    assert_eq!(cluster.image.configs.value(&group, "consumer.session.timeout.ms"), Some("50000"));
    let nobody = ConfigResource::new(ConfigKind::Group, "");
    assert_eq!(one(&mut cluster, nobody, session("50000")), ErrorCode::InvalidRequest);

    let metrics = ConfigResource::new(ConfigKind::ClientMetrics, "m");
    let all = vec![set("metrics", "*"), set("interval.ms", "100"), set("match", "client_id=a.*")];
    assert_eq!(one(&mut cluster, metrics.clone(), all), ErrorCode::None);
    for (changes, expected) in [
        (vec![set("interval.ms", "99")], ErrorCode::InvalidRequest),
        (vec![set("no.such", "1")], ErrorCode::InvalidRequest),
        (vec![set("match", "nonsense")], ErrorCode::InvalidConfig),
        (vec![change("match", Operation::Append, Some("client_id=b"))], ErrorCode::InvalidConfig),
    ] {
        assert_eq!(one(&mut cluster, metrics.clone(), changes), expected);
    }
    let replace = ConfigChanges { replace: true, ..request(metrics.clone(), vec![set("metrics", "a.")]) };
    assert_eq!(altered(&mut cluster, replace), [ErrorCode::None]);
    assert_eq!(cluster.image.configs.value(&metrics, "interval.ms"), None);
    assert_eq!(
        one(&mut cluster, metrics.clone(), vec![change("metrics", Operation::Delete, None)]),
        ErrorCode::None
    );
    assert!(cluster.image.configs.of(&metrics).is_none(), "with its last value the subscription goes");
}

/// A value that a narrower bound has overtaken must be mended before others change, as in Kafka.
#[test]
fn all_values_of_a_group_must_be_good_together() {
    let mut cluster = Cluster::with_settings(&[("group.consumer.max.assignment.interval.ms", "20000")]);
    let group = ConfigResource::new(ConfigKind::Group, "g");
    let interval = set("consumer.assignment.interval.ms", "20000");
    assert_eq!(one(&mut cluster, group.clone(), vec![interval]), ErrorCode::None);
    cluster.config = Cluster::running().config;
    let session = || set("consumer.session.timeout.ms", "50000");
    assert_eq!(one(&mut cluster, group.clone(), vec![session()]), ErrorCode::InvalidConfig);
    let mend = change("consumer.assignment.interval.ms", Operation::Delete, None);
    assert_eq!(one(&mut cluster, group, vec![session(), mend]), ErrorCode::None);
}
