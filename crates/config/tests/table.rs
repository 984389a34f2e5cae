//! The table against itself, and against what the released Kafka 4.4.0 defines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly

use ottla_config::table::{self, BROKER_AREAS, CLIENT_METRICS_AREA, GROUP_AREA, TOPIC_AREA};
use ottla_config::{Change, Importance, Preset, Setting, Status, value};
use std::collections::BTreeSet;

fn all() -> impl Iterator<Item = &'static Setting> {
    BROKER_AREAS.iter().chain([&TOPIC_AREA, &GROUP_AREA, &CLIENT_METRICS_AREA]).flat_map(|area| area.rows)
}

fn row(scope: &str, name: &str) -> Option<&'static Setting> {
    match scope {
        "topic" => table::topic(name),
        "group" => table::group(name),
        "client-metrics" => table::client_metrics(name),
        _ => table::broker(name),
    }
}

/// Printed from the class path of the released broker: kind, name, type, default, importance, change, internal.
const KAFKA: &str = include_str!("kafka-4.4.0.tsv");

#[test]
fn every_row_is_what_kafka_defines() {
    let mut names = BTreeSet::new();
    for line in KAFKA.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[scope, name, kind, default, importance, change, shown] = fields.as_slice() else {
            panic!("{line}")
        };
        let row = row(scope, name).unwrap_or_else(|| panic!("no row for {line}"));
        names.insert((scope, name));
        assert_eq!(row.kind.word(), kind, "{line}");
        let preset = match row.preset {
            Preset::Value(text) => text,
            Preset::Null => "(null)",
            Preset::Required => "(required)",
        };
        assert_eq!(preset, default, "{line}");
        let word = match row.importance {
            Importance::High => "high",
            Importance::Medium => "medium",
            Importance::Low => "low",
        };
        assert_eq!(word, importance, "{line}");
        let word = match row.change {
            Change::Static => "static",
            Change::ClusterWide => "cluster-wide",
            Change::PerBroker => "per-broker",
            Change::Topic => "topic",
            Change::Group => "group",
            Change::ClientMetrics => "client-metrics",
        };
        assert_eq!(word, change, "{line}");
        assert_eq!(row.internal, shown == "internal", "{line}");
    }
    let own = |row: &&Setting| row.name.starts_with("ottla.");
    assert_eq!(all().filter(|row| !own(row)).count(), names.len(), "a row that Kafka does not define");
}

#[test]
fn no_name_stands_twice() {
    for (rows, found) in [
        (BROKER_AREAS.iter().map(|area| area.rows.len()).sum(), table::broker_settings().count()),
        (TOPIC_AREA.rows.len(), table::topic_settings().count()),
        (GROUP_AREA.rows.len(), table::group_settings().count()),
        (CLIENT_METRICS_AREA.rows.len(), table::client_metrics_settings().count()),
    ] {
        let rows: usize = rows;
        assert_eq!(rows, found);
    }
}

#[test]
fn every_default_passes_its_own_check_and_reads_back_as_itself() {
    for row in all() {
        let Some(default) = row.default() else { continue };
        // Kafka checks the two quorum lists and `node.id` after the default, too.
        let value = value::parse(row, default).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(value.to_string(), default, "{}", row.name);
    }
}

#[test]
fn every_row_says_what_it_is_and_why() {
    for row in all() {
        assert!(row.doc.len() > 10 && row.doc.ends_with('.'), "{}", row.name);
        match row.status {
            Status::Obeyed => {}
            Status::Kept(reason) | Status::Refused(reason) => assert!(reason.len() > 10, "{}", row.name),
        }
    }
}

/// Values given to `ConfigDef.parseType` and the validators of the released broker: scope, name, text, ok or no, as shown.
const VALUES: &str = include_str!("values-kafka-4.4.0.tsv");

#[test]
fn values_are_taken_and_shown_as_in_kafka() {
    for line in VALUES.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[scope, name, text, verdict, shown] = fields.as_slice() else { panic!("{line}") };
        match value::parse(row(scope, name).unwrap(), text) {
            Ok(value) => assert_eq!(("ok", value.to_string().as_str()), (verdict, shown), "{line}"),
            Err(_) => assert_eq!("no", verdict, "{line}"),
        }
    }
}

#[test]
fn the_nearest_name_is_near() {
    use ottla_config::names::nearest;
    assert_eq!(nearest("num.partition"), Some("num.partitions"));
    assert_eq!(nearest("advertised.listener"), Some("advertised.listeners"));
    assert_eq!(nearest("foo"), None);
    assert_eq!(nearest(""), None);
}

/// Group settings that have no broker setting behind them, as `GroupConfig.ALL_GROUP_CONFIG_SYNONYMS` has it.
#[test]
fn behind_a_group_setting_stands_the_broker_s() {
    use ottla_config::synonyms::of_group;
    let alone: Vec<&str> =
        table::group_settings().map(|row| row.name).filter(|name| of_group(name).is_none()).collect();
    assert_eq!(
        alone,
        [
            "errors.deadletterqueue.copy.record.enable",
            "errors.deadletterqueue.topic.name",
            "share.auto.offset.reset",
            "share.isolation.level",
            "share.renew.acknowledge.enable",
        ]
    );
    assert_eq!(of_group("streams.assignor.name"), Some("group.streams.assignors"));
    for row in table::group_settings() {
        let Some(behind) = of_group(row.name) else { continue };
        let behind = table::broker(behind).unwrap();
        if row.name != "streams.assignor.name" {
            assert_eq!((row.kind, row.preset), (behind.kind, behind.preset), "{}", row.name);
        }
    }
}
