//! The broker: everything that a handler can reach, and how it finds a partition.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use arc_swap::ArcSwap;
use ottla_config::{BrokerConfig, ConfigMap, Layers, LogSettings};
use ottla_env::blocking::Blocking;
use ottla_env::{Clock, Random};
use ottla_metadata::{ConfigResource, Image, Topic};
use ottla_model::{ErrorCode, LeaderEpoch, NodeId, Tick, TopicPartition, Uuid};
use ottla_partition::Partition;
use ottla_replication::AckDurable;
use ottla_storage::log_dirs::DirIndex;
use ottla_wire::messages::fetch_response::NodeEndpoint;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::context::RequestContext;
use crate::counters::Counters;
use crate::effects::Effects;
use crate::flush_demand::FlushDemand;
use crate::groups::Groups;
use crate::log_level::LogControl;
use crate::logs::Logs;
use crate::metadata_thread::ControllerChannel;
use crate::parked::Parked;
use crate::partitions::Partitions;
use crate::producer_ids::ProducerIds;
use crate::sessions::{Opened, Refused, SessionCache, SessionRequest, TopicKey};
use crate::stop::StopRequest;

/// One node, seen by its handlers.
pub(crate) struct Broker {
    pub(crate) node_id: NodeId,
    pub(crate) cluster_id: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// What the node was started with; dynamic values are laid over it at [`Broker::config`].
    pub(crate) given: BrokerConfig,
    pub(crate) config: ArcSwap<BrokerConfig>,
    /// Told of each new configuration.
    pub(crate) reconfigured: watch::Sender<Arc<BrokerConfig>>,
    /// The metadata as far as it is committed and published.
    pub(crate) image: ArcSwap<Image>,
    /// The level of `kraft.version`, which is no record of the image.
    pub(crate) kraft_version: i16,
    /// The last offset of the metadata log that is published.
    pub(crate) published: AtomicI64,
    pub(crate) partitions: Partitions,
    pub(crate) controller: ControllerChannel,
    pub(crate) parked: Arc<Parked>,
    pub(crate) effects: Effects,
    pub(crate) flushes: Arc<FlushDemand>,
    pub(crate) sessions: Mutex<SessionCache>,
    pub(crate) producer_ids: ProducerIds,
    /// The group coordinator.
    pub(crate) groups: Arc<Groups>,
    pub(crate) counters: Counters,
    pub(crate) logs: Arc<Logs>,
    /// Which log directory holds the metadata log.
    pub(crate) metadata_directory: DirIndex,
    pub(crate) blocking: Blocking,
    pub(crate) stop: StopRequest,
    /// The program's own log.
    pub(crate) log_control: Arc<dyn LogControl>,
}

impl Broker {
    /// The configuration as it is now.
    pub(crate) fn config(&self) -> Arc<BrokerConfig> {
        self.config.load_full()
    }

