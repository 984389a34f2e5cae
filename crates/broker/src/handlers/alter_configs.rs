//! AlterConfigs (33), versions 0 to 2: the values of a resource are replaced; what is not named goes back to
//! its default. Older clients and tools use it; newer ones IncrementalAlterConfigs.

use std::sync::Arc;

use ottla_wire::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
use ottla_wire::messages::alter_configs_response::AlterConfigsResourceResponse;
use ottla_wire::messages::{AlterConfigsRequest, AlterConfigsResponse};

use crate::answer::Handled;
use crate::config_changes::{Plan, ResourceChanges, Style, told};
use crate::context::RequestContext;
use crate::state::Broker;

const SET: i8 = 0;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: AlterConfigsRequest,
) -> Handled<AlterConfigsResponse> {
    let AlterConfigsRequest { resources, validate_only } = request;
    let asked: Vec<_> = resources.into_iter().map(changes).collect();
    let plan = Plan::make(broker, context.face, Style::Replace, validate_only, &asked);
    let broker = Arc::clone(broker);
    Handled::later(async move {
        let outcomes = plan.carry_out(broker).await;
        let response = |(asked, outcome)| {
            let (error_code, error_message) = told(outcome);
            let ResourceChanges { resource_type, name: resource_name, changes: _ } = asked;
            AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
        };
        let responses = asked.into_iter().zip(outcomes).map(response).collect();
        AlterConfigsResponse { throttle_time_ms: 0, responses }
    })
}

fn changes(resource: AlterConfigsResource) -> ResourceChanges {
    let AlterConfigsResource { resource_type, resource_name, configs } = resource;
    let change = |AlterableConfig { name, value }| (name, SET, value);
    ResourceChanges { resource_type, name: resource_name, changes: configs.into_iter().map(change).collect() }
}
