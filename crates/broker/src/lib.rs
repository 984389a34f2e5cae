//! Request handlers, effects, parked requests, and the publishing of metadata: one node of a cluster.
//!
//! [`start()`] takes directories over and answers a [`Node`] that serves clients until it is stopped. Handlers decide
//! nothing that a pure room could decide and touch no file themselves; what may wait for a disk runs off the worker
//! threads. Left to others: the command line and what is printed (`ottla`), sockets (`net`), pages over HTTP (`admin`).

mod answer;
mod config_changes;
mod context;
mod coordination;
mod counters;
mod effects;
mod errors;
mod flush;
mod flush_demand;
mod format;
mod gauges;
mod groups;
mod handlers;
mod limits;
mod listening;
mod loading;
mod log_level;
mod logs;
mod metadata_thread;
mod offline;
mod parked;
mod partitions;
mod permissions;
mod producer_ids;
mod publish;
mod reach;
mod refusals;
mod router;
mod sessions;
mod start;
mod state;
mod stop;
mod upkeep;

pub use context::Face;
pub use format::FormatError;
pub use log_level::LogControl;
pub use start::{Facts, Given, Node, StartError, start};
