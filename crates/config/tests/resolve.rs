//! Topic settings resolved, and the answers of DescribeConfigs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly

use ottla_config::describe::{self, Described};
use ottla_config::{
    BrokerConfig, CleanupPolicy, ConfigMap, Given, GroupSettings, Kind, Layers, LogSettings, Origin, Source,
    TimestampType, TopicCompression, table,
};

fn map(pairs: &[(&str, &str)]) -> ConfigMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn given(pairs: &[(&str, &str)]) -> Given {
    let mut given = Given::default();
    for (name, value) in pairs {
        given.set(name, value, Origin::File { path: "server.properties".into(), line: 1 });
    }
    given
}

fn settings(
    topic: &[(&str, &str)],
    broker: &[(&str, &str)],
    cluster: &[(&str, &str)],
    file: &[(&str, &str)],
) -> LogSettings {
    let (broker, cluster, given) = (map(broker), map(cluster), given(file));
    LogSettings::resolve(&map(topic), &Layers { broker: &broker, cluster: &cluster, given: &given })
}

#[test]
fn nothing_set_gives_the_defaults() {
    assert_eq!(settings(&[], &[], &[], &[]), LogSettings::default());
}

#[test]
fn the_topic_beats_the_broker_beats_all_brokers_beats_the_file() {
    let (topic, name) = (&[("retention.ms", "1")], "log.retention.ms");
    let (broker, cluster, file) = (&[(name, "2")], &[(name, "3")], &[(name, "4")]);
    assert_eq!(settings(topic, broker, cluster, file).retention_ms, 1);
    assert_eq!(settings(&[], broker, cluster, file).retention_ms, 2);
    assert_eq!(settings(&[], &[], cluster, file).retention_ms, 3);
    assert_eq!(settings(&[], &[], &[], file).retention_ms, 4);
}

#[test]
fn hours_and_minutes_become_milliseconds_and_the_finer_counts() {
    let hours = ("log.retention.hours", "2");
    assert_eq!(settings(&[], &[], &[], &[hours]).retention_ms, 7_200_000);
    assert_eq!(settings(&[], &[], &[], &[hours, ("log.retention.minutes", "3")]).retention_ms, 180_000);
    assert_eq!(settings(&[], &[], &[], &[hours, ("log.retention.ms", "5")]).retention_ms, 5);
    assert_eq!(settings(&[], &[], &[], &[("log.roll.hours", "1")]).segment_ms, 3_600_000);
    assert_eq!(settings(&[], &[], &[], &[("log.roll.jitter.hours", "1")]).segment_jitter_ms, 3_600_000);
    assert_eq!(settings(&[], &[], &[], &[("log.flush.scheduler.interval.ms", "9")]).flush_ms, 9);
}

#[test]
fn any_negative_retention_time_is_for_ever() {
    for text in ["-1", "-2"] {
        assert_eq!(settings(&[], &[], &[], &[("log.retention.hours", text)]).retention_ms, -1);
    }
}

#[test]
fn a_stored_value_that_is_not_taken_is_passed_over() {
    assert_eq!(settings(&[("retention.ms", "soon")], &[], &[("log.retention.ms", "7")], &[]).retention_ms, 7);
}

#[test]
fn words_become_types() {
    let file = [
        ("log.cleanup.policy", "compact, delete"),
        ("compression.type", "zstd"),
        ("compression.zstd.level", "5"),
        ("log.message.timestamp.type", "LogAppendTime"),
        ("log.preallocate", "TRUE"),
    ];
    let settings = settings(&[], &[], &[], &file);
    assert_eq!(settings.cleanup_policy, CleanupPolicy { delete: true, compact: true });
    assert_eq!(settings.compression, TopicCompression::Zstd(5));
    assert_eq!(settings.message_timestamp_type, TimestampType::LogAppendTime);
    assert!(settings.preallocate);
}

#[test]
fn an_empty_cleanup_policy_keeps_everything() {
    let kept = CleanupPolicy { delete: false, compact: false };
    assert_eq!(settings(&[("cleanup.policy", "")], &[], &[], &[]).cleanup_policy, kept);
}

