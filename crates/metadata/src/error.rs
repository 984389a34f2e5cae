//! Why a metadata record cannot be replayed. On a log that Kafka wrote, each of these stops Kafka's controller too.

use std::fmt;

use ottla_model::{BrokerEpoch, InvalidTopicName, NodeId, ProducerId, Uuid};

/// A record contradicts the image, or says something that Kafka 4.4 does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// `metadata.version` at a level outside 7 to 33.
    MetadataVersion(i16),
    /// A feature, or a level of it, that Kafka 4.4 does not know.
    Feature {
        /// The feature's name.
        name: String,
        /// The level.
        level: i16,
    },
    /// No broker of this id is registered.
    UnknownBroker(NodeId),
    /// The registration has another epoch.
    BrokerEpoch {
        /// The broker.
        id: NodeId,
        /// The epoch of its registration.
        registered: BrokerEpoch,
        /// The epoch in the record.
        found: BrokerEpoch,
    },
    /// A field of a BrokerRegistrationChange or Partition record has a value without meaning.
    Value {
        /// The field.
        field: &'static str,
        /// The value.
        value: i64,
    },
    /// The topic's name is not legal.
    TopicName(InvalidTopicName),
    /// A topic of this name exists already.
    DuplicateTopic(String),
    /// A topic with this id exists already.
    DuplicateTopicId(Uuid),
    /// No topic has this id.
    UnknownTopicId(Uuid),
    /// No topic has this name.
    UnknownTopic(String),
    /// The topic has no partition of this number.
    UnknownPartition {
        /// The topic.
        topic: Uuid,
        /// The partition.
        partition: i32,
    },
    /// Not one directory for each replica.
    Directories {
        /// The topic.
        topic: Uuid,
        /// The partition.
        partition: i32,
    },
    /// The next producer id does not grow.
    ProducerId {
        /// What was reached.
        reached: ProducerId,
        /// What the record says.
        found: ProducerId,
    },
    /// No ACL has this id.
    UnknownAcl(Uuid),
    /// A transaction begins inside another.
    TransactionOpen,
    /// A transaction ends that was not begun.
    NoTransaction,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MetadataVersion(level) => write!(
                f,
                "metadata.version is at level {level}, known are 7 to 33; \
                 upgrade the metadata of this cluster with a Kafka that knows it, or use a newer release of Ottla"
            ),
            Self::Feature { name, level } => {
                write!(f, "feature {name} at level {level} is not known; use a newer release of Ottla")
            }
            Self::UnknownBroker(id) => write!(f, "broker {id} is not registered"),
            Self::BrokerEpoch { id, registered, found } => {
                write!(f, "broker {id} is registered with epoch {registered}, the record says {found}")
            }
            Self::Value { field, value } => write!(f, "{field} has the value {value}, which means nothing"),
            Self::TopicName(invalid) => write!(f, "{invalid}"),
            Self::DuplicateTopic(name) => write!(f, "topic {name} exists already"),
            Self::DuplicateTopicId(id) => write!(f, "a topic with id {id} exists already"),
            Self::UnknownTopicId(id) => write!(f, "no topic has the id {id}"),
            Self::UnknownTopic(name) => write!(f, "there is no topic {name}"),
            Self::UnknownPartition { topic, partition } => {
                write!(f, "the topic with id {topic} has no partition {partition}")
            }
            Self::Directories { topic, partition } => write!(
                f,
                "partition {partition} of the topic with id {topic} does not have one directory for each replica"
            ),
            Self::ProducerId { reached, found } => {
                write!(f, "the next producer id falls from {reached} to {found}")
            }
            Self::UnknownAcl(id) => write!(f, "no ACL has the id {id}"),
            Self::TransactionOpen => f.write_str("a metadata transaction begins inside another"),
            Self::NoTransaction => f.write_str("a metadata transaction ends that was not begun"),
        }
    }
}

impl std::error::Error for ReplayError {}
