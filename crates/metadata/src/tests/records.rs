//! What each record does to an image, and what is refused.

use ottla_wire::messages::*;

use super::*;
use crate::{ConfigKind, ConfigResource, Recovery};

#[test]
fn a_topic_has_its_partitions_by_id_and_by_name() {
    let image = image(&[topic("a.b", 1), partition(1, 0).into(), partition(1, 1).into()]);
    let named = image.topics.named("a.b").unwrap();
    assert_eq!(named, image.topics.get(id(1)).unwrap());
    assert_eq!(named.partitions.size(), 2);
    assert_eq!(image.topics.partition_count(), 2);
    assert_eq!(image.topics.partition(id(1), 1).unwrap().directory_of(1), Some(id(9)));
    assert_eq!(image.topics.colliding("a_b").unwrap().as_str(), "a.b");
    assert_eq!(image.topics.colliding("a.b"), None, "a name does not collide with itself");
}

#[test]
fn a_removed_topic_leaves_nothing_behind() {
    let config = ConfigRecord {
        resource_type: 2,
        resource_name: "a.b".into(),
        name: "retention.ms".into(),
        value: Some("1".into()),
    };
    let mut image_with = image(&[topic("a.b", 1), partition(1, 0).into(), config.into()]);
    replay(&mut image_with, &RemoveTopicRecord { topic_id: id(1) }.into()).unwrap();
    assert_eq!(image_with, image(&[]));
}

#[test]
fn a_topic_is_created_once() {
    let mut image = image(&[topic("a", 1)]);
    assert_eq!(replay(&mut image, &topic("a", 2)), Err(ReplayError::DuplicateTopic("a".into())));
    assert_eq!(replay(&mut image, &topic("b", 1)), Err(ReplayError::DuplicateTopicId(id(1))));
    assert!(matches!(replay(&mut image, &topic("a/b", 2)), Err(ReplayError::TopicName(_))));
}

#[test]
fn a_change_of_leader_raises_both_epochs_and_of_the_isr_one() {
    let mut image = image(&[topic("a", 1), partition(1, 0).into()]);
    let none = PartitionChangeRecord { partition_id: 0, topic_id: id(1), ..PartitionChangeRecord::default() };
    let isr =
        PartitionChangeRecord { isr: Some(vec![]), eligible_leader_replicas: Some(vec![1]), ..none.clone() };
    replay(&mut image, &isr.into()).unwrap();
    let now = image.topics.partition(id(1), 0).unwrap().clone();
    assert_eq!((now.leader, now.leader_epoch, now.partition_epoch), (Some(1), 0, 1));
    assert_eq!((now.isr, now.elr), (vec![], vec![1]));

    let gone = PartitionChangeRecord { leader: -1, leader_recovery_state: 1, ..none };
    replay(&mut image, &gone.into()).unwrap();
    let now = image.topics.partition(id(1), 0).unwrap();
    assert_eq!((now.leader, now.leader_epoch, now.partition_epoch), (None, 1, 2));
    assert_eq!(now.recovery, Recovery::Recovering);
}

#[test]
fn clear_elr_touches_only_partitions_that_had_some() {
    let with = PartitionRecord { eligible_leader_replicas: Some(vec![1]), ..partition(1, 0) };
    let mut image = image(&[topic("a", 1), with.into(), partition(1, 1).into()]);
    let mut touched = Touched::default();
    image.replay(&ClearElrRecord { topic_name: "".into() }.into(), &mut touched).unwrap();
    assert_eq!(touched.topics[&id(1)].iter().copied().collect::<Vec<_>>(), [0]);
    assert!(image.topics.partition(id(1), 0).unwrap().elr.is_empty());
    let unknown = ClearElrRecord { topic_name: "b".into() };
    assert_eq!(replay(&mut image, &unknown.into()), Err(ReplayError::UnknownTopic("b".into())));
}

#[test]
fn a_partition_without_its_topic_or_with_too_few_directories_is_refused() {
    let mut image = image(&[topic("a", 1)]);
    assert_eq!(replay(&mut image, &partition(2, 0).into()), Err(ReplayError::UnknownTopicId(id(2))));
    let few = PartitionRecord { replicas: vec![1, 2], ..partition(1, 0) };
    assert_eq!(replay(&mut image, &few.into()), Err(ReplayError::Directories { topic: id(1), partition: 0 }));
    let change =
        PartitionChangeRecord { partition_id: 3, topic_id: id(1), ..PartitionChangeRecord::default() };
    let unknown = ReplayError::UnknownPartition { topic: id(1), partition: 3 };
    assert_eq!(replay(&mut image, &change.into()), Err(unknown));
}

#[test]
fn directories_that_nobody_named_are_migrating() {
    let unnamed = PartitionRecord { replicas: vec![1, 2], directories: vec![], ..partition(1, 0) };
    let image = image(&[topic("a", 1), unnamed.into()]);
    assert_eq!(image.topics.partition(id(1), 0).unwrap().directories, [Uuid::MIGRATING; 2]);
}

