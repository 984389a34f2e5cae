//! What a handler knows of a request besides its body.

use std::sync::Arc;

use ottla_model::Now;
use ottla_net::ConnectionInfo;
use ottla_wire::{ApiKey, Str};

/// Which of the node's two faces a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// A listener of clients and brokers.
    Broker,
    /// A listener in `controller.listener.names`.
    Controller,
}

/// One request in flight.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    /// The API.
    pub(crate) key: ApiKey,
    /// Its version, one that is served.
    pub(crate) version: i16,
    /// The client's name for itself; free text.
    pub(crate) client_id: Option<Str>,
    /// The face it came to.
    pub(crate) face: Face,
    /// Every API that its face serves.
    pub(crate) served: fn(Face) -> Vec<ApiKey>,
    /// Its connection.
    pub(crate) connection: Arc<ConnectionInfo>,
    /// When it was started.
    pub(crate) now: Now,
}
