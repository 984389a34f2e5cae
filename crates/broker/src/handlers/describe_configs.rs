//! DescribeConfigs (32), versions 1 to 4: values with their sources, synonyms, types and docs, of topics, of this
//! broker, of all brokers by default (the empty name), of groups and of subscriptions to client metrics (neither has to
//! exist), and the level of the node's own log.
//!
//! Whatever a settings table can say comes from `config`; secrets have no value there.

use std::sync::Arc;

use ottla_config::ConfigMap;
use ottla_config::describe::{self, Described, DescribedSynonym};
use ottla_controller::Refusal;
use ottla_metadata::{ConfigKind, ConfigResource, Image};
use ottla_model::{ErrorCode, NodeId, TopicName};
use ottla_wire::Str;
use ottla_wire::messages::describe_configs_request::DescribeConfigsResource;
use ottla_wire::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use ottla_wire::messages::{DescribeConfigsRequest, DescribeConfigsResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::log_level;
use crate::state::Broker;

/// The source that has no row in a settings table (`ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG`).
const FROM_LOGGER: i8 = 6;

/// What an answer shows of a setting.
#[derive(Clone, Copy, Debug)]
struct Shown {
    synonyms: bool,
    documentation: bool,
}

pub(crate) fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DescribeConfigsRequest,
) -> Handled<DescribeConfigsResponse> {
    let DescribeConfigsRequest { resources, include_synonyms, include_documentation } = request;
    let shown = Shown { synonyms: include_synonyms, documentation: include_documentation };
    let strange = resources.iter().find(|resource| ConfigKind::from_code(resource.resource_type).is_none());
    let refusal = strange.map(|strange| {
        let DescribeConfigsResource { resource_type, resource_name, configuration_keys: _ } = strange;
        let message = format!("Unexpected resource type {resource_type} for resource {resource_name}");
        invalid(message)
    });
    let image = broker.image.load();
    let result = |resource: DescribeConfigsResource| {
        let DescribeConfigsResource { resource_type, resource_name, configuration_keys } = resource;
        let configs = match &refusal {
            Some(refusal) => Err(refusal.clone()),
            None => describe_one(broker, &image, resource_type, &resource_name, shown),
        };
        let (error_code, error_message, configs) = match configs {
            Ok(configs) => (ErrorCode::None, None, chosen(configs, configuration_keys)),
            Err(refusal) => (refusal.code, refusal.message.map(Into::into), Vec::new()),
        };
        DescribeConfigsResult {
            error_code: error_code.code(),
            error_message,
            resource_type,
            resource_name,
            configs,
        }
    };
    let results = resources.into_iter().map(result).collect();
    Handled::now(DescribeConfigsResponse { throttle_time_ms: 0, results })
}

type Configs = Result<Vec<DescribeConfigsResourceResult>, Refusal>;

/// Settings that were asked for by name; no names, or an empty list of them, is all.
fn chosen(
    mut configs: Vec<DescribeConfigsResourceResult>,
    keys: Option<Vec<Str>>,
) -> Vec<DescribeConfigsResourceResult> {
    if let Some(keys) = keys.filter(|keys| !keys.is_empty()) {
        let keys: std::collections::HashSet<Str> = keys.into_iter().collect();
        configs.retain(|config| keys.contains(&config.name));
    }
    configs
}

