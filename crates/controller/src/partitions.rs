//! Changes of many partitions at once: a broker comes, goes, or has lost what it had not synced.

use ottla_metadata::{Broker, ConfigResource, Image, Partition, Recovery, Topic};
use ottla_model::NodeId;
use ottla_wire::MetadataRecord;

use crate::context::Context;
use crate::partition_change::{Change, Cluster};

/// What happened to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BrokerEvent {
    /// It stops, or is fenced: it leaves the in-sync sets with all its data.
    Leaves(NodeId),
    /// It is back after it may have lost unsynced data: it leaves in-sync and eligible sets.
    LostTail(NodeId),
    /// It serves: partitions without a leader are looked at again.
    Arrives(NodeId),
}

/// The changes that follow from the event.
pub(crate) fn follow(image: &Image, context: &Context<'_>, event: BrokerEvent) -> Vec<MetadataRecord> {
    let mut records = Vec::new();
    for topic in image.topics.iter() {
        let cluster = cluster_of(image, context, topic);
        for (number, partition) in &topic.partitions {
            if concerns(event, partition) {
                records.extend(change(image, context, topic, *number, partition, cluster, event));
            }
        }
    }
    records
}

fn concerns(event: BrokerEvent, partition: &Partition) -> bool {
    match event {
        BrokerEvent::Leaves(broker) => partition.isr.contains(&broker),
        BrokerEvent::LostTail(broker) => partition.isr.contains(&broker) || partition.elr.contains(&broker),
        BrokerEvent::Arrives(_) => partition.leader.is_none(),
    }
}

fn change(
    image: &Image,
    context: &Context<'_>,
    topic: &Topic,
    number: i32,
    partition: &Partition,
    cluster: Cluster,
    event: BrokerEvent,
) -> Option<MetadataRecord> {
    let may_lead = |replica: NodeId| match event {
        BrokerEvent::Leaves(broker) | BrokerEvent::LostTail(broker) if broker == replica => false,
        BrokerEvent::Arrives(broker) if broker == replica => true,
        _ => image.brokers.get(&replica).is_some_and(Broker::is_active),
    };
    let lost;
    let mut change = Change::of(topic.id, number, partition, cluster, &may_lead);
    change.unclean = crate::configs::unclean_leader_election(image, context, topic.name.as_str());
    match event {
        BrokerEvent::Arrives(_) => {}
        BrokerEvent::Leaves(broker) => change.isr.retain(|replica| *replica != broker),
        BrokerEvent::LostTail(broker) => {
            lost = [broker];
            change.lost_tail = &lost;
            change.isr.retain(|replica| *replica != broker);
        }
    }
    change.record().map(MetadataRecord::from)
}

/// What a topic's partitions have in common.
pub(crate) fn cluster_of(image: &Image, context: &Context<'_>, topic: &Topic) -> Cluster {
    let resource = ConfigResource::topic(topic.name.as_str());
    let min_isr = crate::configs::min_insync_replicas(image, context, &resource);
    Cluster { version: image.metadata_version(), elr_enabled: image.features.has_elr(), min_isr }
}

/// Leaders that have recovered from an unclean election say so (AlterPartition).
pub(crate) fn recovered(image: &Image, context: &Context<'_>, leader: NodeId) -> Vec<MetadataRecord> {
    let mut records = Vec::new();
    for topic in image.topics.iter() {
        let cluster = cluster_of(image, context, topic);
        for (number, partition) in &topic.partitions {
            if partition.leader == Some(leader) && partition.recovery == Recovery::Recovering {
                let may_lead = |replica| image.brokers.get(&replica).is_some_and(Broker::is_active);
                let mut change = Change::of(topic.id, *number, partition, cluster, &may_lead);
                change.recovery = Recovery::Recovered;
                records.extend(change.record().map(MetadataRecord::from));
            }
        }
    }
    records
}
