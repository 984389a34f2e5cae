//! Committed offsets.

use ottla_model::ErrorCode;
use ottla_wire::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use ottla_wire::messages::{OffsetCommitRequest, OffsetCommitResponse};

/// The same refusal for every partition of a commit.
pub(crate) fn refuse_commit(request: &OffsetCommitRequest, code: ErrorCode) -> OffsetCommitResponse {
    let topic = |topic: &ottla_wire::messages::offset_commit_request::OffsetCommitRequestTopic| {
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
