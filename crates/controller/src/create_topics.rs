//! CreateTopics (19), versions 2 to 7: new topics, each for itself; what is created is one batch.

use std::collections::{BTreeMap, BTreeSet};

use ottla_config::alter::Operation;
use ottla_machine::Outcome;
use ottla_metadata::{ConfigResource, Image, Partition, Recovery};
use ottla_model::{ErrorCode, NodeId, TopicName, Uuid};
use ottla_wire::MetadataRecord;
use ottla_wire::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use ottla_wire::messages::create_topics_response::CreatableTopicResult;
use ottla_wire::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicRecord};

use crate::configs;
use crate::context::Context;
use crate::limits::MAX_RECORDS;
use crate::placement::{self, Placed};
use crate::refusal::Refusal;
use crate::request::{ConfigChange, Reply};

const METADATA_TOPIC: &str = "__cluster_metadata";

pub(crate) fn decide(
    image: &Image,
    context: &Context<'_>,
    request: CreateTopicsRequest,
    ids: &[Uuid],
) -> Outcome<MetadataRecord, Reply> {
    let CreateTopicsRequest { topics, timeout_ms: _, validate_only } = request; // the host waits
    let mut records = Vec::new();
    let mut names = NewNames::of(&topics);
    let mut results = Vec::with_capacity(topics.len());
    for (place, topic) in topics.into_iter().enumerate() {
        let name = topic.name.clone();
        if !names.is_first(&name) {
            continue;
        }
        let id = ids.get(place).copied().unwrap_or(Uuid::ZERO);
        let room = MAX_RECORDS.saturating_sub(records.len());
        let created =
            names.check(image, &name).and_then(|name| create(image, context, topic, &name, id, room));
        results.push(match created {
            Ok((mut made, result)) => {
                records.append(&mut made);
                result
            }
            Err(refusal) => CreatableTopicResult {
                name,
                error_code: refusal.code.code(),
                error_message: refusal.text(),
                ..Default::default()
            },
        });
    }
    if validate_only {
        records.clear();
    }
    Outcome {
        records,
        reply: Reply::CreateTopics(CreateTopicsResponse { throttle_time_ms: 0, topics: results }),
    }
}

/// The names of one request: repeated ones, and what the earlier ones fold to.
struct NewNames {
    repeated: BTreeSet<String>,
    answered: BTreeSet<String>,
    folded: BTreeMap<String, String>,
}

impl NewNames {
    fn of(topics: &[CreatableTopic]) -> Self {
        let mut seen = BTreeSet::new();
        let names = topics.iter().map(|topic| topic.name.to_string());
        let repeated = names.filter(|name| !seen.insert(name.clone())).collect();
        Self { repeated, answered: BTreeSet::new(), folded: BTreeMap::new() }
    }

    /// A repeated name is answered once.
    fn is_first(&mut self, name: &str) -> bool {
        self.answered.insert(name.to_owned())
    }

