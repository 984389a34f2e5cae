//! Bounds of the HTTP server.

use std::time::Duration;

/// Connections open at the same time; more wait to be accepted.
pub const MAX_CONNECTIONS: usize = 32;
/// How long one connection may live, whatever it does: a silent or dripping client holds its place no longer.
pub const CONNECTION_LIFETIME: Duration = Duration::from_secs(60);
/// How long requests in work may take to end when the server stops.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// Space made ready for the text of all metrics; it grows if that is not enough.
pub const METRICS_BYTES: usize = 16 * 1024;

const _: () = assert!(STOP_TIMEOUT.as_millis() < CONNECTION_LIFETIME.as_millis());