    /// The partition of a topic of the image.
    pub(crate) fn partition(&self, topic: &Topic, number: i32) -> Result<Arc<Partition>, ErrorCode> {
        if let Some(partition) = self.partitions.get(topic.id, number) {
            return Ok(partition);
        }
        match topic.partitions.get(&number) {
            None => Err(ErrorCode::UnknownTopicOrPartition),
            Some(partition) if partition.has_replica(self.node_id) => {
                // The caller may have found the topic in an older image: one that was deleted meanwhile has lost no disk.
                let gone = self.image.load().topics.get(topic.id).is_none();
                Err(if gone { ErrorCode::UnknownTopicOrPartition } else { ErrorCode::KafkaStorageError })
            }
            Some(_) => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    /// The partition of a name.
    pub(crate) fn partition_by_name(&self, topic: &str, number: i32) -> Result<Arc<Partition>, ErrorCode> {
        let image = self.image.load();
        let topic = image.topics.named(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        self.partition(topic, number)
    }

    /// The partition of a topic that is named or numbered; an id that nobody has is told apart.
    pub(crate) fn partition_by_key(
        &self,
        topic: &TopicKey,
        number: i32,
    ) -> Result<Arc<Partition>, ErrorCode> {
        match topic {
            TopicKey::Name(name) => self.partition_by_name(name, number),
            TopicKey::Id(id) => {
                // The registry answers for what is served; only what is not has to be looked up.
                if let Some(partition) = self.partitions.get(*id, number) {
                    return Ok(partition);
                }
                let image = self.image.load();
                let topic = image.topics.get(*id).ok_or(ErrorCode::UnknownTopicId)?;
                self.partition(topic, number)
            }
        }
    }

    /// Who leads a partition now, and in which epoch.
    pub(crate) fn current_leader(&self, name: &TopicPartition) -> Option<(NodeId, LeaderEpoch)> {
        let image = self.image.load();
        let partition = image.topics.named(name.topic.as_str())?.partitions.get(&name.partition)?;
        Some((partition.leader?, partition.leader_epoch))
    }

    /// Where a client of this connection reaches a broker: the listener it came to, as advertised; on a
    /// node without advertised addresses, the address it came to.
    pub(crate) fn endpoint(&self, context: &RequestContext, broker: NodeId) -> Option<(String, i32)> {
        let config = self.config();
        if broker == self.node_id && config.advertised.is_none() {
            let local = context.connection.local;
            return Some((plain_ip(local.ip()), i32::from(local.port())));
        }
        let image = self.image.load();
        let broker = image.brokers.get(&broker)?;
        let listener = broker.listener(&context.connection.listener)?;
        Some((listener.host.to_string(), i32::from(listener.port)))
    }

    /// As [`Broker::endpoint`], in the form of a fetch response.
    pub(crate) fn node_endpoint(&self, context: &RequestContext, node_id: NodeId) -> Option<NodeEndpoint> {
        let (host, port) = self.endpoint(context, node_id)?;
        let image = self.image.load();
        let rack = image.brokers.get(&node_id).and_then(|broker| broker.rack.as_deref()).map(Into::into);
        Some(NodeEndpoint { node_id, host: host.into(), port, rack })
    }

    /// Opens, continues or closes a fetch session.
    pub(crate) fn open_session(&self, request: SessionRequest, now: Tick) -> Result<Opened, Refused> {
        let draw = || {
            let mut bytes = [0; 4];
            self.random.fill(&mut bytes);
            i32::from_be_bytes(bytes)
        };
        self.sessions.lock().open(request, now, draw)
    }

    /// The dynamic configuration of a resource.
    pub(crate) fn dynamic(image: &Image, resource: &ConfigResource) -> ConfigMap {
        let values = image.configs.of(resource).into_iter().flat_map(ottla_metadata::Map::iter);
        values.map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    /// Runs `work` with what stands below the topics' own settings.
    pub(crate) fn with_layers<R>(&self, image: &Image, work: impl FnOnce(&Layers<'_>) -> R) -> R {
        let cluster = Self::dynamic(image, &ConfigResource::all_brokers());
        let broker = Self::dynamic(image, &ConfigResource::broker(self.node_id));
        work(&Layers { broker: &broker, cluster: &cluster, given: &self.given.given })
    }

    /// What the logs of a topic obey.
    pub(crate) fn log_settings(&self, image: &Image, topic: &Topic) -> LogSettings {
        let own = Self::dynamic(image, &ConfigResource::topic(topic.name.as_str()));
        self.with_layers(image, |layers| LogSettings::resolve(&own, layers))
    }

    /// What an acknowledgement waits for (`ottla.ack.durable`).
    pub(crate) fn ack_durable(&self) -> AckDurable {
        match self.given.ack_durable {
            ottla_config::AckDurable::Alone => AckDurable::Alone,
            ottla_config::AckDurable::Always => AckDurable::Always,
            ottla_config::AckDurable::Never => AckDurable::Never,
        }
    }

    /// An id that nobody has.
    pub(crate) fn fresh_id(&self) -> Uuid {
        self.random.uuid()
    }
}

/// An address as clients write it: IPv4 that came through an IPv6 socket is IPv4.
fn plain_ip(ip: std::net::IpAddr) -> String {
    ip.to_canonical().to_string()
}
