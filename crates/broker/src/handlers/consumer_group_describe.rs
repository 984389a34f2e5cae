//! ConsumerGroupDescribe (69), versions 0 and 1: groups of the consumer protocol and their members (KIP-848).

use std::collections::HashSet;
use std::sync::Arc;

use ottla_model::ErrorCode;
use ottla_wire::messages::consumer_group_describe_response::DescribedGroup;
use ottla_wire::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::read_reply;
use crate::permissions;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ConsumerGroupDescribeRequest,
) -> Handled<ConsumerGroupDescribeResponse> {
    let ConsumerGroupDescribeRequest { group_ids, include_authorized_operations } = request;
    let image = broker.image.load();
    let settings = broker.groups.settings();
    let mut reads = Vec::new();
    // Asked for twice, answered once.
    let mut seen = HashSet::new();
    let described = group_ids.into_iter().filter(|id| seen.insert(id.clone())).map(|id| {
        let refused = |code: ErrorCode| DescribedGroup {
            group_id: id.clone(),
            error_code: code.code(),
            ..Default::default()
        };
        if id.is_empty() {
            return refused(ErrorCode::InvalidGroupId);
        }
        let shard = match broker.group_shard(&id) {
            Ok(shard) => shard,
            Err(code) => return refused(code),
        };
        match broker.read_group(&shard, |shard| shard.describe_consumer(&id, &image, &settings)) {
            Ok((mut group, read)) => {
                reads.push(read);
                if include_authorized_operations && group.error_code == ErrorCode::None.code() {
                    group.authorized_operations = permissions::ON_GROUP;
                }
                group
            }
            Err(code) => refused(code),
        }
    });
    let groups: Vec<_> = described.collect();
    let response = ConsumerGroupDescribeResponse { throttle_time_ms: 0, groups };
    read_reply(broker, context, reads, response, in_full)
}

fn in_full(response: ConsumerGroupDescribeResponse, code: ErrorCode) -> ConsumerGroupDescribeResponse {
    let refused = |group: DescribedGroup| DescribedGroup {
        group_id: group.group_id,
        error_code: code.code(),
        ..Default::default()
    };
    ConsumerGroupDescribeResponse {
        throttle_time_ms: 0,
        groups: response.groups.into_iter().map(refused).collect(),
    }
}
