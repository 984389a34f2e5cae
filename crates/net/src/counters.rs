//! What this room counts. Whoever exports metrics reads the atoms.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since start, and gauges where said.
#[derive(Debug, Default)]
pub struct NetCounters {
    /// Gauge: open connections.
    pub connections: AtomicU64,
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections closed at once for `max.connections.per.ip`.
    pub refused: AtomicU64,
    /// Times that accepting failed, for want of descriptors most of all.
    pub accept_errors: AtomicU64,
    /// Bytes read from clients.
    pub bytes_in: AtomicU64,
    /// Bytes written to clients.
    pub bytes_out: AtomicU64,
    /// Requests started.
    pub requests: AtomicU64,
    /// Gauge: requests started and not answered.
    pub requests_in_flight: AtomicU64,
    /// Gauge: bytes of frames being received or answered.
    pub request_bytes: AtomicU64,
    /// Connections closed for a frame over `socket.request.max.bytes`.
    pub frames_too_large: AtomicU64,
    /// Connections closed for a frame too small or of negative size, or one that the service refused.
    pub frames_refused: AtomicU64,
    /// Connections closed because they spoke HTTP or TLS.
    pub not_kafka: AtomicU64,
    /// Connections closed for want of a first request.
    pub first_request_timeouts: AtomicU64,
    /// Connections closed after `connections.max.idle.ms` without a request.
    pub idle_closed: AtomicU64,
    /// Connections closed because a frame came too slowly while the node had no room.
    pub slow_frames: AtomicU64,
    /// Connections closed because the peer took nothing for `connections.max.idle.ms`.
    pub stalled_writes: AtomicU64,
    /// Connections lost to a panic of a handler.
    pub panics: AtomicU64,
}

pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

pub(crate) fn sub(counter: &AtomicU64, count: u64) {
    counter.fetch_sub(count, Ordering::Relaxed);
}
