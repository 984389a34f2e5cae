//! DescribeGroups (15), versions 0 to 6: classic groups and their members.

use std::collections::HashSet;
use std::sync::Arc;

use ottla_model::ErrorCode;
use ottla_wire::messages::describe_groups_response::DescribedGroup;
use ottla_wire::messages::{DescribeGroupsRequest, DescribeGroupsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::read_reply;
use crate::permissions;
use crate::state::Broker;

/// From this version on operations can be asked for.
const OPERATIONS: i16 = 3;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeGroupsRequest,
) -> Handled<DescribeGroupsResponse> {
    let DescribeGroupsRequest { groups, include_authorized_operations } = request;
    let version = context.version;
    let mut reads = Vec::new();
    // Asked for twice, answered once.
    let mut seen = HashSet::new();
    let described = groups.into_iter().filter(|id| seen.insert(id.clone())).map(|id| {
        let refused = |code: ErrorCode| DescribedGroup {
            group_id: id.clone(),
            error_code: code.code(),
            ..Default::default()
        };
        let shard = match broker.group_shard(&id) {
            Ok(shard) => shard,
            Err(code) => return refused(code),
        };
        match broker.read_group(&shard, |shard| shard.describe_classic(&id, version)) {
            Ok((mut group, read)) => {
                reads.push(read);
                if include_authorized_operations
                    && version >= OPERATIONS
                    && group.error_code == ErrorCode::None.code()
                {
                    group.authorized_operations = permissions::ON_GROUP;
                }
                group
            }
            Err(code) => refused(code),
        }
    });
    let groups: Vec<_> = described.collect();
    let response = DescribeGroupsResponse { throttle_time_ms: 0, groups };
    read_reply(broker, context, reads, response, in_full)
}

fn in_full(response: DescribeGroupsResponse, code: ErrorCode) -> DescribeGroupsResponse {
    let refused = |group: DescribedGroup| DescribedGroup {
        group_id: group.group_id,
        error_code: code.code(),
        ..Default::default()
    };
    DescribeGroupsResponse { throttle_time_ms: 0, groups: response.groups.into_iter().map(refused).collect() }
}
