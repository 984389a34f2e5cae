//! The whole metadata of the cluster at one point of the log, as a value (Kafka's `MetadataImage`).
//!
//! An image is made of shared parts: a clone costs nothing, a change costs what it changes, and an image handed out
//! never changes under its holder. It is the same whether it came from the log or from a snapshot.

use ottla_model::{NodeId, ProducerId, Uuid};

use crate::access::{Acl, DelegationToken, QuotaEntity, ScramCredential, ScramMechanism};
use crate::cluster::{Broker, Controller};
use crate::configs::Configs;
use crate::features::ELIGIBLE_LEADER_REPLICAS;
use crate::levels::MetadataVersion;
use crate::parts::{Map, Text};
use crate::topics::Topics;

/// The metadata of the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    /// The finalised levels.
    pub features: Features,
    /// Registered brokers.
    pub brokers: Map<NodeId, Broker>,
    /// Registered controllers.
    pub controllers: Map<NodeId, Controller>,
    /// Topics and partitions.
    pub topics: Topics,
    /// Dynamic configuration.
    pub configs: Configs,
    /// Quotas: for each entity, key and value. An entity without quotas is not there.
    pub quotas: Map<QuotaEntity, Map<Text, f64>>,
    /// The first producer id that no block holds; `None` before the first block.
    pub next_producer_id: Option<ProducerId>,
    /// Access control entries.
    pub acls: Map<Uuid, Acl>,
    /// SCRAM credentials by mechanism and user.
    pub scram: Map<(ScramMechanism, Text), ScramCredential>,
    /// Delegation tokens by token id.
    pub tokens: Map<Text, DelegationToken>,
}

/// The finalised feature levels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `metadata.version`; `None` while the log is empty.
    pub metadata_version: Option<MetadataVersion>,
    /// The other features above level 0, by name; never `kraft.version`, which is a control record.
    pub others: Map<Text, i16>,
}

impl Features {
    /// The finalised level of a feature, 0 when it is off. For `metadata.version` its level.
    #[must_use]
    pub fn level(&self, name: &str) -> i16 {
        if name == MetadataVersion::FEATURE {
            return self.metadata_version.map_or(0, MetadataVersion::level);
        }
        self.others.get(name).copied().unwrap_or(0)
    }

    /// Whether partitions keep eligible leader replicas.
    #[must_use]
    pub fn has_elr(&self) -> bool {
        self.level(ELIGIBLE_LEADER_REPLICAS.name) >= 1
    }
}

impl Image {
    /// The finalised `metadata.version`; while the log is empty, the lowest.
    #[must_use]
    pub fn metadata_version(&self) -> MetadataVersion {
        self.features.metadata_version.unwrap_or(MetadataVersion::MIN)
    }

    /// How many registered brokers are fenced.
    #[must_use]
    pub fn fenced_brokers(&self) -> usize {
        self.brokers.values().filter(|broker| broker.fenced).count()
    }

    /// Whether nothing was ever replayed into it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
