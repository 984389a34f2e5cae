//! DescribeClientQuotas (48), versions 0 and 1: quotas by user, client id and address (KIP-546). None can be set
//! here; those that Kafka set are kept and shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_metadata::{Image, QuotaEntity};
use ottla_model::ErrorCode;
use ottla_wire::Str;
use ottla_wire::messages::describe_client_quotas_request::ComponentData;
use ottla_wire::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use ottla_wire::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::state::Broker;

const USER: &str = "user";
const CLIENT_ID: &str = "client-id";
const IP: &str = "ip";

/// What an entity must have of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// This name, or the default.
    Name(Option<Str>),
    /// Any name, or the default.
    Any,
}

pub(crate) fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DescribeClientQuotasRequest,
) -> Handled<DescribeClientQuotasResponse> {
    let DescribeClientQuotasRequest { components, strict } = request;
    Handled::now(match filter(components) {
        Ok(filter) => DescribeClientQuotasResponse {
            throttle_time_ms: 0,
            error_code: ErrorCode::None.code(),
            error_message: None,
            entries: Some(entries(&broker.image.load(), &filter, strict)),
        },
        Err((code, message)) => DescribeClientQuotasResponse {
            throttle_time_ms: 0,
            error_code: code.code(),
            error_message: Some(message.into()),
            entries: None,
        },
    })
}

type Filter = BTreeMap<Str, Wanted>;

/// The components as a filter (Kafka's `ClientQuotasImage.describe`).
fn filter(components: Vec<ComponentData>) -> Result<Filter, (ErrorCode, String)> {
    let invalid = |message: &str| Err((ErrorCode::InvalidRequest, message.to_owned()));
    let mut filter = Filter::new();
    for ComponentData { entity_type, match_type, match_ } in components {
        if entity_type.is_empty() {
            return invalid("Invalid empty entity type.");
        }
        if ![USER, CLIENT_ID, IP].contains(&&*entity_type) {
            return Err((ErrorCode::UnsupportedVersion, format!("Unsupported entity type {entity_type}")));
        }
        let wanted = match (match_type, match_) {
            (0, Some(name)) => Wanted::Name(Some(name)),
            (0, None) => return invalid("Request specified MATCH_TYPE_EXACT, but set match string to null."),
            (1, None) => Wanted::Name(None),
            (2, None) => Wanted::Any,
            (1 | 2, Some(_)) => return invalid("A match string goes with MATCH_TYPE_EXACT only."),
            (unknown, _) => return invalid(&format!("Unknown match type {unknown}")),
        };
        if filter.insert(entity_type.clone(), wanted).is_some() {
            return invalid(&format!(
                "Entity type {entity_type} cannot appear more than once in the filter."
            ));
        }
    }
    if filter.len() > 1 && filter.contains_key(IP) {
        return invalid("IP filter component should not be used with user or clientId filter component.");
    }
    Ok(filter)
}

fn entries(image: &Image, filter: &Filter, strict: bool) -> Vec<EntryData> {
    let passes = |entity: &QuotaEntity| {
        let has = |(kind, wanted): (&Str, &Wanted)| {
            let part = entity.iter().find(|(of, _)| **of == **kind);
            part.is_some_and(|(_, name)| match wanted {
                Wanted::Any => true,
                Wanted::Name(wanted) => name.as_deref() == wanted.as_deref(),
            })
        };
        filter.iter().all(has) && (!strict || entity.len() == filter.len())
    };
    let entry =
        |(entity, quotas): (&QuotaEntity, &ottla_metadata::Map<ottla_metadata::Text, f64>)| EntryData {
            entity: entity
                .iter()
                .map(|(kind, name)| EntityData {
                    entity_type: (&**kind).into(),
                    entity_name: name.as_deref().map(Into::into),
                })
                .collect(),
            values: quotas
                .iter()
                .map(|(key, value)| ValueData { key: (&**key).into(), value: *value })
                .collect(),
        };
    image.quotas.iter().filter(|(entity, _)| passes(entity)).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_metadata::{Map, Text};

    fn image() -> Image {
        let mut image = Image::default();
        let quota = || std::iter::once((Text::from("producer_byte_rate"), 1024.0)).collect::<Map<_, _>>();
        let ann: QuotaEntity = vec![(Text::from(USER), Some(Text::from("ann")))];
        let both: QuotaEntity =
            vec![(Text::from(CLIENT_ID), None), (Text::from(USER), Some(Text::from("ann")))];
        image.quotas.insert_mut(ann, quota());
        image.quotas.insert_mut(both, quota());
        image
    }

    fn component(entity_type: &str, match_type: i8, match_: Option<&str>) -> ComponentData {
        ComponentData { entity_type: entity_type.into(), match_type, match_: match_.map(Into::into) }
    }

    fn found(components: Vec<ComponentData>, strict: bool) -> usize {
        entries(&image(), &filter(components).unwrap(), strict).len()
    }

    #[test]
    fn strict_takes_entities_of_just_these_types() {
        assert_eq!(found(vec![component(USER, 0, Some("ann"))], false), 2);
        assert_eq!(found(vec![component(USER, 0, Some("ann"))], true), 1);
        assert_eq!(found(vec![component(CLIENT_ID, 1, None)], false), 1);
        assert_eq!(found(vec![component(CLIENT_ID, 2, None), component(USER, 2, None)], true), 1);
        assert_eq!((found(Vec::new(), false), found(Vec::new(), true)), (2, 0));
    }

    #[test]
    fn a_filter_that_contradicts_itself_is_refused() {
        for (components, expected) in [
            (vec![component("", 0, Some("x"))], ErrorCode::InvalidRequest),
            (vec![component("group", 2, None)], ErrorCode::UnsupportedVersion),
            (vec![component(USER, 0, None)], ErrorCode::InvalidRequest),
            (vec![component(USER, 1, Some("x"))], ErrorCode::InvalidRequest),
            (vec![component(USER, 3, None)], ErrorCode::InvalidRequest),
            (vec![component(USER, 2, None), component(USER, 1, None)], ErrorCode::InvalidRequest),
            (vec![component(USER, 2, None), component(IP, 2, None)], ErrorCode::InvalidRequest),
        ] {
            assert_eq!(
                filter(components.clone()).map_err(|refusal| refusal.0),
                Err(expected),
                "{components:?}"
            );
        }
    }
}
