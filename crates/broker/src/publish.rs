//! Publishing: what a committed step of the metadata means for this node. One function, one
//! thread, one order: configuration; partitions that appear or are led; the image becomes visible; partitions
//! that go (earlier only those whose names are taken again); coordinators. Replies that wait for the step leave after all of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ottla_config::{BrokerConfig, LogSettings};
use ottla_controller::Request;
use ottla_metadata::{ConfigKind, ConfigResource, Delta, Image, Partition as Replica, PartitionStep, Topic};
use ottla_model::{Offset, TopicPartition, Uuid};
use ottla_partition::{Effect, Partition, PartitionId};
use ottla_storage::log_dirs::CreateError;

use crate::coordination;
use crate::logs::Rubbish;
use crate::metadata_thread::Publisher;
use crate::offline;
use crate::state::Broker;

/// Applies steps of the metadata to the broker.
pub(crate) struct NodePublisher {
    pub(crate) broker: Arc<Broker>,
}

impl Publisher for NodePublisher {
    fn publish(&mut self, delta: &Delta) -> Vec<Request> {
        self.configure(delta);
        let replaced = self.replaced(delta);
        self.retire(&replaced);
        let placed = self.bring(delta);
        self.broker.image.store(Arc::new(delta.after.clone()));
        self.take_away(delta, &replaced);
        coordination::published(&self.broker, delta);
        if placed.is_empty() { Vec::new() } else { vec![Request::AssignDirectories(placed)] }
    }

    fn published(&self, offset: Offset) {
        self.broker.published.store(offset, Ordering::Release);
    }

    fn config(&self) -> Arc<BrokerConfig> {
        self.broker.config()
    }

    fn fatal(&self, error: &dyn std::error::Error) {
        offline::take_offline(&self.broker, self.broker.metadata_directory, error);
    }
}

impl NodePublisher {
    /// Dynamic configuration: the node's, then that of every log it reaches.
    fn configure(&self, delta: &Delta) {
        let configs = &delta.touched.configs;
        let own = ConfigResource::broker(self.broker.node_id);
        let all = ConfigResource::all_brokers();
        if configs.contains(&own) || configs.contains(&all) {
            let (cluster, node) = (Broker::dynamic(&delta.after, &all), Broker::dynamic(&delta.after, &own));
            let config = Arc::new(self.broker.given.with_dynamic(&cluster, &node));
            self.broker.config.store(Arc::clone(&config));
            self.broker.groups.configure(&config);
            self.broker.reconfigured.send_replace(config);
            for topic in delta.after.topics.iter() {
                self.set_settings(&delta.after, topic);
            }
            return;
        }
        let topics = configs.iter().filter(|resource| resource.kind == ConfigKind::Topic);
        for topic in topics.filter_map(|resource| delta.after.topics.named(&resource.name)) {
            self.set_settings(&delta.after, topic);
        }
    }

    fn set_settings(&self, image: &Image, topic: &Topic) {
        let settings = self.broker.log_settings(image, topic);
        for number in topic.partitions.keys() {
            if let Some(partition) = self.broker.partitions.get(topic.id, *number) {
                partition.set_settings(settings.clone());
            }
        }
    }

    /// Makes the logs of new replicas and takes up leaderships; answers which replicas lie in a directory that the
    /// metadata does not name yet.
    fn bring(&self, delta: &Delta) -> Vec<(Uuid, i32, Uuid)> {
        let mut effects = Vec::new();
        let mut new = Vec::new();
        let mut placed = Vec::new();
        let mut settings: Option<(Uuid, LogSettings)> = None;
        for step in delta.partitions() {
            let Some(replica) = step.after.filter(|after| after.has_replica(self.broker.node_id)) else {
                continue;
            };
            let partition = match self.broker.partitions.get(step.topic.id, step.number) {
                Some(partition) => partition,
                None => {
                    let cached = settings.take().filter(|(topic, _)| *topic == step.topic.id);
                    let (_, of_topic) = cached.unwrap_or_else(|| {
                        (step.topic.id, self.broker.log_settings(&delta.after, step.topic))
                    });
                    settings = Some((step.topic.id, of_topic.clone()));
                    let Some(partition) = self.create(&step, replica, of_topic) else { continue };
                    new.push(Arc::clone(&partition));
                    partition
                }
            };
            placed.extend(self.unnamed_directory(&partition, replica));
            effects.push(lead_or_follow(&partition, replica, self.broker.node_id));
        }
        self.broker.partitions.insert(new);
        self.broker.effects.apply(&effects);
        placed
    }

