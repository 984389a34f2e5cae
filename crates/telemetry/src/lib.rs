//! Clients' own metrics (KIP-714): who is asked for which, who may send when, what was sent, and how it is shown.
//!
//! `clients` decides and remembers, `subscriptions` says who is asked for what, `otlp` reads what a client sends,
//! `series` holds and writes it. Input is hostile: everything is bounded, by `limits`. Left to others: the clock,
//! the connection, the lock, drawing ids.

mod clients;
pub mod limits;
mod otlp;
mod series;
mod subscriptions;

pub use clients::{Clients, Push};
pub use otlp::{Samples, Unreadable, read};
pub use series::Exposition;
pub use subscriptions::{Attributes, Subscription};
