//! The topic in which groups are kept: made when somebody first asks for a coordinator.

use std::sync::Arc;

use ottla_controller::{Reply, Request};
use ottla_model::ErrorCode;
use ottla_wire::messages::CreateTopicsRequest;
use ottla_wire::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};

use crate::limits::CONTROLLER_WAIT_MS;
use crate::state::Broker;

/// `__consumer_offsets`.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// Sees to it that the topic exists; answers when it can be used.
///
/// # Errors
/// COORDINATOR_NOT_AVAILABLE, after which clients ask again, when it cannot be made (fewer brokers than
/// `offsets.topic.replication.factor`, say).
pub(crate) async fn ensure(broker: &Arc<Broker>) -> Result<(), ErrorCode> {
    if broker.image.load().topics.named(OFFSETS_TOPIC).is_some() {
        return Ok(());
    }
    // One makes it; who waited finds it.
    let _turn = broker.groups.creating.lock().await;
    if broker.image.load().topics.named(OFFSETS_TOPIC).is_some() {
        return Ok(());
    }
    let groups = &broker.given.groups;
    let config =
        |name: &str, value: String| CreatableTopicConfig { name: name.into(), value: Some(value.into()) };
    let topic = CreatableTopic {
        name: OFFSETS_TOPIC.into(),
        num_partitions: groups.offsets_topic_num_partitions,
        replication_factor: groups.offsets_topic_replication_factor,
        assignments: Vec::new(),
        configs: vec![
            config("cleanup.policy", "compact".to_owned()),
            config("compression.type", "producer".to_owned()),
            config("segment.bytes", groups.offsets_topic_segment_bytes.to_string()),
        ],
    };
    let request =
        CreateTopicsRequest { topics: vec![topic], timeout_ms: CONTROLLER_WAIT_MS, validate_only: false };
    let ids = vec![broker.fresh_id()];
    let made = broker.controller.ask(Request::CreateTopics { request, ids }, CONTROLLER_WAIT_MS).await;
    let Ok(Reply::CreateTopics(made)) = made else { return Err(ErrorCode::CoordinatorNotAvailable) };
    for topic in made.topics {
        match ErrorCode::from_code(topic.error_code) {
            // Somebody else was faster: it is there.
            Some(ErrorCode::None | ErrorCode::TopicAlreadyExists) => {}
            _ => {
                let why = topic.error_message.as_deref().unwrap_or_default();
                tracing::warn!(why, "{OFFSETS_TOPIC} cannot be made: consumer groups are not served");
                return Err(ErrorCode::CoordinatorNotAvailable);
            }
        }
    }
    Ok(())
}
