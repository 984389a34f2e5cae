//! LeaveGroup (13), versions 0 to 5: members leave, or are removed.

use std::sync::Arc;

use ottla_group::{Reply, Request};
use ottla_model::ErrorCode;
use ottla_wire::messages::{LeaveGroupRequest, LeaveGroupResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::{group_reply, write_timeout};
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: LeaveGroupRequest,
) -> Handled<LeaveGroupResponse> {
    let refused = |code: ErrorCode| LeaveGroupResponse { error_code: code.code(), ..Default::default() };
    let asked = broker.ask_group(&request.group_id.clone(), context, Request::Leave(request));
    group_reply(asked, write_timeout(broker), move |reply| match reply {
        Ok(Reply::Leave(response)) => response,
        Ok(_) => refused(ErrorCode::UnknownServerError),
        Err(code) => refused(code),
    })
}
