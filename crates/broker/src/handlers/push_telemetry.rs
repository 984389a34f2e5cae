//! PushTelemetry (72), version 0: a client sends its metrics (KIP-714), which `/metrics` shows again.
//!
//! Refused: an id that is none and whoever has said goodbye (INVALID_REQUEST), too early (THROTTLING_QUOTA_EXCEEDED),
//! a subscription that has changed (UNKNOWN_SUBSCRIPTION_ID), an unknown codec (UNSUPPORTED_COMPRESSION_TYPE), more than
//! `telemetry.max.bytes` (TELEMETRY_TOO_LARGE), and what cannot be read (INVALID_RECORD).

use std::sync::Arc;

use ottla_model::ErrorCode;
use ottla_telemetry::Push;
use ottla_wire::messages::{PushTelemetryRequest, PushTelemetryResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: PushTelemetryRequest,
) -> Handled<PushTelemetryResponse> {
    let PushTelemetryRequest { client_instance_id, subscription_id, terminating, compression_type, metrics } =
        request;
    let push = Push { instance: client_instance_id, subscription_id, terminating, compression_type, metrics };
    let max_bytes = usize::try_from(broker.given.telemetry_max_bytes).unwrap_or_default();
    let code = match broker.telemetry.push(push, context, max_bytes) {
        Ok(left_out) => {
            let left_out = u64::try_from(left_out).unwrap_or(u64::MAX);
            broker.counters.client_series_left_out.inc_by(left_out);
            ErrorCode::None
        }
        Err(code) => code,
    };
    Handled::now(PushTelemetryResponse { throttle_time_ms: 0, error_code: code.code() })
}
