//! What a group coordinator decides: consumer groups of both protocols, and committed offsets.
//!
//! A [`Shard`] is the state of one partition of `__consumer_offsets`. A decision is a function of it, the request and
//! a context; it yields changes and replies and changes nothing. The host appends the changes that are records,
//! then applies all of them in order, and lets the replies go when what was appended is acknowledged (`machine`).
//! Changes of two kinds: a *record* is appended and survives; a *volatile* change (who waits, deadlines) is applied
//! only. Loading is replaying the records; volatile state begins anew then, as it does in Kafka.
//!
//! Left to others: the log, the clock, who waits for a reply (`coordinator`).

pub mod assign;
mod change;
pub mod classic;
pub mod consumer;
mod context;
mod group;
mod leaving;
mod limits;
mod offsets;
mod queries;
mod refusal;
mod request;
mod settings;
mod shard;
mod timers;

pub use change::{Change, Note, Reason, Record, Replies, Reply, Volatile, Waiter};
pub use context::Context;
pub use group::{ForeignGroup, ForeignKind, Group};
pub use offsets::Committed;
pub use queries::{Counts, Filter};
pub use refusal::Refusal;
pub use request::{Ask, Client, Request};
pub use settings::{MigrationPolicy, Settings};
pub use shard::{ReplayError, Shard};
pub use timers::TimerKey;

/// A text that outlives the frame it came in.
pub type Text = std::sync::Arc<str>;
