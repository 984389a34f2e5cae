//! Over any history: a snapshot gives the image again, at every level, also through the bytes of the records.

use ottla_wire::messages::*;
use proptest::prelude::*;

use super::*;
use crate::MetadataVersion;

fn replicas() -> impl Strategy<Value = Vec<i32>> {
    proptest::collection::vec(0..5, 0..4)
}

fn a_partition(elr: bool) -> impl Strategy<Value = MetadataRecord> {
    let members = replicas().prop_map(move |members| (elr && !members.is_empty()).then_some(members));
    (0..4u8, 0..3i32, replicas(), -1..5i32, 0..2i8, members).prop_map(
        |(topic, number, replicas, leader, recovery, members)| {
            PartitionRecord {
                directories: vec![id(7); replicas.len()],
                isr: replicas.clone(),
                removing_replicas: replicas.clone(),
                adding_replicas: replicas.clone(),
                replicas,
                leader,
                leader_recovery_state: recovery,
                leader_epoch: number,
                partition_epoch: number * 2,
                last_known_elr: members.clone(),
                eligible_leader_replicas: members,
                ..partition(topic, number)
            }
            .into()
        },
    )
}

fn a_broker() -> impl Strategy<Value = MetadataRecord> {
    let endpoint = register_broker_record::BrokerEndpoint {
        name: "PLAINTEXT".into(),
        host: "localhost".into(),
        port: 9092,
        security_protocol: 0,
    };
    let feature = register_broker_record::BrokerFeature {
        name: "metadata.version".into(),
        min_supported_version: 7,
        max_supported_version: 33,
    };
    (0..4i32, 0..3i64, any::<bool>(), any::<bool>(), proptest::option::of("[a-z]{0,3}")).prop_map(
        move |(node, epoch, fenced, stopping, rack)| {
            RegisterBrokerRecord {
                fenced,
                in_controlled_shutdown: stopping,
                rack: rack.map(Into::into),
                end_points: vec![endpoint.clone()],
                features: vec![feature.clone()],
                cordoned_log_dirs: fenced.then(|| vec![id(9)]),
                incarnation_id: id(3),
                ..broker(node, epoch)
            }
            .into()
        },
    )
}

fn a_change() -> impl Strategy<Value = MetadataRecord> {
    let isr = proptest::option::of(replicas());
    (0..4u8, 0..3i32, isr, -2..5i32, -1..2i8).prop_map(|(topic, number, isr, leader, recovery)| {
        PartitionChangeRecord {
            partition_id: number,
            topic_id: id(topic),
            eligible_leader_replicas: isr.clone(),
            isr,
            leader,
            leader_recovery_state: recovery,
            ..PartitionChangeRecord::default()
        }
        .into()
    })
}

fn a_small_record() -> impl Strategy<Value = MetadataRecord> {
    let config = (0..3u8, "[a-b]", proptest::option::of("[a-z]{0,4}")).prop_map(|(kind, name, value)| {
        let resource_type = [2, 4, 32][usize::from(kind)];
        ConfigRecord {
            resource_type,
            resource_name: name.as_str().into(),
            name: "x".into(),
            value: value.map(Into::into),
        }
        .into()
    });
    let quota = ("[a-b]", proptest::option::of("[a-b]"), any::<bool>()).prop_map(|(kind, name, remove)| {
        let entity = vec![client_quota_record::EntityData {
            entity_type: kind.into(),
            entity_name: name.map(Into::into),
        }];
        ClientQuotaRecord { entity, key: "producer_byte_rate".into(), value: 1.5, remove }.into()
    });
    let scram = ("[a-b]", 1..3i8, any::<bool>()).prop_map(|(name, mechanism, set)| {
        if set {
            UserScramCredentialRecord {
                name: name.into(),
                mechanism,
                salt: vec![1].into(),
                stored_key: vec![2].into(),
                server_key: vec![3].into(),
                iterations: 4096,
            }
            .into()
        } else {
            RemoveUserScramCredentialRecord { name: name.into(), mechanism }.into()
        }
    });
    let acl = (0..4u8).prop_map(|byte| {
        AccessControlEntryRecord { id: id(byte), host: "*".into(), ..AccessControlEntryRecord::default() }
            .into()
    });
    let token = "[a-b]".prop_map(|token| {
        DelegationTokenRecord {
            token_id: token.into(),
            renewers: vec!["User:a".into()],
            ..DelegationTokenRecord::default()
        }
        .into()
    });
    let producer_ids = (0..9i64).prop_map(|next| {
        ProducerIdsRecord { next_producer_id: next * 1000, ..ProducerIdsRecord::default() }.into()
    });
    let controller = (0..3i32, 0..9u8).prop_map(|(node, byte)| {
        RegisterControllerRecord {
            controller_id: node,
            incarnation_id: id(byte),
            ..RegisterControllerRecord::default()
        }
        .into()
    });
    prop_oneof![config, quota, scram, acl, token, producer_ids, controller]
}

fn history(elr: bool) -> impl Strategy<Value = Vec<MetadataRecord>> {
    let create = (0..4u8, "[a-c][._]?[a-c]?").prop_map(|(byte, name)| topic(&name, byte));
    let remove = (0..4u8).prop_map(|byte| RemoveTopicRecord { topic_id: id(byte) }.into());
    let fence = (0..4i32, 0..3i64).prop_map(|(id, epoch)| UnfenceBrokerRecord { id, epoch }.into());
    let record = prop_oneof![
        4 => create,
        1 => remove,
        8 => a_partition(elr),
        4 => a_change(),
        4 => a_broker(),
        2 => fence,
        8 => a_small_record(),
    ];
    proptest::collection::vec(record, 0..80)
}

/// What is left of the records through their bytes, at the versions of this level.
fn through_bytes(record: &MetadataRecord, version: MetadataVersion) -> MetadataRecord {
    let bytes = record.encode(version.record_version(record)).unwrap();
    let (read, _) = MetadataRecord::decode(bytes).unwrap();
    assert_eq!(read, *record);
    read
}

proptest! {
    #[test]
    fn a_snapshot_gives_the_image_again(records in history(true)) {
        let mut image = image(&[]);
        for record in &records {
            // Records that do not fit are part of the history: they must leave no trace.
            let before = image.clone();
            if replay(&mut image, record).is_err() {
                prop_assert_eq!(&image, &before);
            }
        }
        let mut again = Image::default();
        for record in image.records() {
            replay(&mut again, &through_bytes(&record, image.metadata_version())).unwrap();
        }
        prop_assert_eq!(again, image);
    }

    #[test]
    fn at_every_level_a_snapshot_can_be_written_and_is_stable(records in history(true), level_number in 7..=33i16) {
        let mut image = Image::default();
        replay(&mut image, &level("metadata.version", level_number)).unwrap();
        for record in &records {
            let _ = replay(&mut image, record);
        }
        let load = |image: &Image| {
            let mut again = Image::default();
            for record in image.records() {
                replay(&mut again, &through_bytes(&record, image.metadata_version())).unwrap();
            }
            again
        };
        // What the level cannot say is lost once and not again.
        let once = load(&image);
        prop_assert_eq!(load(&once), once);
    }
}
