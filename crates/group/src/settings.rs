//! The settings that groups obey, as plain values.

use std::sync::Arc;

use ottla_config::{BrokerConfig, ConfigMap, ConsumerAssignor, GroupSettings};

use crate::assign::Assignor;

/// `group.*` and `offsets.*` of the broker. The default is Kafka's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`.
    pub max_size: usize,
    /// `group.consumer.max.size`.
    pub consumer_max_size: usize,
    /// `group.consumer.assignors`; the first is the default. Never empty.
    pub assignors: Vec<Assignor>,
    /// `group.consumer.migration.policy`.
    pub migration: MigrationPolicy,
    /// `group.consumer.regex.refresh.interval.ms`.
    pub regex_refresh_ms: u64,
    /// What a consumer group obeys that has no settings of its own.
    pub consumer: ConsumerSettings,
    /// What bounds a group's own settings; without it there are none.
    pub broker: Option<Arc<BrokerConfig>>,
}

/// What one consumer group obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// `consumer.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `consumer.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `consumer.assignment.interval.ms`.
    pub assignment_interval_ms: i32,
}

/// Which way groups may change their protocol while they have members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the name of each is its meaning
pub enum MigrationPolicy {
    Disabled,
    Upgrade,
    Downgrade,
    Bidirectional,
}

impl Settings {
    /// As a broker's configuration has them.
    #[must_use]
    pub fn of(config: &Arc<BrokerConfig>) -> Self {
        let groups = &config.groups;
        let size = |most: i32| usize::try_from(most).unwrap_or(0);
        let assignor = |assignor: &ConsumerAssignor| match assignor {
            ConsumerAssignor::Uniform => Assignor::Uniform,
            ConsumerAssignor::Range => Assignor::Range,
        };
        Self {
            offset_metadata_max_bytes: size(groups.offset_metadata_max_bytes),
            offsets_retention_ms: groups.offsets_retention_ms,
            min_session_timeout_ms: groups.classic_min_session_timeout_ms,
            max_session_timeout_ms: groups.classic_max_session_timeout_ms,
            initial_rebalance_delay_ms: groups.classic_initial_rebalance_delay_ms,
            max_size: size(groups.classic_max_size),
            consumer_max_size: size(groups.consumer_max_size),
            assignors: groups.consumer_assignors.iter().map(assignor).collect(),
            migration: match groups.consumer_migration_policy {
                ottla_config::MigrationPolicy::Disabled => MigrationPolicy::Disabled,
                ottla_config::MigrationPolicy::Upgrade => MigrationPolicy::Upgrade,
                ottla_config::MigrationPolicy::Downgrade => MigrationPolicy::Downgrade,
                ottla_config::MigrationPolicy::Bidirectional => MigrationPolicy::Bidirectional,
            },
            regex_refresh_ms: groups.consumer_regex_refresh_interval_ms,
            consumer: ConsumerSettings::resolve(&ConfigMap::new(), config),
            broker: Some(Arc::clone(config)),
        }
    }
}

impl ConsumerSettings {
    /// Of a group with settings of its own.
    pub(crate) fn resolve(own: &ConfigMap, broker: &BrokerConfig) -> Self {
        let GroupSettings {
            consumer_session_timeout_ms,
            consumer_heartbeat_interval_ms,
            consumer_assignment_interval_ms,
        } = GroupSettings::resolve(own, broker);
        Self {
            session_timeout_ms: consumer_session_timeout_ms,
            heartbeat_interval_ms: consumer_heartbeat_interval_ms,
            assignment_interval_ms: consumer_assignment_interval_ms,
        }
    }
}

impl MigrationPolicy {
    /// Whether a classic group becomes a consumer group when a member of that protocol joins it.
    pub(crate) const fn upgrades(self) -> bool {
        matches!(self, Self::Upgrade | Self::Bidirectional)
    }

    /// Whether a consumer group becomes a classic one when only such members are left.
    pub(crate) const fn downgrades(self) -> bool {
        matches!(self, Self::Downgrade | Self::Bidirectional)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            offset_metadata_max_bytes: 4096,
            offsets_retention_ms: 10_080 * 60 * 1000,
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            max_size: usize::MAX,
            consumer_max_size: usize::MAX,
            assignors: vec![Assignor::Uniform, Assignor::Range],
            migration: MigrationPolicy::Bidirectional,
            regex_refresh_ms: 600_000,
            consumer: ConsumerSettings {
                session_timeout_ms: 45_000,
                heartbeat_interval_ms: 5_000,
                assignment_interval_ms: 1_000,
            },
            broker: None,
        }
    }
}
