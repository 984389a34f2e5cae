//! ConsumerGroupHeartbeat (68), versions 0 and 1: a member of a consumer group joins, is there, or leaves (KIP-848).

use std::sync::Arc;

use ottla_group::{Reply, Request};
use ottla_model::ErrorCode;
use ottla_wire::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::{group_reply, write_timeout};
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ConsumerGroupHeartbeatRequest,
) -> Handled<ConsumerGroupHeartbeatResponse> {
    let refused =
        |code: ErrorCode| ConsumerGroupHeartbeatResponse { error_code: code.code(), ..Default::default() };
    if broker.image.load().features.level("group.version") < 1 {
        // As long as the cluster has not taken the protocol up, clients are told that it is not there.
        return Handled::now(refused(ErrorCode::UnsupportedVersion));
    }
    let asked = broker.ask_group(&request.group_id.clone(), context, Request::ConsumerHeartbeat(request));
    group_reply(asked, write_timeout(broker), move |reply| match reply {
        Ok(Reply::ConsumerHeartbeat(response)) => response,
        Ok(_) => refused(ErrorCode::UnknownServerError),
        Err(code) => refused(code),
    })
}
