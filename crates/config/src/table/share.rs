//! Share groups and their coordinator.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::SHARE;
use crate::setting::{Setting, boolean, int, list, short, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    int("group.share.session.timeout.ms").is("45000").at_least(1)
        .kept(SHARE, "Silence after which a member is taken out of a share group."),
    int("group.share.min.session.timeout.ms").is("45000").at_least(1)
        .kept(SHARE, "Lower bound of a share group's own session timeout."),
    int("group.share.max.session.timeout.ms").is("60000").at_least(1)
        .kept(SHARE, "Upper bound of a share group's own session timeout."),
    int("group.share.heartbeat.interval.ms").is("5000").at_least(1)
        .kept(SHARE, "Time between two heartbeats of a share group member."),
    int("group.share.min.heartbeat.interval.ms").is("5000").at_least(1)
        .kept(SHARE, "Lower bound of a share group's own heartbeat interval."),
    int("group.share.max.heartbeat.interval.ms").is("15000").at_least(1)
        .kept(SHARE, "Upper bound of a share group's own heartbeat interval."),
    int("group.share.max.size").is("200").between(1, 1000).kept(SHARE, "Members of a share group."),
    list("group.share.assignors").is("simple").some_items()
        .kept(SHARE, "The way of spreading partitions over the members of a share group."),
    int("group.share.assignment.interval.ms").is("1000").at_least(0).cluster_wide()
        .kept(SHARE, "Time between two assignments of a share group."),
    int("group.share.min.assignment.interval.ms").is("0").at_least(0)
        .kept(SHARE, "Lower bound of a share group's own assignment interval."),
    int("group.share.max.assignment.interval.ms").is("15000").at_least(0)
        .kept(SHARE, "Upper bound of a share group's own assignment interval."),
    boolean("group.share.assignor.offload.enable").is("true").cluster_wide().internal()
        .kept(SHARE, "Whether share assignments are computed off the coordinator's threads."),
    int("group.share.initialize.retry.interval.ms").is("30000").at_least(1).low().internal()
        .kept(SHARE, "Pause before a failed set-up of share state is tried again."),
    int("group.share.delivery.count.limit").is("5").between(2, 10)
        .kept(SHARE, "Times that a record is handed out before it counts as undeliverable."),
    int("group.share.min.delivery.count.limit").is("2").between(2, 5)
        .kept(SHARE, "Lower bound of a share group's own delivery limit."),
    int("group.share.max.delivery.count.limit").is("10").between(5, 25)
        .kept(SHARE, "Upper bound of a share group's own delivery limit."),
    int("group.share.record.lock.duration.ms").is("30000").between(1000, 3_600_000)
        .kept(SHARE, "How long a consumer may hold a record."),
    int("group.share.min.record.lock.duration.ms").is("15000").between(1000, 30_000)
        .kept(SHARE, "Lower bound of a share group's own lock duration."),
    int("group.share.max.record.lock.duration.ms").is("60000").between(30_000, 3_600_000)
        .kept(SHARE, "Upper bound of a share group's own lock duration."),
    int("group.share.partition.max.record.locks").is("2000").between(100, 10_000)
        .kept(SHARE, "Records of a partition held at the same time."),
    int("group.share.min.partition.max.record.locks").is("100").between(100, 2000)
        .kept(SHARE, "Lower bound of a share group's own number of held records."),
    int("group.share.max.partition.max.record.locks").is("4000").between(2000, 10_000)
        .kept(SHARE, "Upper bound of a share group's own number of held records."),
    int("group.share.max.share.sessions").is("2000").at_least(1).kept(SHARE, "Share sessions open on this broker."),
    string("group.share.persister.class.name").is("org.apache.kafka.server.share.persister.DefaultStatePersister").internal()
        .kept(SHARE, "The Java class that stores share state."),
    string("group.share.dlq.manager.class.name").is("org.apache.kafka.server.share.dlq.DefaultShareGroupDLQManager").internal()
        .kept(SHARE, "The Java class that writes undeliverable records away."),
    int("share.fetch.purgatory.purge.interval.requests").is("1000")
        .kept(SHARE, "Waiting share fetches after which finished ones are swept out."),
    int("share.coordinator.state.topic.num.partitions").is("50").at_least(1).high()
        .kept(SHARE, "Partitions of the topic of share state; never change it afterwards."),
    short("share.coordinator.state.topic.replication.factor").is("3").at_least(1).high()
        .kept(SHARE, "Replicas of the topic of share state."),
    short("share.coordinator.state.topic.min.isr").is("2").at_least(1).high()
        .kept(SHARE, "In-sync replicas that the topic of share state needs."),
    int("share.coordinator.state.topic.segment.bytes").is("104857600").at_least(1).high()
        .kept(SHARE, "Segment size of the topic of share state."),
    int("share.coordinator.state.topic.compression.codec").is("0").high()
        .kept(SHARE, "Number of the codec for the topic of share state."),
    int("share.coordinator.state.topic.prune.interval.ms").is("300000").at_least(1).low().internal()
        .kept(SHARE, "Time between two removals of share state that is done with."),
    int("share.coordinator.snapshot.update.records.per.snapshot").is("500").between(0, 500)
        .kept(SHARE, "Changes of share state between two snapshots of it."),
    int("share.coordinator.cold.partition.snapshot.interval.ms").is("300000").at_least(1).low().internal()
        .kept(SHARE, "Time between two snapshots of share state that does not change."),
    int("share.coordinator.threads").is("1").at_least(1).kept(SHARE, "Threads of the share coordinator."),
    int("share.coordinator.load.buffer.size").is("5242880").at_least(1).high()
        .kept(SHARE, "Bytes read at once when share state is loaded."),
    int("share.coordinator.write.timeout.ms").is("5000").at_least(1).high()
        .kept(SHARE, "How long a write of share state waits to be replicated."),
    int("share.coordinator.append.linger.ms").is("-1").at_least(-1)
        .kept(SHARE, "How long the share coordinator gathers writes; -1 adapts to the load."),
    int("share.coordinator.cached.buffer.max.bytes").is("1048588").at_least(524_288).cluster_wide()
        .kept(SHARE, "The largest write buffer that the share coordinator keeps for reuse."),
    string("errors.deadletterqueue.topic.name.prefix").is("dlq.").cluster_wide()
        .kept(SHARE, "What the name of a dead letter topic must begin with."),
    boolean("errors.deadletterqueue.auto.create.topics.enable").is("false").cluster_wide()
        .kept(SHARE, "Whether a missing dead letter topic is created."),
];
