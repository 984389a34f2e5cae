//! The machine of classic groups and offsets as a machine: scenarios with their traces, and random histories with a
//! checker beside them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "tests say what went wrong by stopping"
)]

mod checker;
mod client;
mod dice;
mod plant;
mod scenarios;
mod script;
mod simulation;
mod stand;
mod trace;
mod world;
