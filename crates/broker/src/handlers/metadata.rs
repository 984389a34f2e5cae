//! Metadata (3), versions 0 to 13: which brokers there are, and who leads what.
//!
//! No list of topics means all (version 0: an empty one). A name that does not exist is created where
//! node and client allow it; the answer waits for that, so that the topic it shows can be used at once.
//! By id (12 on) nothing is created.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ottla_controller::{Reply, Request};
use ottla_metadata::{Image, Topic};
use ottla_model::{ErrorCode, TopicName, Uuid};
use ottla_wire::Str;
use ottla_wire::messages::create_topics_request::CreatableTopic;
use ottla_wire::messages::metadata_request::MetadataRequestTopic;
use ottla_wire::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use ottla_wire::messages::{CreateTopicsRequest, MetadataRequest, MetadataResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::limits::CONTROLLER_WAIT_MS;
use crate::permissions;
use crate::reach::{Manner, Reach};
use crate::state::Broker;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    All,
    Names(Vec<Str>),
    Ids(Vec<Uuid>),
}

/// Names that could not be made, and what their entries say.
type Refused = HashMap<Str, ErrorCode>;

/// How it is answered, besides the topics.
#[derive(Clone, Copy, Debug)]
struct Form {
    version: i16,
    topic_operations: bool,
    cluster_operations: bool,
}

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: MetadataRequest,
) -> Handled<MetadataResponse> {
    let MetadataRequest {
        topics,
        allow_auto_topic_creation,
        include_cluster_authorized_operations,
        include_topic_authorized_operations,
    } = request;
    let form = Form {
        version: context.version,
        topic_operations: include_topic_authorized_operations,
        cluster_operations: include_cluster_authorized_operations,
    };
    let asked = match asked(topics, context.version) {
        Ok(asked) => asked,
        Err(topics) => return Handled::now(invalid(topics)),
    };
    let missing = match &asked {
        Asked::Names(names) if allow_auto_topic_creation && broker.config().topics.auto_create => {
            creatable(&broker.image.load(), names)
        }
        Asked::Names(_) | Asked::All | Asked::Ids(_) => Vec::new(),
    };
    if missing.is_empty() {
        return Handled::now(answer(broker, context, &asked, form, &Refused::new()));
    }
    let (broker, context) = (Arc::clone(broker), context.clone());
    Handled::later(async move {
        let refused = create(&broker, missing).await;
        answer(&broker, &context, &asked, form, &refused)
    })
}

/// Takes the list of topics apart; gives it back when its version does not allow it.
fn asked(
    topics: Option<Vec<MetadataRequestTopic>>,
    version: i16,
) -> Result<Asked, Vec<MetadataRequestTopic>> {
    let Some(topics) = topics else { return Ok(Asked::All) };
    if version == 0 && topics.is_empty() {
        return Ok(Asked::All);
    }
    let by_id = topics.iter().any(|topic| !topic.topic_id.is_zero());
    let nameless = topics.iter().any(|topic| topic.name.is_none());
    let beyond_the_version = if by_id { version < 12 } else { nameless };
    if beyond_the_version {
        return Err(topics);
    }
    if by_id {
        let mut seen = HashSet::new();
        let ids = topics.into_iter().map(|topic| topic.topic_id);
        return Ok(Asked::Ids(ids.filter(|id| !id.is_zero() && seen.insert(*id)).collect()));
    }
    let mut seen = HashSet::new();
    let names = topics.into_iter().filter_map(|topic| topic.name);
    Ok(Asked::Names(names.filter(|name| seen.insert(name.clone())).collect()))
}

/// The names that could be made.
fn creatable(image: &Image, names: &[Str]) -> Vec<Str> {
    let missing = names.iter().filter(|name| image.topics.named(name).is_none());
    missing.filter(|name| TopicName::new(name).is_ok()).cloned().collect()
}

/// Asks the controller for topics with the node's defaults; answers those that it did not make, with what
/// their entries say.
async fn create(broker: &Broker, names: Vec<Str>) -> Refused {
    let topic = |name: &Str| CreatableTopic {
        name: name.clone(),
        num_partitions: -1,
        replication_factor: -1,
        ..Default::default()
    };
    let ids = names.iter().map(|_| broker.fresh_id()).collect();
    let topics = names.iter().map(topic).collect();
    let request = CreateTopicsRequest { topics, timeout_ms: CONTROLLER_WAIT_MS, validate_only: false };
    let made = broker.controller.ask(Request::CreateTopics { request, ids }, CONTROLLER_WAIT_MS).await;
    let Ok(Reply::CreateTopics(made)) = made else {
        return names.into_iter().map(|name| (name, ErrorCode::UnknownTopicOrPartition)).collect();
    };
    let mut refused = Refused::new();
    for topic in made.topics {
        let code = ErrorCode::from_code(topic.error_code).unwrap_or(ErrorCode::UnknownTopicOrPartition);
        let told = match code {
            // Somebody else was faster: it is there.
            ErrorCode::None | ErrorCode::TopicAlreadyExists => continue,
            ErrorCode::InvalidTopicException => ErrorCode::InvalidTopicException,
            // Clients know no other reason why a topic is not there, and ask again.
            _ => ErrorCode::UnknownTopicOrPartition,
        };
        tracing::warn!(
            topic = %topic.name,
            error = code.name(),
            why = topic.error_message.as_deref().unwrap_or_default(),
            "a topic was not created on a client's first use"
        );
        refused.insert(topic.name, told);
    }
    refused
}

