//! Dynamic configuration: which resource, and what is set on it (Kafka's `ConfigurationsImage`).
//!
//! Values are kept as they were written, names that nothing obeys included: what a setting means is `config`'s.

use std::sync::Arc;

use ottla_wire::messages::ConfigRecord;

use crate::error::ReplayError;
use crate::parts::{Map, Text, text};

/// What can be configured (Kafka's `ConfigResource.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigKind {
    /// A topic, by name.
    Topic,
    /// A broker, by id; the empty name is the default of all brokers.
    Broker,
    /// A broker's log levels.
    BrokerLogger,
    /// A client metrics subscription.
    ClientMetrics,
    /// A group.
    Group,
}

impl ConfigKind {
    /// The number in records and requests.
    #[must_use]
    pub const fn code(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
            Self::BrokerLogger => 8,
            Self::ClientMetrics => 16,
            Self::Group => 32,
        }
    }

    /// The kind of a number.
    #[must_use]
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            2 => Some(Self::Topic),
            4 => Some(Self::Broker),
            8 => Some(Self::BrokerLogger),
            16 => Some(Self::ClientMetrics),
            32 => Some(Self::Group),
            _ => None,
        }
    }
}

/// One thing that is configured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// What it is.
    pub kind: ConfigKind,
    /// Its name.
    pub name: Text,
}

impl ConfigResource {
    /// A resource.
    #[must_use]
    pub fn new(kind: ConfigKind, name: &str) -> Self {
        Self { kind, name: text(name) }
    }

    /// A topic.
    #[must_use]
    pub fn topic(name: &str) -> Self {
        Self::new(ConfigKind::Topic, name)
    }

    /// The default of all brokers.
    #[must_use]
    pub fn all_brokers() -> Self {
        Self::new(ConfigKind::Broker, "")
    }

    /// One broker.
    #[must_use]
    pub fn broker(id: ottla_model::NodeId) -> Self {
        Self { kind: ConfigKind::Broker, name: Arc::from(id.to_string()) }
    }
}

/// What is set, by resource. A resource with nothing set is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configs(Map<ConfigResource, Map<Text, Text>>);

impl Configs {
    /// What is set on a resource.
    #[must_use]
    pub fn of(&self, resource: &ConfigResource) -> Option<&Map<Text, Text>> {
        self.0.get(resource)
    }

    /// One value.
    #[must_use]
    pub fn value(&self, resource: &ConfigResource, name: &str) -> Option<&str> {
        self.of(resource)?.get(name).map(|value| &**value)
    }

    /// Everything, by resource.
    pub fn iter(&self) -> impl Iterator<Item = (&ConfigResource, &Map<Text, Text>)> {
        self.0.iter()
    }

    /// Whether nothing is set on anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets or removes one value.
    pub(crate) fn replay(&mut self, record: &ConfigRecord) -> Result<ConfigResource, ReplayError> {
        let kind = ConfigKind::from_code(record.resource_type)
            .ok_or(ReplayError::Value { field: "resourceType", value: record.resource_type.into() })?;
        let resource = ConfigResource::new(kind, &record.resource_name);
        let mut values = self.0.get(&resource).cloned().unwrap_or_default();
        match &record.value {
            Some(value) => values.insert_mut(text(&record.name), text(value)),
            None => {
                values.remove_mut(&*record.name);
            }
        }
        if values.is_empty() {
            self.0.remove_mut(&resource);
        } else {
            self.0.insert_mut(resource.clone(), values);
        }
        Ok(resource)
    }

    /// Forgets everything set on a resource; says whether there was something.
    pub(crate) fn remove(&mut self, resource: &ConfigResource) -> bool {
        self.0.remove_mut(resource)
    }
}
