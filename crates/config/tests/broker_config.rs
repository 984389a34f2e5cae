//! What a broker makes of its settings: the sample file, refusals, warnings, addresses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly

use ottla_config::listeners::Endpoint;
use ottla_config::{
    AckDurable, BrokerConfig, ConfigMap, ConsumerAssignor, Given, MigrationPolicy, Origin, Properties,
};

/// The settings of the sample that Kafka 4.4 ships (`kafka.md` 5.9).
const SAMPLE: &str = "\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
";

fn given(text: &str) -> Given {
    let mut given = Given::default();
    given.add_file("server.properties", &Properties::parse(text.as_bytes()).unwrap());
    given
}

fn load(text: &str) -> BrokerConfig {
    BrokerConfig::load(given(text)).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(text: &str) -> String {
    BrokerConfig::load(given(text)).expect_err(text).to_string()
}

fn endpoint(listener: &str, host: &str, port: u16) -> Endpoint {
    Endpoint { listener: listener.into(), host: host.into(), port }
}

#[test]
fn the_sample_of_kafka_is_taken_as_it_is() {
    let config = load(SAMPLE);
    assert_eq!(config.node_id, 1);
    assert_eq!(config.listeners, [endpoint("PLAINTEXT", "", 9092)]);
    assert_eq!(config.controller_listeners, [endpoint("CONTROLLER", "", 9093)]);
    assert_eq!(config.advertised, Some(vec![endpoint("PLAINTEXT", "localhost", 9092)]));
    assert_eq!(config.advertised_controllers, [endpoint("CONTROLLER", "localhost", 9093)]);
    assert_eq!(config.inter_broker_listener, "PLAINTEXT");
    assert_eq!(config.directories.log_dirs, ["/tmp/kraft-combined-logs"]);
    assert_eq!(config.directories.metadata_log_dir, "/tmp/kraft-combined-logs");
    assert_eq!(config.network.threads, Some(3));
    assert_eq!(config.static_voter, None);
    assert_eq!(config.groups.offsets_topic_replication_factor, 1);
    // Those of share groups and transactions are kept; each says so once.
    let kept = config.given.warnings();
    assert_eq!(kept.len(), 4, "{kept:?}");
    assert!(kept.iter().all(|warning| warning.contains("is kept without effect")), "{kept:?}");
}

#[test]
fn nothing_given_is_a_broker_on_all_addresses() {
    let config = load("");
    assert_eq!(config.listeners, [endpoint("PLAINTEXT", "", 9092)]);
    assert_eq!(config.controller_listeners, []);
    assert_eq!(config.advertised, None);
    assert_eq!(config.ack_durable, AckDurable::Alone);
    assert_eq!(config.metrics_listener, Some(("127.0.0.1".into(), 9464)));
    assert_eq!(config.network.threads, None);
    assert_eq!(config.network.queued_max_request_bytes, None);
    assert_eq!(config.given.warnings(), Vec::<String>::new());
}

#[test]
fn a_value_out_of_range_names_file_line_and_what_is_allowed() {
    let text = "node.id=1\nnum.io.threads=0\n";
    assert_eq!(
        refusal(text),
        "server.properties, line 2: num.io.threads=0: expected a whole number (int) of at least 1"
    );
    assert!(
        refusal("compression.type=lzma").contains("one of uncompressed, zstd, lz4, snappy, gzip, producer")
    );
}

#[test]
fn all_problems_are_told_at_once() {
    assert_eq!(refusal("num.io.threads=0\nnum.network.threads=none").lines().count(), 2);
}

#[test]
fn the_last_of_two_counts_and_the_first_is_warned_of() {
    let config = load("node.id=1\nnode.id=2\n");
    assert_eq!(config.node_id, 2);
    assert_eq!(
        config.given.warnings(),
        ["server.properties, line 2: node.id is given a second time; line 1 is without effect"]
    );
}

#[test]
fn later_sources_win() {
    let mut given = given("num.partitions=2");
    given.set("num.partitions", "3", Origin::Flag("--set num.partitions=3".into()));
    assert_eq!(BrokerConfig::load(given).unwrap().topics.num_partitions, 3);
}

#[test]
fn an_unknown_name_is_warned_of_with_the_nearest_known() {
    let warnings = load("log.retention.hour=1\ncompletely.different=1\n").given.warnings();
    assert!(warnings[1].ends_with("did you mean log.retention.hours?"), "{warnings:?}");
    assert!(warnings[0].ends_with("knows"), "{warnings:?}");
}

#[test]
fn a_name_that_kafka_4_removed_is_warned_of() {
    let warnings =
        load("zookeeper.connect=localhost:2181\nlog.message.format.version=2.8\n").given.warnings();
    assert_eq!(warnings.len(), 2);
    assert!(warnings.iter().all(|warning| warning.contains("is gone since Kafka 4")), "{warnings:?}");
}

#[test]
fn what_cannot_be_served_stops_the_start_with_a_remedy() {
    for (text, word) in [
        ("authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "access control"),
        ("remote.log.storage.system.enable=true", "remote storage"),
        ("process.roles=broker", "process.roles=broker,controller"),
        ("process.roles=controller", "process.roles=broker,controller"),
        ("listeners=SASL_SSL://:9092", "SASL_SSL, which is not built yet"),
        ("listeners=X://:9092\nlistener.security.protocol.map=X:SSL", "SSL, which is not built yet"),
        ("controller.quorum.voters=1@a:9093,2@b:9093", "other voters"),
        ("controller.quorum.voters=2@b:9093", "names node 2, and this is node 1"),
        ("controller.quorum.bootstrap.servers=a:9093,b:9093", "other voters"),
        ("create.topic.policy.class.name=X", "Java classes are not loaded"),
        ("cordoned.log.dirs=/a", "cordoning is not built yet"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(word), "{text}: {refusal}");
    }
    load("remote.log.storage.system.enable=false\nauthorizer.class.name=\n");
}

#[test]
fn a_secret_is_never_repeated() {
    let warnings = load("ssl.keystore.password=hunter2").given.warnings();
    assert!(!warnings.concat().contains("hunter2"), "{warnings:?}");
}

#[test]
fn listeners_follow_the_rules_of_kafka() {
    for (text, word) in [
        ("listeners=9092", "NAME://HOST:PORT"),
        ("listeners=PLAINTEXT://:70000", "NAME://HOST:PORT"),
        ("listeners=", "at least one"),
        ("listeners=A://:1,A://:2\nlistener.security.protocol.map=A:PLAINTEXT", "named twice"),
        ("listeners=A://x:1,B://y:1\nlistener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT", "share a port"),
        ("listeners=A://:1", "missing in listener.security.protocol.map"),
        ("advertised.listeners=PLAINTEXT://0.0.0.0:9092", "nobody can connect"),
        ("advertised.listeners=PLAINTEXT://[::]:9092", "nobody can connect"),
        ("advertised.listeners=PLAINTEXT://a:0", "needs a port"),
        ("advertised.listeners=OTHER://a:1", "not in listeners"),
        ("listeners=PLAINTEXT://:1\ncontroller.listener.names=CONTROLLER", "does not bind"),
        ("inter.broker.listener.name=OTHER", "no listener that is advertised"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(word), "{text}: {refusal}");
    }
}

#[test]
fn one_port_can_serve_both_families() {
    let map = "listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT";
    let config = load(&format!("listeners=A://127.0.0.1:9,B://[::1]:9\n{map}"));
    assert_eq!(config.listeners, [endpoint("A", "127.0.0.1", 9), endpoint("B", "::1", 9)]);
    assert_eq!(config.listeners[1].to_string(), "B://[::1]:9");
    assert_eq!(config.inter_broker_listener, "A");
}

#[test]
fn groups_are_typed_and_keep_their_bounds() {
    let groups = load("group.consumer.migration.policy=Upgrade\noffsets.retention.minutes=2").groups;
    assert_eq!(groups.consumer_assignors, [ConsumerAssignor::Uniform, ConsumerAssignor::Range]);
    assert_eq!(groups.consumer_migration_policy, MigrationPolicy::Upgrade);
    assert_eq!((groups.offsets_retention_ms, groups.offsets_topic_replication_factor), (120_000, 3));
    let class = "org.apache.kafka.coordinator.group.assignor.RangeAssignor";
    let range = load(&format!("group.consumer.assignors={class}")).groups;
    assert_eq!(
        range.consumer_assignors.iter().map(|assignor| assignor.name()).collect::<Vec<_>>(),
        ["range"]
    );
    for (text, word) in [
        ("group.consumer.session.timeout.ms=44999", "at least group.consumer.min.session.timeout.ms=45000"),
        ("group.consumer.max.session.timeout.ms=44000", "at least group.consumer.min.session.timeout.ms"),
        ("group.consumer.heartbeat.interval.ms=15001", "at most group.consumer.max.heartbeat.interval.ms"),
        (
            "group.consumer.max.heartbeat.interval.ms=90000\ngroup.consumer.heartbeat.interval.ms=45000",
            "less than",
        ),
        ("group.consumer.assignment.interval.ms=15001", "at most"),
        ("group.share.delivery.count.limit=2\ngroup.share.min.delivery.count.limit=3", "at least"),
        ("group.streams.num.standby.replicas=3", "at most group.streams.max.standby.replicas=2"),
        ("group.consumer.assignors=com.example.Mine", "Java classes are not loaded"),
        (
            "group.consumer.assignors=range,org.apache.kafka.coordinator.group.assignor.RangeAssignor",
            "given twice",
        ),
        ("offsets.topic.compression.codec=5", "from 0 to 4"),
        ("offsets.topic.replication.factor=0", "at least 1"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(word), "{text}: {refusal}");
        assert!(refusal.contains("server.properties, line"), "{text}: {refusal}");
    }
}

#[test]
fn a_static_voter_is_this_node() {
    let config = load("node.id=3\ncontroller.quorum.voters=3@host:9093");
    assert_eq!(config.static_voter, Some(("host".into(), 9093)));
}

#[test]
fn broker_id_stands_for_node_id() {
    assert_eq!(load("broker.id=7").node_id, 7);
    assert!(refusal("broker.id=7\nnode.id=8").contains("differ"));
}

#[test]
fn a_change_while_running_lies_over_the_file() {
    let config = load("max.connections=5");
    let map = |name: &str, value: &str| ConfigMap::from([(name.to_owned(), value.to_owned())]);
    let changed = config.with_dynamic(&map("max.connections", "6"), &ConfigMap::new());
    assert_eq!(changed.network.max_connections, 6);
    let both = config.with_dynamic(&map("max.connections", "6"), &map("max.connections", "7"));
    assert_eq!(both.network.max_connections, 7);
    let interval =
        config.with_dynamic(&map("group.consumer.assignment.interval.ms", "20000"), &ConfigMap::new());
    assert_eq!(interval.groups.consumer_assignment_interval_ms, 15_000, "cut to the broker's bounds");
    let fixed = config.with_dynamic(&map("num.partitions", "9"), &map("max.connections", "many"));
    assert_eq!((fixed.topics.num_partitions, fixed.network.max_connections), (1, 5));
    assert_eq!(both.given, config.given);
}

/// A second value for each obeyed setting; text and lists need one that means something.
fn second(name: &str) -> &'static str {
    match name {
        "advertised.listeners" => "PLAINTEXT://elsewhere:1",
        "listeners" => "PLAINTEXT://:1,X://:2",
        "listener.security.protocol.map" => "PLAINTEXT:SSL",
        "controller.listener.names" => "X",
        "controller.quorum.voters" => "1@here:9093",
        "controller.quorum.bootstrap.servers" => "a:1,b:2",
        "inter.broker.listener.name" => "X",
        "security.inter.broker.protocol" => "SSL",
        "process.roles" => "broker",
        "max.connections.per.ip.overrides" => "10.0.0.1:5",
        "broker.rack" | "log.dir" | "log.dirs" | "metadata.log.dir" => "/elsewhere",
        "log.cleanup.policy" => "compact",
        "compression.type" => "gzip",
        "log.message.timestamp.type" => "LogAppendTime",
        "ottla.ack.durable" => "always",
        "ottla.metrics.listener" => "127.0.0.1:1",
        "ottla.log.level" => "debug",
        "ottla.log.format" => "json",
        "auto.create.topics.enable" | "delete.topic.enable" => "false",
        "log.preallocate" | "unclean.leader.election.enable" => "true",
        "compression.gzip.level"
        | "compression.lz4.level"
        | "compression.zstd.level"
        | "default.replication.factor"
        | "offsets.topic.compression.codec" => "2",
        "group.consumer.assignors" => "range",
        "group.consumer.migration.policy" => "upgrade",
        "group.consumer.session.timeout.ms" | "group.consumer.max.session.timeout.ms" => "50000",
        "group.consumer.min.session.timeout.ms" => "44000",
        name if name.starts_with("group.consumer.") && name.contains("heartbeat") => "5001",
        "group.consumer.max.assignment.interval.ms" => "2000",
        "group.consumer.regex.refresh.interval.ms" => "10000",
        name if name.ends_with(".hours") || name.ends_with("minutes") || name.ends_with(".id") => "7",
        "queued.max.request.bytes" => "200000000",
        name if name.ends_with("bytes") => "9000000",
        _ => "77",
    }
}

/// Every broker setting that is obeyed changes something typed, or stops the start: none is read and forgotten.
#[test]
fn every_obeyed_setting_makes_a_difference() {
    use ottla_config::{Layers, LogSettings, Status, table};
    let none = ConfigMap::new();
    let outcome = |text: &str| {
        let given = given(text);
        let logs = LogSettings::resolve(&none, &Layers { broker: &none, cluster: &none, given: &given });
        // What it was made of differs by itself.
        let config =
            BrokerConfig::load(given).map(|config| BrokerConfig { given: Given::default(), ..config });
        (config.map_err(|error| error.to_string().replace(", line 2", ", line 1")), logs)
    };
    for row in table::broker_settings().filter(|row| row.status == Status::Obeyed) {
        let name = row.name;
        let base = match name {
            "compression.gzip.level" => "compression.type=gzip",
            "compression.lz4.level" => "compression.type=lz4",
            "compression.zstd.level" => "compression.type=zstd",
            "controller.listener.names" | "inter.broker.listener.name" => {
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,X:PLAINTEXT\nlisteners=PLAINTEXT://:1,X://:2"
            }
            _ => "",
        };
        assert_ne!(outcome(base), outcome(&format!("{base}\n{name}={}", second(name))), "{name}");
    }
}
