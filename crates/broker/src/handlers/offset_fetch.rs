//! OffsetFetch (9), versions 1 to 10: where groups read on. Version 8 and later ask for many groups, 10 by topic id.

use std::collections::HashSet;
use std::sync::Arc;

use ottla_metadata::Image;
use ottla_model::{ErrorCode, Offset};
use ottla_partition::Partition;
use ottla_wire::Str;
use ottla_wire::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use ottla_wire::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use ottla_wire::messages::{OffsetFetchRequest, OffsetFetchResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::read_reply;
use crate::state::Broker;

/// From this version on groups come in a list.
const MANY: i16 = 8;
/// From this version on topics have ids instead of names.
const BY_ID: i16 = 10;
/// From this version on the answer has one code for all.
const CODE_FOR_ALL: i16 = 2;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: OffsetFetchRequest,
) -> Handled<OffsetFetchResponse> {
    let OffsetFetchRequest { group_id, topics, groups, require_stable } = request;
    let version = context.version;
    let groups = if version >= MANY { groups } else { vec![one_group(group_id, topics)] };
    let image = broker.image.load();
    let mut reads = Vec::new();
    let mut seen = HashSet::new();
    let answers = groups
        .into_iter()
        .filter(|group| seen.insert(group.group_id.clone()))
        .map(|group| answer(broker, &image, group, require_stable, version, &mut reads))
        .collect();
    read_reply(broker, context, reads, in_version(answers, version), move |response, code| {
        let groups = response.groups.into_iter().map(|group| refuse(group.group_id, code)).collect();
        in_version(if version >= MANY { groups } else { vec![refuse(Str::default(), code)] }, version)
    })
}

/// The only group of an early version, in the form of the later ones.
fn one_group(group_id: Str, topics: Option<Vec<OffsetFetchRequestTopic>>) -> OffsetFetchRequestGroup {
    let topic = |OffsetFetchRequestTopic { name, partition_indexes }| OffsetFetchRequestTopics {
        name,
        partition_indexes,
        ..Default::default()
    };
    let topics = topics.map(|topics| topics.into_iter().map(topic).collect());
    OffsetFetchRequestGroup { group_id, topics, member_epoch: -1, ..Default::default() }
}

fn answer(
    broker: &Broker,
    image: &Image,
    mut group: OffsetFetchRequestGroup,
    require_stable: bool,
    version: i16,
    reads: &mut Vec<(Arc<Partition>, Offset)>,
) -> OffsetFetchResponseGroup {
    let mut unknown = Vec::new();
    let by_id = version >= BY_ID;
    if by_id && let Some(topics) = group.topics.take() {
        let (known, others): (Vec<_>, Vec<_>) =
            topics.into_iter().map(|topic| name(image, topic)).partition(named);
        unknown = others.into_iter().map(unknown_id).collect();
        group.topics = Some(known);
    }
    let shard = match broker.group_shard(&group.group_id) {
        Ok(shard) => shard,
        Err(code) => return refuse(group.group_id, code),
    };
    let mut response =
        match broker.read_group(&shard, |shard| shard.fetch_offsets(&group, require_stable, image)) {
            Ok((response, read)) => {
                reads.push(read);
                response
            }
            Err(code) => return refuse(group.group_id, code),
        };
    if by_id {
        for topic in &mut response.topics {
            if topic.topic_id.is_zero() {
                topic.topic_id = image.topics.id_of(&topic.name).unwrap_or_default();
            }
        }
        // Without an id it cannot be told.
        response.topics.retain(|topic| !topic.topic_id.is_zero());
    }
    if response.error_code == ErrorCode::None.code() {
        response.topics.append(&mut unknown);
    }
    response
}

fn name(image: &Image, mut topic: OffsetFetchRequestTopics) -> OffsetFetchRequestTopics {
    topic.name = image.topics.get(topic.topic_id).map(|known| known.name.as_str().into()).unwrap_or_default();
    topic
}

fn named(topic: &OffsetFetchRequestTopics) -> bool {
    !topic.name.is_empty()
}

fn unknown_id(topic: OffsetFetchRequestTopics) -> OffsetFetchResponseTopics {
    let partition = |partition_index| OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(Str::default()),
        error_code: ErrorCode::UnknownTopicId.code(),
    };
    OffsetFetchResponseTopics {
        name: topic.name,
        topic_id: topic.topic_id,
        partitions: topic.partition_indexes.into_iter().map(partition).collect(),
    }
}

fn refuse(group_id: Str, code: ErrorCode) -> OffsetFetchResponseGroup {
    OffsetFetchResponseGroup { group_id, error_code: code.code(), ..Default::default() }
}

/// The answer in the form of its version. Before there was a code for all, each partition carries it.
fn in_version(mut groups: Vec<OffsetFetchResponseGroup>, version: i16) -> OffsetFetchResponse {
    if version >= MANY {
        return OffsetFetchResponse { groups, ..Default::default() };
    }
    let Some(OffsetFetchResponseGroup { group_id: _, topics, error_code }) = groups.pop() else {
        return OffsetFetchResponse::default();
    };
    let partition = |partition: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: partition.partition_index,
        committed_offset: partition.committed_offset,
        committed_leader_epoch: partition.committed_leader_epoch,
        metadata: partition.metadata,
        error_code: if version < CODE_FOR_ALL {
            partition.error_code.max(error_code)
        } else {
            partition.error_code
        },
    };
    let topic = |topic: OffsetFetchResponseTopics| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic.partitions.into_iter().map(partition).collect(),
    };
    let topics = topics.into_iter().map(topic).collect();
    OffsetFetchResponse { topics, error_code, ..Default::default() }
}
