//! Records of consumer groups, as Kafka 4.4 writes them (`GroupCoordinatorRecordHelpers`).

use ottla_model::{Millis, Uuid};
use ottla_wire::messages::consumer_group_current_member_assignment_value::TopicPartitions;
use ottla_wire::messages::consumer_group_member_metadata_value::{ClassicMemberMetadata, ClassicProtocol};
use ottla_wire::messages::consumer_group_target_assignment_member_value::TopicPartition;
use ottla_wire::messages::{
    ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue, ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue, ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue,
    ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue,
    ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue,
    ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue,
};
use ottla_wire::{ConsumerOffsetsKey as Key, ConsumerOffsetsValue as Value, Str};

use crate::assign::Assignment;
use crate::record::Record;
use crate::state::consumer::{ConsumerGroup, Resolved};
use crate::state::member::{ClassicMember, Member, Owned};

/// Every value is written in this version.
const VERSION: i16 = 0;

fn written(key: Key, value: Value) -> Record {
    Record { key, value: Some((value, VERSION)) }
}

const fn deleted(key: Key) -> Record {
    Record { key, value: None }
}

fn epoch_key(group: &str) -> Key {
    Key::ConsumerGroupMetadata(ConsumerGroupMetadataKey { group_id: group.into() })
}

/// The group's epoch, and the hash of its topics.
pub(crate) fn epoch(group: &str, epoch: i32, metadata_hash: i64) -> Record {
    let value = ConsumerGroupMetadataValue { epoch, metadata_hash };
    written(epoch_key(group), Value::ConsumerGroupMetadata(value))
}

fn partition_metadata_key(group: &str) -> Key {
    Key::ConsumerGroupPartitionMetadata(ConsumerGroupPartitionMetadataKey { group_id: group.into() })
}

/// Kafka before 4.1 kept topics in this record; it is only ever deleted.
pub(crate) fn no_partition_metadata(group: &str) -> Record {
    deleted(partition_metadata_key(group))
}

fn member_key(group: &str, member: &str) -> Key {
    let key = ConsumerGroupMemberMetadataKey { group_id: group.into(), member_id: member.into() };
    Key::ConsumerGroupMemberMetadata(key)
}

fn classic(member: &ClassicMember) -> ClassicMemberMetadata {
    let protocol = |offered: &crate::state::classic::Protocol| ClassicProtocol {
        name: (&*offered.name).into(),
        metadata: offered.metadata.clone(),
    };
    ClassicMemberMetadata {
        session_timeout_ms: member.session_timeout_ms,
        supported_protocols: member.protocols.iter().map(protocol).collect(),
    }
}

/// What a member says of itself.
pub(crate) fn member(group: &str, member: &Member) -> Record {
    let text = |text: &crate::Text| Str::from(&**text);
    let value = ConsumerGroupMemberMetadataValue {
        instance_id: member.instance_id.as_ref().map(text),
        rack_id: member.rack.as_ref().map(text),
        client_id: text(&member.client.id),
        client_host: text(&member.client.host),
        subscribed_topic_names: member.topics.iter().map(text).collect(),
        subscribed_topic_regex: member.pattern.as_ref().map(text),
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        server_assignor: member.assignor.as_ref().map(text),
        classic_member_metadata: member.classic.as_deref().map(classic),
    };
    written(member_key(group, &member.id), Value::ConsumerGroupMemberMetadata(value))
}

fn target_epoch_key(group: &str) -> Key {
    let key = ConsumerGroupTargetAssignmentMetadataKey { group_id: group.into() };
    Key::ConsumerGroupTargetAssignmentMetadata(key)
}

/// The epoch that the target was computed for, and when.
pub(crate) fn target_epoch(group: &str, assignment_epoch: i32, assignment_timestamp: Millis) -> Record {
    let value = ConsumerGroupTargetAssignmentMetadataValue { assignment_epoch, assignment_timestamp };
    written(target_epoch_key(group), Value::ConsumerGroupTargetAssignmentMetadata(value))
}

fn target_key(group: &str, member: &str) -> Key {
    let key = ConsumerGroupTargetAssignmentMemberKey { group_id: group.into(), member_id: member.into() };
    Key::ConsumerGroupTargetAssignmentMember(key)
}

