//! OffsetCommit (8), versions 2 to 10: where a group reads on; the answer waits for the log.
//!
//! Topics are resolved here, by name or (10 on) by id: what does not exist is answered for itself, the rest goes to
//! the group. Partitions keep the order of the request.

use std::collections::HashMap;
use std::sync::Arc;

use ottla_group::{Reply, Request};
use ottla_metadata::Image;
use ottla_model::{ErrorCode, Uuid};
use ottla_wire::Str;
use ottla_wire::messages::offset_commit_request::OffsetCommitRequestTopic;
use ottla_wire::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use ottla_wire::messages::{OffsetCommitRequest, OffsetCommitResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::{group_reply, write_timeout};
use crate::state::Broker;

/// From this version on topics have ids instead of names.
const BY_ID: i16 = 10;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: OffsetCommitRequest,
) -> Handled<OffsetCommitResponse> {
    let OffsetCommitRequest {
        group_id,
        generation_id_or_member_epoch,
        member_id,
        group_instance_id,
        retention_time_ms,
        topics,
    } = request;
    let image = broker.image.load();
    let mut refused = Vec::new();
    let topics: Vec<_> = topics
        .into_iter()
        .filter_map(|topic| resolve(&image, topic, context.version >= BY_ID, &mut refused))
        .collect();
    if topics.is_empty() {
        return Handled::now(OffsetCommitResponse { topics: refused, ..Default::default() });
    }
    let sent = OffsetCommitRequest {
        group_id: group_id.clone(),
        generation_id_or_member_epoch,
        member_id,
        group_instance_id,
        retention_time_ms,
        topics,
    };
    let ask = Request::Commit(sent);
    let in_error = ask.refused(ErrorCode::None);
    let asked = broker.ask_group(&group_id, context, ask);
    group_reply(asked, write_timeout(broker), move |reply| {
        let decided = match (reply, in_error) {
            (Ok(Reply::Commit(response)), _) => response,
            (Err(code), Some(Reply::Commit(response))) => in_full(response, code),
            (Ok(_) | Err(_), _) => OffsetCommitResponse::default(),
        };
        merge(refused, decided.topics)
    })
}

/// What does not exist comes first, as in Kafka's answer; a topic stands once.
fn merge(
    mut topics: Vec<OffsetCommitResponseTopic>,
    decided: Vec<OffsetCommitResponseTopic>,
) -> OffsetCommitResponse {
    let mut places: HashMap<(Str, Uuid), usize> = HashMap::with_capacity(topics.len());
    for (place, topic) in topics.iter().enumerate() {
        places.entry((topic.name.clone(), topic.topic_id)).or_insert(place);
    }
    for topic in decided {
        let place = places.get(&(topic.name.clone(), topic.topic_id));
        match place.and_then(|place| topics.get_mut(*place)) {
            Some(known) => known.partitions.extend(topic.partitions),
            None => topics.push(topic),
        }
    }
    OffsetCommitResponse { throttle_time_ms: 0, topics }
}

fn in_full(mut response: OffsetCommitResponse, code: ErrorCode) -> OffsetCommitResponse {
    for partition in response.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
        partition.error_code = code.code();
    }
    response
}

/// The topic with name and id, and those of its partitions that exist; what does not is refused.
fn resolve(
    image: &Image,
    topic: OffsetCommitRequestTopic,
    by_id: bool,
    refused: &mut Vec<OffsetCommitResponseTopic>,
) -> Option<OffsetCommitRequestTopic> {
    let OffsetCommitRequestTopic { name, topic_id, partitions } = topic;
    let known = if by_id { image.topics.get(topic_id) } else { image.topics.named(&name) };
    let (name, topic_id) = match known {
        Some(known) => (known.name.as_str().into(), known.id),
        None => (name, if by_id { topic_id } else { Uuid::ZERO }),
    };
    let exists = |partition: i32| known.is_some_and(|topic| topic.partitions.contains_key(&partition));
    let (there, missing): (Vec<_>, Vec<_>) =
        partitions.into_iter().partition(|partition| exists(partition.partition_index));
    if !missing.is_empty() {
        let unknown_id = known.is_none() && by_id;
        let code = if unknown_id { ErrorCode::UnknownTopicId } else { ErrorCode::UnknownTopicOrPartition };
        let refuse =
            |partition_index| OffsetCommitResponsePartition { partition_index, error_code: code.code() };
        let partitions = missing.iter().map(|partition| refuse(partition.partition_index)).collect();
        refused.push(OffsetCommitResponseTopic { name: name.clone(), topic_id, partitions });
    }
    (!there.is_empty()).then_some(OffsetCommitRequestTopic { name, topic_id, partitions: there })
}
