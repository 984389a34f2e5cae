//! SyncGroup (14), versions 0 to 5: a member asks for its part; the leader brings everybody's.

use std::sync::Arc;

use ottla_group::{Reply, Request};
use ottla_model::ErrorCode;
use ottla_wire::messages::{SyncGroupRequest, SyncGroupResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::group_reply;
use crate::state::Broker;

/// From this version on a client says which protocol it means.
const NAMES_PROTOCOL: i16 = 5;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: SyncGroupRequest,
) -> Handled<SyncGroupResponse> {
    let refused = |code: ErrorCode| SyncGroupResponse { error_code: code.code(), ..Default::default() };
    let nameless = request.protocol_type.is_none() || request.protocol_name.is_none();
    if context.version >= NAMES_PROTOCOL && nameless {
        return Handled::now(refused(ErrorCode::InconsistentGroupProtocol));
    }
    let asked = broker.ask_group(&request.group_id.clone(), context, Request::Sync(request));
    group_reply(asked, None, move |reply| match reply {
        Ok(Reply::Sync(response)) => response,
        Ok(_) => refused(ErrorCode::UnknownServerError),
        Err(code) => refused(code),
    })
}
