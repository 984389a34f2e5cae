//! OffsetCommit (8) and OffsetDelete (47).

use ottla_model::{ErrorCode, Millis};
use ottla_wire::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use ottla_wire::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use ottla_wire::messages::offset_delete_request::OffsetDeleteRequestTopic;
use ottla_wire::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use ottla_wire::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse,
};

use super::{Committed, record, tombstone};
use crate::change::Decision;
use crate::context::Context;
use crate::reply::{Reply, Waiter};
use crate::state::Group;
use crate::state::Shard;
use crate::state::classic::State;
use crate::timers::TimerKey;

/// From this version on a group that does not exist is told as such.
const GROUP_ID_NOT_FOUND: i16 = 9;

/// Stores offsets for a member, or for somebody outside of a group that has no members.
pub(crate) fn commit(
    shard: &Shard,
    decision: &mut Decision,
    waiter: Waiter,
    version: i16,
    request: &OffsetCommitRequest,
    context: &Context,
) {
    let admitted = admit(shard, decision, version, request, context);
    if let Err(code) = admitted {
        decision.reply(waiter, Reply::Commit(refuse_commit(request, code)));
        return;
    }
    let now = context.now.wall;
    let expires_at = (request.retention_time_ms != -1).then(|| now.saturating_add(request.retention_time_ms));
    let most = context.settings.offset_metadata_max_bytes;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let note = partition.committed_metadata.as_deref().unwrap_or_default();
            let error = if java_length(note) > most {
                ErrorCode::OffsetMetadataTooLarge
            } else {
                let committed = committed(topic, partition, now, expires_at);
                decision.record(record(
                    &request.group_id,
                    &topic.name,
                    partition.partition_index,
                    &committed,
                ));
                ErrorCode::None
            };
            OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error.code(),
            }
        });
        let partitions = partitions.collect();
        OffsetCommitResponseTopic { name: topic.name.clone(), topic_id: topic.topic_id, partitions }
    });
    let topics = topics.collect();
    decision.reply(waiter, Reply::Commit(OffsetCommitResponse { throttle_time_ms: 0, topics }));
}

fn committed(
    topic: &OffsetCommitRequestTopic,
    partition: &OffsetCommitRequestPartition,
    now: Millis,
    expires_at: Option<Millis>,
) -> Committed {
    Committed {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition.committed_metadata.as_deref().unwrap_or_default().into(),
        committed_at: now,
        expires_at,
        topic_id: topic.topic_id,
        record: -1,
    }
}

/// Kafka's bound counts UTF-16 units; text that fits in bytes fits in those.
fn java_length(text: &str) -> usize {
    text.encode_utf16().count()
}

fn admit(
    shard: &Shard,
    decision: &mut Decision,
    version: i16,
    request: &OffsetCommitRequest,
    context: &Context,
) -> Result<(), ErrorCode> {
    let (member, instance) = (&*request.member_id, request.group_instance_id.as_deref());
    let generation = request.generation_id_or_member_epoch;
    match shard.groups.get_key_value(&*request.group_id) {
        // A group that only keeps offsets comes to be by its first commit.
        None if generation < 0 => Ok(()),
        None if version >= GROUP_ID_NOT_FOUND => Err(ErrorCode::GroupIdNotFound),
        None => Err(ErrorCode::IllegalGeneration),
        Some((id, Group::Classic(group))) => {
            group.admits_commit(member, instance, generation)?;
            // A commit says that the member is there.
            if let (State::Stable | State::PreparingRebalance, Some(member)) =
                (group.state, group.members.get(member))
            {
                let key = TimerKey::Session { group: id.clone(), member: member.id.clone() };
                decision.deadline(key, context.after_millis(member.session_timeout_ms));
            }
            Ok(())
        }
        Some((_, Group::Consumer(group))) => {
            group.admits_commit(member, instance, generation, version, request)
        }
        Some((_, Group::Foreign(_))) => Err(ErrorCode::GroupIdNotFound),
    }
}

/// The same refusal for every partition of a commit.
pub(crate) fn refuse_commit(request: &OffsetCommitRequest, code: ErrorCode) -> OffsetCommitResponse {
    let topic = |topic: &OffsetCommitRequestTopic| {
        let partitions = topic.partitions.iter().map(|partition| OffsetCommitResponsePartition {
            partition_index: partition.partition_index,
            error_code: code.code(),
        });
        OffsetCommitResponseTopic {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: partitions.collect(),
        }
    };
    OffsetCommitResponse { throttle_time_ms: 0, topics: request.topics.iter().map(topic).collect() }
}

/// Takes offsets away, unless the group reads the topic.
pub(crate) fn delete(shard: &Shard, decision: &mut Decision, waiter: Waiter, request: &OffsetDeleteRequest) {
    let group = match admit_delete(shard, &request.group_id) {
        Ok(group) => group,
        Err(code) => {
            let error_code = code.code();
            decision.reply(
                waiter,
                Reply::DeleteOffsets(OffsetDeleteResponse { error_code, ..Default::default() }),
            );
            return;
        }
    };
    let topics = request.topics.iter().map(|topic: &OffsetDeleteRequestTopic| {
        let subscribed = group.is_subscribed_to(&topic.name);
        let partitions = topic.partitions.iter().map(|partition| {
            let number = partition.partition_index;
            let place = (&*request.group_id, &*topic.name, number);
            let there = shard.offsets.get(place.0, place.1, place.2).is_some()
                || shard.offsets.is_pending(place.0, place.1, place.2);
            if !subscribed && there {
                decision.record(tombstone(place.0, place.1, place.2));
            }
            let error = if subscribed { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None };
            OffsetDeleteResponsePartition { partition_index: number, error_code: error.code() }
        });
        let partitions = partitions.collect();
        OffsetDeleteResponseTopic { name: topic.name.clone(), partitions }
    });
    let topics = topics.collect();
    decision.reply(waiter, Reply::DeleteOffsets(OffsetDeleteResponse { topics, ..Default::default() }));
}

fn admit_delete<'a>(shard: &'a Shard, id: &str) -> Result<&'a Group, ErrorCode> {
    let group = shard.groups.get(id).ok_or(ErrorCode::GroupIdNotFound)?;
    match group {
        Group::Classic(classic) if classic.state != State::Empty && !classic.is_of_consumers() => {
            Err(ErrorCode::NonEmptyGroup)
        }
        Group::Classic(_) | Group::Consumer(_) => Ok(group),
        Group::Foreign(_) => Err(ErrorCode::GroupIdNotFound),
    }
}