#[test]
fn the_order_of_listeners_and_features_in_a_registration_means_nothing() {
    let endpoint = |name: &str| register_broker_record::BrokerEndpoint {
        name: name.into(),
        ..register_broker_record::BrokerEndpoint::default()
    };
    let feature = |name: &str| register_broker_record::BrokerFeature {
        name: name.into(),
        ..register_broker_record::BrokerFeature::default()
    };
    let registered = |first, second| RegisterBrokerRecord {
        end_points: vec![endpoint(first), endpoint(second)],
        features: vec![feature(first), feature(second)],
        ..broker(1, 5)
    };
    assert_eq!(image(&[registered("A", "B").into()]), image(&[registered("B", "A").into()]));
}

#[test]
fn a_broker_is_fenced_and_unfenced_in_its_own_epoch_only() {
    let mut image = image(&[broker(1, 5).into()]);
    assert!(image.brokers.get(&1).unwrap().fenced);
    replay(&mut image, &UnfenceBrokerRecord { id: 1, epoch: 5 }.into()).unwrap();
    assert!(!image.brokers.get(&1).unwrap().fenced);
    let stale = FenceBrokerRecord { id: 1, epoch: 4 };
    assert_eq!(
        replay(&mut image, &stale.into()),
        Err(ReplayError::BrokerEpoch { id: 1, registered: 5, found: 4 })
    );
    let unknown = UnregisterBrokerRecord { broker_id: 2, broker_epoch: 5 };
    assert_eq!(replay(&mut image, &unknown.into()), Err(ReplayError::UnknownBroker(2)));
}

#[test]
fn a_registration_change_says_only_what_changes() {
    let mut image = image(&[broker(1, 5).into()]);
    let none = BrokerRegistrationChangeRecord {
        broker_id: 1,
        broker_epoch: 5,
        ..BrokerRegistrationChangeRecord::default()
    };
    let stop = BrokerRegistrationChangeRecord { in_controlled_shutdown: 1, fenced: -1, ..none.clone() };
    replay(&mut image, &stop.into()).unwrap();
    let broker = image.brokers.get(&1).unwrap();
    assert!(!broker.fenced && broker.in_controlled_shutdown && broker.directories == [id(9)]);
    let cordon = BrokerRegistrationChangeRecord { cordoned_log_dirs: Some(vec![id(9)]), ..none.clone() };
    replay(&mut image, &cordon.into()).unwrap();
    assert_eq!(image.brokers.get(&1).unwrap().cordoned, Some(vec![id(9)]));
    let odd = BrokerRegistrationChangeRecord { fenced: 2, ..none };
    assert_eq!(replay(&mut image, &odd.into()), Err(ReplayError::Value { field: "fenced", value: 2 }));
}

#[test]
fn levels_outside_what_kafka_knows_are_refused() {
    let mut image = image(&[]);
    assert_eq!(replay(&mut image, &level("metadata.version", 34)), Err(ReplayError::MetadataVersion(34)));
    assert_eq!(replay(&mut image, &level("metadata.version", 6)), Err(ReplayError::MetadataVersion(6)));
    assert!(matches!(replay(&mut image, &level("share.version", 3)), Err(ReplayError::Feature { .. })));
    assert!(matches!(replay(&mut image, &level("color", 1)), Err(ReplayError::Feature { .. })));
    assert_eq!(replay(&mut image, &level("color", 0)), Ok(()));
    replay(&mut image, &level("kraft.version", 1)).unwrap();
    assert_eq!(image.features.level("kraft.version"), 0, "what counts is the control record");
}

#[test]
fn a_config_without_values_is_gone() {
    let set = |value: Option<&str>| ConfigRecord {
        resource_type: 4,
        resource_name: "".into(),
        name: "min.insync.replicas".into(),
        value: value.map(Into::into),
    };
    let mut image = image(&[set(Some("1")).into()]);
    let all = ConfigResource::all_brokers();
    assert_eq!(image.configs.value(&all, "min.insync.replicas"), Some("1"));
    replay(&mut image, &set(None).into()).unwrap();
    assert!(image.configs.is_empty());
    let odd = ConfigRecord { resource_type: 3, ..set(None) };
    assert!(matches!(replay(&mut image, &odd.into()), Err(ReplayError::Value { .. })));
    assert_eq!(ConfigKind::from_code(32), Some(ConfigKind::Group));
}

#[test]
fn producer_ids_only_grow() {
    let ids = |next_producer_id| ProducerIdsRecord { next_producer_id, ..ProducerIdsRecord::default() };
    let mut image = image(&[ids(1000).into()]);
    assert_eq!(
        replay(&mut image, &ids(1000).into()),
        Err(ReplayError::ProducerId { reached: 1000, found: 1000 })
    );
    replay(&mut image, &ids(2000).into()).unwrap();
    assert_eq!(image.next_producer_id, Some(2000));
}

#[test]
fn an_acl_is_removed_once() {
    let acl = AccessControlEntryRecord { id: id(1), ..AccessControlEntryRecord::default() };
    let mut image = image(&[acl.into()]);
    let remove = RemoveAccessControlEntryRecord { id: id(1) };
    replay(&mut image, &remove.clone().into()).unwrap();
    assert_eq!(replay(&mut image, &remove.into()), Err(ReplayError::UnknownAcl(id(1))));
}
