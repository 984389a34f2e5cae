//! UpdateFeatures (57), versions 0 to 2: finalised levels of features. Decided by the controller, all or nothing.

use std::sync::Arc;

use ottla_controller::{Reply, Request};
use ottla_wire::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::refusals::{misfit, text_of};
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: UpdateFeaturesRequest,
) -> Handled<UpdateFeaturesResponse> {
    let (broker, version, timeout_ms) = (Arc::clone(broker), context.version, request.timeout_ms);
    Handled::later(async move {
        let code = match broker.controller.ask(Request::UpdateFeatures { request, version }, timeout_ms).await
        {
            Ok(Reply::UpdateFeatures(response)) => return response,
            Ok(reply) => misfit(&broker, &reply),
            Err(code) => code,
        };
        UpdateFeaturesResponse { error_code: code.code(), error_message: text_of(code), ..Default::default() }
    })
}