/// Every topic setting that is obeyed, set to a second value as the topic's own and broker-wide: a field changes.
#[test]
fn every_obeyed_topic_setting_makes_a_difference() {
    let second = |name: &str| match name {
        "cleanup.policy" => "compact",
        "compression.type" => "gzip",
        "compression.gzip.level" | "compression.lz4.level" | "compression.zstd.level" => "2",
        "message.timestamp.type" => "LogAppendTime",
        "preallocate" | "unclean.leader.election.enable" => "true",
        _ => "2000000",
    };
    let codec = |name: &str| match name {
        "compression.lz4.level" => vec![("compression.type", "lz4")],
        "compression.zstd.level" => vec![("compression.type", "zstd")],
        "compression.gzip.level" => vec![("compression.type", "gzip")],
        _ => vec![],
    };
    for row in table::topic_settings().filter(|row| row.status == ottla_config::Status::Obeyed) {
        let base = settings(&codec(row.name), &[], &[], &[]);
        let mut topic = codec(row.name);
        topic.push((row.name, second(row.name)));
        assert_ne!(settings(&topic, &[], &[], &[]), base, "{}", row.name);
        for synonym in ottla_config::synonyms::of_topic(row.name) {
            let value =
                if synonym.unit == ottla_config::synonyms::Unit::Same { second(row.name) } else { "5" };
            assert_ne!(
                settings(&codec(row.name), &[], &[], &[(synonym.name, value)]),
                base,
                "{}",
                synonym.name
            );
        }
    }
}

#[test]
fn a_group_is_cut_to_what_the_broker_allows_at_the_moment() {
    let resolve = |own: &[(&str, &str)], file: &[(&str, &str)], cluster: &[(&str, &str)]| {
        let broker = BrokerConfig::load(given(file)).unwrap();
        let settings =
            GroupSettings::resolve(&map(own), &broker.with_dynamic(&map(cluster), &ConfigMap::new()));
        let GroupSettings {
            consumer_session_timeout_ms,
            consumer_heartbeat_interval_ms,
            consumer_assignment_interval_ms,
        } = settings;
        (consumer_session_timeout_ms, consumer_heartbeat_interval_ms, consumer_assignment_interval_ms)
    };
    let session = "consumer.session.timeout.ms";
    let interval = "group.consumer.assignment.interval.ms";
    let narrow = ("group.consumer.max.assignment.interval.ms", "2000");
    assert_eq!(resolve(&[], &[], &[]), (45_000, 5_000, 1_000));
    assert_eq!(resolve(&[(session, "50000")], &[], &[]).0, 50_000);
    assert_eq!(resolve(&[(session, "9")], &[], &[]).0, 45_000);
    assert_eq!(resolve(&[(session, "90000")], &[], &[]).0, 60_000);
    assert_eq!(resolve(&[(session, "for ever")], &[], &[]).0, 45_000);
    assert_eq!(resolve(&[("consumer.heartbeat.interval.ms", "20000")], &[], &[]).1, 15_000);
    assert_eq!(resolve(&[("consumer.assignment.interval.ms", "3000")], &[narrow], &[]).2, 2_000);
    assert_eq!(resolve(&[], &[(interval, "0")], &[]).2, 0);
    assert_eq!(resolve(&[], &[], &[(interval, "7")]).2, 7);
    assert_eq!(resolve(&[], &[narrow], &[(interval, "9000")]).2, 2_000);
}

fn find(all: Vec<Described>, name: &str) -> Described {
    all.into_iter().find(|described| described.name == name).unwrap_or_else(|| panic!("{name}"))
}

fn synonyms(described: &Described) -> Vec<(&str, Option<&str>, Source)> {
    described.synonyms.iter().map(|s| (s.name.as_str(), s.value.as_deref(), s.source)).collect()
}