    fn check(&mut self, image: &Image, name: &str) -> Result<TopicName, Refusal> {
        if self.repeated.contains(name) {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name."));
        }
        if name == METADATA_TOPIC {
            let message = format!("Creation of internal topic {METADATA_TOPIC} is prohibited.");
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
        let topic = TopicName::new(name)
            .map_err(|invalid| Refusal::new(ErrorCode::InvalidTopicException, invalid.to_string()))?;
        if image.topics.named(name).is_some() {
            return Err(Refusal::new(
                ErrorCode::TopicAlreadyExists,
                format!("Topic '{name}' already exists."),
            ));
        }
        let collides = |other: &str| {
            let message = format!(
                "Topic '{name}' collides with existing topic: {other}. Metric names cannot tell '.' from '_'."
            );
            Err(Refusal::new(ErrorCode::InvalidTopicException, message))
        };
        if let Some(other) = image.topics.colliding(name) {
            return collides(other.as_str());
        }
        let folded = name.replace('.', "_");
        if let Some(other) = self.folded.get(&folded) {
            return collides(other);
        }
        self.folded.insert(folded, name.to_owned());
        Ok(topic)
    }
}

fn create(
    image: &Image,
    context: &Context<'_>,
    topic: CreatableTopic,
    name: &TopicName,
    id: Uuid,
    room: usize,
) -> Result<(Vec<MetadataRecord>, CreatableTopicResult), Refusal> {
    let CreatableTopic { name: text, num_partitions, replication_factor, assignments, configs } = topic;
    let placed = if assignments.is_empty() {
        placed_by_us(image, context, num_partitions, replication_factor, id, room)?
    } else if replication_factor != -1 || num_partitions != -1 {
        let what = if replication_factor == -1 { "numPartitions" } else { "replication factor" };
        let message = format!("A manual partition assignment was specified, but {what} was not set to -1.");
        return Err(Refusal::new(ErrorCode::InvalidRequest, message));
    } else {
        placed_by_hand(image, &assignments)?
    };
    let resource = ConfigResource::topic(name.as_str());
    let changes = config_changes(configs)?;
    let config_records = configs::changed(image, context, &resource, &changes, false)?;
    let mut records = vec![MetadataRecord::from(TopicRecord { name: text.clone(), topic_id: id })];
    records.extend(config_records);
    let replication_factor = placed.first().map_or(0, |first| first.replicas.len());
    let count = placed.len();
    for (number, placed) in (0..).zip(placed) {
        records.push(new_partition(image, id, number, placed));
    }
    if records.len() > room {
        return Err(too_many(count));
    }
    let result = CreatableTopicResult {
        name: text,
        topic_id: id,
        error_code: ErrorCode::None.code(),
        error_message: None,
        topic_config_error_code: ErrorCode::None.code(),
        num_partitions: i32::try_from(count).unwrap_or(i32::MAX),
        replication_factor: i16::try_from(replication_factor).unwrap_or(i16::MAX),
        configs: Some(configs::effective_topic_configs(image, context, &changes)),
    };
    Ok((records, result))
}

fn too_many(partitions: usize) -> Refusal {
    let message = format!(
        "{partitions} partitions do not fit one change of at most {MAX_RECORDS} records; \
         create the topic with fewer and add the rest with CreatePartitions."
    );
    Refusal::new(ErrorCode::PolicyViolation, message)
}

fn placed_by_us(
    image: &Image,
    context: &Context<'_>,
    num_partitions: i32,
    replication_factor: i16,
    id: Uuid,
    room: usize,
) -> Result<Vec<Placed>, Refusal> {
    let replication_factor = match replication_factor {
        -1 => context.config.topics.default_replication_factor,
        1.. => replication_factor,
        _ => {
            let message = "Replication factor must be larger than 0, or -1 to use the default value.";
            return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
        }
    };
    let count = match num_partitions {
        -1 => context.config.topics.num_partitions,
        1.. => num_partitions,
        _ => {
            let message = "Number of partitions must be larger than 0, or -1 to use the default value.";
            return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
        }
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > room {
        return Err(too_many(count));
    }
    placement::place(image, 0, count, replication_factor, id)
}

fn placed_by_hand(image: &Image, assignments: &[CreatableReplicaAssignment]) -> Result<Vec<Placed>, Refusal> {
    let mut by_number = BTreeMap::new();
    let mut expected = None;
    for CreatableReplicaAssignment { partition_index, broker_ids } in assignments {
        let placed = placement::check_manual(image, broker_ids, expected)?;
        expected = Some(broker_ids.len());
        if by_number.insert(*partition_index, placed).is_some() {
            let message =
                format!("Found multiple manual partition assignments for partition {partition_index}");
            return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
        }
    }
    if (0..).zip(by_number.keys()).any(|(expected, number)| expected != *number) {
        let message = "partitions should be a consecutive 0-based integer sequence";
        return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
    }
    Ok(by_number.into_values().collect())
}

fn config_changes(configs: Vec<CreatableTopicConfig>) -> Result<Vec<ConfigChange>, Refusal> {
    let mut changes = Vec::with_capacity(configs.len());
    for CreatableTopicConfig { name, value } in configs {
        let Some(value) = value else {
            let message = format!("Null value not supported for topic configs: {name}");
            return Err(Refusal::new(ErrorCode::InvalidConfig, message));
        };
        changes.push(ConfigChange {
            name: name.to_string(),
            operation: Operation::Set,
            value: Some(value.to_string()),
        });
    }
    Ok(changes)
}

/// The record of a partition that was never led before.
pub(crate) fn new_partition(image: &Image, topic: Uuid, number: i32, placed: Placed) -> MetadataRecord {
    let directory = |id: &NodeId| match image.brokers.get(id).map(|broker| broker.directories.as_slice()) {
        Some([only]) => *only,
        _ => Uuid::UNASSIGNED,
    };
    let partition = Partition {
        directories: placed.replicas.iter().map(directory).collect(),
        leader: placed.isr.first().copied(),
        replicas: placed.replicas,
        isr: placed.isr,
        removing: Vec::new(),
        adding: Vec::new(),
        recovery: Recovery::Recovered,
        leader_epoch: 0,
        partition_epoch: 0,
        elr: Vec::new(),
        last_known_elr: Vec::new(),
    };
    partition.to_record(topic, number, image.metadata_version(), image.features.has_elr()).into()
}
