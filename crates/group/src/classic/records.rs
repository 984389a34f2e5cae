//! Records of classic groups: written, and read back.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ottla_model::{Now, Tick};
use ottla_wire::messages::group_metadata_value::MemberMetadata;
use ottla_wire::messages::{GroupMetadataKey, GroupMetadataValue};
use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue};

use crate::Text;
use crate::record::Record;
use crate::request::Client;
use crate::state::classic::{ClassicGroup, Member, Protocol, State};

/// The version that Kafka 4.4 writes.
const VERSION: i16 = 3;

fn key(id: &str) -> ConsumerOffsetsKey {
    ConsumerOffsetsKey::GroupMetadata(GroupMetadataKey { group: id.into() })
}

/// The group as it is, its members with their assignments.
pub(crate) fn group(id: &str, group: &ClassicGroup) -> Record {
    let protocol = group.protocol.as_deref().unwrap_or_default();
    let member = |member: &Arc<Member>| MemberMetadata {
        member_id: (&*member.id).into(),
        group_instance_id: member.instance_id.as_deref().map(Into::into),
        client_id: (&*member.client.id).into(),
        client_host: (&*member.client.host).into(),
        rebalance_timeout: member.rebalance_timeout_ms,
        session_timeout: member.session_timeout_ms,
        subscription: member.metadata(protocol).cloned().unwrap_or_default(),
        assignment: member.assignment.clone(),
    };
    let value = GroupMetadataValue {
        protocol_type: group.protocol_type.as_deref().unwrap_or_default().into(),
        generation: group.generation,
        protocol: group.protocol.as_deref().map(Into::into),
        leader: group.leader.as_deref().map(Into::into),
        current_state_timestamp: group.since.unwrap_or(-1),
        members: group.members.values().map(member).collect(),
    };
    Record { key: key(id), value: Some((ConsumerOffsetsValue::GroupMetadata(value), VERSION)) }
}

/// A group that has only begun to exist.
pub(crate) fn new_group(id: &str, now: Now) -> Record {
    group(id, &ClassicGroup::empty(now))
}

/// The group is no more.
pub(crate) fn tombstone(id: &str) -> Record {
    Record { key: key(id), value: None }
}

/// The group in a record.
pub(crate) fn read(value: &GroupMetadataValue) -> ClassicGroup {
    let state = if value.members.is_empty() { State::Empty } else { State::Stable };
    let mut group = ClassicGroup {
        state,
        since: (value.current_state_timestamp != -1).then_some(value.current_state_timestamp),
        generation: value.generation,
        protocol: value.protocol.as_deref().map(Into::into),
        leader: value.leader.as_deref().map(Into::into),
        rebalancing_since: Tick::default(),
        members: BTreeMap::new(),
        ..ClassicGroup::empty(Now::default())
    };
    for member in &value.members {
        group.put(read_member(value, member), &value.protocol_type);
    }
    group.protocol_type = (!value.protocol_type.is_empty()).then(|| (&*value.protocol_type).into());
    group.subscribed = group.topics_of_members();
    group
}

fn read_member(value: &GroupMetadataValue, member: &MemberMetadata) -> Member {
    let text = |from: &str| Text::from(from);
    let protocol = Protocol {
        name: text(value.protocol.as_deref().unwrap_or_default()),
        metadata: Bytes::copy_from_slice(&member.subscription),
    };
    Member {
        id: text(&member.member_id),
        instance_id: member.group_instance_id.as_deref().map(text),
        client: Client { id: text(&member.client_id), host: text(&member.client_host) },
        rebalance_timeout_ms: if member.rebalance_timeout == -1 {
            member.session_timeout
        } else {
            member.rebalance_timeout
        },
        session_timeout_ms: member.session_timeout,
        protocols: [protocol].into(),
        assignment: Bytes::copy_from_slice(&member.assignment),
        joining: None,
        syncing: None,
        is_new: false,
    }
}
