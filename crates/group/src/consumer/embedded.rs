//! What classic consumers put into the bytes of JoinGroup and SyncGroup, for those of them who are members of a
//! consumer group (Kafka's `ConsumerProtocol`).
//!
//! The bytes begin with a version. A version that is not known yet is read as the last that is.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{BufMut, Bytes, BytesMut};
use ottla_metadata::Image;
use ottla_model::Uuid;
use ottla_wire::Message;
use ottla_wire::messages::consumer_group_heartbeat_request::TopicPartitions;
use ottla_wire::messages::consumer_protocol_assignment::TopicPartition;
use ottla_wire::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};

use crate::assign::Assignment;

fn split(bytes: &Bytes) -> Option<(i16, Bytes)> {
    let version: [u8; 2] = bytes.get(..2)?.try_into().ok()?;
    let version = i16::from_be_bytes(version);
    (version >= 0).then(|| (version.min(ConsumerProtocolSubscription::VERSIONS.max), bytes.slice(2..)))
}

/// The version that a member writes, and so can read.
pub(crate) fn version(bytes: &Bytes) -> i16 {
    split(bytes).map_or(0, |(version, _)| version)
}

/// What a member subscribes to.
pub(crate) fn subscription(bytes: &Bytes) -> Option<ConsumerProtocolSubscription> {
    let (version, body) = split(bytes)?;
    ConsumerProtocolSubscription::from_bytes(body, version).ok()
}

/// What a leader gave a member.
pub(crate) fn assignment(bytes: &Bytes) -> Option<ConsumerProtocolAssignment> {
    let (version, body) = split(bytes)?;
    ConsumerProtocolAssignment::from_bytes(body, version).ok()
}

/// An assignment by topic id; topics that do not exist are left out.
pub(crate) fn ids(given: &ConsumerProtocolAssignment, image: &Image) -> Assignment {
    let mut assignment = Assignment::new();
    for topic in given.assigned_partitions.iter().filter(|topic| !topic.partitions.is_empty()) {
        if let Some(id) = image.topics.id_of(&topic.topic) {
            assignment.entry(id).or_default().extend(&topic.partitions);
        }
    }
    assignment
}

/// What a member says it owns, as one that speaks the new protocol would.
pub(crate) fn reported(subscription: &ConsumerProtocolSubscription, image: &Image) -> Vec<TopicPartitions> {
    let known = subscription.owned_partitions.iter().filter_map(|topic| {
        let topic_id = image.topics.id_of(&topic.topic)?;
        Some(TopicPartitions { topic_id, partitions: topic.partitions.clone() })
    });
    known.collect()
}

/// An assignment as a member of some version reads it.
pub(crate) fn write(assignment: &Assignment, image: &Image, version: i16) -> Bytes {
    let named = |(topic, partitions): (&Uuid, &BTreeSet<i32>)| {
        let name = image.topics.get(*topic)?.name.as_str();
        Some(TopicPartition { topic: name.into(), partitions: partitions.iter().copied().collect() })
    };
    let message = ConsumerProtocolAssignment {
        assigned_partitions: assignment.iter().filter_map(named).collect(),
        user_data: None,
    };
    let mut bytes = BytesMut::new();
    bytes.put_i16(version);
    // No version lacks a field of these.
    bytes.extend_from_slice(&message.to_bytes(version).unwrap_or_default());
    bytes.freeze()
}

/// Partitions without the epochs in which they were got.
pub(crate) fn without_epochs(owned: &BTreeMap<Uuid, BTreeMap<i32, i32>>) -> Assignment {
    owned.iter().map(|(topic, partitions)| (*topic, partitions.keys().copied().collect())).collect()
}
