//! DescribeCluster (60), versions 0 to 2: the nodes behind the face that is asked (KIP-700, KIP-919,
//! KIP-1073): brokers on a broker's listener, controllers on a controller's.

use std::sync::Arc;

use ottla_metadata::MetadataVersion;
use ottla_model::ErrorCode;
use ottla_wire::messages::describe_cluster_response::DescribeClusterBroker;
use ottla_wire::messages::{DescribeClusterRequest, DescribeClusterResponse};

use crate::answer::Handled;
use crate::context::{Face, RequestContext};
use crate::permissions;
use crate::reach::Reach;
use crate::state::Broker;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;
const NOBODY: i32 = -1;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: DescribeClusterRequest,
) -> Handled<DescribeClusterResponse> {
    let DescribeClusterRequest {
        include_cluster_authorized_operations,
        endpoint_type,
        include_fenced_brokers,
    } = request;
    if let Some(refusal) = refuse(context, endpoint_type, broker.image.load().metadata_version()) {
        return Handled::now(refusal);
    }
    let operations =
        if include_cluster_authorized_operations { permissions::ON_CLUSTER } else { permissions::NOT_ASKED };
    let answer = |brokers: Vec<DescribeClusterBroker>, controller_id: i32| DescribeClusterResponse {
        throttle_time_ms: 0,
        error_code: ErrorCode::None.code(),
        error_message: None,
        endpoint_type,
        cluster_id: (&*broker.cluster_id).into(),
        // A controller that is not in the list would only confuse.
        controller_id: match brokers.iter().any(|node| node.broker_id == controller_id) {
            true => controller_id,
            false => NOBODY,
        },
        brokers,
        cluster_authorized_operations: operations,
    };
    Handled::now(match context.face {
        Face::Broker => {
            let (brokers, controller) = brokers(broker, context, include_fenced_brokers);
            answer(brokers, controller)
        }
        Face::Controller => answer(controllers(broker, context), broker.node_id),
    })
}

/// What is wrong with the question, if something is (Kafka's `computeDescribeClusterResponse`).
fn refuse(
    context: &RequestContext,
    endpoint_type: i8,
    level: MetadataVersion,
) -> Option<DescribeClusterResponse> {
    let (code, message) = match (endpoint_type, context.face) {
        (BROKERS, Face::Broker) => return None,
        (CONTROLLERS, Face::Controller) if level.has_controller_registration() => return None,
        (CONTROLLERS, Face::Controller) => (
            ErrorCode::UnsupportedVersion,
            "Controllers are registered from metadata.version 3.7-IV0 on.".into(),
        ),
        (BROKERS | CONTROLLERS, face) => {
            let here = if face == Face::Broker { "brokers" } else { "controllers" };
            (ErrorCode::MismatchedEndpointType, format!("This listener is one of {here}; ask it for {here}."))
        }
        (unknown, _) => (ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {unknown}")),
    };
    // Version 0 does not know the codes of KIP-919.
    let code = match code {
        ErrorCode::UnsupportedVersion => code,
        _ if context.version == 0 => ErrorCode::InvalidRequest,
        _ => code,
    };
    let mut response = DescribeClusterResponse { error_code: code.code(), ..Default::default() };
    response.error_message = Some(message.into());
    Some(response)
}

/// The brokers, and one of them that serves.
fn brokers(broker: &Broker, context: &RequestContext, fenced_too: bool) -> (Vec<DescribeClusterBroker>, i32) {
    let image = broker.image.load();
    let reach = Reach::of(broker, context, &image);
    let shown = reach.registered().filter(|node| fenced_too || !node.fenced);
    let nodes = shown.map(|node| DescribeClusterBroker {
        broker_id: node.id,
        host: node.host.as_str().into(),
        port: node.port,
        rack: node.rack.as_deref().map(Into::into),
        is_fenced: node.fenced,
    });
    (nodes.collect(), reach.controller())
}

/// The registered controllers with this listener.
fn controllers(broker: &Broker, context: &RequestContext) -> Vec<DescribeClusterBroker> {
    let image = broker.image.load();
    let nodes = image.controllers.values().filter_map(|controller| {
        let listener = controller.listeners.iter().find(|one| *one.name == *context.connection.listener)?;
        Some(DescribeClusterBroker {
            broker_id: controller.id,
            host: (&*listener.host).into(),
            port: i32::from(listener.port),
            rack: None,
            is_fenced: false,
        })
    });
    nodes.collect()
}
