//! Records, to the byte, and logs as compaction leaves them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use ottla_model::Uuid;
use ottla_wire::messages::consumer_group_current_member_assignment_value::TopicPartitions;
use ottla_wire::messages::{
    ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue,
};
use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue};

use crate::Text;
use crate::assign::Assignment;
use crate::consumer::tests::world::{World, beat, join};
use crate::consumer::{hash, records};
use crate::record::Record;
use crate::request::Client;
use crate::state::classic::Protocol;
use crate::state::consumer::{ConsumerGroup, Resolved};
use crate::state::member::{ClassicMember, Member, MemberState};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(record: &Record) -> (String, Option<String>) {
    let value = record.value.as_ref().map(|(value, version)| hex(&value.encode(*version).unwrap()));
    (hex(&record.key.encode().unwrap()), value)
}

fn topic() -> Uuid {
    Uuid::from_bytes(0x0102_0304_0506_0708_1112_1314_1516_1718_u128.to_be_bytes())
}

fn member() -> Member {
    Member {
        epoch: 5,
        previous_epoch: 4,
        state: MemberState::Unrevoked,
        instance_id: Some("i".into()),
        rack: Some("r".into()),
        client: Client { id: "c".into(), host: "/10.0.0.1".into() },
        topics: Arc::new(["tb", "ta"].map(Text::from).into()),
        rebalance_timeout_ms: 30_000,
        assignor: Some("range".into()),
        assigned: Arc::new(BTreeMap::from([(topic(), BTreeMap::from([(0, 4), (3, 5)]))])),
        revoking: Arc::new(BTreeMap::from([(topic(), BTreeMap::from([(7, 2)]))])),
        ..Member::new("m".into())
    }
}

/// The bytes that the record helpers and the serde of Kafka 4.4.0 gave for the same.
#[test]
fn records_are_kafkas_to_the_byte() {
    let resolved = Resolved { topics: ["ta", "tb"].map(Text::from).into(), version: 0, timestamp: 99 };
    let target = Assignment::from([(topic(), BTreeSet::from([0, 3]))]);
    let classic = Member {
        instance_id: None,
        rack: None,
        assignor: None,
        classic: Some(Arc::new(ClassicMember {
            session_timeout_ms: 45_000,
            protocols: [Protocol { name: "range".into(), metadata: Bytes::from_static(&[0, 3, 1]) }].into(),
        })),
        ..member()
    };
    let cases = [
        (records::epoch("g", 5, -7), "0003000167", "000000000005010008fffffffffffffff9"),
        (records::epoch("g", 5, 0), "0003000167", "00000000000500"),
        (
            records::target("g", "m", &target),
            "000700016700016d",
            "000002010203040506070811121314151617180300000000000000030000",
        ),
        (records::target_epoch("g", 6, 1234), "0006000167", "00000000000601000800000000000004d2"),
        (
            records::pattern("g", "t.*", &resolved),
            "00100001670003742e2a",
            "0000030374610374620000000000000000000000000000006300",
        ),
        (
            records::member("g", &member()),
            "000500016700016d",
            "00000269027202630a2f31302e302e302e310303746103746201000075300672616e676501000100",
        ),
        (
            records::member("g", &classic),
            "000500016700016d",
            "0000000002630a2f31302e302e302e3103037461037462010000753000010012010000afc8020672616e6765040003010000",
        ),
        (
            records::current("g", &member()),
            "000800016700016d",
            "0000000000050000000401020102030405060708111213141516171803000000000000000301000903000000040000000502\
             010203040506070811121314151617180200000007010005020000000200",
        ),
    ];
    for (record, key, value) in cases {
        assert_eq!(text(&record), (key.to_owned(), Some(value.to_owned())), "{record:?}");
    }
}

#[test]
fn deletions_are_kafkas_to_the_byte_and_in_its_order() {
    let keys = |records: &[Record]| -> Vec<String> {
        assert!(records.iter().all(|record| record.value.is_none()));
        records.iter().map(|record| text(record).0).collect()
    };
    let gone = ["000800016700016d", "000700016700016d", "000500016700016d"];
    assert_eq!(keys(&records::no_member("g", "m")), gone);
    let mut group = ConsumerGroup::default();
    group.put(member()).unwrap();
    group.targets.insert_mut("m".into(), Arc::default());
    let all = [gone[0], gone[1], "0006000167", gone[2], "0004000167", "0003000167"];
    assert_eq!(keys(&records::no_group("g", &group)), all);
}

