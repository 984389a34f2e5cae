//! Heartbeat (12), versions 0 to 4: a member of a classic group is there.

use std::sync::Arc;

use ottla_group::{Reply, Request};
use ottla_model::ErrorCode;
use ottla_wire::messages::{HeartbeatRequest, HeartbeatResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::{group_reply, write_timeout};
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: HeartbeatRequest,
) -> Handled<HeartbeatResponse> {
    let asked = broker.ask_group(&request.group_id.clone(), context, Request::Heartbeat(request));
    group_reply(asked, write_timeout(broker), |reply| match reply {
        Ok(Reply::Heartbeat(response)) => response,
        Ok(_) => refused(ErrorCode::UnknownServerError),
        // Loading is told as good news: the member waits, and its session begins anew when the group is there.
        Err(ErrorCode::CoordinatorLoadInProgress) => refused(ErrorCode::None),
        Err(code) => refused(code),
    })
}

fn refused(code: ErrorCode) -> HeartbeatResponse {
    HeartbeatResponse { error_code: code.code(), ..Default::default() }
}
