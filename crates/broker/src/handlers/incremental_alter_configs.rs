//! IncrementalAlterConfigs (44), versions 0 and 1: single values of topics, of this broker or of all, of groups, of
//! subscriptions to client metrics, and the level of the node's own log (KIP-339, KIP-412, KIP-714).

use std::sync::Arc;

use ottla_wire::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use ottla_wire::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use ottla_wire::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use crate::answer::Handled;
use crate::config_changes::{Plan, ResourceChanges, Style, told};
use crate::context::RequestContext;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: IncrementalAlterConfigsRequest,
) -> Handled<IncrementalAlterConfigsResponse> {
    let IncrementalAlterConfigsRequest { resources, validate_only } = request;
    let asked: Vec<_> = resources.into_iter().map(changes).collect();
    let plan = Plan::make(broker, context.face, Style::Incremental, validate_only, &asked);
    let broker = Arc::clone(broker);
    Handled::later(async move {
        let outcomes = plan.carry_out(broker).await;
        let response = |(asked, outcome)| {
            let (error_code, error_message) = told(outcome);
            let ResourceChanges { resource_type, name: resource_name, changes: _ } = asked;
            AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
        };
        let responses = asked.into_iter().zip(outcomes).map(response).collect();
        IncrementalAlterConfigsResponse { throttle_time_ms: 0, responses }
    })
}

fn changes(resource: AlterConfigsResource) -> ResourceChanges {
    let AlterConfigsResource { resource_type, resource_name, configs } = resource;
    let change = |AlterableConfig { name, config_operation, value }| (name, config_operation, value);
    ResourceChanges { resource_type, name: resource_name, changes: configs.into_iter().map(change).collect() }
}
