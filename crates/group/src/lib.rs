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
mod classic;
mod consumer;
mod context;
mod deleting;
mod leaving;
mod limits;
mod machine;
mod offsets;
mod queries;
mod record;
mod refusal;
mod reply;
mod request;
mod settings;
pub mod state;
mod timers;

pub use change::{Change, Volatile};
pub use context::Context;
pub use queries::{Counts, Filter};
pub use record::{Record, ReplayError};
pub use refusal::Refusal;
pub use reply::{Note, Reason, Replies, Reply, Waiter};
pub use request::{Ask, Client, Request};
pub use settings::{MigrationPolicy, Settings};
pub use state::{Committed, ForeignGroup, ForeignKind, Group, Shard};
pub use timers::TimerKey;

/// A text that outlives the frame it came in.
pub type Text = std::sync::Arc<str>;
