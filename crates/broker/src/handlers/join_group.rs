//! JoinGroup (11), versions 0 to 9: a member comes, or comes again; the answer waits for the others.

use std::sync::Arc;

use ottla_group::{Reply, Request};
use ottla_model::ErrorCode;
use ottla_wire::messages::{JoinGroupRequest, JoinGroupResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::group_reply;
use crate::state::Broker;

/// From this version on no protocol is null; before, it is empty.
const NULL_PROTOCOL: i16 = 7;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: JoinGroupRequest,
) -> Handled<JoinGroupResponse> {
    let version = context.version;
    let member_id = request.member_id.clone();
    let asked = broker.ask_group(&request.group_id.clone(), context, Request::Join(request));
    group_reply(asked, None, move |reply| {
        let mut response = match reply {
            Ok(Reply::Join(response)) => response,
            Ok(_) => {
                JoinGroupResponse { error_code: ErrorCode::UnknownServerError.code(), ..Default::default() }
            }
            Err(code) => JoinGroupResponse { error_code: code.code(), member_id, ..Default::default() },
        };
        if version < NULL_PROTOCOL {
            response.protocol_name.get_or_insert_default();
        }
        response
    })
}
