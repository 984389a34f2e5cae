//! Registration, unfencing and stopping of brokers (BrokerRegistration 62, BrokerHeartbeat 63,
//! ControllerRegistration 70, AssignReplicasToDirs 73), and what follows for their partitions.

use ottla_machine::Outcome;
use ottla_metadata::features::supported_features;
use ottla_metadata::{Broker, Controller, Image, MetadataVersion, SupportedFeature};
use ottla_model::{BrokerEpoch, ErrorCode, Uuid};
use ottla_wire::MetadataRecord;
use ottla_wire::messages::BrokerRegistrationChangeRecord;

use crate::context::Context;
use crate::partition_change::Change;
use crate::partitions::{BrokerEvent, cluster_of, follow};
use crate::refusal::Refusal;
use crate::request::{NewBroker, Reply};

/// In a BrokerRegistrationChange record.
const UNFENCE: i8 = -1;
const FENCE: i8 = 1;
const IN_CONTROLLED_SHUTDOWN: i8 = 1;

/// This process comes in the place of its predecessor: partitions that may have lost their tail
/// leave ISR and ELR first, then the registration, fenced, then that of the controller.
pub(crate) fn register(
    image: &Image,
    context: &Context<'_>,
    broker: NewBroker,
) -> Outcome<MetadataRecord, Reply> {
    let NewBroker { incarnation, listeners, controller_listeners, rack, directories, clean_since } = broker;
    let mut records = Vec::new();
    if let Some(before) =
        image.brokers.get(&context.node_id).filter(|before| before.incarnation != incarnation)
    {
        let clean = clean_since == Some(before.epoch);
        let event = if clean || !image.features.has_elr() {
            BrokerEvent::Leaves(context.node_id)
        } else {
            BrokerEvent::LostTail(context.node_id)
        };
        records = follow(image, context, event);
    }
    let version = image.metadata_version();
    let features: Vec<_> =
        supported_features().map(|(name, range)| SupportedFeature { name: name.into(), range }).collect();
    let epoch = context.next_offset.saturating_add(i64::try_from(records.len()).unwrap_or(i64::MAX));
    let broker = Broker {
        id: context.node_id,
        epoch,
        incarnation,
        listeners,
        features: features.clone(),
        rack: rack.map(Into::into),
        fenced: true,
        in_controlled_shutdown: false,
        migrating: false,
        directories,
        cordoned: version.has_cordoned_directories().then(Vec::new),
    };
    records.push(broker.to_record(version).into());
    if version.has_controller_registration() {
        let controller = Controller {
            id: context.node_id,
            incarnation,
            zk_migration_ready: false,
            listeners: controller_listeners,
            features,
        };
        records.push(controller.to_record().into());
    }
    Outcome { records, reply: Reply::Registered(Ok(epoch)) }
}

/// The broker has replayed the metadata and serves: it leads what waits for it.
pub(crate) fn unfence(
    image: &Image,
    context: &Context<'_>,
    epoch: BrokerEpoch,
) -> Outcome<MetadataRecord, Reply> {
    let broker = match current(image, context, epoch) {
        Ok(broker) => broker,
        Err(refusal) => return Outcome::unchanged(Reply::Done(Err(refusal))),
    };
    let mut records = Vec::new();
    if broker.fenced {
        records.push(change(broker, UNFENCE, 0));
    }
    records.extend(follow(image, context, BrokerEvent::Arrives(context.node_id)));
    Outcome { records, reply: Reply::Done(Ok(())) }
}

/// The broker stops cleanly: it gives up its leaderships and is fenced, so that whoever starts on
/// the directory next need not wait for a session to end.
pub(crate) fn shut_down(
    image: &Image,
    context: &Context<'_>,
    epoch: BrokerEpoch,
) -> Outcome<MetadataRecord, Reply> {
    let broker = match current(image, context, epoch) {
        Ok(broker) => broker,
        Err(refusal) => return Outcome::unchanged(Reply::Done(Err(refusal))),
    };
    let mut records = Vec::new();
    if image.metadata_version() >= MetadataVersion::MIN && !broker.in_controlled_shutdown {
        records.push(change(broker, 0, IN_CONTROLLED_SHUTDOWN));
    }
    records.extend(follow(image, context, BrokerEvent::Leaves(context.node_id)));
    if !broker.fenced {
        records.push(change(broker, FENCE, 0));
    }
    Outcome { records, reply: Reply::Done(Ok(())) }
}

/// Replicas of this broker lie in these directories (topic, partition, directory).
pub(crate) fn assign_directories(
    image: &Image,
    context: &Context<'_>,
    placed: &[(Uuid, i32, Uuid)],
) -> Outcome<MetadataRecord, Reply> {
    let mut records = Vec::new();
    let known =
        image.brokers.get(&context.node_id).map(|broker| broker.directories.as_slice()).unwrap_or_default();
    for (topic, number, directory) in placed {
        let Some(topic) = image.topics.get(*topic).filter(|_| known.contains(directory)) else { continue };
        let Some(partition) = topic.partitions.get(number) else { continue };
        let may_lead = |replica| image.brokers.get(&replica).is_some_and(Broker::is_active);
        let mut change =
            Change::of(topic.id, *number, partition, cluster_of(image, context, topic), &may_lead);
        let place = partition.replicas.iter().position(|replica| *replica == context.node_id);
        if let Some(slot) = place.and_then(|place| change.directories.get_mut(place)) {
            *slot = *directory;
            records.extend(change.record().map(MetadataRecord::from));
        }
    }
    Outcome { records, reply: Reply::Done(Ok(())) }
}

fn current<'a>(image: &'a Image, context: &Context<'_>, epoch: BrokerEpoch) -> Result<&'a Broker, Refusal> {
    let broker = image.brokers.get(&context.node_id);
    let broker = broker.ok_or_else(|| Refusal::bare(ErrorCode::BrokerIdNotRegistered))?;
    if broker.epoch == epoch { Ok(broker) } else { Err(Refusal::bare(ErrorCode::StaleBrokerEpoch)) }
}

fn change(broker: &Broker, fenced: i8, in_controlled_shutdown: i8) -> MetadataRecord {
    BrokerRegistrationChangeRecord {
        broker_id: broker.id,
        broker_epoch: broker.epoch,
        fenced,
        in_controlled_shutdown,
        ..Default::default()
    }
    .into()
}
