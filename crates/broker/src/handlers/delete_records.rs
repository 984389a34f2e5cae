//! DeleteRecords (21), versions 0 to 2: raise a partition's start. The new start is on disk before
//! it is answered, so that it never goes back.

use std::sync::Arc;

use ottla_model::{ErrorCode, Offset};
use ottla_partition::Partition;
use ottla_wire::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use ottla_wire::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use ottla_wire::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::errors::delete_records_error;
use crate::offline;
use crate::state::Broker;

/// Asks for the high watermark: everything that can be read goes.
const HIGH_WATERMARK: i64 = -1;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DeleteRecordsRequest,
) -> Handled<DeleteRecordsResponse> {
    let DeleteRecordsRequest { topics, timeout_ms: _ } = request; // no follower is waited for
    let worker = Arc::clone(broker);
    broker.off_the_workers(move || {
        let topics = topics.into_iter().map(|topic| delete(&worker, topic)).collect();
        DeleteRecordsResponse { throttle_time_ms: 0, topics }
    })
}

fn delete(broker: &Arc<Broker>, topic: DeleteRecordsTopic) -> DeleteRecordsTopicResult {
    let DeleteRecordsTopic { name, partitions } = topic;
    let one = |DeleteRecordsPartition { partition_index, offset }| {
        let before = (offset != HIGH_WATERMARK).then_some(offset);
        let partition = broker.partition_by_name(&name, partition_index);
        let deleted = partition.and_then(|partition| raise_start(broker, &partition, before));
        let (low_watermark, error_code) = match deleted {
            Ok(start) => (start, ErrorCode::None),
            Err(code) => (-1, code),
        };
        DeleteRecordsPartitionResult { partition_index, low_watermark, error_code: error_code.code() }
    };
    DeleteRecordsTopicResult { partitions: partitions.into_iter().map(one).collect(), name }
}

fn raise_start(
    broker: &Arc<Broker>,
    partition: &Partition,
    before: Option<Offset>,
) -> Result<Offset, ErrorCode> {
    let (start, effect) = partition.delete_records(before).map_err(delete_records_error)?;
    let directory = broker.logs.dir_of(partition).ok_or(ErrorCode::KafkaStorageError)?;
    if let Err(error) = broker.logs.dirs.persist_start_offset(directory, partition.name(), start) {
        offline::take_offline(broker, directory, &error);
        return Err(ErrorCode::KafkaStorageError);
    }
    broker.effects.apply(&[effect]);
    Ok(start)
}
