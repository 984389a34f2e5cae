//! ApiVersions (18), versions 0 to 5: which APIs this listener serves, and the features of the cluster.
//!
//! Any version is answered: an unknown one with version 0 and UNSUPPORTED_VERSION (KIP-511).
//! Produce is advertised from version 0 although it is served from 3, as Kafka does: librdkafka
//! looks for version 0 before it compresses (KAFKA-18659).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ottla_metadata::features::{KRAFT, supported_features};
use ottla_model::ErrorCode;
use ottla_net::ClientSoftware;
use ottla_wire::ApiKey;
use ottla_wire::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use ottla_wire::messages::{ApiVersionsRequest, ApiVersionsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: ApiVersionsRequest,
) -> Handled<ApiVersionsResponse> {
    let ApiVersionsRequest { client_software_name, client_software_version, cluster_id, node_id } = request;
    if context.version >= 3 {
        if !is_software_text(&client_software_name) || !is_software_text(&client_software_version) {
            return Handled::now(refusal(ErrorCode::InvalidRequest));
        }
        let (name, version) = (client_software_name.to_string(), client_software_version.to_string());
        // A second ApiVersions on a connection changes nothing.
        let _ = context.connection.software.set(ClientSoftware { name, version });
    }
    // KIP-1242: a client that meant another cluster or node is sent back to its bootstrap servers.
    if cluster_id.is_some_and(|id| *id != *broker.cluster_id || node_id != broker.node_id) {
        return Handled::now(refusal(ErrorCode::RebootstrapRequired));
    }
    Handled::now(full(broker, context))
}

/// The answer to a version that is not served: version 0, with what is.
pub(crate) fn unsupported_version() -> ApiVersionsResponse {
    refusal(ErrorCode::UnsupportedVersion)
}

fn refusal(error: ErrorCode) -> ApiVersionsResponse {
    let mut response = ApiVersionsResponse { error_code: error.code(), ..Default::default() };
    if error == ErrorCode::UnsupportedVersion {
        response.api_keys = vec![range(ApiKey::ApiVersions)];
    }
    response
}

fn range(key: ApiKey) -> ApiVersion {
    let versions = key.advertised_versions();
    ApiVersion { api_key: key.code(), min_version: versions.min, max_version: versions.max }
}

fn full(broker: &Broker, context: &RequestContext) -> ApiVersionsResponse {
    let image = broker.image.load();
    // Before version 4 clients choke on a feature whose lowest level is 0 (KAFKA-17011).
    let shows = |lowest: i16| context.version >= 4 || lowest > 0;
    ApiVersionsResponse {
        error_code: ErrorCode::None.code(),
        api_keys: (context.served)(context.face).into_iter().map(range).collect(),
        throttle_time_ms: 0,
        supported_features: supported_features()
            .filter(|(_, range)| shows(range.min))
            .map(|(name, range)| SupportedFeatureKey {
                name: name.into(),
                min_version: range.min,
                max_version: range.max,
            })
            .collect(),
        finalized_features_epoch: broker.published.load(Ordering::Acquire),
        finalized_features: supported_features()
            .map(|(name, _)| match name {
                name if name == KRAFT.name => (name, broker.kraft_version),
                name => (name, image.features.level(name)),
            })
            .filter(|(_, level)| *level > 0)
            .map(|(name, level)| FinalizedFeatureKey {
                name: name.into(),
                max_version_level: level,
                min_version_level: level,
            })
            .collect(),
        zk_migration_ready: false,
    }
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`
fn is_software_text(text: &str) -> bool {
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(inner)
}

#[cfg(test)]
mod tests {
    use super::is_software_text;

    #[test]
    fn software_names_follow_kip_511() {
        for good in ["a", "apache-kafka-java", "4.4.0", "librdkafka"] {
            assert!(is_software_text(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "a\n", "%n", "ä"] {
            assert!(!is_software_text(bad), "{bad}");
        }
    }
}
