//! IncrementalAlterConfigs (44) and AlterConfigs (33): dynamic configuration of topics, brokers,
//! groups and client metrics. Each resource is decided for itself; a value that does not change
//! yields no record.

use std::collections::{BTreeMap, BTreeSet};

use ottla_config::alter::{self, AlterError, Scope};
use ottla_config::{ConfigMap, Layers, LogSettings};
use ottla_machine::Outcome;
use ottla_metadata::{ConfigKind, ConfigResource, Image};
use ottla_model::{ErrorCode, NodeId, TopicName};
use ottla_wire::messages::create_topics_response::CreatableTopicConfigs;
use ottla_wire::messages::{ClearElrRecord, ConfigRecord};
use ottla_wire::{MetadataRecord, Str};

use crate::context::Context;
use crate::limits::MAX_RECORDS;
use crate::refusal::Refusal;
use crate::request::{ConfigChange, ConfigChanges, Reply};

/// Counted against eligible leaders.
pub(crate) const MIN_ISR: &str = "min.insync.replicas";

/// Decides every resource; one that is refused does not hold back the others.
pub(crate) fn decide(
    image: &Image,
    context: &Context<'_>,
    changes: ConfigChanges,
) -> Outcome<MetadataRecord, Reply> {
    let ConfigChanges { resources, replace, validate_only } = changes;
    let mut records = Vec::new();
    let mut results = BTreeMap::new();
    for (resource, changes) in resources {
        let decided = exists(image, context, &resource)
            .and_then(|()| changed(image, context, &resource, &changes, replace))
            .and_then(|made| {
                if records.len() + made.len() > MAX_RECORDS {
                    let message = format!("More than {MAX_RECORDS} changes in one request: send several.");
                    return Err(Refusal::new(ErrorCode::PolicyViolation, message));
                }
                records.extend(made);
                Ok(())
            });
        results.insert(resource, decided);
    }
    if validate_only {
        records.clear();
    }
    Outcome { records, reply: Reply::AlterConfigs(results) }
}

/// Whether the resource can be configured at all.
fn exists(image: &Image, context: &Context<'_>, resource: &ConfigResource) -> Result<(), Refusal> {
    let name = &*resource.name;
    match resource.kind {
        ConfigKind::Topic => {
            TopicName::new(name)
                .map_err(|invalid| Refusal::new(ErrorCode::InvalidTopicException, invalid.to_string()))?;
            match image.topics.named(name) {
                Some(_) => Ok(()),
                None => Err(Refusal::new(
                    ErrorCode::UnknownTopicOrPartition,
                    format!("Topic '{name}' does not exist."),
                )),
            }
        }
        ConfigKind::Broker if name.is_empty() => Ok(()),
        ConfigKind::Broker => match name.parse::<NodeId>() {
            Ok(id) if image.brokers.contains_key(&id) || id == context.node_id => Ok(()),
            Ok(id) => {
                Err(Refusal::new(ErrorCode::BrokerIdNotRegistered, format!("Broker {id} is not registered.")))
            }
            Err(_) => Err(Refusal::new(ErrorCode::InvalidRequest, format!("'{name}' is no broker id."))),
        },
        // Neither has to exist: a group may be configured before its first member.
        ConfigKind::Group if name.is_empty() => {
            Err(Refusal::new(ErrorCode::InvalidRequest, "Groups have no default: a group must be named."))
        }
        ConfigKind::ClientMetrics if name.is_empty() => {
            Err(Refusal::new(ErrorCode::InvalidRequest, "A subscription to client metrics must be named."))
        }
        ConfigKind::Group | ConfigKind::ClientMetrics | ConfigKind::BrokerLogger => Ok(()),
    }
}

/// The records that make the changes true.
pub(crate) fn changed(
    image: &Image,
    context: &Context<'_>,
    resource: &ConfigResource,
    changes: &[ConfigChange],
    replace: bool,
) -> Result<Vec<MetadataRecord>, Refusal> {
    let scope = scope_of(resource)?;
    let before: ConfigMap = current(image, resource);
    let mut after = if replace { ConfigMap::new() } else { before.clone() };
    let mut named = BTreeSet::new();
    for ConfigChange { name, operation, value } in changes {
        if !named.insert(name.as_str()) {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "Error due to duplicate config keys"));
        }
        let own = after.get(name).map(String::as_str);
        match alter::next_value(scope, name, own, *operation, value.as_deref()).map_err(refusal)? {
            Some(value) => after.insert(name.clone(), value),
            None => after.remove(name),
        };
    }
    check(image, context, scope, &before, &after)?;
    let mut records = Vec::new();
    for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        if before.get(name) != after.get(name) {
            records.push(MetadataRecord::from(ConfigRecord {
                resource_type: resource.kind.code(),
                resource_name: (&*resource.name).into(),
                name: name.as_str().into(),
                value: after.get(name).map(|value| value.as_str().into()),
            }));
        }
    }
    // Eligible leaders were counted against the old minimum (KIP-966). A new topic has none.
    let counted = scope != Scope::Topic || image.topics.named(&resource.name).is_some();
    if before.get(MIN_ISR) != after.get(MIN_ISR) && counted && image.features.has_elr() {
        let topic_name = if scope == Scope::Topic { (&*resource.name).into() } else { Str::new() };
        records.push(ClearElrRecord { topic_name }.into());
    }
    Ok(records)
}

