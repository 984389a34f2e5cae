//! The metadata quorum and its log.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{ALONE, IDLE, KAFKA_LOGS, KAFKA_TESTS, TWO_SNAPSHOTS};
use crate::setting::{Setting, boolean, int, list, long, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    list("controller.quorum.voters").is("").items().high()
        .obeyed("The voters of the metadata quorum, as `id@host:port`; this node alone so far."),
    list("controller.quorum.bootstrap.servers").is("").items().high()
        .obeyed("Addresses at which the metadata quorum is found; this node alone so far."),
    boolean("controller.quorum.auto.join.enable").is("false").low()
        .kept(ALONE, "Whether a controller adds itself to the voters."),
    list("controller.listener.names").required().some_items().high()
        .obeyed("The listeners that speak as controller."),
    int("controller.quorum.election.timeout.ms").is("1000").at_least(0).high()
        .kept(ALONE, "How long a candidate waits for votes."),
    int("controller.quorum.fetch.timeout.ms").is("2000").at_least(0).high()
        .kept(ALONE, "How long a voter goes without its leader before it stands for election."),
    int("controller.quorum.election.backoff.max.ms").is("1000").at_least(0).high()
        .kept(ALONE, "Longest pause between two failed elections."),
    int("controller.quorum.append.linger.ms").is("25").at_least(0)
        .kept(ALONE, "How long the leader gathers metadata records before it writes them."),
    int("controller.quorum.request.timeout.ms").is("2000").at_least(0)
        .kept(ALONE, "How long a request within the quorum waits for its answer."),
    int("controller.quorum.retry.backoff.ms").is("20").at_least(0).low()
        .kept(ALONE, "Pause before a request within the quorum is tried again."),
    int("controller.quorum.fetch.max.bytes").is("1048576").at_least(1).low()
        .kept(ALONE, "Bytes of one fetch of the metadata log."),
    int("controller.quorum.fetch.snapshot.max.bytes").is("1048576").at_least(1).low()
        .kept(ALONE, "Bytes of one fetch of a metadata snapshot."),
    long("controller.performance.sample.period.ms").is("60000").at_least(100).internal()
        .kept(KAFKA_LOGS, "Time between two log lines about slow controller events."),
    long("controller.performance.always.log.threshold.ms").is("2000").at_least(0).internal()
        .kept(KAFKA_LOGS, "Duration from which a controller event is always logged."),
    int("broker.heartbeat.interval.ms").is("2000")
        .kept(ALONE, "Time between two heartbeats of a broker to the controller."),
    int("broker.session.timeout.ms").is("9000").kept(ALONE, "How long a broker may be silent before it is fenced."),
    int("initial.broker.registration.timeout.ms").is("60000")
        .kept(ALONE, "How long a starting broker tries to register."),
    long("server.max.startup.time.ms").is("9223372036854775807").at_least(0).internal()
        .kept(ALONE, "How long the start may take."),
    string("metadata.log.dir").high().obeyed("Directory of the metadata log; unset, the first data directory."),
    int("metadata.log.segment.bytes").is("1073741824").at_least(8_388_608).high()
        .obeyed("Size at which a segment of the metadata log is closed."),
    long("metadata.log.segment.ms").is("604800000").high()
        .obeyed("Age at which a segment of the metadata log is closed."),
    long("metadata.max.retention.bytes").is("104857600").high()
        .kept(TWO_SNAPSHOTS, "Size of metadata log and snapshots above which old ones are deleted; -1 means no limit."),
    long("metadata.max.retention.ms").is("604800000").high()
        .kept(TWO_SNAPSHOTS, "Age after which old metadata segments and snapshots are deleted; -1 means never."),
    int("metadata.max.idle.interval.ms").is("500").at_least(0).low()
        .kept(IDLE, "Time after which an idle controller writes an empty record."),
    long("metadata.log.max.record.bytes.between.snapshots").is("20971520").at_least(1).high()
        .obeyed("Bytes of metadata records after which a snapshot is written."),
    long("metadata.log.max.snapshot.interval.ms").is("3600000").at_least(0).high()
        .obeyed("Time after which changed metadata is written as a snapshot; 0 switches it off."),
    int("internal.metadata.log.segment.bytes").low().internal()
        .kept(KAFKA_TESTS, "Size of a metadata segment in Kafka's own tests."),
    int("internal.metadata.max.batch.size.in.bytes").is("8388608").low().internal()
        .kept(KAFKA_TESTS, "Size of a metadata batch in Kafka's own tests."),
    long("internal.metadata.delete.delay.millis").is("60000").low().internal()
        .kept(KAFKA_TESTS, "Delay before metadata files are removed in Kafka's own tests."),
];
