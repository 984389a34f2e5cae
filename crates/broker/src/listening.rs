//! The network's settings, from those of the node: listeners, sizes, bounds of connections.

use std::collections::BTreeMap;
use std::time::Duration;

use ottla_config::BrokerConfig;
use ottla_config::listeners::Endpoint;
use ottla_net::{ConnectionLimits, ListenerSettings, NetSettings};

/// Where clients and controllers come in.
pub(crate) fn listener_settings(config: &BrokerConfig) -> Vec<ListenerSettings> {
    let controllers = config.controller_listeners.iter().map(|endpoint| (endpoint, true));
    let clients = config.listeners.iter().map(|endpoint| {
        let inter_broker = endpoint.listener == config.inter_broker_listener && config.listeners.len() > 1;
        (endpoint, inter_broker)
    });
    let listener = |(endpoint, protected): (&Endpoint, bool)| ListenerSettings {
        name: endpoint.listener.clone(),
        host: endpoint.host.clone(),
        port: endpoint.port,
        max_connections: u32::MAX,
        protected,
    };
    clients.chain(controllers).map(listener).collect()
}

/// Sizes and times of connections.
pub(crate) fn net_settings(config: &BrokerConfig) -> NetSettings {
    let network = &config.network;
    NetSettings {
        max_request_bytes: u32::try_from(network.request_max_bytes).unwrap_or(u32::MAX),
        queued_max_requests: network.queued_max_requests,
        queued_max_request_bytes: network.queued_max_request_bytes,
        max_idle: network.connections_max_idle_ms.map(Duration::from_millis),
        send_buffer: network.send_buffer_bytes.and_then(|bytes| u32::try_from(bytes).ok()),
        receive_buffer: network.receive_buffer_bytes.and_then(|bytes| u32::try_from(bytes).ok()),
        backlog: i32::try_from(network.backlog).unwrap_or(i32::MAX),
        ..NetSettings::default()
    }
}

/// What the configuration says of connections; hosts are resolved anew each time.
pub(crate) fn connection_limits(config: &BrokerConfig) -> ConnectionLimits {
    use std::net::ToSocketAddrs;
    let network = &config.network;
    let most = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let mut overrides = BTreeMap::new();
    for (host, count) in &network.max_connections_per_ip_overrides {
        match (host.as_str(), 0).to_socket_addrs() {
            Ok(addresses) => overrides.extend(addresses.map(|address| (address.ip(), *count))),
            Err(error) => {
                tracing::warn!(host, %error, "max.connections.per.ip.overrides names an unknown host")
            }
        }
    }
    ConnectionLimits {
        max_connections: most(network.max_connections),
        per_ip: most(network.max_connections_per_ip),
        overrides,
        creation_rate: network.max_connection_creation_rate,
    }
}
