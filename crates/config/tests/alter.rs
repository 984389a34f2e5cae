//! Changes of configurations: outcomes and refusals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly

use ottla_config::alter::{self, AlterError, Operation, Scope};
use ottla_config::{BrokerConfig, ConfigMap, Given, Layers};
use ottla_model::ErrorCode;

fn map(pairs: &[(&str, &str)]) -> ConfigMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn next(current: Option<&str>, operation: Operation, operand: &str) -> Option<String> {
    alter::next_value(Scope::Topic, "cleanup.policy", current, operation, Some(operand)).unwrap()
}

fn topic(pairs: &[(&str, &str)]) -> Result<(), AlterError> {
    let (none, given) = (ConfigMap::new(), Given::default());
    alter::check_topic(&map(pairs), &Layers { broker: &none, cluster: &none, given: &given })
}

fn broker(scope: Scope, pairs: &[(&str, &str)]) -> Result<(), AlterError> {
    alter::check_broker(&map(pairs), scope, &BrokerConfig::load(Given::default()).unwrap())
}

#[test]
fn a_list_grows_and_shrinks_from_its_own_value_or_the_default() {
    assert_eq!(next(None, Operation::Append, "compact").as_deref(), Some("delete,compact"));
    assert_eq!(next(Some("compact"), Operation::Append, "compact,delete").as_deref(), Some("compact,delete"));
    assert_eq!(next(Some("compact,delete"), Operation::Subtract, "delete").as_deref(), Some("compact"));
    assert_eq!(next(None, Operation::Subtract, "delete").as_deref(), Some(""));
    assert_eq!(next(Some("x"), Operation::Set, "y").as_deref(), Some("y"));
    assert_eq!(alter::next_value(Scope::Topic, "any", Some("x"), Operation::Delete, None), Ok(None));
}