    fn create(
        &self,
        step: &PartitionStep<'_>,
        replica: &Replica,
        settings: LogSettings,
    ) -> Option<Arc<Partition>> {
        let name = TopicPartition { topic: step.topic.name.clone(), partition: step.number };
        let directory = replica.directory_of(self.broker.node_id);
        let now = self.broker.clock.now();
        match self.broker.logs.dirs.create(&name, step.topic.id, settings, directory, now) {
            Ok((_, log)) => {
                let id = PartitionId { topic: step.topic.id, partition: step.number };
                Some(Arc::new(Partition::new(id, log, self.broker.ack_durable())))
            }
            Err(error) => {
                tracing::error!(partition = %name, %error, "the log of a new partition could not be made");
                if let CreateError::Storage(directory, error) = &error {
                    offline::take_offline(&self.broker, *directory, error);
                }
                None
            }
        }
    }

    /// With several directories the metadata learns afterwards where a replica lies.
    fn unnamed_directory(&self, partition: &Partition, replica: &Replica) -> Option<(Uuid, i32, Uuid)> {
        let directory = self.broker.logs.dir_of(partition)?;
        let id = self.broker.logs.dirs.dir(directory)?.id();
        let known = replica.directory_of(self.broker.node_id)?;
        (known != id).then_some((partition.id().topic, partition.id().partition, id))
    }

    /// Partitions of topics that were deleted and made again in the same step: the new one needs the name of the
    /// old one's directory.
    fn replaced(&self, delta: &Delta) -> Vec<Arc<Partition>> {
        let again = |topic: &&Topic| delta.after.topics.named(topic.name.as_str()).is_some();
        let of = |topic: &Topic| {
            let numbers = topic.partitions.keys();
            numbers.filter_map(|number| self.broker.partitions.get(topic.id, *number)).collect::<Vec<_>>()
        };
        delta.deleted_topics().filter(again).flat_map(of).collect()
    }

    /// Partitions of deleted topics, and replicas that are no longer this node's; some of them are retired.
    fn take_away(&self, delta: &Delta, retired: &[Arc<Partition>]) {
        let mut gone = Vec::new();
        for step in delta.partitions() {
            if step.after.is_none_or(|after| !after.has_replica(self.broker.node_id)) {
                gone.extend(self.broker.partitions.get(step.topic.id, step.number));
            }
        }
        if gone.is_empty() {
            return;
        }
        self.broker.partitions.remove(gone.iter().map(|partition| partition.id()));
        gone.retain(|partition| !retired.iter().any(|one| Arc::ptr_eq(one, partition)));
        self.retire(&gone);
    }

    /// Ends what partitions serve and gives their directories a name that is no partition's.
    fn retire(&self, partitions: &[Arc<Partition>]) {
        let effects: Vec<Effect> = partitions.iter().map(|partition| partition.leave()).collect();
        self.broker.effects.apply(&effects);
        let now = self.broker.clock.now();
        for partition in partitions {
            let id = self.broker.fresh_id();
            match partition.with_log(|log| self.broker.logs.dirs.delete(log, id, now)) {
                Ok(retired) => self.broker.logs.discard([Rubbish::Directory(retired)]),
                Err(error) => {
                    tracing::error!(partition = %partition.name(), %error, "a deleted partition could not be renamed");
                }
            }
        }
    }
}

/// What the metadata makes of a replica here.
pub(crate) fn lead_or_follow(partition: &Partition, replica: &Replica, node_id: i32) -> Effect {
    if replica.leader == Some(node_id) {
        partition.become_leader(replica.leader_epoch)
    } else {
        partition.become_follower(replica.leader_epoch)
    }
}