/// What `Utils.computeTopicHash` and `computeGroupHash` of Kafka 4.4.0 gave for the same image.
#[test]
fn the_hash_of_an_image_is_kafkas() {
    let mut world = World::new();
    for (broker, rack) in
        [Some("zone-b"), Some("zone-a"), None, Some("\u{1d11e}"), Some("\u{ff21}")].iter().enumerate()
    {
        world.broker(i32::try_from(broker).unwrap(), *rack);
    }
    let users = Uuid::from_bytes(0x2102_0304_0506_0708_1112_1314_1516_1718_u128.to_be_bytes());
    world.placed("orders", topic(), &[&[0, 1, 2], &[2, 7]]);
    world.placed("users", users, &[&[4, 3]]);
    let of = |name: &str| hash::of_topic(world.image.topics.named(name).unwrap(), &world.image);
    assert_eq!((of("orders"), of("users")), (7_610_916_978_974_698_071, 1_594_103_237_539_379_572));
    let group =
        |names: &[&str]| hash::of_group(&names.iter().map(|name| Text::from(*name)).collect(), &world.image);
    assert_eq!(group(&["users", "orders", "none"]), -3_919_184_828_939_221_738);
    assert_eq!((group(&["users"]), group(&["none"])), (-6_156_986_945_749_430_582, 0));
}

#[test]
fn a_members_parts_come_in_any_order() {
    let mut world = World::new();
    world.topic("t", 3);
    world.beat(&join("a", &["t"])).unwrap();
    world.beat(&join("b", &["t"])).unwrap();
    // The last value of each key, backwards: the owner's record before the member's, targets before the group's.
    let mut seen = BTreeSet::new();
    let kept: Vec<_> = world.log.iter().rev().filter(|(key, _)| seen.insert(key.clone())).cloned().collect();
    let live = world.group().unwrap().clone();
    world.log = kept;
    let twin = world.twin();
    let Some(crate::Group::Consumer(group)) = twin.groups.get("g") else { panic!("no group") };
    assert_eq!((&group.members, &group.targets, &group.owners), (&live.members, &live.targets, &live.owners));
    assert_eq!((group.epoch, group.target_epoch), (live.epoch, live.target_epoch));
}

#[test]
fn deletions_of_what_is_not_there_mean_nothing() {
    let mut groups = BTreeMap::new();
    let group = ConsumerGroup::default();
    for record in records::no_member("g", "m").into_iter().chain(records::no_group("g", &group)) {
        crate::consumer::replay(&mut groups, &record).unwrap();
    }
    assert!(groups.is_empty());
}

#[test]
fn a_partition_whose_next_owner_comes_first_stays_that_owners() {
    let mut group = ConsumerGroup::default();
    let owning = |id: &str, epoch: i32, partitions: &[i32]| {
        let owned = partitions.iter().map(|number| (*number, epoch)).collect();
        let assigned =
            if partitions.is_empty() { BTreeMap::new() } else { BTreeMap::from([(topic(), owned)]) };
        Member { epoch, assigned: Arc::new(assigned), ..Member::new(id.into()) }
    };
    group.put(owning("a", 2, &[0, 1])).unwrap();
    group.put(owning("b", 3, &[1])).unwrap();
    group.put(owning("a", 3, &[0])).unwrap();
    assert!(group.is_owned(topic(), 1));
    let before = group.clone();
    assert!(group.put(owning("c", 3, &[0])).is_err());
    assert_eq!(group, before);
}

#[test]
fn a_deletion_out_of_order_is_a_contradiction() {
    let mut groups = BTreeMap::new();
    crate::consumer::replay(&mut groups, &records::member("g", &member())).unwrap();
    let [_, _, last] = records::no_member("g", "m");
    assert!(crate::consumer::replay(&mut groups, &last).is_err());
    let end = records::no_group("g", &ConsumerGroup::default()).pop().unwrap();
    assert!(crate::consumer::replay(&mut groups, &end).is_err());
}

