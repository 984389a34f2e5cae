//! Who the node is, what it may do, and the bounds of its requests.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::{ALONE, JAVA_POLICY, POOL, PROVIDERS, RELEASED};
use crate::setting::{Check, Setting, boolean, class, int, list, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    list("process.roles").required().check(Check::Items { allowed: &["broker", "controller"], may_be_empty: false }).high()
        .obeyed("What this process is; only the combined form `broker,controller` is served here."),
    int("node.id").required().at_least(0).high().obeyed("The id of this node in its cluster."),
    int("broker.id").is("-1").high().obeyed("The old name of `node.id`; if both are given they must agree."),
    string("broker.rack").obeyed("Where this node stands (rack, zone); told to clients in metadata."),
    int("background.threads").is("10").at_least(1).high().cluster_wide()
        .kept(POOL, "Threads for housekeeping, such as deleting files."),
    int("num.io.threads").is("8").at_least(1).high().cluster_wide()
        .obeyed("Blocking calls in flight for each log directory."),
    int("request.timeout.ms").is("30000").high()
        .kept(ALONE, "How long a request from this broker to another waits for its answer."),
    boolean("unstable.api.versions.enable").is("false").high().internal()
        .kept(RELEASED, "Whether protocol versions still in development are offered."),
    boolean("unstable.feature.versions.enable").is("false").high().internal()
        .kept(RELEASED, "Whether feature levels still in development are accepted."),
    boolean("delete.topic.enable").is("true").high().obeyed("Whether topics can be deleted through the protocol."),
    int("max.request.partition.size.limit").is("2000").at_least(1)
        .obeyed("The most partitions that one request may ask to be described."),
    int("max.incremental.fetch.session.cache.slots").is("1000").at_least(0)
        .obeyed("Fetch sessions remembered at the same time."),
    int("fetch.max.bytes").is("57671680").at_least(1024)
        .obeyed("The most bytes that one fetch answer carries, whatever the client asks for."),
    boolean("auto.create.topics.enable").is("true").high()
        .obeyed("Whether asking for a topic that is missing creates it."),
    int("num.partitions").is("1").at_least(1).obeyed("Partitions of a topic whose creator names no number."),
    class("create.topic.policy.class.name").low()
        .refused(JAVA_POLICY, "A Java class that may refuse the creation of a topic."),
    class("alter.config.policy.class.name").low()
        .refused(JAVA_POLICY, "A Java class that may refuse a change of a configuration."),
    boolean("controlled.shutdown.enable").is("true")
        .kept(ALONE, "Whether leadership moves away before this broker stops."),
    list("config.providers").is("").items().low().cluster_wide()
        .refused(PROVIDERS, "Names of Java classes that replace `${...}` in values."),
];
