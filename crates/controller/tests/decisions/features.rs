//! UpdateFeatures.

use ottla_controller::{Reply, Request};
use ottla_metadata::{ConfigResource, MetadataVersion};
use ottla_model::ErrorCode;
use ottla_wire::messages::UpdateFeaturesRequest;
use ottla_wire::messages::update_features_request::FeatureUpdateKey;

use crate::cluster::{Cluster, code};

const UPGRADE: i8 = 1;
const SAFE: i8 = 2;
const UNSAFE: i8 = 3;
const MV: &str = MetadataVersion::FEATURE;

pub(crate) fn updates(updates: &[(&str, i16, i8)], validate_only: bool) -> UpdateFeaturesRequest {
    let update = |(feature, level, upgrade_type): &(&str, i16, i8)| FeatureUpdateKey {
        feature: (*feature).into(),
        max_version_level: *level,
        allow_downgrade: false,
        upgrade_type: *upgrade_type,
    };
    UpdateFeaturesRequest {
        timeout_ms: 0,
        feature_updates: updates.iter().map(update).collect(),
        validate_only,
    }
}

fn updated(cluster: &mut Cluster, asked: &[(&str, i16, i8)]) -> ErrorCode {
    let request = updates(asked, false);
    let Reply::UpdateFeatures(response) = cluster.ask(Request::UpdateFeatures { request, version: 2 }) else {
        panic!("the reply is another's")
    };
    code(response.error_code)
}

#[test]
fn the_level_of_the_metadata_rises_to_kafkas_latest() {
    let mut cluster = Cluster::running();
    assert_eq!(updated(&mut cluster, &[(MV, 33, UPGRADE), ("share.version", 2, UPGRADE)]), ErrorCode::None);
    assert_eq!(cluster.image.metadata_version(), MetadataVersion::LATEST);
    assert_eq!(cluster.image.features.level("share.version"), 2);
}

#[test]
fn levels_that_nobody_supports_are_refused() {
    let mut cluster = Cluster::running();
    for asked in [
        (MV, 34, UPGRADE),
        (MV, 6, SAFE),
        (MV, -1, UPGRADE),
        (MV, i16::MAX, UPGRADE),
        ("no.such.version", 1, UPGRADE),
        ("group.version", 2, UPGRADE),
        ("kraft.version", 0, SAFE),
        ("kraft.version", 2, UPGRADE),
        (MV, 33, 0),
        (MV, 33, 9),
        (MV, 33, SAFE),
    ] {
        assert_eq!(updated(&mut cluster, &[asked]), ErrorCode::InvalidUpdateVersion, "{asked:?}");
    }
}

#[test]
fn the_quorums_own_level_may_be_named_as_the_release_has_it() {
    let mut cluster = Cluster::running();
    assert_eq!(updated(&mut cluster, &[(MV, 31, UPGRADE), ("kraft.version", 1, UPGRADE)]), ErrorCode::None);
    assert_eq!(cluster.image.metadata_version().level(), 31);
}

#[test]
fn nothing_goes_down_where_records_could_be_lost() {
    let mut cluster = Cluster::running();
    for way in [UPGRADE, SAFE, UNSAFE] {
        assert_eq!(updated(&mut cluster, &[(MV, 20, way)]), ErrorCode::InvalidUpdateVersion);
    }
    assert_eq!(updated(&mut cluster, &[("group.version", 0, UPGRADE)]), ErrorCode::InvalidUpdateVersion);
    assert_eq!(updated(&mut cluster, &[("group.version", 0, SAFE)]), ErrorCode::None);
    assert_eq!(cluster.image.features.level("group.version"), 0);
}

#[test]
fn it_is_all_or_nothing() {
    let mut cluster = Cluster::running();
    let before = cluster.image.clone();
    let asked = [(MV, 33, UPGRADE), ("group.version", 9, UPGRADE)];
    assert_eq!(updated(&mut cluster, &asked), ErrorCode::InvalidUpdateVersion);
    assert_eq!(updated(&mut cluster, &[(MV, 31, UPGRADE), (MV, 33, UPGRADE)]), ErrorCode::InvalidRequest);
    assert_eq!(cluster.image, before);
}

#[test]
fn validating_changes_nothing() {
    let mut cluster = Cluster::running();
    let before = cluster.image.clone();
    let request = updates(&[(MV, 33, UPGRADE)], true);
    let reply = cluster.ask(Request::UpdateFeatures { request, version: 2 });
    assert!(matches!(reply, Reply::UpdateFeatures(response) if response.error_code == 0));
    assert_eq!(cluster.image, before);
}

#[test]
fn before_version_2_each_feature_has_its_answer() {
    let mut cluster = Cluster::running();
    let mut request = updates(&[("group.version", 0, 0)], false);
    request.feature_updates[0].allow_downgrade = true;
    let reply = cluster.ask(Request::UpdateFeatures { request, version: 0 });
    let Reply::UpdateFeatures(response) = reply else { panic!("the reply is another's") };
    assert_eq!((response.error_code, response.results.len(), response.results[0].error_code), (0, 1, 0));
}

#[test]
fn eligible_leaders_come_with_one_minimum_for_the_cluster() {
    let mut cluster = Cluster::formatted(MetadataVersion::from_level(25).unwrap());
    cluster.start(None);
    assert!(!cluster.image.features.has_elr());
    assert_eq!(updated(&mut cluster, &[("eligible.leader.replicas.version", 1, UPGRADE)]), ErrorCode::None);
    assert!(cluster.image.features.has_elr());
    let minimum = cluster.image.configs.value(&ConfigResource::all_brokers(), "min.insync.replicas");
    assert_eq!(minimum, Some("1"));
}

#[test]
fn a_feature_waits_for_the_level_it_needs() {
    let mut cluster = Cluster::formatted(MetadataVersion::from_level(20).unwrap());
    cluster.start(None);
    let elr = ("eligible.leader.replicas.version", 1, UPGRADE);
    assert_eq!(updated(&mut cluster, &[elr]), ErrorCode::InvalidUpdateVersion);
    assert_eq!(updated(&mut cluster, &[(MV, 26, UPGRADE), elr]), ErrorCode::None);
}
