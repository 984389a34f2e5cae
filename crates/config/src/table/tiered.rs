//! Remote storage of old segments.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{NO_TIERED, TIERED};
use crate::setting::{Check, Setting, boolean, double, int, long, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    boolean("remote.log.storage.system.enable").is("false")
        .refused(NO_TIERED, "Whether old segments move to remote storage."),
    string("remote.log.storage.manager.class.name").check(Check::NotEmpty)
        .kept(TIERED, "The Java class that stores segments remotely."),
    string("remote.log.storage.manager.class.path").kept(TIERED, "Where that class and what it needs is found."),
    string("remote.log.storage.manager.impl.prefix").is("rsm.config.").check(Check::NotEmpty)
        .kept(TIERED, "What the names of that class's own settings begin with."),
    string("remote.log.metadata.manager.class.name").is("org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager").check(Check::NotEmpty)
        .kept(TIERED, "The Java class that knows which segments are remote."),
    string("remote.log.metadata.manager.class.path").kept(TIERED, "Where that class and what it needs is found."),
    string("remote.log.metadata.manager.impl.prefix").is("rlmm.config.").check(Check::NotEmpty)
        .kept(TIERED, "What the names of that class's own settings begin with."),
    string("remote.log.metadata.manager.listener.name").check(Check::NotEmpty)
        .kept(TIERED, "The listener by which that class reaches this cluster."),
    int("remote.log.metadata.custom.metadata.max.bytes").is("128").at_least(0).low()
        .kept(TIERED, "The longest note that may be stored with a remote segment."),
    long("remote.log.index.file.cache.total.size.bytes").is("1073741824").at_least(1).low().cluster_wide()
        .kept(TIERED, "Room on disk for indexes of remote segments."),
    long("remote.log.index.file.cache.ttl.ms").is("900000").at_least(-1).low().internal()
        .kept(TIERED, "How long an unused index of a remote segment is kept."),
    int("remote.log.manager.thread.pool.size").is("2").at_least(1)
        .kept(TIERED, "Threads that read remote segments' metadata on followers."),
    int("remote.log.manager.copier.thread.pool.size").is("10").at_least(1).cluster_wide()
        .kept(TIERED, "Threads that copy segments away."),
    int("remote.log.manager.expiration.thread.pool.size").is("10").at_least(1).cluster_wide()
        .kept(TIERED, "Threads that delete remote segments."),
    int("remote.log.manager.follower.thread.pool.size").is("2").at_least(1).cluster_wide()
        .kept(TIERED, "Threads for remote work of followers."),
    long("remote.log.manager.task.interval.ms").is("30000").at_least(1).low()
        .kept(TIERED, "Time between two rounds of remote housekeeping."),
    long("remote.log.manager.task.retry.backoff.ms").is("500").at_least(1).low().internal()
        .kept(TIERED, "First pause after failed remote housekeeping."),
    long("remote.log.manager.task.retry.backoff.max.ms").is("30000").at_least(1).low().internal()
        .kept(TIERED, "Longest pause after failed remote housekeeping."),
    double("remote.log.manager.task.retry.jitter").is("0.2").check(Check::Real(0.0, 0.5)).low().internal()
        .kept(TIERED, "Random part of those pauses."),
    long("remote.log.manager.copy.max.bytes.per.second").is("9223372036854775807").at_least(1).cluster_wide()
        .kept(TIERED, "Bytes a second copied away."),
    int("remote.log.manager.copy.quota.window.num").is("11").at_least(1)
        .kept(TIERED, "Samples over which the rate of copying is measured."),
    int("remote.log.manager.copy.quota.window.size.seconds").is("1").at_least(1)
        .kept(TIERED, "Length of each sample of the rate of copying."),
    long("remote.log.manager.fetch.max.bytes.per.second").is("9223372036854775807").at_least(1).cluster_wide()
        .kept(TIERED, "Bytes a second read from remote storage."),
    int("remote.log.manager.fetch.quota.window.num").is("11").at_least(1)
        .kept(TIERED, "Samples over which the rate of remote reading is measured."),
    int("remote.log.manager.fetch.quota.window.size.seconds").is("1").at_least(1)
        .kept(TIERED, "Length of each sample of the rate of remote reading."),
    int("remote.log.reader.threads").is("10").at_least(1).cluster_wide()
        .kept(TIERED, "Threads that read remote segments for consumers."),
    int("remote.log.reader.max.pending.tasks").is("100").at_least(1).kept(TIERED, "Remote reads that may wait."),
    int("remote.fetch.max.wait.ms").is("500").at_least(1).cluster_wide()
        .kept(TIERED, "How long a fetch waits for remote data."),
    long("remote.list.offsets.request.timeout.ms").is("30000").at_least(1).cluster_wide()
        .kept(TIERED, "How long a look-up of offsets in remote segments may take."),
    long("log.local.retention.ms").is("-2").at_least(-2).cluster_wide()
        .kept(TIERED, "Age up to which a copied segment stays here too; -2 follows the retention."),
    long("log.local.retention.bytes").is("-2").at_least(-2).cluster_wide()
        .kept(TIERED, "Size up to which copied segments stay here too; -2 follows the retention."),
    long("log.remote.copy.lag.ms").is("0").at_least(-1).cluster_wide()
        .kept(TIERED, "Age at which a closed segment may be copied away."),
    long("log.remote.copy.lag.bytes").is("-1").at_least(-1).cluster_wide()
        .kept(TIERED, "Bytes behind the end at which a closed segment may be copied away."),
];
