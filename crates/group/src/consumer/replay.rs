//! Records of consumer groups, applied.
//!
//! After compaction a log has for each key its last value, so a member's parts come in any order and a deletion may
//! come alone: the first record of a group or member makes it, a deletion of what is not there means nothing. A
//! deletion out of order is a contradiction, as it is to Kafka.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ottla_model::Uuid;
use ottla_wire::messages::consumer_group_current_member_assignment_value::TopicPartitions;
use ottla_wire::messages::consumer_group_member_metadata_value::ClassicMemberMetadata;
use ottla_wire::messages::{
    ConsumerGroupCurrentMemberAssignmentValue, ConsumerGroupMemberMetadataValue,
    ConsumerGroupRegularExpressionValue, ConsumerGroupTargetAssignmentMemberValue,
};
use ottla_wire::{ConsumerOffsetsKey as Key, ConsumerOffsetsValue as Value};

use crate::Text;
use crate::assign::Assignment;
use crate::record::Record;
use crate::record::ReplayError;
use crate::request::Client;
use crate::state::Group;
use crate::state::classic::{ClassicGroup, Protocol, State};
use crate::state::consumer::{ConsumerGroup, Resolved};
use crate::state::member::{ClassicMember, LEAVE, Member, MemberState, Owned};

/// What a record leaves of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The group stays.
    Stays,
    /// The group is no more.
    Ends,
}

/// The group of a record, when the record is one of consumer groups.
#[must_use]
fn group_of(key: &Key) -> Option<&str> {
    match key {
        Key::ConsumerGroupMetadata(key) => Some(&key.group_id),
        Key::ConsumerGroupPartitionMetadata(key) => Some(&key.group_id),
        Key::ConsumerGroupMemberMetadata(key) => Some(&key.group_id),
        Key::ConsumerGroupTargetAssignmentMetadata(key) => Some(&key.group_id),
        Key::ConsumerGroupTargetAssignmentMember(key) => Some(&key.group_id),
        Key::ConsumerGroupCurrentMemberAssignment(key) => Some(&key.group_id),
        Key::ConsumerGroupRegularExpression(key) => Some(&key.group_id),
        Key::LegacyOffsetCommit(_)
        | Key::OffsetCommit(_)
        | Key::GroupMetadata(_)
        | Key::ShareGroupMemberMetadata(_)
        | Key::ShareGroupMetadata(_)
        | Key::ShareGroupTargetAssignmentMetadata(_)
        | Key::ShareGroupTargetAssignmentMember(_)
        | Key::ShareGroupCurrentMemberAssignment(_)
        | Key::ShareGroupStatePartitionMetadata(_)
        | Key::StreamsGroupMetadata(_)
        | Key::StreamsGroupMemberMetadata(_)
        | Key::StreamsGroupTargetAssignmentMetadata(_)
        | Key::StreamsGroupTargetAssignmentMember(_)
        | Key::StreamsGroupCurrentMemberAssignment(_)
        | Key::StreamsGroupTopology(_) => None,
    }
}

/// Applies a record of a consumer group; one of another kind means nothing here.
///
/// # Errors
/// When the group is of another kind, or the record contradicts it; nothing has changed then.
pub(crate) fn replay(groups: &mut BTreeMap<Text, Group>, record: &Record) -> Result<(), ReplayError> {
    let Some(id) = group_of(&record.key) else { return Ok(()) };
    match groups.get_mut(id) {
        Some(Group::Consumer(group)) => {
            if group.replay(record)? == Fate::Ends {
                groups.remove(id);
            }
            Ok(())
        }
        // A group that only keeps offsets has no record of its own: offsets may come before the group's records.
        Some(Group::Classic(group)) if !is_simple(group) => {
            Err(ReplayError(format!("group {id:?} is a classic group")))
        }
        Some(Group::Foreign(_)) => Err(ReplayError(format!("group {id:?} is of another kind"))),
        Some(Group::Classic(_)) | None => {
            if record.value.is_some() {
                let mut group = ConsumerGroup::default();
                group.replay(record)?;
                groups.insert(id.into(), Group::Consumer(Box::new(group)));
            }
            Ok(())
        }
    }
}

