//! ListPartitionReassignments (46), version 0: partitions whose replicas are being moved (KIP-455). None are
//! begun here; those that Kafka began and left are shown.

use std::sync::Arc;

use ottla_metadata::{Partition, Topic};
use ottla_model::ErrorCode;
use ottla_wire::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use ottla_wire::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use ottla_wire::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: ListPartitionReassignmentsRequest,
) -> Handled<ListPartitionReassignmentsResponse> {
    let ListPartitionReassignmentsRequest { timeout_ms: _, topics } = request; // nothing is waited for
    let image = broker.image.load();
    let topics = match topics {
        None => image.topics.iter_by_name().filter_map(|topic| ongoing(topic, |_| true)).collect(),
        Some(topics) => topics
            .into_iter()
            .filter_map(|ListPartitionReassignmentsTopics { name, partition_indexes }| {
                ongoing(image.topics.named(&name)?, |number| partition_indexes.contains(&number))
            })
            .collect(),
    };
    Handled::now(ListPartitionReassignmentsResponse {
        throttle_time_ms: 0,
        error_code: ErrorCode::None.code(),
        error_message: None,
        topics,
    })
}

/// The partitions of a topic that move; `None` when none does.
fn ongoing(topic: &Topic, asked: impl Fn(i32) -> bool) -> Option<OngoingTopicReassignment> {
    let moves = |partition: &Partition| !partition.adding.is_empty() || !partition.removing.is_empty();
    let partitions: Vec<_> = topic
        .partitions
        .iter()
        .filter(|(number, partition)| moves(partition) && asked(**number))
        .map(|(number, partition)| OngoingPartitionReassignment {
            partition_index: *number,
            replicas: partition.replicas.clone(),
            adding_replicas: partition.adding.clone(),
            removing_replicas: partition.removing.clone(),
        })
        .collect();
    let name = topic.name.as_str().into();
    (!partitions.is_empty()).then_some(OngoingTopicReassignment { name, partitions })
}
