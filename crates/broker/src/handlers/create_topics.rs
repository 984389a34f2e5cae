//! CreateTopics (19), versions 2 to 7. Decided by the controller; the answer leaves when the topics can be used.

use std::sync::Arc;

use ottla_controller::{Reply, Request};
use ottla_wire::Str;
use ottla_wire::messages::create_topics_response::CreatableTopicResult;
use ottla_wire::messages::{CreateTopicsRequest, CreateTopicsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::refusals::{misfit, text_of};
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: CreateTopicsRequest,
) -> Handled<CreateTopicsResponse> {
    let broker = Arc::clone(broker);
    let timeout_ms = request.timeout_ms;
    let names: Vec<Str> = request.topics.iter().map(|topic| topic.name.clone()).collect();
    let ids = names.iter().map(|_| broker.fresh_id()).collect();
    Handled::later(async move {
        let code = match broker.controller.ask(Request::CreateTopics { request, ids }, timeout_ms).await {
            Ok(Reply::CreateTopics(response)) => return response,
            Ok(reply) => misfit(&broker, &reply),
            Err(code) => code,
        };
        let refused = |name| CreatableTopicResult {
            name,
            error_code: code.code(),
            error_message: text_of(code),
            ..Default::default()
        };
        CreateTopicsResponse { throttle_time_ms: 0, topics: names.into_iter().map(refused).collect() }
    })
}