/// Whether a classic group only keeps offsets, and so has no record.
fn is_simple(group: &ClassicGroup) -> bool {
    group.state == State::Empty && group.protocol_type.is_none() && group.pending.is_empty()
}

impl ConsumerGroup {
    /// Applies a record of this group.
    ///
    /// # Errors
    /// When it contradicts the group; nothing has changed then.
    pub(crate) fn replay(&mut self, record: &Record) -> Result<Fate, ReplayError> {
        let value = record.value.as_ref().map(|(value, _)| value);
        match (&record.key, value) {
            (Key::ConsumerGroupMetadata(_), Some(Value::ConsumerGroupMetadata(value))) => {
                self.epoch = value.epoch;
                self.metadata_hash = value.metadata_hash;
            }
            (Key::ConsumerGroupMetadata(_), None) => {
                self.check_end()?;
                return Ok(Fate::Ends);
            }
            (Key::ConsumerGroupPartitionMetadata(_), value) => self.has_partition_metadata = value.is_some(),
            (Key::ConsumerGroupMemberMetadata(key), Some(Value::ConsumerGroupMemberMetadata(value))) => {
                let mut member = self.member_or_new(&key.member_id);
                describe_member(&mut member, value);
                self.put(member)?;
            }
            (Key::ConsumerGroupMemberMetadata(key), None) => self.end_member(&key.member_id)?,
            (
                Key::ConsumerGroupTargetAssignmentMetadata(_),
                Some(Value::ConsumerGroupTargetAssignmentMetadata(value)),
            ) => {
                self.aim(value.assignment_epoch);
                self.target_timestamp = value.assignment_timestamp;
            }
            (Key::ConsumerGroupTargetAssignmentMetadata(_), None) => self.end_target()?,
            (
                Key::ConsumerGroupTargetAssignmentMember(key),
                Some(Value::ConsumerGroupTargetAssignmentMember(value)),
            ) => self.targets.insert_mut((&*key.member_id).into(), Arc::new(read_target(value))),
            (Key::ConsumerGroupTargetAssignmentMember(key), None) => {
                self.targets.remove_mut(&*key.member_id);
            }
            (
                Key::ConsumerGroupCurrentMemberAssignment(key),
                Some(Value::ConsumerGroupCurrentMemberAssignment(value)),
            ) => {
                let mut member = self.member_or_new(&key.member_id);
                place_member(&mut member, value);
                self.put(member)?;
            }
            (Key::ConsumerGroupCurrentMemberAssignment(key), None) => self.release_member(&key.member_id)?,
            (
                Key::ConsumerGroupRegularExpression(key),
                Some(Value::ConsumerGroupRegularExpression(value)),
            ) => {
                self.patterns.insert_mut((&*key.regular_expression).into(), Arc::new(read_pattern(value)));
            }
            (Key::ConsumerGroupRegularExpression(key), None) => {
                self.patterns.remove_mut(&*key.regular_expression);
            }
            (key, _) => return Err(ReplayError(format!("{key:?} has a value of another type"))),
        }
        Ok(Fate::Stays)
    }

    fn member_or_new(&self, id: &str) -> Member {
        self.members.get(id).map_or_else(|| Member::new(id.into()), |member| Member::clone(member))
    }

    fn check_end(&self) -> Result<(), ReplayError> {
        if !self.members.is_empty() || !self.targets.is_empty() || self.target_epoch != LEAVE {
            return Err(ReplayError(format!(
                "a group ends with {} members, {} targets and target epoch {}",
                self.members.size(),
                self.targets.size(),
                self.target_epoch
            )));
        }
        Ok(())
    }

    fn end_target(&mut self) -> Result<(), ReplayError> {
        if !self.targets.is_empty() {
            return Err(ReplayError(format!("a target ends with {} members", self.targets.size())));
        }
        self.aim(LEAVE);
        self.target_timestamp = 0;
        Ok(())
    }

