//! What is asked of the controller and what it answers.

use std::collections::BTreeMap;

use ottla_config::alter::Operation;
use ottla_metadata::{ConfigResource, Listener};
use ottla_model::{BrokerEpoch, ErrorCode, ProducerId, Uuid};
use ottla_wire::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, UpdateFeaturesRequest, UpdateFeaturesResponse,
};

use crate::refusal::Refusal;

/// A request of the protocol, or of this node as a broker.
#[derive(Clone, Debug)]
pub enum Request {
    /// CreateTopics (19). `ids`: fresh ids, at least one for each topic.
    CreateTopics {
        /// As sent.
        request: CreateTopicsRequest,
        /// Drawn by the host.
        ids: Vec<Uuid>,
    },
    /// DeleteTopics (20).
    DeleteTopics {
        /// As sent.
        request: DeleteTopicsRequest,
        /// Its version decides how disabled deletion is told.
        version: i16,
    },
    /// CreatePartitions (37).
    CreatePartitions(CreatePartitionsRequest),
    /// IncrementalAlterConfigs (44), or AlterConfigs (33) where `replace` is set.
    AlterConfigs(ConfigChanges),
    /// UpdateFeatures (57). Features named with both the old and the new field follow the version.
    UpdateFeatures {
        /// As sent.
        request: UpdateFeaturesRequest,
        /// Its version: from 1 on `upgrade_type`, before `allow_downgrade`.
        version: i16,
    },
    /// AllocateProducerIds (67): the next block.
    AllocateProducerIds,
    /// BrokerRegistration (62) and ControllerRegistration (70) of this process.
    Register(NewBroker),
    /// BrokerHeartbeat (63): this broker serves from now on.
    Unfence(BrokerEpoch),
    /// BrokerHeartbeat (63): this broker stops; its leaderships go, then it is fenced.
    ShutDown(BrokerEpoch),
    /// AlterPartition (56): partitions led here have recovered from unclean elections.
    Recovered,
    /// AssignReplicasToDirs (73): where replicas of this broker lie.
    AssignDirectories(Vec<(Uuid, i32, Uuid)>),
}

/// What this process registers as a broker and a controller.
#[derive(Clone, Debug)]
pub struct NewBroker {
    /// Drawn by this process at its start.
    pub incarnation: Uuid,
    /// The broker's listeners, as advertised.
    pub listeners: Vec<Listener>,
    /// The controller's listeners.
    pub controller_listeners: Vec<Listener>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Ids of the online log directories.
    pub directories: Vec<Uuid>,
    /// The broker epoch in the clean-shutdown marks: `None` after an unclean end.
    pub clean_since: Option<BrokerEpoch>,
}

/// One change of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// The setting.
    pub name: String,
    /// What happens to it.
    pub operation: Operation,
    /// The operand; none to delete.
    pub value: Option<String>,
}

/// Changes of several resources, each for itself.
#[derive(Clone, Debug)]
pub struct ConfigChanges {
    /// In the order of the request.
    pub resources: Vec<(ConfigResource, Vec<ConfigChange>)>,
    /// What a resource's changes do not name goes back to its default (AlterConfigs).
    pub replace: bool,
    /// Only say what would be refused.
    pub validate_only: bool,
}

/// The answer to a request of the same name.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // each is the answer to the request of its name
pub enum Reply {
    CreateTopics(CreateTopicsResponse),
    DeleteTopics(Result<DeleteTopicsResponse, ErrorCode>),
    CreatePartitions(CreatePartitionsResponse),
    AlterConfigs(BTreeMap<ConfigResource, Result<(), Refusal>>),
    UpdateFeatures(UpdateFeaturesResponse),
    AllocateProducerIds(Result<std::ops::Range<ProducerId>, ErrorCode>),
    Registered(Result<BrokerEpoch, Refusal>),
    Done(Result<(), Refusal>),
}
