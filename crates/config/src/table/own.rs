//! Ottla's own settings, which Kafka does not know and leaves alone.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use crate::setting::{Check, Setting, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    string("ottla.ack.durable").is("alone").one_of(&["alone", "always", "never"]).high()
        .obeyed("When an acknowledged record must be on disk: while no other replica is in sync, always, or never."),
    string("ottla.metrics.listener").is("127.0.0.1:9464")
        .obeyed("Address of /metrics, /health and /ready over HTTP; empty switches them off."),
    string("ottla.log.level").is("info").check(Check::OneOfAnyCase(&["off", "error", "warn", "info", "debug", "trace"])).cluster_wide()
        .obeyed("The finest log lines that are written."),
    string("ottla.log.format").is("text").check(Check::OneOfAnyCase(&["text", "json"])).low().cluster_wide()
        .obeyed("How log lines are written: for people or for programs."),
];
