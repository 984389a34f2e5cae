//! ListConfigResources (74), versions 0 and 1: what can be configured, by name (KIP-1142). Version 0 knows
//! client metrics only.

use std::sync::Arc;

use ottla_metadata::{ConfigKind, Image};
use ottla_model::ErrorCode;
use ottla_wire::messages::list_config_resources_response::ConfigResource;
use ottla_wire::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::reach::Reach;
use crate::state::Broker;

/// In the order of Kafka's answer.
const KINDS: [ConfigKind; 5] = [
    ConfigKind::Group,
    ConfigKind::ClientMetrics,
    ConfigKind::BrokerLogger,
    ConfigKind::Broker,
    ConfigKind::Topic,
];

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ListConfigResourcesRequest,
) -> Handled<ListConfigResourcesResponse> {
    let ListConfigResourcesRequest { resource_types } = request;
    let Some(kinds) = kinds(&resource_types, context.version) else {
        let error_code = ErrorCode::UnsupportedVersion.code();
        return Handled::now(ListConfigResourcesResponse { error_code, ..Default::default() });
    };
    let image = broker.image.load();
    let reach = Reach::of(broker, context, &image);
    let config_resources = kinds.into_iter().flat_map(|kind| resources(kind, &image, &reach)).collect();
    Handled::now(ListConfigResourcesResponse {
        throttle_time_ms: 0,
        error_code: ErrorCode::None.code(),
        config_resources,
    })
}

/// The kinds that a request names, all when it names none; `None` when its version does not know one of them.
fn kinds(asked: &[i8], version: i16) -> Option<Vec<ConfigKind>> {
    if version == 0 {
        return Some(vec![ConfigKind::ClientMetrics]);
    }
    if asked.iter().any(|code| ConfigKind::from_code(*code).is_none()) {
        return None;
    }
    Some(KINDS.into_iter().filter(|kind| asked.is_empty() || asked.contains(&kind.code())).collect())
}

fn resources(kind: ConfigKind, image: &Image, reach: &Reach<'_>) -> Vec<ConfigResource> {
    let names: Vec<String> = match kind {
        ConfigKind::Group | ConfigKind::ClientMetrics => {
            let configured = image.configs.iter().filter(|(resource, _)| resource.kind == kind);
            configured.map(|(resource, _)| resource.name.to_string()).collect()
        }
        ConfigKind::BrokerLogger | ConfigKind::Broker => {
            reach.registered().map(|node| node.id.to_string()).collect()
        }
        ConfigKind::Topic => image.topics.iter_by_name().map(|topic| topic.name.to_string()).collect(),
    };
    let resource = |name: String| ConfigResource { resource_name: name.into(), resource_type: kind.code() };
    names.into_iter().map(resource).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_0_asks_for_client_metrics_only() {
        assert_eq!(kinds(&[], 0), Some(vec![ConfigKind::ClientMetrics]));
        assert_eq!(kinds(&[], 1).map(|kinds| kinds.len()), Some(5));
        assert_eq!(kinds(&[2, 4], 1), Some(vec![ConfigKind::Broker, ConfigKind::Topic]));
        assert_eq!(kinds(&[2, 3], 1), None);
    }
}
