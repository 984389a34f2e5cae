//! The codec against a second one written from the definitions, against other people's, and against hostile bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    missing_docs,
    unreachable_pub
)] // a test may panic, and the widths of numbers are known from the definition beside them

mod fuzz;
mod hostile;
mod model;
mod notation;
mod oracle;
mod recorded;
mod round_trip;
