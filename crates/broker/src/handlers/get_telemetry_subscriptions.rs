//! GetTelemetrySubscriptions (71), version 0: which of its metrics a client shall send, how often and how packed (KIP-714).
//!
//! A client without an id gets one. Who asks again before its interval is over is throttled, unless an error sent it
//! here. When no subscription matches, the list is empty and the interval the default.

use std::sync::Arc;

use ottla_model::ErrorCode;
use ottla_record::Compression;
use ottla_wire::messages::{GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::state::Broker;

/// In the order in which a client shall choose.
const ACCEPTED: [Compression; 4] =
    [Compression::Zstd, Compression::Lz4, Compression::Gzip, Compression::Snappy];

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: GetTelemetrySubscriptionsRequest,
) -> Handled<GetTelemetrySubscriptionsResponse> {
    let GetTelemetrySubscriptionsRequest { client_instance_id } = request;
    let (instance, subscription) =
        match broker.telemetry.ask(client_instance_id, context, || broker.fresh_id()) {
            Ok(granted) => granted,
            Err(code) => {
                let error_code = code.code();
                return Handled::now(GetTelemetrySubscriptionsResponse { error_code, ..Default::default() });
            }
        };
    let id = |codec: Compression| i8::try_from(codec.id()).unwrap_or_default();
    Handled::now(GetTelemetrySubscriptionsResponse {
        throttle_time_ms: 0,
        error_code: ErrorCode::None.code(),
        client_instance_id: instance,
        subscription_id: subscription.id,
        accepted_compression_types: ACCEPTED.map(id).to_vec(),
        push_interval_ms: subscription.interval_ms,
        telemetry_max_bytes: broker.given.telemetry_max_bytes,
        delta_temporality: true,
        requested_metrics: subscription.metrics.iter().map(|name| name.as_str().into()).collect(),
    })
}
