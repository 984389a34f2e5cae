//! Data directories, segments, retention, flushing, compression and cleaning: the broker-wide defaults of topics among them.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{CLEANER, CORDON, KAFKA_TESTS, LAST_DIR, MOVE};
use crate::setting::{Check, Setting, boolean, double, int, list, long, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    list("log.dir").is("/tmp/kafka-logs").some_items().high()
        .obeyed("The data directory, used when `log.dirs` is not given."),
    list("log.dirs").some_items().high()
        .obeyed("Data directories, separated by commas; partitions are spread over them."),
    list("cordoned.log.dirs").is("").items().per_broker()
        .refused(CORDON, "Data directories that get no new partitions; `*` means all."),
    long("log.dir.failure.timeout.ms").is("30000").at_least(1).low()
        .kept(LAST_DIR, "How long a broker may go on when it cannot report a failed directory."),
    int("num.recovery.threads.per.data.dir").is("2").at_least(1).high().cluster_wide()
        .obeyed("Threads for each directory that check logs after an unclean stop."),
    int("num.replica.alter.log.dirs.threads").high().kept(MOVE, "Threads that move replicas between directories."),
    int("log.segment.bytes").is("1073741824").at_least(1_048_576).high().cluster_wide()
        .obeyed("Size at which a segment is closed and the next one begun."),
    long("log.roll.ms").high().cluster_wide().obeyed("Age at which a segment is closed even if it is not full."),
    int("log.roll.hours").is("168").at_least(1).high()
        .obeyed("As `log.roll.ms`, in hours; used when that is not given."),
    long("log.roll.jitter.ms").high().cluster_wide()
        .obeyed("The most by which the age for closing is lowered at random, so that logs do not roll together."),
    int("log.roll.jitter.hours").is("0").at_least(0).high()
        .obeyed("As `log.roll.jitter.ms`, in hours; used when that is not given."),
    long("log.retention.ms").high().cluster_wide()
        .obeyed("Age after which a closed segment is deleted; -1 means never."),
    int("log.retention.minutes").high().obeyed("As `log.retention.ms`, in minutes; used when that is not given."),
    int("log.retention.hours").is("168").high()
        .obeyed("As `log.retention.ms`, in hours; used when neither of the finer two is given."),
    long("log.retention.bytes").is("-1").high().cluster_wide()
        .obeyed("Size of a partition above which its oldest segments are deleted; -1 means no limit."),
    long("log.retention.check.interval.ms").is("300000").at_least(1)
        .obeyed("Time between two looks for segments that may go."),
    list("log.cleanup.policy").is("delete").check(Check::Items { allowed: &["compact", "delete"], may_be_empty: true }).cluster_wide()
        .obeyed("What happens to old data: `delete`, `compact`, both, or nothing when empty."),
    int("log.index.size.max.bytes").is("10485760").at_least(4).cluster_wide()
        .obeyed("Space for each offset and time index of a segment."),
    int("log.index.interval.bytes").is("4096").at_least(0).cluster_wide()
        .obeyed("Bytes of records between two entries of the offset index."),
    long("log.flush.interval.messages").is("9223372036854775807").at_least(1).high().cluster_wide()
        .obeyed("Records after which a log is flushed, acknowledged or not."),
    long("log.flush.interval.ms").high().cluster_wide()
        .obeyed("Time after which a log is flushed; unset, `log.flush.scheduler.interval.ms` decides."),
    long("log.flush.scheduler.interval.ms").is("9223372036854775807").high()
        .obeyed("Time between two looks for logs whose flush is due."),
    int("log.flush.offset.checkpoint.interval.ms").is("60000").at_least(0).high()
        .obeyed("Time between two writings of the recovery points."),
    int("log.flush.start.offset.checkpoint.interval.ms").is("60000").at_least(0).high()
        .obeyed("Time between two writings of the log start offsets."),
    long("log.segment.delete.delay.ms").is("60000").at_least(0).high().cluster_wide()
        .obeyed("Time between taking a segment out of its log and removing its files."),
    boolean("log.preallocate").is("false").cluster_wide()
        .obeyed("Whether the whole file of a new segment is allocated at once."),
    long("log.initial.task.delay.ms").is("30000").at_least(0).low().internal()
        .kept(KAFKA_TESTS, "Time from the start to the first round of log housekeeping."),
    string("log.message.timestamp.type").is("CreateTime").one_of(&["CreateTime", "LogAppendTime"]).cluster_wide()
        .obeyed("Whose clock stamps a record: the producer's (`CreateTime`) or the broker's (`LogAppendTime`)."),
    long("log.message.timestamp.before.max.ms").is("9223372036854775807").at_least(0).cluster_wide()
        .obeyed("How far a record's timestamp may lie in the past."),
    long("log.message.timestamp.after.max.ms").is("3600000").at_least(0).cluster_wide()
        .obeyed("How far a record's timestamp may lie in the future."),
    int("message.max.bytes").is("1048588").at_least(0).high().cluster_wide()
        .obeyed("The largest record batch that is taken."),
    int("max.decompressed.message.bytes").is("2147483639").between(1, 2_147_483_639).cluster_wide()
        .obeyed("The largest single record, decompressed, that is taken."),
    string("compression.type").is("producer").one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]).high().cluster_wide()
        .obeyed("The codec that batches are stored with; `producer` keeps what the producer chose."),
    int("compression.gzip.level").is("-1").check(Check::GzipLevel).cluster_wide()
        .obeyed("Level when the broker compresses with gzip."),
    int("compression.lz4.level").is("9").between(1, 17).cluster_wide()
        .obeyed("Level when the broker compresses with lz4."),
    int("compression.zstd.level").is("3").between(-131_072, 22).cluster_wide()
        .obeyed("Level when the broker compresses with zstd."),
    boolean("log.cleaner.enable").is("true").kept(CLEANER, "Whether compacted topics are cleaned."),
    int("log.cleaner.threads").is("1").at_least(0).cluster_wide().kept(CLEANER, "Threads that clean compacted logs."),
    long("log.cleaner.dedupe.buffer.size").is("134217728").cluster_wide()
        .kept(CLEANER, "Memory for the key maps of all cleaning threads."),
    int("log.cleaner.io.buffer.size").is("524288").at_least(0).cluster_wide()
        .kept(CLEANER, "Memory for reading and writing of all cleaning threads."),
    double("log.cleaner.io.buffer.load.factor").is("0.9").cluster_wide()
        .kept(CLEANER, "How full a key map may become."),
    double("log.cleaner.io.max.bytes.per.second").is("1.7976931348623157E308").cluster_wide()
        .kept(CLEANER, "Bytes a second that cleaning may read and write."),
    long("log.cleaner.backoff.ms").is("15000").at_least(0).cluster_wide()
        .kept(CLEANER, "Pause when nothing needs cleaning."),
    double("log.cleaner.min.cleanable.ratio").is("0.5").check(Check::Real(0.0, 1.0)).cluster_wide()
        .kept(CLEANER, "Part of a log that must be uncleaned before cleaning pays."),
    long("log.cleaner.delete.retention.ms").is("86400000").at_least(0).cluster_wide()
        .kept(CLEANER, "How long a cleaned log still shows that a key was deleted."),
    long("log.cleaner.min.compaction.lag.ms").is("0").at_least(0).cluster_wide()
        .kept(CLEANER, "Age below which a record is left alone by cleaning."),
    long("log.cleaner.max.compaction.lag.ms").is("9223372036854775807").at_least(1).cluster_wide()
        .kept(CLEANER, "Age at which a record is cleaned whatever the ratio."),
];