/// What a member shall own.
pub(crate) fn target(group: &str, member: &str, assignment: &Assignment) -> Record {
    let partitions = |(topic, partitions): (&Uuid, &std::collections::BTreeSet<i32>)| TopicPartition {
        topic_id: *topic,
        partitions: partitions.iter().copied().collect(),
    };
    let topic_partitions = assignment.iter().map(partitions).collect();
    let value = ConsumerGroupTargetAssignmentMemberValue { topic_partitions };
    written(target_key(group, member), Value::ConsumerGroupTargetAssignmentMember(value))
}

fn current_key(group: &str, member: &str) -> Key {
    let key = ConsumerGroupCurrentMemberAssignmentKey { group_id: group.into(), member_id: member.into() };
    Key::ConsumerGroupCurrentMemberAssignment(key)
}

fn owned(owned: &Owned) -> Vec<TopicPartitions> {
    let partitions = |(topic, partitions): (&Uuid, &std::collections::BTreeMap<i32, i32>)| TopicPartitions {
        topic_id: *topic,
        partitions: partitions.keys().copied().collect(),
        assignment_epochs: Some(partitions.values().copied().collect()),
    };
    owned.iter().map(partitions).collect()
}

/// What a member owns.
pub(crate) fn current(group: &str, member: &Member) -> Record {
    let value = ConsumerGroupCurrentMemberAssignmentValue {
        member_epoch: member.epoch,
        previous_member_epoch: member.previous_epoch,
        state: member.state.code(),
        assigned_partitions: owned(&member.assigned),
        partitions_pending_revocation: owned(&member.revoking),
    };
    written(current_key(group, &member.id), Value::ConsumerGroupCurrentMemberAssignment(value))
}

fn pattern_key(group: &str, pattern: &str) -> Key {
    let key =
        ConsumerGroupRegularExpressionKey { group_id: group.into(), regular_expression: pattern.into() };
    Key::ConsumerGroupRegularExpression(key)
}

/// What a pattern matches.
pub(crate) fn pattern(group: &str, pattern: &str, resolved: &Resolved) -> Record {
    let value = ConsumerGroupRegularExpressionValue {
        topics: resolved.topics.iter().map(|topic| Str::from(&**topic)).collect(),
        version: resolved.version,
        timestamp: resolved.timestamp,
    };
    written(pattern_key(group, pattern), Value::ConsumerGroupRegularExpression(value))
}

/// Nobody subscribes to a pattern any more.
pub(crate) fn no_pattern(group: &str, pattern: &str) -> Record {
    deleted(pattern_key(group, pattern))
}

/// A member is gone. The order is the one that Kafka insists on when it reads them.
pub(crate) fn no_member(group: &str, member: &str) -> [Record; 3] {
    [
        deleted(current_key(group, member)),
        deleted(target_key(group, member)),
        deleted(member_key(group, member)),
    ]
}

/// The group is gone, members included; in the order that Kafka insists on.
pub(crate) fn no_group(id: &str, group: &ConsumerGroup) -> Vec<Record> {
    let mut records: Vec<Record> =
        group.members.keys().map(|member| deleted(current_key(id, member))).collect();
    records.extend(group.targets.keys().map(|member| deleted(target_key(id, member))));
    records.push(deleted(target_epoch_key(id)));
    records.extend(group.members.keys().map(|member| deleted(member_key(id, member))));
    records.extend(group.patterns.keys().map(|pattern| no_pattern(id, pattern)));
    records.push(no_partition_metadata(id));
    records.push(deleted(epoch_key(id)));
    records
}

/// Records which, read by a shard without the group, give its durable state again.
pub(crate) fn snapshot(id: &str, group: &ConsumerGroup) -> Vec<Record> {
    let mut records: Vec<Record> = group.members.values().map(|one| member(id, one)).collect();
    records.extend(group.patterns.iter().map(|(text, resolved)| pattern(id, text, resolved)));
    if group.has_partition_metadata {
        let value = ConsumerGroupPartitionMetadataValue::default();
        records.push(written(partition_metadata_key(id), Value::ConsumerGroupPartitionMetadata(value)));
    }
    records.push(epoch(id, group.epoch, group.metadata_hash));
    records.extend(group.targets.iter().map(|(member, assignment)| target(id, member, assignment)));
    records.push(target_epoch(id, group.target_epoch, group.target_timestamp));
    records.extend(group.members.values().map(|one| current(id, one)));
    records
}
