//! ListGroups (16), versions 0 to 5: the groups that this node keeps, filtered by state (4 on) and type (5 on).

use std::sync::Arc;

use ottla_group::Filter;
use ottla_model::ErrorCode;
use ottla_wire::messages::{ListGroupsRequest, ListGroupsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::read_reply;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ListGroupsRequest,
) -> Handled<ListGroupsResponse> {
    let ListGroupsRequest { states_filter, types_filter } = request;
    let filter =
        Filter::new(states_filter.iter().map(|name| &**name), types_filter.iter().map(|name| &**name));
    let mut groups = Vec::new();
    let mut reads = Vec::new();
    for shard in broker.groups.shards() {
        match broker.read_group(&shard, |shard| shard.list(&filter)) {
            Ok((mut listed, read)) => {
                groups.append(&mut listed);
                reads.push(read);
            }
            // It has moved: whoever leads it lists its groups.
            Err(ErrorCode::NotCoordinator) => {}
            Err(code) => return Handled::now(refused(code)),
        }
    }
    let response = ListGroupsResponse { groups, ..Default::default() };
    read_reply(broker, context, reads, response, |_, code| refused(code))
}

fn refused(code: ErrorCode) -> ListGroupsResponse {
    ListGroupsResponse { error_code: code.code(), ..Default::default() }
}