    fn end_member(&mut self, id: &str) -> Result<(), ReplayError> {
        let Some(member) = self.members.get(id) else { return Ok(()) };
        if member.epoch != LEAVE || self.targets.contains_key(id) {
            return Err(ReplayError(format!("member {id} ends and still has an assignment")));
        }
        self.remove(id);
        Ok(())
    }

    fn release_member(&mut self, id: &str) -> Result<(), ReplayError> {
        let Some(member) = self.members.get(id) else { return Ok(()) };
        let mut member = Member::clone(member);
        (member.epoch, member.previous_epoch) = (LEAVE, LEAVE);
        (member.assigned, member.revoking) = (Arc::default(), Arc::default());
        self.put(member)
    }
}

fn describe_member(member: &mut Member, value: &ConsumerGroupMemberMetadataValue) {
    let text = |text: &ottla_wire::Str| Text::from(&**text);
    member.instance_id = value.instance_id.as_ref().map(text);
    member.rack = value.rack_id.as_ref().map(text);
    member.client = Client { id: text(&value.client_id), host: text(&value.client_host) };
    member.topics = Arc::new(value.subscribed_topic_names.iter().map(text).collect());
    member.pattern = value.subscribed_topic_regex.as_ref().map(text);
    member.rebalance_timeout_ms = value.rebalance_timeout_ms;
    member.assignor = value.server_assignor.as_ref().map(text);
    member.classic = value.classic_member_metadata.as_ref().map(|classic| Arc::new(read_classic(classic)));
}

fn read_classic(value: &ClassicMemberMetadata) -> ClassicMember {
    let protocol = |offered: &ottla_wire::messages::consumer_group_member_metadata_value::ClassicProtocol| {
        Protocol { name: (&*offered.name).into(), metadata: Bytes::copy_from_slice(&offered.metadata) }
    };
    ClassicMember {
        session_timeout_ms: value.session_timeout_ms,
        protocols: value.supported_protocols.iter().map(protocol).collect(),
    }
}

fn place_member(member: &mut Member, value: &ConsumerGroupCurrentMemberAssignmentValue) {
    member.epoch = value.member_epoch;
    member.previous_epoch = value.previous_member_epoch;
    member.state = MemberState::from_code(value.state);
    member.assigned = Arc::new(read_owned(&value.assigned_partitions, value.member_epoch));
    member.revoking = Arc::new(read_owned(&value.partitions_pending_revocation, value.member_epoch));
}

/// Records of Kafka before 4.3 have no assignment epochs: the member's epoch stands in for them.
fn read_owned(topics: &[TopicPartitions], member_epoch: i32) -> Owned {
    let mut owned = Owned::new();
    for topic in topics {
        let epochs = topic.assignment_epochs.as_ref().filter(|epochs| epochs.len() == topic.partitions.len());
        let epoch = |at: usize| epochs.and_then(|epochs| epochs.get(at).copied());
        let of = |(at, partition): (usize, &i32)| (*partition, epoch(at).unwrap_or(member_epoch.max(0)));
        let partitions: BTreeMap<i32, i32> = topic.partitions.iter().enumerate().map(of).collect();
        if !partitions.is_empty() {
            owned.insert(topic.topic_id, partitions);
        }
    }
    owned
}

fn read_target(value: &ConsumerGroupTargetAssignmentMemberValue) -> Assignment {
    let topics = value.topic_partitions.iter().filter(|topic| !topic.partitions.is_empty());
    let of = |topic: &ottla_wire::messages::consumer_group_target_assignment_member_value::TopicPartition| {
        (topic.topic_id, topic.partitions.iter().copied().collect())
    };
    topics.map(of).collect::<BTreeMap<Uuid, _>>()
}

fn read_pattern(value: &ConsumerGroupRegularExpressionValue) -> Resolved {
    Resolved {
        topics: value.topics.iter().map(|topic| Text::from(&**topic)).collect(),
        version: value.version,
        timestamp: value.timestamp,
    }
}