#[test]
fn only_lists_grow() {
    let error =
        alter::next_value(Scope::Topic, "retention.ms", None, Operation::Append, Some("1")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    let error = alter::next_value(Scope::Topic, "retention.ms", None, Operation::Set, None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
}

#[test]
fn operations_have_the_numbers_of_the_protocol() {
    let all = [Operation::Set, Operation::Delete, Operation::Append, Operation::Subtract];
    assert_eq!([0, 1, 2, 3].map(Operation::from_wire), all.map(Some));
    assert_eq!(Operation::from_wire(4), None);
}

#[test]
fn topics_take_what_their_rows_take() {
    assert_eq!(
        topic(&[("retention.ms", "-1"), ("cleanup.policy", ""), ("compression.gzip.level", "-1")]),
        Ok(())
    );
    assert_eq!(topic(&[("leader.replication.throttled.replicas", "0:1,1:2")]), Ok(()));
    assert_eq!(topic(&[("leader.replication.throttled.replicas", "*")]), Ok(()));
    for pairs in [
        [("retention.ms", "-2")],
        [("retention.hours", "1")],
        [("cleanup.policy", "delete,delete")],
        [("cleanup.policy", "keep")],
        [("segment.bytes", "1024")],
        [("compression.gzip.level", "0")],
        [("compression.lz4.level", "18")],
        [("min.cleanable.dirty.ratio", "1.5")],
        [("preallocate", "yes")],
        [("min.insync.replicas", "0")],
        [("remote.storage.enable", "true")],
        [("leader.replication.throttled.replicas", "a:1")],
    ] {
        assert_eq!(topic(&pairs).unwrap_err().code(), ErrorCode::InvalidConfig, "{pairs:?}");
    }
}

#[test]
fn compaction_lags_must_not_cross() {
    let crossed = [("min.compaction.lag.ms", "9"), ("max.compaction.lag.ms", "8")];
    assert_eq!(topic(&crossed), Err(AlterError::CompactionLags { least: 9, most: 8 }));
    assert_eq!(topic(&crossed[..1]), Ok(()));
}

#[test]
fn brokers_change_what_is_dynamic() {
    assert_eq!(broker(Scope::Cluster, &[("max.connections", "5"), ("log.retention.ms", "9")]), Ok(()));
    assert_eq!(broker(Scope::Broker, &[("max.connections", "5"), ("somebody.elses", "x")]), Ok(()));
    for (scope, pair) in [
        (Scope::Cluster, ("num.partitions", "2")),
        (Scope::Cluster, ("max.connections", "-1")),
        (Scope::Cluster, ("cordoned.log.dirs", "/a")),
        (Scope::Broker, ("listeners", "PLAINTEXT://:9093")),
        (Scope::Cluster, ("num.network.threads", "5")),
        (Scope::Cluster, ("num.io.threads", "5")),
        (Scope::Broker, ("ssl.keystore.location", "/a")),
        (Scope::Broker, ("listener.name.plaintext.max.connections", "1")),
        (Scope::Cluster, ("max.connections.per.ip", "0")),
    ] {
        assert_eq!(broker(scope, &[pair]).unwrap_err().code(), ErrorCode::InvalidRequest, "{pair:?}");
    }
}

#[test]
fn what_stops_a_start_is_not_stored() {
    let refused = broker(Scope::Broker, &[("cordoned.log.dirs", "/a")]).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidConfig);
    assert_eq!(broker(Scope::Broker, &[("cordoned.log.dirs", "")]), Ok(()));
}

#[test]
fn min_insync_replicas_of_a_broker_is_refused_while_elr_is_on() {
    let check = |scope, value| alter::check_min_isr(scope, "min.insync.replicas", value, true);
    assert_eq!(check(Scope::Broker, Some("2")), Err(AlterError::MinIsrOfBroker));
    assert_eq!(check(Scope::Cluster, None), Err(AlterError::MinIsrRemoved));
    assert_eq!(check(Scope::Cluster, Some("2")), Ok(()));
    assert_eq!(check(Scope::Topic, None), Ok(()));
    assert_eq!(alter::check_min_isr(Scope::Broker, "min.insync.replicas", Some("2"), false), Ok(()));
}

fn group(pairs: &[(&str, &str)]) -> Result<(), AlterError> {
    alter::check_group(&map(pairs), &BrokerConfig::load(Given::default()).unwrap())
}

#[test]
fn a_group_takes_what_the_broker_allows() {
    for pairs in [
        &[("consumer.session.timeout.ms", "50000"), ("consumer.heartbeat.interval.ms", "15000")][..],
        &[("consumer.assignment.interval.ms", "0"), ("consumer.assignor.offload.enable", "false")],
        &[("share.auto.offset.reset", "by_duration:P1D"), ("share.isolation.level", "read_committed")],
        &[("streams.num.standby.replicas", "2"), ("streams.num.warmup.replicas", "20")],
        &[("streams.assignor.name", "sticky"), ("streams.rack.aware.assignment.tags", "a,b")],
        &[("errors.deadletterqueue.topic.name", "dlq.t")],
    ] {
        assert_eq!(group(pairs), Ok(()), "{pairs:?}");
    }
    for pair in [
        ("no.such", "1"),
        ("consumer.session.timeout.ms", "44999"),
        ("consumer.session.timeout.ms", "60001"),
        ("consumer.session.timeout.ms", "long"),
        ("consumer.heartbeat.interval.ms", "4999"),
        ("consumer.assignment.interval.ms", "15001"),
        ("share.delivery.count.limit", "11"),
        ("share.partition.max.record.locks", "4001"),
        ("share.record.lock.duration.ms", "14999"),
        ("streams.num.standby.replicas", "3"),
        ("streams.num.warmup.replicas", "21"),
        ("streams.task.offset.interval.ms", "14999"),
        ("streams.assignor.name", "best"),
        ("streams.rack.aware.assignment.tags", "a,a"),
        ("errors.deadletterqueue.topic.name", "__t"),
    ] {
        assert_eq!(group(&[pair]).unwrap_err().code(), ErrorCode::InvalidConfig, "{pair:?}");
    }
}

#[test]
fn a_session_is_longer_than_the_heartbeat_interval_of_the_group_or_the_broker() {
    let given = [
        ("group.consumer.min.session.timeout.ms", "1000"),
        ("group.consumer.max.heartbeat.interval.ms", "45000"),
    ];
    let mut file = Given::default();
    for (name, value) in given {
        file.set(name, value, ottla_config::Origin::Assumed);
    }
    let config = BrokerConfig::load(file).unwrap();
    let check = |pairs: &[(&str, &str)]| alter::check_group(&map(pairs), &config).map_err(|e| e.to_string());
    let crossed =
        Err("consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms".into());
    assert_eq!(check(&[("consumer.session.timeout.ms", "5000")]), crossed);
    assert_eq!(check(&[("consumer.heartbeat.interval.ms", "45000")]), crossed);
    let both = [("consumer.session.timeout.ms", "50000"), ("consumer.heartbeat.interval.ms", "45000")];
    assert_eq!(check(&both), Ok(()));
}

fn subscription(pairs: &[(&str, &str)]) -> Result<(), AlterError> {
    alter::check_client_metrics(&map(pairs))
}

#[test]
fn a_subscription_takes_intervals_and_patterns() {
    for pairs in [
        &[("metrics", "*"), ("interval.ms", "100")][..],
        &[("metrics", "org.apache.kafka.producer.,org.apache.kafka.consumer."), ("interval.ms", "3600000")],
        &[("match", "client_id=app-.*, client_software_version = 3\\.9.*,client_source_port=[0-9]+")],
        &[("match", "client_id=a==")],
        &[],
    ] {
        assert_eq!(subscription(pairs), Ok(()), "{pairs:?}");
    }
    for (pair, code) in [
        (("no.such", "1"), ErrorCode::InvalidRequest),
        (("interval.ms", "99"), ErrorCode::InvalidRequest),
        (("interval.ms", "3600001"), ErrorCode::InvalidRequest),
        (("interval.ms", "often"), ErrorCode::InvalidConfig),
        (("metrics", "a,,b"), ErrorCode::InvalidConfig),
        (("match", "client_id"), ErrorCode::InvalidConfig),
        (("match", "client_id="), ErrorCode::InvalidConfig),
        (("match", "client_id=a=b"), ErrorCode::InvalidConfig),
        (("match", "client=a"), ErrorCode::InvalidConfig),
        (("match", "client_id=("), ErrorCode::InvalidConfig),
        (("match", "client_id=a)|(b"), ErrorCode::InvalidConfig),
        (("match", "client_id=(\\w{99}){99}"), ErrorCode::InvalidConfig),
    ] {
        assert_eq!(subscription(&[pair]).unwrap_err().code(), code, "{pair:?}");
    }
}

#[test]
fn lists_of_groups_and_subscriptions_do_not_grow() {
    for (scope, name) in
        [(Scope::Group, "streams.rack.aware.assignment.tags"), (Scope::ClientMetrics, "match")]
    {
        let error = alter::next_value(scope, name, None, Operation::Append, Some("x")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidConfig);
        assert_eq!(alter::next_value(scope, name, None, Operation::Set, Some("x")), Ok(Some("x".into())));
    }
}

#[test]
fn a_value_is_bounded() {
    let long = "x".repeat(40_000);
    assert_eq!(
        broker(Scope::Cluster, &[("somebody.elses", &long)]).unwrap_err().code(),
        ErrorCode::InvalidConfig
    );
}