fn refusal(error: AlterError) -> Refusal {
    Refusal::new(error.code(), error.to_string())
}

/// Checks the outcome as a whole.
fn check(
    image: &Image,
    context: &Context<'_>,
    scope: Scope,
    before: &ConfigMap,
    after: &ConfigMap,
) -> Result<(), Refusal> {
    // As in Kafka, all values of these two must be good together, whenever they were set.
    match scope {
        Scope::Group => return alter::check_group(after, context.config).map_err(refusal),
        Scope::ClientMetrics => return alter::check_client_metrics(after).map_err(refusal),
        Scope::Topic | Scope::Broker | Scope::Cluster => {}
    }
    // What was there before, perhaps from Kafka, may stay as it is.
    let mut checked = after.clone();
    checked.retain(|name, value| before.get(name) != Some(value));
    if scope == Scope::Topic {
        let (broker, cluster) = dynamic(image, context);
        let layers = Layers { broker: &broker, cluster: &cluster, given: &context.config.given };
        alter::check_topic(&checked, &layers).map_err(refusal)?;
    } else if !checked.is_empty() {
        alter::check_broker(&checked, scope, context.config).map_err(refusal)?;
    }
    if before.get(MIN_ISR) != after.get(MIN_ISR) {
        let value = after.get(MIN_ISR).map(String::as_str);
        alter::check_min_isr(scope, MIN_ISR, value, image.features.has_elr()).map_err(refusal)?;
    }
    Ok(())
}

fn scope_of(resource: &ConfigResource) -> Result<Scope, Refusal> {
    match resource.kind {
        ConfigKind::Topic => Ok(Scope::Topic),
        ConfigKind::Broker if resource.name.is_empty() => Ok(Scope::Cluster),
        ConfigKind::Broker => Ok(Scope::Broker),
        ConfigKind::Group => Ok(Scope::Group),
        ConfigKind::ClientMetrics => Ok(Scope::ClientMetrics),
        ConfigKind::BrokerLogger => {
            Err(Refusal::new(ErrorCode::InvalidRequest, "Log levels are the node's own and are not stored."))
        }
    }
}

/// The dynamic values of a resource.
pub(crate) fn current(image: &Image, resource: &ConfigResource) -> ConfigMap {
    let values = image.configs.of(resource).into_iter().flat_map(ottla_metadata::Map::iter);
    values.map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// The dynamic values of this broker, and of all.
fn dynamic(image: &Image, context: &Context<'_>) -> (ConfigMap, ConfigMap) {
    let broker = current(image, &ConfigResource::broker(context.node_id));
    (broker, current(image, &ConfigResource::all_brokers()))
}

/// What a topic's logs obey.
fn log_settings(image: &Image, context: &Context<'_>, topic: &ConfigMap) -> LogSettings {
    let (broker, cluster) = dynamic(image, context);
    LogSettings::resolve(topic, &Layers { broker: &broker, cluster: &cluster, given: &context.config.given })
}

/// `min.insync.replicas` of a topic.
pub(crate) fn min_insync_replicas(image: &Image, context: &Context<'_>, topic: &ConfigResource) -> usize {
    let settings = log_settings(image, context, &current(image, topic));
    usize::try_from(settings.min_insync_replicas).unwrap_or(1).max(1)
}

/// `unclean.leader.election.enable` of a topic.
pub(crate) fn unclean_leader_election(image: &Image, context: &Context<'_>, topic: &str) -> bool {
    log_settings(image, context, &current(image, &ConfigResource::topic(topic)))
        .unclean_leader_election_enable
}

/// Every topic setting of a topic with these values of its own: what CreateTopics answers.
pub(crate) fn effective_topic_configs(
    image: &Image,
    context: &Context<'_>,
    own: &[ConfigChange],
) -> Vec<CreatableTopicConfigs> {
    let (broker, cluster) = dynamic(image, context);
    let own = own.iter().filter_map(|change| Some((change.name.clone(), change.value.clone()?)));
    let layers = Layers { broker: &broker, cluster: &cluster, given: &context.config.given };
    let resolved = layers.topic_settings(&own.collect());
    resolved
        .into_iter()
        .map(|one| CreatableTopicConfigs {
            name: one.setting.name.into(),
            value: one.value.map(|value| value.to_string().into()),
            read_only: false,
            config_source: one.source.wire_id(),
            is_sensitive: false,
        })
        .collect()
}