#[test]
fn what_older_kafkas_wrote_is_read() {
    let mut groups = BTreeMap::new();
    let key = ConsumerOffsetsKey::ConsumerGroupPartitionMetadata(ConsumerGroupPartitionMetadataKey {
        group_id: "g".into(),
    });
    let value =
        ConsumerOffsetsValue::ConsumerGroupPartitionMetadata(ConsumerGroupPartitionMetadataValue::default());
    crate::consumer::replay(&mut groups, &Record { key, value: Some((value, 0)) }).unwrap();
    // Before 4.3 there were no assignment epochs: the member's own stands in, and 0 for one that is away.
    for (epoch, since) in [(7, 7), (-2, 0)] {
        let key = ConsumerOffsetsKey::ConsumerGroupCurrentMemberAssignment(
            ConsumerGroupCurrentMemberAssignmentKey {
                group_id: "g".into(),
                member_id: format!("m{epoch}").into(),
            },
        );
        let assigned =
            TopicPartitions { topic_id: topic(), partitions: vec![epoch.max(0)], assignment_epochs: None };
        let value = ConsumerOffsetsValue::ConsumerGroupCurrentMemberAssignment(
            ConsumerGroupCurrentMemberAssignmentValue {
                member_epoch: epoch,
                assigned_partitions: vec![assigned],
                ..Default::default()
            },
        );
        crate::consumer::replay(&mut groups, &Record { key, value: Some((value, 0)) }).unwrap();
        let Some(crate::Group::Consumer(group)) = groups.get("g") else { panic!("no group") };
        let member = group.members.get(&*format!("m{epoch}")).unwrap();
        assert_eq!(member.assignment_epoch(topic(), epoch.max(0)), Some(since));
    }
}

#[test]
fn the_record_of_topics_of_older_kafkas_is_deleted() {
    let mut world = World::new();
    world.topic("t", 1);
    let key = ConsumerOffsetsKey::ConsumerGroupPartitionMetadata(ConsumerGroupPartitionMetadataKey {
        group_id: "g".into(),
    });
    let value =
        ConsumerOffsetsValue::ConsumerGroupPartitionMetadata(ConsumerGroupPartitionMetadataValue::default());
    world.log.push((key.encode().unwrap(), Some(value.encode(0).unwrap())));
    world.reload();
    assert!(world.group().unwrap().has_partition_metadata);
    world.beat(&join("a", &["t"])).unwrap();
    assert!(!world.group().unwrap().has_partition_metadata);
    assert!(world.records_from(1).contains(&(4, false)));
    world.check_replay();
}

#[test]
fn commits_are_taken_from_whoever_had_the_partition_in_that_epoch() {
    use ottla_model::ErrorCode;
    use ottla_wire::messages::OffsetCommitRequest;
    use ottla_wire::messages::offset_commit_request::{
        OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    };

    let mut world = World::new();
    world.topic("t", 2);
    world.beat(&join("a", &["t"])).unwrap();
    world.topic("t", 3);
    world.beat(&beat("a", 2)).unwrap();
    let commit = |partition: i32| OffsetCommitRequest {
        topics: vec![OffsetCommitRequestTopic {
            topic_id: crate::consumer::tests::world::topic_id("t"),
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: partition,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let group = world.group().unwrap();
    let admits = |epoch: i32, partition: i32| group.admits_commit("a", None, epoch, 9, &commit(partition));
    assert_eq!((admits(3, 2), admits(2, 1)), (Ok(()), Ok(())));
    // It got partition 2 in epoch 3, and partition 9 never.
    for (epoch, partition) in [(2, 2), (2, 9), (4, 1), (1, 1), (-1, 1)] {
        assert_eq!(admits(epoch, partition), Err(ErrorCode::StaleMemberEpoch), "{epoch} {partition}");
    }
    assert_eq!(group.admits_commit("x", None, 3, 9, &commit(0)), Err(ErrorCode::UnknownMemberId));
    assert_eq!(group.admits_commit("a", None, 3, 8, &commit(0)), Err(ErrorCode::UnsupportedVersion));
    assert_eq!(group.admits_fetch(Some("a"), 3), Ok(()));
    assert_eq!(group.admits_fetch(Some("a"), 2), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(group.admits_fetch(None, -1), Ok(()));
    assert_eq!(ConsumerGroup::default().admits_commit("", None, -1, 2, &commit(0)), Ok(()));
}
