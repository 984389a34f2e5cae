//! CreatePartitions (37), versions 0 to 3: a topic grows, and never shrinks. Decided by the controller.

use std::sync::Arc;

use ottla_controller::{Reply, Request};
use ottla_wire::Str;
use ottla_wire::messages::create_partitions_response::CreatePartitionsTopicResult;
use ottla_wire::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::refusals::{misfit, text_of};
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: CreatePartitionsRequest,
) -> Handled<CreatePartitionsResponse> {
    let (broker, timeout_ms) = (Arc::clone(broker), request.timeout_ms);
    let names: Vec<Str> = request.topics.iter().map(|topic| topic.name.clone()).collect();
    Handled::later(async move {
        let code = match broker.controller.ask(Request::CreatePartitions(request), timeout_ms).await {
            Ok(Reply::CreatePartitions(response)) => return response,
            Ok(reply) => misfit(&broker, &reply),
            Err(code) => code,
        };
        let refused = |name| CreatePartitionsTopicResult {
            name,
            error_code: code.code(),
            error_message: text_of(code),
        };
        CreatePartitionsResponse { throttle_time_ms: 0, results: names.into_iter().map(refused).collect() }
    })
}
