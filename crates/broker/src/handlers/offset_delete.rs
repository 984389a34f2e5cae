//! OffsetDelete (47): offsets go that a group does not need any more.

use std::collections::HashMap;
use std::sync::Arc;

use ottla_group::{Reply, Request};
use ottla_model::ErrorCode;
use ottla_wire::Str;
use ottla_wire::messages::offset_delete_request::OffsetDeleteRequestTopic;
use ottla_wire::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use ottla_wire::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::{group_reply, write_timeout};
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: OffsetDeleteRequest,
) -> Handled<OffsetDeleteResponse> {
    let OffsetDeleteRequest { group_id, topics } = request;
    let refused = |code: ErrorCode| OffsetDeleteResponse { error_code: code.code(), ..Default::default() };
    if group_id.is_empty() {
        return Handled::now(refused(ErrorCode::InvalidGroupId));
    }
    let image = broker.image.load();
    let mut missing = Vec::new();
    let mut there = Vec::new();
    for OffsetDeleteRequestTopic { name, partitions } in topics {
        let known = image.topics.named(&name);
        let exists = |number: i32| known.is_some_and(|topic| topic.partitions.contains_key(&number));
        let (found, others): (Vec<_>, Vec<_>) =
            partitions.into_iter().partition(|partition| exists(partition.partition_index));
        if !others.is_empty() {
            let error_code = ErrorCode::UnknownTopicOrPartition.code();
            let refuse = |partition_index| OffsetDeleteResponsePartition { partition_index, error_code };
            let partitions = others.iter().map(|partition| refuse(partition.partition_index)).collect();
            missing.push(OffsetDeleteResponseTopic { name: name.clone(), partitions });
        }
        if !found.is_empty() {
            there.push(OffsetDeleteRequestTopic { name, partitions: found });
        }
    }
    let sent = OffsetDeleteRequest { group_id: group_id.clone(), topics: there };
    let asked = broker.ask_group(&group_id, context, Request::DeleteOffsets(sent));
    group_reply(asked, write_timeout(broker), move |reply| match reply {
        Ok(Reply::DeleteOffsets(response)) if response.error_code == ErrorCode::None.code() => {
            OffsetDeleteResponse { topics: merge(missing, response.topics), ..response }
        }
        Ok(Reply::DeleteOffsets(response)) => response,
        Ok(_) => refused(ErrorCode::UnknownServerError),
        Err(code) => refused(code),
    })
}

/// What does not exist comes first, as in Kafka's answer; a topic stands once.
fn merge(
    mut topics: Vec<OffsetDeleteResponseTopic>,
    decided: Vec<OffsetDeleteResponseTopic>,
) -> Vec<OffsetDeleteResponseTopic> {
    let mut places: HashMap<Str, usize> = HashMap::with_capacity(topics.len());
    for (place, topic) in topics.iter().enumerate() {
        places.entry(topic.name.clone()).or_insert(place);
    }
    for topic in decided {
        match places.get(&topic.name).and_then(|place| topics.get_mut(*place)) {
            Some(known) => known.partitions.extend(topic.partitions),
            None => topics.push(topic),
        }
    }
    topics
}
