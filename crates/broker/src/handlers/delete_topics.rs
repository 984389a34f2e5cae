//! DeleteTopics (20), versions 1 to 6; by id from 6 on. Decided by the controller; when it is answered
//! nobody finds the topics any more, their files follow.

use std::sync::Arc;

use ottla_controller::{Reply, Request};
use ottla_model::Uuid;
use ottla_wire::Str;
use ottla_wire::messages::delete_topics_request::DeleteTopicState;
use ottla_wire::messages::delete_topics_response::DeletableTopicResult;
use ottla_wire::messages::{DeleteTopicsRequest, DeleteTopicsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::refusals::{misfit, text_of};
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DeleteTopicsRequest,
) -> Handled<DeleteTopicsResponse> {
    let (broker, version, timeout_ms) = (Arc::clone(broker), context.version, request.timeout_ms);
    let asked = asked_for(&request);
    Handled::later(async move {
        let code = match broker.controller.ask(Request::DeleteTopics { request, version }, timeout_ms).await {
            Ok(Reply::DeleteTopics(Ok(response))) => return response,
            Ok(Reply::DeleteTopics(Err(code))) | Err(code) => code,
            Ok(reply) => misfit(&broker, &reply),
        };
        let refused = |(name, topic_id)| DeletableTopicResult {
            name,
            topic_id,
            error_code: code.code(),
            error_message: text_of(code),
        };
        DeleteTopicsResponse { throttle_time_ms: 0, responses: asked.into_iter().map(refused).collect() }
    })
}

/// The topics in the words of the answer.
fn asked_for(request: &DeleteTopicsRequest) -> Vec<(Option<Str>, Uuid)> {
    let DeleteTopicsRequest { topics, topic_names, timeout_ms: _ } = request;
    let by_name = topic_names.iter().map(|name| (Some(name.clone()), Uuid::ZERO));
    let by_either = topics.iter().map(|DeleteTopicState { name, topic_id }| (name.clone(), *topic_id));
    by_name.chain(by_either).collect()
}
