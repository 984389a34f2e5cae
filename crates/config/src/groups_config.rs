//! What the group coordinator obeys, typed: groups of the classic and the consumer protocol, and committed offsets.
//!
//! Invariant: a `GroupsConfig` that exists is within its own bounds; what is not stopped its making. What one
//! group overrides is in [`crate::GroupSettings`].

use crate::given::shown;
use crate::group_bounds;
use crate::reader::Reader;

/// A way of spreading partitions over the consumers of a group (`group.consumer.assignors`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerAssignor {
    /// Evenly, moving as little as possible.
    Uniform,
    /// By ranges of partition numbers, so that topics are matched.
    Range,
}

impl ConsumerAssignor {
    /// The name that consumers ask for.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// By its name, or by the Java class that Kafka ships.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "uniform" | "org.apache.kafka.coordinator.group.assignor.UniformAssignor" => Some(Self::Uniform),
            "range" | "org.apache.kafka.coordinator.group.assignor.RangeAssignor" => Some(Self::Range),
            _ => None,
        }
    }
}

/// Which way a group may change its protocol while it has members (`group.consumer.migration.policy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationPolicy {
    /// Neither way.
    Disabled,
    /// From consumer to classic.
    Downgrade,
    /// From classic to consumer.
    Upgrade,
    /// Both ways.
    Bidirectional,
}

/// Groups and committed offsets: times in milliseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupsConfig {
    /// `offset.metadata.max.bytes`; below zero no note is taken, not even an empty one.
    pub offset_metadata_max_bytes: i32,
    /// `offsets.topic.replication.factor`; at least 1.
    pub offsets_topic_replication_factor: i16,
    /// `offsets.topic.num.partitions`; at least 1.
    pub offsets_topic_num_partitions: i32,
    /// `offsets.topic.segment.bytes`; at least 1.
    pub offsets_topic_segment_bytes: i32,
    /// `offsets.topic.compression.codec`: the codec's number in a record batch, 0 to 4.
    pub offsets_topic_compression_codec: i8,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval_ms: u64,
    /// `offsets.commit.timeout.ms`.
    pub offsets_commit_timeout_ms: u64,
    /// `group.min.session.timeout.ms`, of classic members.
    pub classic_min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`, of classic members.
    pub classic_max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`; not above 0: a new classic group does not wait.
    pub classic_initial_rebalance_delay_ms: i32,
    /// `group.max.size`, of classic groups.
    pub classic_max_size: i32,
    /// `group.consumer.session.timeout.ms`; longer than the heartbeat interval.
    pub consumer_session_timeout_ms: i32,
    /// `group.consumer.min.session.timeout.ms`.
    pub consumer_min_session_timeout_ms: i32,
    /// `group.consumer.max.session.timeout.ms`; not below the least.
    pub consumer_max_session_timeout_ms: i32,
    /// `group.consumer.heartbeat.interval.ms`.
    pub consumer_heartbeat_interval_ms: i32,
    /// `group.consumer.min.heartbeat.interval.ms`.
    pub consumer_min_heartbeat_interval_ms: i32,
    /// `group.consumer.max.heartbeat.interval.ms`; not below the least.
    pub consumer_max_heartbeat_interval_ms: i32,
    /// `group.consumer.assignment.interval.ms`; one that changed while running is cut to its bounds.
    pub consumer_assignment_interval_ms: i32,
    /// `group.consumer.min.assignment.interval.ms`.
    pub consumer_min_assignment_interval_ms: i32,
    /// `group.consumer.max.assignment.interval.ms`; not below the least.
    pub consumer_max_assignment_interval_ms: i32,
    /// `group.consumer.max.size`.
    pub consumer_max_size: i32,
    /// `group.consumer.assignors`, at least one, each once; the first is the default.
    pub consumer_assignors: Vec<ConsumerAssignor>,
    /// `group.consumer.migration.policy`.
    pub consumer_migration_policy: MigrationPolicy,
    /// `group.consumer.regex.refresh.interval.ms`.
    pub consumer_regex_refresh_interval_ms: u64,
}

impl GroupsConfig {
    /// Reads the values and tells what is wrong with them together.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        group_bounds::check_broker(reader);
        let consumer_assignors = assignors(reader);
        let number = |name: &str| i32::try_from(reader.number(name)).unwrap_or_default();
        Self {
            offset_metadata_max_bytes: number("offset.metadata.max.bytes"),
            offsets_topic_replication_factor: i16::try_from(number("offsets.topic.replication.factor"))
                .unwrap_or(1),
            offsets_topic_num_partitions: number("offsets.topic.num.partitions"),
            offsets_topic_segment_bytes: number("offsets.topic.segment.bytes"),
            offsets_topic_compression_codec: i8::try_from(number("offsets.topic.compression.codec"))
                .unwrap_or_default(),
            offsets_retention_ms: reader.number("offsets.retention.minutes") * 60_000,
            offsets_retention_check_interval_ms: reader.unsigned("offsets.retention.check.interval.ms"),
            offsets_commit_timeout_ms: reader.unsigned("offsets.commit.timeout.ms"),
            classic_min_session_timeout_ms: number("group.min.session.timeout.ms"),
            classic_max_session_timeout_ms: number("group.max.session.timeout.ms"),
            classic_initial_rebalance_delay_ms: number("group.initial.rebalance.delay.ms"),
            classic_max_size: number("group.max.size"),
            consumer_session_timeout_ms: number("group.consumer.session.timeout.ms"),
            consumer_min_session_timeout_ms: number("group.consumer.min.session.timeout.ms"),
            consumer_max_session_timeout_ms: number("group.consumer.max.session.timeout.ms"),
            consumer_heartbeat_interval_ms: number("group.consumer.heartbeat.interval.ms"),
            consumer_min_heartbeat_interval_ms: number("group.consumer.min.heartbeat.interval.ms"),
            consumer_max_heartbeat_interval_ms: number("group.consumer.max.heartbeat.interval.ms"),
            consumer_assignment_interval_ms: number("group.consumer.assignment.interval.ms"),
            consumer_min_assignment_interval_ms: number("group.consumer.min.assignment.interval.ms"),
            consumer_max_assignment_interval_ms: number("group.consumer.max.assignment.interval.ms"),
            consumer_max_size: number("group.consumer.max.size"),
            consumer_assignors,
            consumer_migration_policy: migration_policy(&reader.text("group.consumer.migration.policy")),
            consumer_regex_refresh_interval_ms: reader.unsigned("group.consumer.regex.refresh.interval.ms"),
        }
    }
}

/// The row's check has let no other word through.
fn migration_policy(text: &str) -> MigrationPolicy {
    match text.to_ascii_lowercase().as_str() {
        "disabled" => MigrationPolicy::Disabled,
        "downgrade" => MigrationPolicy::Downgrade,
        "upgrade" => MigrationPolicy::Upgrade,
        _ => MigrationPolicy::Bidirectional,
    }
}

fn assignors(reader: &mut Reader<'_>) -> Vec<ConsumerAssignor> {
    const NAME: &str = "group.consumer.assignors";
    let mut assignors = Vec::new();
    for item in reader.items(NAME) {
        match ConsumerAssignor::parse(&item) {
            Some(known) if assignors.contains(&known) => {
                reader.problem(NAME, format!("{NAME}: {} is given twice", known.name()));
            }
            Some(known) => assignors.push(known),
            None => {
                let text = "Java classes are not loaded; use uniform, range or both";
                reader.problem(NAME, format!("{NAME}={}: {text}", shown(&item)));
            }
        }
    }
    assignors
}
