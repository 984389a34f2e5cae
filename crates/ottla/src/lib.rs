//! What the program `ottla` is made of beside the broker: its command line, its log, and what it prints at the start.
//!
//! Invariant: nothing here serves a client or opens a log directory. The main function puts the parts together.

pub mod exit;
pub mod logging;
pub mod options;
pub mod startup;
