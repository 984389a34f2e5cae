//! OffsetForLeaderEpoch (23), versions 2 to 4: where an epoch ends in the log (KIP-320).

use std::sync::Arc;

use ottla_model::ErrorCode;
use ottla_wire::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use ottla_wire::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use ottla_wire::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::errors::lookup_error;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> Handled<OffsetForLeaderEpochResponse> {
    let OffsetForLeaderEpochRequest { replica_id: _, topics } = request; // the same answer for everyone
    let topic = |OffsetForLeaderTopic { topic, partitions }| {
        let partitions = partitions.into_iter().map(|asked| answer(broker, &topic, &asked)).collect();
        OffsetForLeaderTopicResult { topic, partitions }
    };
    let topics = topics.into_iter().map(topic).collect();
    Handled::now(OffsetForLeaderEpochResponse { throttle_time_ms: 0, topics })
}

fn answer(broker: &Broker, topic: &str, asked: &OffsetForLeaderPartition) -> EpochEndOffset {
    let OffsetForLeaderPartition { partition, current_leader_epoch, leader_epoch } = *asked;
    let found = broker.partition_by_name(topic, partition).and_then(|it| {
        it.end_of_epoch(leader_epoch, current_leader_epoch).map_err(|error| lookup_error(&error))
    });
    let (error_code, (leader_epoch, end_offset)) = match found {
        Ok(end) => (ErrorCode::None, end.unwrap_or((-1, -1))),
        Err(code) => (code, (-1, -1)),
    };
    EpochEndOffset { error_code: error_code.code(), partition, leader_epoch, end_offset }
}
