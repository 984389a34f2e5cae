//! What stands somewhere now, read when `/metrics` asks.

use crate::state::Broker;

/// What stands somewhere now: name, help, value.
pub(crate) fn gauges(broker: &Broker) -> Vec<(&'static str, &'static str, i64)> {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let (sessions, evicted) = {
        let sessions = broker.sessions.lock();
        (sessions.len(), sessions.evictions())
    };
    let dirs = broker.logs.dirs.dirs();
    let image = broker.image.load();
    let (telemetry_clients, telemetry_series) = broker.telemetry.counts();
    vec![
        ("ottla_topics", "Topics of the cluster", count(image.topics.len())),
        ("ottla_partitions", "Partitions on this node", count(broker.partitions.len())),
        ("ottla_parked_requests", "Requests that wait for a partition to move", count(broker.parked.len())),
        (
            "ottla_metadata_requests_queued",
            "Requests that wait for the metadata thread",
            count(broker.controller.queued()),
        ),
        ("ottla_fetch_sessions", "Fetch sessions", count(sessions)),
        (
            "ottla_fetch_sessions_evicted",
            "Fetch sessions that gave way to others",
            i64::try_from(evicted).unwrap_or(i64::MAX),
        ),
        ("ottla_telemetry_clients", "Clients whose metrics may be sent", count(telemetry_clients)),
        ("ottla_telemetry_series", "Series that clients have sent", count(telemetry_series)),
        ("ottla_log_directories", "Log directories", count(dirs.len())),
        (
            "ottla_log_directories_offline",
            "Log directories that failed",
            count(dirs.iter().filter(|dir| !dir.is_online()).count()),
        ),
    ]
}
