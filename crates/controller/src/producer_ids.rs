//! AllocateProducerIds (67): blocks of 1,000 ids, committed before any of them is given out.

use ottla_machine::Outcome;
use ottla_metadata::Image;
use ottla_model::ErrorCode;
use ottla_wire::MetadataRecord;
use ottla_wire::messages::ProducerIdsRecord;

use crate::context::Context;
use crate::limits::PRODUCER_ID_BLOCK;
use crate::request::Reply;

pub(crate) fn decide(image: &Image, context: &Context<'_>) -> Outcome<MetadataRecord, Reply> {
    let first = image.next_producer_id.unwrap_or(0);
    let Some(next) = first.checked_add(PRODUCER_ID_BLOCK) else {
        return Outcome::unchanged(Reply::AllocateProducerIds(Err(ErrorCode::UnknownServerError)));
    };
    let epoch = image.brokers.get(&context.node_id).map(|broker| broker.epoch);
    let Some(broker_epoch) = epoch else {
        return Outcome::unchanged(Reply::AllocateProducerIds(Err(ErrorCode::BrokerIdNotRegistered)));
    };
    let record = ProducerIdsRecord { broker_id: context.node_id, broker_epoch, next_producer_id: next };
    Outcome { records: vec![record.into()], reply: Reply::AllocateProducerIds(Ok(first..next)) }
}