#[test]
fn a_topic_shows_all_its_sources_in_order() {
    let (topic, broker) = (map(&[("max.message.bytes", " 9 ")]), map(&[("message.max.bytes", "8")]));
    let (cluster, given) = (map(&[("message.max.bytes", "7")]), given(&[("message.max.bytes", "6")]));
    let layers = Layers { broker: &broker, cluster: &cluster, given: &given };
    let described = find(describe::topic(&layers, &topic), "max.message.bytes");
    assert_eq!(
        (described.value.as_deref(), described.source, described.type_id()),
        (Some("9"), Source::Topic, 3)
    );
    assert_eq!(
        synonyms(&described),
        [
            ("max.message.bytes", Some("9"), Source::Topic),
            ("message.max.bytes", Some("8"), Source::DynamicBroker),
            ("message.max.bytes", Some("7"), Source::DynamicDefaultBroker),
            ("message.max.bytes", Some("6"), Source::StaticBroker),
            ("message.max.bytes", Some("1048588"), Source::Default),
        ]
    );
    assert!(!described.read_only && !described.is_sensitive && !described.doc.is_empty());
}

/// Kafka drops what stands before the setting's first synonym, so that hours alone show as a default.
#[test]
fn a_coarser_synonym_gives_the_value_and_does_not_show_as_its_source() {
    let (none, given) = (ConfigMap::new(), given(&[("log.retention.hours", "2")]));
    let layers = Layers { broker: &none, cluster: &none, given: &given };
    let described = find(describe::topic(&layers, &none), "retention.ms");
    assert_eq!((described.value.as_deref(), described.source), (Some("7200000"), Source::Default));
    assert_eq!(synonyms(&described), []);
    let hours = find(describe::broker(&layers), "log.retention.hours");
    assert_eq!(
        synonyms(&hours),
        [
            ("log.retention.hours", Some("2"), Source::StaticBroker),
            ("log.retention.hours", Some("168"), Source::Default)
        ]
    );
    let created = layers.topic_settings(&none);
    let retention = created.iter().find(|resolved| resolved.setting.name == "retention.ms").unwrap();
    assert_eq!(retention.source, Source::StaticBroker);
}

#[test]
fn a_topic_has_every_row_but_the_internal_one() {
    let (none, given) = (ConfigMap::new(), Given::default());
    let layers = Layers { broker: &none, cluster: &none, given: &given };
    assert_eq!(describe::topic(&layers, &none).len(), 37);
    assert_eq!(describe::topic(&layers, &map(&[("internal.segment.bytes", "100")])).len(), 38);
}

#[test]
fn a_broker_shows_secrets_and_unknown_names_without_their_value() {
    let (none, given) =
        (ConfigMap::new(), given(&[("ssl.key.password", "a"), ("my.own", "b"), ("node.id", "4")]));
    let layers = Layers { broker: &none, cluster: &none, given: &given };
    for (name, kind) in [("ssl.key.password", Some(Kind::Password)), ("my.own", None)] {
        let described = find(describe::broker(&layers), name);
        assert_eq!((described.value.as_deref(), described.kind, described.is_sensitive), (None, kind, true));
        assert_eq!(synonyms(&described)[0], (name, None, Source::StaticBroker));
    }
    assert_eq!(find(describe::broker(&layers), "broker.id").value.as_deref(), Some("4"));
    assert_eq!(find(describe::broker(&layers), "log.dirs").value, None);
    assert!(find(describe::broker(&layers), "log.dirs").read_only);
    assert!(!find(describe::broker(&layers), "max.connections").read_only);
}

#[test]
fn the_setting_of_a_listener_is_shown_with_its_type() {
    let (none, given) = (ConfigMap::new(), given(&[("listener.name.internal.ssl.client.auth", "required")]));
    let layers = Layers { broker: &none, cluster: &none, given: &given };
    let described = find(describe::broker(&layers), "listener.name.internal.ssl.client.auth");
    assert_eq!((described.value.as_deref(), described.kind), (Some("required"), Some(Kind::String)));
    assert_eq!(synonyms(&described)[1], ("ssl.client.auth", Some("none"), Source::Default));
}

