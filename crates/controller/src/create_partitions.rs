//! CreatePartitions (37), versions 0 to 3: more partitions for topics; never fewer.

use std::collections::BTreeMap;

use ottla_machine::Outcome;
use ottla_metadata::Image;
use ottla_model::ErrorCode;
use ottla_wire::MetadataRecord;
use ottla_wire::messages::create_partitions_request::CreatePartitionsTopic;
use ottla_wire::messages::create_partitions_response::CreatePartitionsTopicResult;
use ottla_wire::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use crate::context::Context;
use crate::create_topics::new_partition;
use crate::limits::MAX_RECORDS;
use crate::placement;
use crate::refusal::Refusal;
use crate::request::Reply;

pub(crate) fn decide(
    image: &Image,
    _context: &Context<'_>,
    request: CreatePartitionsRequest,
) -> Outcome<MetadataRecord, Reply> {
    let CreatePartitionsRequest { topics, timeout_ms: _, validate_only } = request; // the host waits
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for topic in &topics {
        *times.entry(topic.name.to_string()).or_insert(0) += 1;
    }
    let mut records = Vec::new();
    let mut results = Vec::with_capacity(topics.len());
    for topic in topics {
        let name = topic.name.clone();
        let grown = match times.remove(&*name) {
            None => continue, // a repeated name is answered once
            Some(1) => grow(image, &topic, MAX_RECORDS.saturating_sub(records.len())),
            Some(_) => Err(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name.")),
        };
        let (error_code, error_message) = match grown {
            Ok(mut grown) => {
                records.append(&mut grown);
                (ErrorCode::None, None)
            }
            Err(refusal) => (refusal.code, refusal.text()),
        };
        results.push(CreatePartitionsTopicResult { name, error_code: error_code.code(), error_message });
    }
    if validate_only {
        records.clear();
    }
    let response = CreatePartitionsResponse { throttle_time_ms: 0, results };
    Outcome { records, reply: Reply::CreatePartitions(response) }
}

fn grow(image: &Image, asked: &CreatePartitionsTopic, room: usize) -> Result<Vec<MetadataRecord>, Refusal> {
    let CreatePartitionsTopic { name, count, assignments } = asked;
    let topic = image.topics.named(name).ok_or_else(|| Refusal::bare(ErrorCode::UnknownTopicOrPartition))?;
    let now = topic.partitions.size();
    let wanted = usize::try_from(*count).unwrap_or(0);
    if wanted == now {
        let message = format!("Topic already has {now} partition(s).");
        return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    }
    if wanted < now {
        let message =
            format!("The topic {name} currently has {now} partition(s); {count} would not be an increase.");
        return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    }
    let additional = wanted - now;
    if additional > room {
        let message =
            format!("{additional} partitions do not fit one change of at most {MAX_RECORDS} records.");
        return Err(Refusal::new(ErrorCode::PolicyViolation, message));
    }
    let replicas = topic.partitions.values().next().map_or(1, |first| first.replicas.len());
    let placed = match assignments {
        None => {
            let factor = i16::try_from(replicas).unwrap_or(i16::MAX);
            placement::place(image, now, additional, factor, topic.id)?
        }
        Some(assignments) if assignments.len() != additional => {
            let message = format!(
                "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
                assignments.len()
            );
            return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
        }
        Some(assignments) => {
            let by_hand =
                assignments.iter().map(|one| placement::check_manual(image, &one.broker_ids, Some(replicas)));
            by_hand.collect::<Result<_, _>>()?
        }
    };
    let first = i32::try_from(now).unwrap_or(i32::MAX);
    Ok((first..).zip(placed).map(|(number, placed)| new_partition(image, topic.id, number, placed)).collect())
}