fn describe_one(broker: &Broker, image: &Image, resource_type: i8, name: &Str, shown: Shown) -> Configs {
    let Some(kind) = ConfigKind::from_code(resource_type) else {
        return Err(invalid(format!("Unexpected resource type {resource_type} for resource {name}")));
    };
    match kind {
        ConfigKind::Topic => topic(broker, image, name, shown),
        ConfigKind::Broker if name.is_empty() => {
            Ok(broker.with_layers(image, |layers| results(describe::cluster_default(layers), shown)))
        }
        ConfigKind::Broker => {
            check_id(name, broker.node_id, "or empty string, ")?;
            Ok(broker.with_layers(image, |layers| results(describe::broker(layers), shown)))
        }
        ConfigKind::BrokerLogger if name.is_empty() => Err(invalid("Broker id must not be empty")),
        ConfigKind::BrokerLogger => {
            check_id(name, broker.node_id, "")?;
            Ok(vec![stored(log_level::ROOT, &broker.log_control.level(), FROM_LOGGER)])
        }
        ConfigKind::ClientMetrics if name.is_empty() => {
            Err(invalid("Client metrics subscription name must not be empty"))
        }
        ConfigKind::ClientMetrics => {
            let own = Broker::dynamic(image, &ConfigResource::new(kind, name));
            Ok(results(describe::client_metrics(&own), shown))
        }
        ConfigKind::Group if name.is_empty() => Err(invalid("Group name must not be empty")),
        ConfigKind::Group => {
            let own = Broker::dynamic(image, &ConfigResource::new(kind, name));
            Ok(broker.with_layers(image, |layers| results(describe::group(layers, &own), shown)))
        }
    }
}

fn topic(broker: &Broker, image: &Image, name: &str, shown: Shown) -> Configs {
    if let Err(wrong) = TopicName::new(name) {
        return Err(Refusal { code: ErrorCode::InvalidTopicException, message: Some(wrong.to_string()) });
    }
    if image.topics.named(name).is_none() {
        return Err(Refusal { code: ErrorCode::UnknownTopicOrPartition, message: None });
    }
    let own: ConfigMap = Broker::dynamic(image, &ConfigResource::topic(name));
    Ok(broker.with_layers(image, |layers| results(describe::topic(layers, &own), shown)))
}

fn check_id(name: &str, node_id: NodeId, or: &str) -> Result<(), Refusal> {
    match name.parse::<NodeId>() {
        Ok(id) if id == node_id => Ok(()),
        Ok(_) => Err(invalid(format!("Unexpected broker id, expected {node_id} {or}but received {name}"))),
        Err(_) => Err(invalid(format!("Broker id must be an integer, but it is: {name}"))),
    }
}

fn results(described: Vec<Described>, shown: Shown) -> Vec<DescribeConfigsResourceResult> {
    let synonym = |DescribedSynonym { name, value, source }| DescribeConfigsSynonym {
        name: name.into(),
        value: value.map(Into::into),
        source: source.wire_id(),
    };
    let result = |described: Described| {
        let config_type = described.type_id();
        let Described { name, value, source, kind: _, is_sensitive, read_only, doc, synonyms } = described;
        let synonyms = if shown.synonyms { synonyms } else { Vec::new() };
        DescribeConfigsResourceResult {
            name: name.into(),
            value: value.map(Into::into),
            read_only,
            config_source: source.wire_id(),
            is_sensitive,
            synonyms: synonyms.into_iter().map(synonym).collect(),
            config_type,
            documentation: shown.documentation.then(|| doc.into()),
        }
    };
    described.into_iter().map(result).collect()
}

/// A value without a row in the settings table.
fn stored(name: &str, value: &str, source: i8) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult {
        name: name.into(),
        value: Some(value.into()),
        read_only: false,
        config_source: source,
        is_sensitive: false,
        synonyms: Vec::new(),
        config_type: 0,
        documentation: None,
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal { code: ErrorCode::InvalidRequest, message: Some(message.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_of_names_is_all_of_them() {
        let all = || vec![stored("a", "1", FROM_LOGGER), stored("b", "2", FROM_LOGGER)];
        assert_eq!(chosen(all(), None).len(), 2);
        assert_eq!(chosen(all(), Some(Vec::new())).len(), 2);
        let some = chosen(all(), Some(vec!["b".into(), "c".into()]));
        assert_eq!(some.iter().map(|config| &*config.name).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn only_this_broker_is_described() {
        assert_eq!(check_id("1", 1, ""), Ok(()));
        for other in ["2", "x", "-1", "1 "] {
            assert_eq!(
                check_id(other, 1, "").map_err(|refusal| refusal.code),
                Err(ErrorCode::InvalidRequest)
            );
        }
    }
}
