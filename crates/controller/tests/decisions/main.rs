//! Every decision of the controller, against an image that replays what was decided.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly

mod brokers;
mod cluster;
mod configs;
mod features;
mod partitions;
mod producer_ids;
mod random;
mod topics;
