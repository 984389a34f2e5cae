//! What a subscription to clients' own metrics consists of (KIP-714).
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use crate::setting::{Check, Setting, int, list};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    list("metrics").is("").check(Check::Elements).client_metrics()
        .obeyed("Beginnings of the names of the metrics that clients send; `*` is all."),
    int("interval.ms").is("300000").client_metrics()
        .obeyed("Time between two reports of a client, from 100 to 3600000."),
    list("match").is("").check(Check::Elements).client_metrics()
        .obeyed("Which clients: `SELECTOR=PATTERN` pairs that must all match; none is all clients."),
];
