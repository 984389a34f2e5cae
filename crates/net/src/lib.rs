//! Listeners, connections, response order, limits.
//!
//! A connection is one task: it reads frames, starts each request in order of arrival, polls what
//! waits, and writes replies in the same order, without handing anything to another task. What a
//! request means is the [`Service`]'s; this room never hears of a key, a handler or a partition.
//! It holds the bounds: nobody outside can make it hold more memory than [`limits`] and the
//! settings say, keep a descriptor longer, or stop anything but their own connection.

mod budget;
mod connection;
mod counters;
mod frame;
pub mod limits;
mod listener;
mod log_gate;
mod outbox;
mod quota;
mod server;
mod service;
mod settings;

pub use counters::NetCounters;
pub use listener::{BindError, Bound, bind};
pub use server::{LimitsHandle, Server, serve};
pub use service::{ClientSoftware, ConnectionInfo, Reply, ReplyPart, Service, Started};
pub use settings::{ConnectionLimits, ListenerSettings, NetSettings};
