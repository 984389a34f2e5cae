//! DeleteGroups (42), versions 0 to 3: groups without members go, with their offsets.

use std::collections::BTreeSet;
use std::sync::Arc;

use ottla_group::{Refusal, Reply, Request};
use ottla_model::ErrorCode;
use ottla_wire::messages::delete_groups_response::DeletableGroupResult;
use ottla_wire::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::write_timeout;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DeleteGroupsRequest,
) -> Handled<DeleteGroupsResponse> {
    let DeleteGroupsRequest { groups_names } = request;
    let mut seen = BTreeSet::new();
    let names = groups_names.into_iter().filter(|name| seen.insert(name.clone()));
    let asked: Vec<_> = names
        .map(|name| {
            let request = Request::DeleteGroup((&*name).into());
            let asked = broker.ask_group(&name, context, request);
            (name, asked)
        })
        .collect();
    let within = write_timeout(broker);
    // One time for all of them.
    let end = within.map(|time| tokio::time::Instant::now() + time);
    Handled::later(async move {
        let mut results = Vec::with_capacity(asked.len());
        for (group_id, asked) in asked {
            let refused = match asked
                .reply(end.map(|end| end.saturating_duration_since(tokio::time::Instant::now())))
                .await
            {
                Ok(Reply::DeleteGroup(result)) => result.err(),
                Ok(_) => Some(Refusal::from(ErrorCode::UnknownServerError)),
                Err(code) => Some(Refusal::from(code)),
            };
            let (code, message) =
                refused.map_or((ErrorCode::None, None), |refusal| (refusal.code, refusal.message));
            let error_message = message.map(Into::into);
            results.push(DeletableGroupResult { group_id, error_code: code.code(), error_message });
        }
        DeleteGroupsResponse { throttle_time_ms: 0, results }
    })
}
