//! One request to the module that decides it.

use ottla_machine::Outcome;
use ottla_metadata::Image;
use ottla_wire::MetadataRecord;

use crate::context::Context;
use crate::request::{Reply, Request};
use crate::{
    brokers, configs, create_partitions, create_topics, delete_topics, features, partitions, producer_ids,
};

/// Decides one request against an image. See [`ottla_machine::Machine::decide`].
pub fn decide(image: &Image, request: Request, context: &Context<'_>) -> Outcome<MetadataRecord, Reply> {
    match request {
        Request::CreateTopics { request, ids } => create_topics::decide(image, context, request, &ids),
        Request::DeleteTopics { request, version } => delete_topics::decide(image, context, request, version),
        Request::CreatePartitions(request) => create_partitions::decide(image, context, request),
        Request::AlterConfigs(changes) => configs::decide(image, context, changes),
        Request::UpdateFeatures { request, version } => features::decide(image, context, request, version),
        Request::AllocateProducerIds => producer_ids::decide(image, context),
        Request::Register(broker) => brokers::register(image, context, broker),
        Request::Unfence(epoch) => brokers::unfence(image, context, epoch),
        Request::ShutDown(epoch) => brokers::shut_down(image, context, epoch),
        Request::Recovered => {
            let records = partitions::recovered(image, context, context.node_id);
            Outcome { records, reply: Reply::Done(Ok(())) }
        }
        Request::AssignDirectories(placed) => brokers::assign_directories(image, context, &placed),
    }
}
