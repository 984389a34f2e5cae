//! The nodes of the cluster: registered brokers and controllers (Kafka's `BrokerRegistration`,
//! `ControllerRegistration`).

use ottla_model::{BrokerEpoch, NodeId, Uuid};
use ottla_wire::messages::{
    BrokerRegistrationChangeRecord, RegisterBrokerRecord, RegisterControllerRecord, register_broker_record,
    register_controller_record,
};

use crate::error::ReplayError;
use crate::features::LevelRange;
use crate::levels::MetadataVersion;
use crate::parts::{Text, text};

/// How a listener is secured (Kafka's `SecurityProtocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityProtocol {
    /// Neither encrypted nor authenticated.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL in clear.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// The number in a registration.
    #[must_use]
    pub const fn id(self) -> i16 {
        match self {
            Self::Plaintext => 0,
            Self::Ssl => 1,
            Self::SaslPlaintext => 2,
            Self::SaslSsl => 3,
        }
    }

    /// The protocol of a number.
    #[must_use]
    pub const fn from_id(id: i16) -> Option<Self> {
        match id {
            0 => Some(Self::Plaintext),
            1 => Some(Self::Ssl),
            2 => Some(Self::SaslPlaintext),
            3 => Some(Self::SaslSsl),
            _ => None,
        }
    }
}

/// An address at which a node can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The listener's name.
    pub name: Text,
    /// Host name or address, as advertised.
    pub host: Text,
    /// TCP port.
    pub port: u16,
    /// How it is secured.
    pub security: SecurityProtocol,
}

/// A range of levels that a node supports of one feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportedFeature {
    /// The feature's name.
    pub name: Text,
    /// The levels.
    pub range: LevelRange,
}

/// A registered broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// `node.id`.
    pub id: NodeId,
    /// The offset of its registration in the metadata log: one for each process start.
    pub epoch: BrokerEpoch,
    /// Drawn by the process at its start.
    pub incarnation: Uuid,
    /// Its listeners, by name: Kafka keeps no order of them.
    pub listeners: Vec<Listener>,
    /// What it supports, by name.
    pub features: Vec<SupportedFeature>,
    /// `broker.rack`.
    pub rack: Option<Text>,
    /// Whether it may neither lead nor be in sync.
    pub fenced: bool,
    /// Whether it is stopping and hands its leaderships over.
    pub in_controlled_shutdown: bool,
    /// Whether it came from ZooKeeper; kept for the record, always false in Kafka 4.
    pub migrating: bool,
    /// The ids of its online log directories.
    pub directories: Vec<Uuid>,
    /// Directories that take no new partitions; `None` until the broker has said so.
    pub cordoned: Option<Vec<Uuid>>,
}

impl Broker {
    pub(crate) fn from_record(record: &RegisterBrokerRecord) -> Result<Self, ReplayError> {
        let mut listeners = record
            .end_points
            .iter()
            .map(|end| listener(&end.name, &end.host, end.port, end.security_protocol))
            .collect::<Result<Vec<_>, _>>()?;
        listeners.sort_by(|a, b| a.name.cmp(&b.name));
        let mut features: Vec<_> = record
            .features
            .iter()
            .map(|feature| {
                supported(&feature.name, feature.min_supported_version, feature.max_supported_version)
            })
            .collect();
        features.sort_by(|a: &SupportedFeature, b| a.name.cmp(&b.name));
        Ok(Self {
            id: record.broker_id,
            epoch: record.broker_epoch,
            incarnation: record.incarnation_id,
            listeners,
            features,
            rack: record.rack.as_deref().map(text),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            migrating: record.is_migrating_zk_broker,
            directories: record.log_dirs.clone(),
            cordoned: record.cordoned_log_dirs.clone(),
        })
    }

    /// The registration after a change; the epoch has been compared.
    pub(crate) fn changed(&self, record: &BrokerRegistrationChangeRecord) -> Result<Self, ReplayError> {
        let mut next = self.clone();
        match record.fenced {
            -1 => next.fenced = false,
            0 => {}
            1 => next.fenced = true,
            other => return Err(ReplayError::Value { field: "fenced", value: other.into() }),
        }
        match record.in_controlled_shutdown {
            0 => {}
            1 => next.in_controlled_shutdown = true,
            other => return Err(ReplayError::Value { field: "inControlledShutdown", value: other.into() }),
        }
        if !record.log_dirs.is_empty() {
            next.directories.clone_from(&record.log_dirs);
        }
        if let Some(cordoned) = &record.cordoned_log_dirs {
            next.cordoned = Some(cordoned.clone());
        }
        Ok(next)
    }

