//! What a group has of its own, over the broker's settings for its kind of group.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{NO_THREADS, SHARE, STREAMS};
use crate::setting::{Check, Setting, boolean, int, list, long, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    int("consumer.session.timeout.ms").is("45000").at_least(1).group()
        .obeyed("Silence after which a consumer is taken out of the group."),
    int("consumer.heartbeat.interval.ms").is("5000").at_least(1).group()
        .obeyed("Time between two heartbeats of a consumer; less than the session timeout."),
    int("consumer.assignment.interval.ms").is("1000").at_least(0).group()
        .obeyed("Time between two assignments of the group."),
    boolean("consumer.assignor.offload.enable").is("true").group().internal()
        .kept(NO_THREADS, "Whether assignments are computed off the coordinator's threads."),
    int("share.session.timeout.ms").is("45000").at_least(1).group()
        .kept(SHARE, "Silence after which a member is taken out of the share group."),
    int("share.heartbeat.interval.ms").is("5000").at_least(1).group()
        .kept(SHARE, "Time between two heartbeats of a member; less than the session timeout."),
    int("share.record.lock.duration.ms").is("30000").at_least(1000).group()
        .kept(SHARE, "How long a consumer may hold a record."),
    int("share.delivery.count.limit").is("5").at_least(2).group()
        .kept(SHARE, "Times that a record is handed out before it counts as undeliverable."),
    int("share.partition.max.record.locks").is("2000").at_least(100).group()
        .kept(SHARE, "Records of a partition held at the same time."),
    string("share.auto.offset.reset").is("latest").check(Check::OffsetReset).group()
        .kept(SHARE, "Where a share group begins in a partition: earliest, latest, or by_duration and a time back."),
    string("share.isolation.level").is("read_uncommitted").one_of(&["read_committed", "read_uncommitted"]).group()
        .kept(SHARE, "Whether records of open and aborted transactions are handed out."),
    boolean("share.renew.acknowledge.enable").is("true").group()
        .kept(SHARE, "Whether a consumer may prolong its hold on a record."),
    int("share.assignment.interval.ms").is("1000").at_least(0).group()
        .kept(SHARE, "Time between two assignments of the share group."),
    boolean("share.assignor.offload.enable").is("true").group().internal()
        .kept(SHARE, "Whether share assignments are computed off the coordinator's threads."),
    int("streams.session.timeout.ms").is("45000").at_least(1).group()
        .kept(STREAMS, "Silence after which a Streams member is taken out of the group."),
    int("streams.heartbeat.interval.ms").is("5000").at_least(1).group()
        .kept(STREAMS, "Time between two heartbeats of a Streams member; less than the session timeout."),
    int("streams.num.standby.replicas").is("0").at_least(0).group()
        .kept(STREAMS, "Standby copies of each stateful task."),
    int("streams.initial.rebalance.delay.ms").is("3000").at_least(0).group()
        .kept(STREAMS, "How long the group waits for more members when it is new."),
    int("streams.assignment.interval.ms").is("1000").at_least(0).group()
        .kept(STREAMS, "Time between two assignments of the group."),
    boolean("streams.assignor.offload.enable").is("true").group().internal()
        .kept(STREAMS, "Whether tasks are assigned off the coordinator's threads."),
    int("streams.task.offset.interval.ms").is("60000").at_least(1).group().internal()
        .kept(STREAMS, "Time between two reports of task progress by a member."),
    int("streams.num.warmup.replicas").is("2").at_least(0).group().internal()
        .kept(STREAMS, "Tasks that may warm up elsewhere at the same time."),
    list("streams.rack.aware.assignment.tags").is("").items().low().group()
        .kept(STREAMS, "Client tags over which standby tasks are spread."),
    long("streams.acceptable.recovery.lag").is("10000").at_least(0).group().internal()
        .kept(STREAMS, "Records behind at which a warming task counts as caught up."),
    string("streams.assignor.name").group()
        .kept(STREAMS, "The way of spreading tasks over members, one of the broker's."),
    string("errors.deadletterqueue.topic.name").is("").group()
        .kept(SHARE, "The topic that takes undeliverable records of the share group; none if empty."),
    boolean("errors.deadletterqueue.copy.record.enable").is("false").group()
        .kept(SHARE, "Whether an undeliverable record is copied whole, or only told of."),
];