fn answer(
    broker: &Broker,
    context: &RequestContext,
    asked: &Asked,
    form: Form,
    refused: &Refused,
) -> MetadataResponse {
    let image = broker.image.load();
    let reach = Reach::of(broker, context, &image);
    let known = |topic: &Topic| describe(&reach, topic, form);
    let topics = match asked {
        Asked::All => image.topics.iter_by_name().map(known).collect(),
        Asked::Names(names) => names
            .iter()
            .map(|name| match image.topics.named(name) {
                Some(topic) => known(topic),
                None => missing(name, refused, form),
            })
            .collect(),
        Asked::Ids(ids) => ids
            .iter()
            .map(|id| match image.topics.get(*id) {
                Some(topic) => known(topic),
                None => MetadataResponseTopic {
                    error_code: ErrorCode::UnknownTopicId.code(),
                    name: None,
                    topic_id: *id,
                    ..Default::default()
                },
            })
            .collect(),
    };
    MetadataResponse {
        throttle_time_ms: 0,
        brokers: reach
            .alive()
            .map(|neighbour| MetadataResponseBroker {
                node_id: neighbour.id,
                host: neighbour.host.as_str().into(),
                port: neighbour.port,
                rack: neighbour.rack.as_deref().map(Into::into),
            })
            .collect(),
        cluster_id: Some((&*broker.cluster_id).into()),
        controller_id: reach.controller(),
        topics,
        cluster_authorized_operations: match form.cluster_operations {
            true => permissions::ON_CLUSTER,
            false => permissions::NOT_ASKED,
        },
        error_code: ErrorCode::None.code(),
    }
}

fn describe(reach: &Reach<'_>, topic: &Topic, form: Form) -> MetadataResponseTopic {
    let manner =
        Manner { leave_out_unreachable: form.version == 0, name_missing_listener: form.version >= 6 };
    let partition = |(number, partition): (&i32, &ottla_metadata::Partition)| {
        let seen = reach.see(partition, manner);
        MetadataResponsePartition {
            error_code: seen.error.code(),
            partition_index: *number,
            leader_id: seen.leader,
            leader_epoch: seen.leader_epoch,
            replica_nodes: seen.replicas,
            isr_nodes: seen.isr,
            offline_replicas: seen.offline,
        }
    };
    MetadataResponseTopic {
        error_code: ErrorCode::None.code(),
        name: Some(topic.name.as_str().into()),
        topic_id: topic.id,
        is_internal: topic.name.is_internal(),
        partitions: topic.partitions.iter().map(partition).collect(),
        topic_authorized_operations: topic_operations(form),
    }
}

fn missing(name: &Str, refused: &Refused, form: Form) -> MetadataResponseTopic {
    let valid = TopicName::new(name);
    let code = match &valid {
        Err(_) => ErrorCode::InvalidTopicException,
        Ok(_) => refused.get(name).copied().unwrap_or(ErrorCode::UnknownTopicOrPartition),
    };
    MetadataResponseTopic {
        error_code: code.code(),
        name: Some(name.clone()),
        is_internal: valid.is_ok_and(|name| name.is_internal()),
        topic_authorized_operations: topic_operations(form),
        ..Default::default()
    }
}

const fn topic_operations(form: Form) -> i32 {
    if form.topic_operations { permissions::ON_TOPIC } else { permissions::NOT_ASKED }
}

/// A list of topics that its version does not allow (`MetadataRequest.getErrorResponse`).
fn invalid(topics: Vec<MetadataRequestTopic>) -> MetadataResponse {
    let topic = |MetadataRequestTopic { topic_id, name }| MetadataResponseTopic {
        error_code: ErrorCode::InvalidRequest.code(),
        name: Some(name.unwrap_or_default()),
        topic_id,
        ..Default::default()
    };
    MetadataResponse {
        topics: topics.into_iter().map(topic).collect(),
        error_code: ErrorCode::InvalidRequest.code(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> MetadataRequestTopic {
        MetadataRequestTopic { topic_id: Uuid::ZERO, name: Some(name.into()) }
    }

    const fn numbered(id: Uuid) -> MetadataRequestTopic {
        MetadataRequestTopic { topic_id: id, name: None }
    }

    #[test]
    fn only_in_version_0_is_an_empty_list_everything() {
        assert_eq!(asked(Some(Vec::new()), 0), Ok(Asked::All));
        assert_eq!(asked(Some(Vec::new()), 1), Ok(Asked::Names(Vec::new())));
        assert_eq!(asked(None, 1), Ok(Asked::All));
    }

    #[test]
    fn ids_are_for_version_12_and_later_and_push_names_aside() {
        let id = Uuid::from_bytes([7; 16]);
        assert!(asked(Some(vec![numbered(id)]), 11).is_err());
        assert_eq!(asked(Some(vec![numbered(id), named("a"), numbered(id)]), 12), Ok(Asked::Ids(vec![id])));
        assert!(asked(Some(vec![numbered(Uuid::ZERO)]), 13).is_err());
    }

    #[test]
    fn a_name_is_answered_once() {
        let names = vec![named("b"), named("a"), named("b")];
        assert_eq!(asked(Some(names), 9), Ok(Asked::Names(vec!["b".into(), "a".into()])));
    }
}