#[test]
fn the_default_of_all_brokers_shows_what_was_changed_for_all() {
    let (broker, cluster) = (map(&[("max.connections", "3")]), map(&[("max.connections", "2")]));
    let given = given(&[("max.connections", "1")]);
    let layers = Layers { broker: &broker, cluster: &cluster, given: &given };
    let all = describe::cluster_default(&layers);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].value.as_deref(), all[0].source), (Some("2"), Source::DynamicDefaultBroker));
    assert_eq!(synonyms(&all[0]), [("max.connections", Some("2"), Source::DynamicDefaultBroker)]);
    assert_eq!(find(describe::broker(&layers), "max.connections").value.as_deref(), Some("3"));
}

#[test]
fn a_group_shows_its_own_value_and_what_stands_behind_it() {
    let name = "group.consumer.session.timeout.ms";
    let (none, given) = (ConfigMap::new(), given(&[(name, "46000")]));
    let layers = Layers { broker: &none, cluster: &none, given: &given };
    let own = map(&[("consumer.session.timeout.ms", "47000"), ("from.later", "x")]);
    let all = describe::group(&layers, &own);
    assert_eq!(all.len(), 22, "21 that are not internal, and the unknown one");
    let session = find(all.clone(), "consumer.session.timeout.ms");
    assert_eq!((session.value.as_deref(), session.source.wire_id()), (Some("47000"), 8));
    assert_eq!(
        synonyms(&session),
        [
            ("consumer.session.timeout.ms", Some("47000"), Source::Group),
            (name, Some("46000"), Source::StaticBroker),
            (name, Some("45000"), Source::Default),
        ]
    );
    assert!(!session.read_only && session.kind == Some(Kind::Int));
    let behind = find(describe::group(&layers, &none), "consumer.session.timeout.ms");
    assert_eq!((behind.value.as_deref(), behind.source), (Some("46000"), Source::StaticBroker));
    let alone = find(all.clone(), "share.auto.offset.reset");
    assert_eq!((alone.value.as_deref(), alone.source), (Some("latest"), Source::Default));
    assert_eq!(synonyms(&alone), [("share.auto.offset.reset", Some("latest"), Source::Default)]);
    let assignor = find(all.clone(), "streams.assignor.name");
    assert_eq!((assignor.value.as_deref(), assignor.source), (Some("sticky"), Source::Default));
    let unknown = find(all, "from.later");
    assert_eq!((unknown.value, unknown.source, unknown.is_sensitive), (None, Source::Group, true));
}

#[test]
fn an_internal_setting_of_a_group_shows_when_somebody_gave_it() {
    let (none, name) = (ConfigMap::new(), "streams.num.warmup.replicas");
    let shows = |given: &Given, own: &ConfigMap| {
        let layers = Layers { broker: &none, cluster: &none, given };
        describe::group(&layers, own).iter().any(|described| described.name == name)
    };
    assert!(!shows(&Given::default(), &none));
    assert!(shows(&Given::default(), &map(&[(name, "3")])));
    assert!(shows(&given(&[("group.streams.num.warmup.replicas", "3")]), &none));
}

#[test]
fn a_subscription_shows_its_own_values_and_the_defaults() {
    let all = describe::client_metrics(&map(&[("metrics", " a , b"), ("from.later", "x")]));
    let shown = |name: &str| {
        let described = find(all.clone(), name);
        (described.value, described.source.wire_id(), described.synonyms.len(), described.kind)
    };
    assert_eq!(all.len(), 4);
    assert_eq!(shown("metrics"), (Some("a,b".into()), 7, 1, Some(Kind::List)));
    assert_eq!(shown("interval.ms"), (Some("300000".into()), 5, 0, Some(Kind::Int)));
    assert_eq!(shown("match"), (Some(String::new()), 5, 0, Some(Kind::List)));
    assert_eq!(shown("from.later"), (Some("x".into()), 7, 1, None));
}
