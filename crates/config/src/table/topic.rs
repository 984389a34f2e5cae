//! The settings of one topic.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{CLEANER, KAFKA_TESTS, NO_TIERED, QUOTAS, SHARE, TIERED};
use crate::setting::{Check, Setting, boolean, double, int, list, long, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    list("cleanup.policy").is("delete").check(Check::Items { allowed: &["compact", "delete"], may_be_empty: true }).topic()
        .obeyed("What happens to old data: `delete`, `compact`, both, or nothing when empty."),
    string("compression.type").is("producer").one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]).topic()
        .obeyed("The codec that batches are stored with; `producer` keeps what the producer chose."),
    int("compression.gzip.level").is("-1").check(Check::GzipLevel).topic()
        .obeyed("Level when the broker compresses with gzip."),
    int("compression.lz4.level").is("9").between(1, 17).topic().obeyed("Level when the broker compresses with lz4."),
    int("compression.zstd.level").is("3").between(-131_072, 22).topic()
        .obeyed("Level when the broker compresses with zstd."),
    long("delete.retention.ms").is("86400000").at_least(0).topic()
        .kept(CLEANER, "How long a cleaned log still shows that a key was deleted."),
    boolean("errors.deadletterqueue.group.enable").is("false").topic()
        .kept(SHARE, "Whether share groups may write undeliverable records to this topic."),
    long("file.delete.delay.ms").is("60000").at_least(0).topic()
        .obeyed("Time between taking a segment out of its log and removing its files."),
    long("flush.messages").is("9223372036854775807").at_least(1).topic()
        .obeyed("Records after which the log is flushed, acknowledged or not."),
    long("flush.ms").is("9223372036854775807").at_least(0).topic()
        .obeyed("Time after which the log is flushed, acknowledged or not."),
    list("follower.replication.throttled.replicas").is("").check(Check::ThrottledReplicas).topic()
        .kept(QUOTAS, "Replicas whose fetching is throttled, as `partition:broker`, or `*`."),
    list("leader.replication.throttled.replicas").is("").check(Check::ThrottledReplicas).topic()
        .kept(QUOTAS, "Replicas to which sending is throttled, as `partition:broker`, or `*`."),
    int("index.interval.bytes").is("4096").at_least(0).topic()
        .obeyed("Bytes of records between two entries of the offset index."),
    int("internal.segment.bytes").topic().internal().kept(KAFKA_TESTS, "Segment size in Kafka's own tests."),
    long("local.retention.bytes").is("-2").at_least(-2).topic()
        .kept(TIERED, "Size up to which copied segments stay here too; -2 follows the retention."),
    long("local.retention.ms").is("-2").at_least(-2).topic()
        .kept(TIERED, "Age up to which a copied segment stays here too; -2 follows the retention."),
    long("max.compaction.lag.ms").is("9223372036854775807").at_least(1).topic()
        .kept(CLEANER, "Age at which a record is cleaned whatever the ratio."),
    int("max.decompressed.message.bytes").is("2147483639").between(1, 2_147_483_639).topic()
        .obeyed("The largest single record, decompressed, that is taken."),
    int("max.message.bytes").is("1048588").at_least(0).topic().obeyed("The largest record batch that is taken."),
    long("message.timestamp.after.max.ms").is("3600000").at_least(0).topic()
        .obeyed("How far a record's timestamp may lie in the future."),
    long("message.timestamp.before.max.ms").is("9223372036854775807").at_least(0).topic()
        .obeyed("How far a record's timestamp may lie in the past."),
    string("message.timestamp.type").is("CreateTime").one_of(&["CreateTime", "LogAppendTime"]).topic()
        .obeyed("Whose clock stamps a record: the producer's (`CreateTime`) or the broker's (`LogAppendTime`)."),
    double("min.cleanable.dirty.ratio").is("0.5").check(Check::Real(0.0, 1.0)).topic()
        .kept(CLEANER, "Part of the log that must be uncleaned before cleaning pays."),
    long("min.compaction.lag.ms").is("0").at_least(0).topic()
        .kept(CLEANER, "Age below which a record is left alone by cleaning."),
    int("min.insync.replicas").is("1").at_least(1).topic()
        .obeyed("Replicas that must be in sync for a write with `acks=all`."),
    boolean("preallocate").is("false").topic()
        .obeyed("Whether the whole file of a new segment is allocated at once."),
    long("remote.copy.lag.bytes").is("-1").at_least(-1).topic()
        .kept(TIERED, "Bytes behind the end at which a closed segment may be copied away."),
    long("remote.copy.lag.ms").is("0").at_least(-1).topic()
        .kept(TIERED, "Age at which a closed segment may be copied away."),
    boolean("remote.log.copy.disable").is("false").topic()
        .kept(TIERED, "Whether nothing more is copied to remote storage, while what is there stays readable."),
    boolean("remote.log.delete.on.disable").is("false").topic()
        .kept(TIERED, "Whether remote data goes when remote storage is switched off for the topic."),
    boolean("remote.storage.enable").is("false").topic()
        .refused(NO_TIERED, "Whether old segments of this topic move to remote storage."),
    long("retention.bytes").is("-1").topic()
        .obeyed("Size of a partition above which its oldest segments are deleted; -1 means no limit."),
    long("retention.ms").is("604800000").at_least(-1).topic()
        .obeyed("Age after which a closed segment is deleted; -1 means never."),
    int("segment.bytes").is("1073741824").at_least(1_048_576).topic()
        .obeyed("Size at which a segment is closed and the next one begun."),
    int("segment.index.bytes").is("10485760").at_least(4).topic()
        .obeyed("Space for each offset and time index of a segment."),
    long("segment.jitter.ms").is("0").at_least(0).topic()
        .obeyed("The most by which the age for closing is lowered at random, so that logs do not roll together."),
    long("segment.ms").is("604800000").at_least(1).topic()
        .obeyed("Age at which a segment is closed even if it is not full."),
    boolean("unclean.leader.election.enable").is("false").topic()
        .obeyed("Whether a replica that may lack records can become leader."),
];
