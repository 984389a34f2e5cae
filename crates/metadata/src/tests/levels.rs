//! Levels and features.

use std::collections::BTreeMap;

use ottla_wire::MetadataRecord;
use ottla_wire::messages::{BrokerRegistrationChangeRecord, PartitionChangeRecord};

use super::*;
use crate::MetadataVersion;
use crate::features::{
    BadLevel, ELIGIBLE_LEADER_REPLICAS, FEATURES, check_level, levels_at_format, supported_features,
};

fn at(level: i16) -> MetadataVersion {
    MetadataVersion::from_level(level).unwrap()
}

#[test]
fn levels_run_from_7_to_33_without_a_gap() {
    let levels: Vec<i16> = MetadataVersion::all().map(MetadataVersion::level).collect();
    assert_eq!(levels, (7..=33).collect::<Vec<_>>());
    assert_eq!(MetadataVersion::from_level(6), None);
    assert_eq!(MetadataVersion::from_level(34), None);
}

#[test]
fn a_release_means_its_highest_level() {
    for (name, level) in [
        ("4.0", 25),
        ("4.1", 27),
        ("4.2.0", 29),
        ("4.3", 30),
        ("4.4", 33),
        ("4.4-IV0", 31),
        ("3.3-IV3", 7),
        ("3.9.1", 21),
    ] {
        assert_eq!(MetadataVersion::from_name(name), Some(at(level)), "{name}");
    }
    for name in ["", "4", "4.5", "4.3-IV1", "3.2", "4.3-", "latest"] {
        assert_eq!(MetadataVersion::from_name(name), None, "{name}");
    }
    for version in MetadataVersion::all() {
        assert_eq!(MetadataVersion::from_name(&version.to_string()), Some(version));
    }
}

#[test]
fn record_versions_follow_the_level() {
    let versions = |level: i16| {
        let register = MetadataRecord::from(broker(1, 1));
        let part = MetadataRecord::from(partition(1, 0));
        let change = MetadataRecord::from(PartitionChangeRecord::default());
        [register, part, change].map(|record| at(level).record_version(&record))
    };
    for (level, expected) in [
        (7, [1, 0, 0]),
        (8, [2, 0, 0]),
        (16, [2, 0, 0]),
        (17, [3, 1, 1]),
        (22, [3, 1, 1]),
        (23, [3, 2, 2]),
        (29, [3, 2, 2]),
        (30, [4, 2, 2]),
        (33, [4, 2, 2]),
    ] {
        assert_eq!(versions(level), expected, "{level}");
    }
}

#[test]
fn a_registration_change_has_the_version_of_what_it_says() {
    let version = |change: BrokerRegistrationChangeRecord| at(30).record_version(&change.into());
    let none = BrokerRegistrationChangeRecord::default();
    assert_eq!(version(BrokerRegistrationChangeRecord { fenced: 1, ..none.clone() }), 0);
    assert_eq!(version(BrokerRegistrationChangeRecord { in_controlled_shutdown: 1, ..none.clone() }), 1);
    assert_eq!(version(BrokerRegistrationChangeRecord { log_dirs: vec![id(1)], ..none.clone() }), 2);
    assert_eq!(version(BrokerRegistrationChangeRecord { cordoned_log_dirs: Some(vec![]), ..none }), 3);
}

#[test]
fn a_release_implies_the_features_that_kafka_derives() {
    let levels = |level: i16| FEATURES.map(|feature| feature.default_level(at(level)));
    // kraft, transaction, group, eligible leader replicas, share, streams
    assert_eq!(levels(20), [0, 0, 0, 0, 0, 0]);
    assert_eq!(levels(25), [1, 2, 1, 0, 0, 0]);
    assert_eq!(levels(27), [1, 2, 1, 1, 0, 0]);
    assert_eq!(levels(30), [1, 2, 1, 1, 1, 1]);
    assert_eq!(levels(33), [1, 2, 1, 1, 2, 1]);
}

#[test]
fn ranges_are_those_of_kafka_4_4() {
    let ranges: Vec<_> = supported_features().map(|(name, range)| (name, range.min, range.max)).collect();
    assert_eq!(
        ranges,
        [
            ("metadata.version", 7, 33),
            ("kraft.version", 0, 1),
            ("transaction.version", 0, 2),
            ("group.version", 0, 1),
            ("eligible.leader.replicas.version", 0, 1),
            ("share.version", 0, 2),
            ("streams.version", 0, 1),
        ]
    );
}

#[test]
fn a_level_that_the_metadata_version_does_not_carry_is_refused() {
    assert!(matches!(
        check_level(ELIGIBLE_LEADER_REPLICAS, 1, at(22)),
        Err(BadLevel::Needs { needs: 23, .. })
    ));
    assert_eq!(check_level(ELIGIBLE_LEADER_REPLICAS, 1, at(23)), Ok(()));
    assert!(matches!(check_level(ELIGIBLE_LEADER_REPLICAS, 2, at(33)), Err(BadLevel::OutOfRange { .. })));
    let asked = BTreeMap::from([("color.version".to_owned(), 1)]);
    assert_eq!(levels_at_format(at(30), &asked), Err(BadLevel::Unknown("color.version".to_owned())));
    let asked = BTreeMap::from([("group.version".to_owned(), 0)]);
    assert_eq!(levels_at_format(at(30), &asked).unwrap()["group.version"], 0);
}
