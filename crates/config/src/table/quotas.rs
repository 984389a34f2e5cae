//! Quotas and how rates are measured.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::QUOTAS;
use crate::setting::{Setting, class, int, long};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    int("quota.window.num").is("11").at_least(1).low()
        .kept(QUOTAS, "Samples over which a client's rate is measured."),
    int("quota.window.size.seconds").is("1").at_least(1).low()
        .kept(QUOTAS, "Length of each sample of a client's rate."),
    int("replication.quota.window.num").is("11").at_least(1).low()
        .kept(QUOTAS, "Samples over which the rate of replication is measured."),
    int("replication.quota.window.size.seconds").is("1").at_least(1).low()
        .kept(QUOTAS, "Length of each sample of the rate of replication."),
    int("alter.log.dirs.replication.quota.window.num").is("11").at_least(1).low()
        .kept(QUOTAS, "Samples over which the rate of moves between directories is measured."),
    int("alter.log.dirs.replication.quota.window.size.seconds").is("1").at_least(1).low()
        .kept(QUOTAS, "Length of each sample of the rate of moves between directories."),
    int("controller.quota.window.num").is("11").at_least(1).low()
        .kept(QUOTAS, "Samples over which the rate of metadata changes is measured."),
    int("controller.quota.window.size.seconds").is("1").at_least(1).low()
        .kept(QUOTAS, "Length of each sample of the rate of metadata changes."),
    class("client.quota.callback.class").low().kept(QUOTAS, "A Java class that decides the quota of a client."),
    long("leader.replication.throttled.rate").is("9223372036854775807").at_least(0).cluster_wide()
        .kept(QUOTAS, "Bytes a second that leaders send to throttled replicas."),
    long("follower.replication.throttled.rate").is("9223372036854775807").at_least(0).cluster_wide()
        .kept(QUOTAS, "Bytes a second that throttled replicas fetch."),
    long("replica.alter.log.dirs.io.max.bytes.per.second").is("9223372036854775807").at_least(0).cluster_wide()
        .kept(QUOTAS, "Bytes a second that moves between directories may take."),
];