    /// The record that registers it so; what the level cannot say is left out.
    #[must_use]
    pub fn to_record(&self, version: MetadataVersion) -> RegisterBrokerRecord {
        let end_point = |listener: &Listener| register_broker_record::BrokerEndpoint {
            name: (&*listener.name).into(),
            host: (&*listener.host).into(),
            port: listener.port,
            security_protocol: listener.security.id(),
        };
        let feature = |feature: &SupportedFeature| register_broker_record::BrokerFeature {
            name: (&*feature.name).into(),
            min_supported_version: feature.range.min,
            max_supported_version: feature.range.max,
        };
        RegisterBrokerRecord {
            broker_id: self.id,
            is_migrating_zk_broker: self.migrating && version.level() >= 8,
            incarnation_id: self.incarnation,
            broker_epoch: self.epoch,
            end_points: self.listeners.iter().map(end_point).collect(),
            features: self.features.iter().map(feature).collect(),
            rack: self.rack.as_deref().map(Into::into),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
            log_dirs: if version.has_directories() { self.directories.clone() } else { Vec::new() },
            cordoned_log_dirs: if version.has_cordoned_directories() { self.cordoned.clone() } else { None },
        }
    }

    /// The listener of a name.
    #[must_use]
    pub fn listener(&self, name: &str) -> Option<&Listener> {
        self.listeners.iter().find(|listener| &*listener.name == name)
    }

    /// Whether it may lead partitions and be in sync.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }
}

/// A registered controller (KIP-919).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// `node.id`.
    pub id: NodeId,
    /// Drawn by the process at its start.
    pub incarnation: Uuid,
    /// Kept for the record.
    pub zk_migration_ready: bool,
    /// Its listeners, by name: Kafka keeps no order of them.
    pub listeners: Vec<Listener>,
    /// What it supports, by name.
    pub features: Vec<SupportedFeature>,
}

impl Controller {
    pub(crate) fn from_record(record: &RegisterControllerRecord) -> Result<Self, ReplayError> {
        let mut listeners = record
            .end_points
            .iter()
            .map(|end| listener(&end.name, &end.host, end.port, end.security_protocol))
            .collect::<Result<Vec<_>, _>>()?;
        listeners.sort_by(|a, b| a.name.cmp(&b.name));
        let mut features: Vec<_> = record
            .features
            .iter()
            .map(|feature| {
                supported(&feature.name, feature.min_supported_version, feature.max_supported_version)
            })
            .collect();
        features.sort_by(|a: &SupportedFeature, b| a.name.cmp(&b.name));
        Ok(Self {
            id: record.controller_id,
            incarnation: record.incarnation_id,
            zk_migration_ready: record.zk_migration_ready,
            listeners,
            features,
        })
    }

    /// The record that registers it so.
    #[must_use]
    pub fn to_record(&self) -> RegisterControllerRecord {
        let end_point = |listener: &Listener| register_controller_record::ControllerEndpoint {
            name: (&*listener.name).into(),
            host: (&*listener.host).into(),
            port: listener.port,
            security_protocol: listener.security.id(),
        };
        let feature = |feature: &SupportedFeature| register_controller_record::ControllerFeature {
            name: (&*feature.name).into(),
            min_supported_version: feature.range.min,
            max_supported_version: feature.range.max,
        };
        RegisterControllerRecord {
            controller_id: self.id,
            incarnation_id: self.incarnation,
            zk_migration_ready: self.zk_migration_ready,
            end_points: self.listeners.iter().map(end_point).collect(),
            features: self.features.iter().map(feature).collect(),
        }
    }
}

fn listener(name: &str, host: &str, port: u16, security: i16) -> Result<Listener, ReplayError> {
    let security = SecurityProtocol::from_id(security)
        .ok_or(ReplayError::Value { field: "securityProtocol", value: security.into() })?;
    Ok(Listener { name: text(name), host: text(host), port, security })
}

fn supported(name: &str, min: i16, max: i16) -> SupportedFeature {
    SupportedFeature { name: text(name), range: LevelRange { min, max } }
}
