//! Consumer groups of all protocols, and committed offsets.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{BY_LEVEL, LOADING, NO_BUFFER, NO_THREADS, STREAMS};
use crate::setting::{Check, Setting, boolean, class, int, list, long, short, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    int("offset.metadata.max.bytes").is("4096").high()
        .obeyed("The longest note that a consumer may store with an offset."),
    int("offsets.load.buffer.size").is("5242880").at_least(1).high()
        .kept(LOADING, "Bytes read at once when committed offsets are loaded."),
    short("offsets.topic.replication.factor").is("3").at_least(1).high()
        .obeyed("Replicas of the topic of committed offsets."),
    int("offsets.topic.num.partitions").is("50").at_least(1).high()
        .obeyed("Partitions of the topic of committed offsets; never change it afterwards."),
    int("offsets.topic.segment.bytes").is("104857600").at_least(1).high()
        .obeyed("Segment size of the topic of committed offsets."),
    int("offsets.topic.compression.codec").is("0").between(0, 4).high()
        .obeyed("Number of the codec for the topic of committed offsets."),
    int("offsets.retention.minutes").is("10080").at_least(1).high()
        .obeyed("How long the offsets of an empty group are kept."),
    long("offsets.retention.check.interval.ms").is("600000").at_least(1).high()
        .obeyed("Time between two looks for offsets that may go."),
    int("offsets.commit.timeout.ms").is("5000").at_least(1).high()
        .obeyed("How long a commit waits to be replicated."),
    int("group.min.session.timeout.ms").is("6000")
        .obeyed("The shortest session that a classic consumer may ask for."),
    int("group.max.session.timeout.ms").is("1800000")
        .obeyed("The longest session that a classic consumer may ask for."),
    int("group.initial.rebalance.delay.ms").is("3000")
        .obeyed("How long a new classic group waits for more members."),
    int("group.max.size").is("2147483647").at_least(1).obeyed("Members of a classic group."),
    list("group.coordinator.rebalance.protocols").is("classic,consumer,streams").check(Check::Items { allowed: &["consumer", "classic", "share", "streams"], may_be_empty: false })
        .kept(BY_LEVEL, "Kinds of groups that the coordinator serves."),
    int("group.coordinator.threads").is("4").at_least(1).high().kept(NO_THREADS, "Threads of the group coordinator."),
    int("group.coordinator.background.threads").is("2").at_least(1).high()
        .kept(NO_THREADS, "Threads for assignments computed off the coordinator."),
    int("group.coordinator.append.linger.ms").is("-1").at_least(-1)
        .kept(NO_BUFFER, "How long the coordinator gathers writes; -1 adapts to the load."),
    int("group.coordinator.cached.buffer.max.bytes").is("1048588").at_least(524_288).cluster_wide()
        .kept(NO_BUFFER, "The largest write buffer that the coordinator keeps for reuse."),
    int("group.consumer.session.timeout.ms").is("45000").at_least(1)
        .obeyed("Silence after which a consumer is taken out of its group."),
    int("group.consumer.min.session.timeout.ms").is("45000").at_least(1)
        .obeyed("Lower bound of a group's own session timeout."),
    int("group.consumer.max.session.timeout.ms").is("60000").at_least(1)
        .obeyed("Upper bound of a group's own session timeout."),
    int("group.consumer.heartbeat.interval.ms").is("5000").at_least(1)
        .obeyed("Time between two heartbeats of a consumer."),
    int("group.consumer.min.heartbeat.interval.ms").is("5000").at_least(1)
        .obeyed("Lower bound of a group's own heartbeat interval."),
    int("group.consumer.max.heartbeat.interval.ms").is("15000").at_least(1)
        .obeyed("Upper bound of a group's own heartbeat interval."),
    int("group.consumer.max.size").is("2147483647").at_least(1).obeyed("Members of a consumer group."),
    list("group.consumer.assignors").is("uniform,range").some_items()
        .obeyed("Ways of spreading partitions over consumers; the first is the default."),
    string("group.consumer.migration.policy").is("bidirectional").check(Check::OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]))
        .obeyed("Which way groups may change between the classic and the consumer protocol."),
    int("group.consumer.assignment.interval.ms").is("1000").at_least(0).cluster_wide()
        .obeyed("Time between two assignments of a consumer group."),
    int("group.consumer.min.assignment.interval.ms").is("0").at_least(0)
        .obeyed("Lower bound of a group's own assignment interval."),
    int("group.consumer.max.assignment.interval.ms").is("15000").at_least(0)
        .obeyed("Upper bound of a group's own assignment interval."),
    boolean("group.consumer.assignor.offload.enable").is("true").cluster_wide().internal()
        .kept(NO_THREADS, "Whether assignments are computed off the coordinator's threads."),
    int("group.consumer.regex.refresh.interval.ms").is("600000").at_least(10_000).internal()
        .obeyed("Time between two evaluations of a subscription by pattern."),
    int("group.streams.session.timeout.ms").is("45000").at_least(1)
        .kept(STREAMS, "Silence after which a Streams member is taken out of its group."),
    int("group.streams.min.session.timeout.ms").is("45000").at_least(1)
        .kept(STREAMS, "Lower bound of a Streams group's own session timeout."),
    int("group.streams.max.session.timeout.ms").is("60000").at_least(1)
        .kept(STREAMS, "Upper bound of a Streams group's own session timeout."),
    int("group.streams.heartbeat.interval.ms").is("5000").at_least(1)
        .kept(STREAMS, "Time between two heartbeats of a Streams member."),
    int("group.streams.min.heartbeat.interval.ms").is("5000").at_least(1)
        .kept(STREAMS, "Lower bound of a Streams group's own heartbeat interval."),
    int("group.streams.max.heartbeat.interval.ms").is("15000").at_least(1)
        .kept(STREAMS, "Upper bound of a Streams group's own heartbeat interval."),
    int("group.streams.max.size").is("2147483647").at_least(1).kept(STREAMS, "Members of a Streams group."),
    list("group.streams.assignors").is("sticky").some_items()
        .kept(STREAMS, "Ways of spreading tasks over Streams members; the first is the default."),
    int("group.streams.num.standby.replicas").is("0").at_least(0)
        .kept(STREAMS, "Standby copies of each stateful task."),
    int("group.streams.max.standby.replicas").is("2").at_least(0)
        .kept(STREAMS, "Upper bound of a Streams group's own number of standby copies."),
    int("group.streams.num.warmup.replicas").is("2").at_least(0).internal()
        .kept(STREAMS, "Tasks that may warm up elsewhere at the same time."),
    int("group.streams.max.warmup.replicas").is("20").at_least(0).internal()
        .kept(STREAMS, "Upper bound of a Streams group's own number of warm-ups."),
    long("group.streams.acceptable.recovery.lag").is("10000").at_least(0).internal()
        .kept(STREAMS, "Records behind at which a warming task counts as caught up."),
    int("group.streams.initial.rebalance.delay.ms").is("3000").at_least(0)
        .kept(STREAMS, "How long a new Streams group waits for more members."),
    int("group.streams.assignment.interval.ms").is("1000").at_least(0).cluster_wide()
        .kept(STREAMS, "Time between two assignments of a Streams group."),
    int("group.streams.min.assignment.interval.ms").is("0").at_least(0)
        .kept(STREAMS, "Lower bound of a Streams group's own assignment interval."),
    int("group.streams.max.assignment.interval.ms").is("15000").at_least(0)
        .kept(STREAMS, "Upper bound of a Streams group's own assignment interval."),
    boolean("group.streams.assignor.offload.enable").is("true").cluster_wide().internal()
        .kept(STREAMS, "Whether tasks are assigned off the coordinator's threads."),
    int("group.streams.task.offset.interval.ms").is("60000").at_least(1).internal()
        .kept(STREAMS, "Time between two reports of task progress by a Streams member."),
    int("group.streams.min.task.offset.interval.ms").is("15000").at_least(1).internal()
        .kept(STREAMS, "Lower bound of a Streams group's own report interval."),
    list("group.streams.rack.aware.assignment.tags").is("").items().low()
        .kept(STREAMS, "Client tags over which standby tasks are spread."),
    class("group.streams.topology.description.plugin.class")
        .kept(STREAMS, "A Java class that takes descriptions of topologies."),
];
