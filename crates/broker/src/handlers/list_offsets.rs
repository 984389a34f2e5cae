//! ListOffsets (2), versions 1 to 11: the first, the last and other remarkable offsets of a partition.
//!
//! −1 latest, −2 earliest, −3 of the largest timestamp (7 on), −4 earliest on local disk (8 on), −5
//! latest in remote storage (9 on; none here), −6 earliest not yet uploaded (11 on; none here), and
//! from 0 on the first record at or after that time. The epoch told is that of the offset (C8).

use std::collections::HashSet;
use std::sync::Arc;

use ottla_model::ErrorCode;
use ottla_partition::{Isolation, OffsetSpec};
use ottla_wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ottla_wire::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use ottla_wire::messages::{ListOffsetsRequest, ListOffsetsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::errors::lookup_error;
use crate::state::Broker;

const CONSUMER: i32 = -1;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ListOffsetsRequest,
) -> Handled<ListOffsetsResponse> {
    let ListOffsetsRequest { replica_id, isolation_level, topics, timeout_ms: _ } = request; // nothing is remote
    let isolation = match (replica_id, isolation_level) {
        (CONSUMER, 0) => Isolation::Uncommitted,
        (CONSUMER, _) => Isolation::Committed,
        _ => Isolation::LogEnd,
    };
    let mut seen = HashSet::new();
    let mut repeated = HashSet::new();
    for topic in &topics {
        for partition in &topic.partitions {
            if !seen.insert((topic.name.clone(), partition.partition_index)) {
                repeated.insert((topic.name.clone(), partition.partition_index));
            }
        }
    }
    let topic = |ListOffsetsTopic { name, partitions }: ListOffsetsTopic| {
        let one = |asked: ListOffsetsPartition| {
            if repeated.contains(&(name.clone(), asked.partition_index)) {
                return refusal(asked.partition_index, ErrorCode::InvalidRequest);
            }
            answer(broker, context, &name, &asked, isolation)
        };
        ListOffsetsTopicResponse { partitions: partitions.into_iter().map(one).collect(), name }
    };
    Handled::now(ListOffsetsResponse { throttle_time_ms: 0, topics: topics.into_iter().map(topic).collect() })
}

fn answer(
    broker: &Broker,
    context: &RequestContext,
    topic: &str,
    asked: &ListOffsetsPartition,
    isolation: Isolation,
) -> ListOffsetsPartitionResponse {
    let ListOffsetsPartition { partition_index, current_leader_epoch, timestamp } = *asked;
    let Some(spec) = spec_of(timestamp, context.version) else {
        return refusal(partition_index, ErrorCode::UnsupportedVersion);
    };
    let found = broker.partition_by_name(topic, partition_index).and_then(|partition| {
        partition.find(spec, isolation, current_leader_epoch).map_err(|e| lookup_error(&e))
    });
    match found {
        Err(code) => refusal(partition_index, code),
        Ok(None) => refusal(partition_index, ErrorCode::None),
        Ok(Some(found)) => ListOffsetsPartitionResponse {
            partition_index,
            error_code: ErrorCode::None.code(),
            timestamp: found.timestamp,
            offset: found.offset,
            // Version 4 is the first that can say it.
            leader_epoch: if context.version >= 4 { found.leader_epoch } else { -1 },
        },
    }
}

fn refusal(partition_index: i32, code: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse {
        partition_index,
        error_code: code.code(),
        timestamp: -1,
        offset: -1,
        leader_epoch: -1,
    }
}

/// What a timestamp means in a version; `None` where that version does not know it.
fn spec_of(timestamp: i64, version: i16) -> Option<OffsetSpec> {
    match timestamp {
        0.. => Some(OffsetSpec::Timestamp(timestamp)),
        -1 => Some(OffsetSpec::Latest),
        -2 => Some(OffsetSpec::Earliest),
        -3 => (version >= 7).then_some(OffsetSpec::MaxTimestamp),
        -4 => (version >= 8).then_some(OffsetSpec::Earliest),
        -5 => (version >= 9).then_some(OffsetSpec::Remote),
        -6 => (version >= 11).then_some(OffsetSpec::Remote),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_knows_its_special_timestamps() {
        assert_eq!(spec_of(-3, 6), None);
        assert_eq!(spec_of(-3, 7), Some(OffsetSpec::MaxTimestamp));
        assert_eq!(spec_of(-6, 10), None);
        assert_eq!(spec_of(-7, 11), None);
        assert_eq!(spec_of(i64::MIN, 11), None);
        assert_eq!(spec_of(5, 1), Some(OffsetSpec::Timestamp(5)));
    }
}
