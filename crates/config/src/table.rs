//! Every setting of Kafka 4.4 and our own, by area.
//!
//! Names, types, defaults, bounds and the way of change are those that the released 4.4.0 defines
//! (`AbstractKafkaConfig`, `LogConfig`, `GroupConfig`, `ClientMetricsConfigs`, `DynamicBrokerConfig`). A broker
//! setting and one of a topic may share a name; they are two rows.

mod client_metrics;
mod group;
mod groups;
mod identity;
mod log;
mod metrics;
mod network;
mod own;
mod quorum;
mod quotas;
mod reasons;
mod replication;
mod sasl;
mod security;
mod share;
mod tiered;
mod topic;
mod transactions;

use crate::setting::Setting;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One part of the table, as the docs page prints it.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// Its heading.
    pub title: &'static str,
    /// Its rows.
    pub rows: &'static [Setting],
}

/// The settings of a broker, in the order of the docs page.
pub const BROKER_AREAS: &[Area] = &[
    Area { title: "The node", rows: identity::ROWS },
    Area { title: "Network", rows: network::ROWS },
    Area { title: "Logs", rows: log::ROWS },
    Area { title: "Replication", rows: replication::ROWS },
    Area { title: "Quorum", rows: quorum::ROWS },
    Area { title: "Groups", rows: groups::ROWS },
    Area { title: "Share groups", rows: share::ROWS },
    Area { title: "Transactions and producers", rows: transactions::ROWS },
    Area { title: "Quotas", rows: quotas::ROWS },
    Area { title: "Metrics", rows: metrics::ROWS },
    Area { title: "Remote storage", rows: tiered::ROWS },
    Area { title: "Security", rows: security::ROWS },
    Area { title: "SASL", rows: sasl::ROWS },
    Area { title: "Ottla's own", rows: own::ROWS },
];

/// The settings of a topic.
pub const TOPIC_AREA: Area = Area { title: "Topics", rows: topic::ROWS };

/// The settings of a group.
pub const GROUP_AREA: Area = Area { title: "One group", rows: group::ROWS };

/// The settings of a subscription to clients' metrics.
pub const CLIENT_METRICS_AREA: Area = Area { title: "Client metrics", rows: client_metrics::ROWS };

static BROKER: LazyLock<BTreeMap<&'static str, &'static Setting>> =
    LazyLock::new(|| BROKER_AREAS.iter().flat_map(|area| area.rows).map(|row| (row.name, row)).collect());
static TOPIC: LazyLock<BTreeMap<&'static str, &'static Setting>> =
    LazyLock::new(|| TOPIC_AREA.rows.iter().map(|row| (row.name, row)).collect());
static GROUP: LazyLock<BTreeMap<&'static str, &'static Setting>> =
    LazyLock::new(|| GROUP_AREA.rows.iter().map(|row| (row.name, row)).collect());
static CLIENT_METRICS: LazyLock<BTreeMap<&'static str, &'static Setting>> =
    LazyLock::new(|| CLIENT_METRICS_AREA.rows.iter().map(|row| (row.name, row)).collect());

/// The broker setting of that name.
pub fn broker(name: &str) -> Option<&'static Setting> {
    BROKER.get(name).copied()
}

/// The topic setting of that name.
pub fn topic(name: &str) -> Option<&'static Setting> {
    TOPIC.get(name).copied()
}

/// The group setting of that name.
pub fn group(name: &str) -> Option<&'static Setting> {
    GROUP.get(name).copied()
}

/// The setting of that name of a subscription to clients' metrics.
pub fn client_metrics(name: &str) -> Option<&'static Setting> {
    CLIENT_METRICS.get(name).copied()
}

/// Every broker setting, by name.
pub fn broker_settings() -> impl Iterator<Item = &'static Setting> {
    BROKER.values().copied()
}

/// Every topic setting, by name.
pub fn topic_settings() -> impl Iterator<Item = &'static Setting> {
    TOPIC.values().copied()
}

/// Every group setting, by name.
pub fn group_settings() -> impl Iterator<Item = &'static Setting> {
    GROUP.values().copied()
}

/// Every setting of a subscription to clients' metrics, by name.
pub fn client_metrics_settings() -> impl Iterator<Item = &'static Setting> {
    CLIENT_METRICS.values().copied()
}
