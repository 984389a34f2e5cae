//! The settings this room obeys, already read and checked.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::limits;

/// A place to listen (one entry of `listeners`).
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// Its name, such as `PLAINTEXT`.
    pub name: String,
    /// Host name or address; empty or `::` is every address, IPv4 and IPv6.
    pub host: String,
    /// Port; 0 takes a free one.
    pub port: u16,
    /// `listener.name.*.max.connections`.
    pub max_connections: u32,
    /// Of the cluster itself (inter-broker, controller): exempt from waiting for `max.connections`
    /// up to [`limits::RESERVED_CONNECTIONS`] beyond it.
    pub protected: bool,
}

/// What holds for every connection from start to stop.
#[derive(Clone, Debug)]
pub struct NetSettings {
    /// `socket.request.max.bytes`.
    pub max_request_bytes: u32,
    /// `queued.max.requests`: started and unanswered requests of one connection, together with
    /// [`limits::REQUESTS_PER_CONNECTION`].
    pub queued_max_requests: usize,
    /// `queued.max.request.bytes`; `None` is [`limits::REQUEST_BYTES_PER_NODE`].
    pub queued_max_request_bytes: Option<u64>,
    /// `connections.max.idle.ms`; `None` never closes.
    pub max_idle: Option<Duration>,
    /// `socket.send.buffer.bytes`; `None` leaves it to the kernel.
    pub send_buffer: Option<u32>,
    /// `socket.receive.buffer.bytes`; `None` leaves it to the kernel.
    pub receive_buffer: Option<u32>,
    /// `socket.listen.backlog.size`.
    pub backlog: i32,
    /// From accept to the end of the first request.
    pub first_request: Duration,
}

impl Default for NetSettings {
    /// Kafka's defaults, and the kernel's buffers.
    fn default() -> Self {
        Self {
            max_request_bytes: 100 * 1024 * 1024,
            queued_max_requests: 500,
            queued_max_request_bytes: None,
            max_idle: Some(Duration::from_secs(600)),
            send_buffer: None,
            receive_buffer: None,
            backlog: 50,
            first_request: limits::FIRST_REQUEST,
        }
    }
}

/// How many connections are let in; changed at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// `max.connections`, of the node. At the bound, accepting waits until one closes.
    pub max_connections: u32,
    /// `max.connections.per.ip`. Beyond it a connection is closed at once.
    pub per_ip: u32,
    /// `max.connections.per.ip.overrides`, resolved.
    pub overrides: BTreeMap<IpAddr, u32>,
    /// `max.connection.creation.rate`, of the node, for each second.
    pub creation_rate: u32,
}

impl Default for ConnectionLimits {
    /// Kafka's: none to speak of.
    fn default() -> Self {
        let most = i32::MAX.unsigned_abs();
        Self { max_connections: most, per_ip: most, overrides: BTreeMap::new(), creation_rate: most }
    }
}
