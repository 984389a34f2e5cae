//! Copies of a partition and how they keep up.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{ALONE, PURGATORY, TIERED};
use crate::setting::{Setting, boolean, int, long, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    int("default.replication.factor").is("1").obeyed("Replicas of a topic whose creator names no number."),
    int("min.insync.replicas").is("1").at_least(1).high().cluster_wide()
        .obeyed("Replicas that must be in sync for a write with `acks=all`."),
    boolean("unclean.leader.election.enable").is("false").high().cluster_wide()
        .obeyed("Whether a replica that may lack records can become leader."),
    long("unclean.leader.election.interval.ms").is("300000").at_least(1).internal()
        .kept(ALONE, "Time between two looks for partitions that need such an election."),
    boolean("auto.leader.rebalance.enable").is("true").high()
        .kept(ALONE, "Whether leadership returns to the preferred replicas by itself."),
    long("leader.imbalance.check.interval.seconds").is("300").at_least(1).high()
        .kept(ALONE, "Time between two looks for leaders away from home."),
    long("replica.lag.time.max.ms").is("30000").high()
        .kept(ALONE, "How long a follower may lag before it leaves the in-sync set."),
    int("replica.socket.timeout.ms").is("30000").high()
        .kept(ALONE, "How long a follower's request waits for its answer."),
    int("replica.socket.receive.buffer.bytes").is("65536").high()
        .kept(ALONE, "Receive buffer of a follower's connection."),
    int("replica.fetch.max.bytes").is("1048576").at_least(0)
        .kept(ALONE, "Bytes a follower asks for from each partition."),
    int("replica.fetch.wait.max.ms").is("500").high()
        .kept(ALONE, "How long a leader holds a follower's fetch that finds nothing."),
    int("replica.fetch.min.bytes").is("1").high().kept(ALONE, "Bytes for which a leader holds a follower's fetch."),
    int("replica.fetch.response.max.bytes").is("10485760").at_least(0)
        .kept(ALONE, "Bytes a follower asks for in one answer."),
    int("replica.fetch.backoff.ms").is("1000").at_least(0).kept(ALONE, "Pause of a follower after a failed fetch."),
    int("num.replica.fetchers").is("1").at_least(1).high().cluster_wide()
        .kept(ALONE, "Connections with which a follower fetches from each leader."),
    long("replica.high.watermark.checkpoint.interval.ms").is("5000").high()
        .obeyed("Time between two writings of the high watermarks."),
    string("replica.selector.class").kept(ALONE, "A Java class that sends consumers to a near replica."),
    int("controller.socket.timeout.ms").is("30000")
        .kept(ALONE, "How long a request to the controller waits for its answer."),
    int("fetch.purgatory.purge.interval.requests").is("1000")
        .kept(PURGATORY, "Waiting fetches after which finished ones are swept out."),
    int("producer.purgatory.purge.interval.requests").is("1000")
        .kept(PURGATORY, "Waiting produce requests after which finished ones are swept out."),
    int("delete.records.purgatory.purge.interval.requests").is("1")
        .kept(PURGATORY, "Waiting deletions after which finished ones are swept out."),
    boolean("follower.fetch.last.tiered.offset.enable").is("false").cluster_wide()
        .kept(TIERED, "Whether an empty follower starts behind what is in remote storage."),
];
