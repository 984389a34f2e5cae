//! AlterConfigs and IncrementalAlterConfigs alike (Kafka's `ConfigAdminManager`): what a node can refuse or do by
//! itself is sorted out, the rest is the controller's. Each resource is answered for itself.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use ottla_config::alter::Operation;
use ottla_controller::{ConfigChange, ConfigChanges, Refusal, Reply, Request};
use ottla_metadata::{ConfigKind, ConfigResource};
use ottla_model::{ErrorCode, NodeId};
use ottla_wire::Str;

use crate::context::Face;
use crate::limits::CONTROLLER_WAIT_MS;
use crate::log_level;
use crate::refusals::{misfit, text_of};
use crate::state::Broker;

/// The changes of one resource, as a request has them.
#[derive(Clone, Debug)]
pub(crate) struct ResourceChanges {
    pub(crate) resource_type: i8,
    pub(crate) name: Str,
    /// Setting, number of the operation, operand.
    pub(crate) changes: Vec<(Str, i8, Option<Str>)>,
}

/// Which of the two requests it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Single values change (44).
    Incremental,
    /// The values of a resource are replaced (33); log levels cannot.
    Replace,
}

/// What became of one resource.
pub(crate) type Outcome = Result<(), Refusal>;

/// A resource after the first look.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sorted {
    Done(Outcome),
    ForController(ConfigResource),
}

/// What became of the resources, in their order.
pub(crate) struct Plan {
    sorted: Vec<Sorted>,
    changes: ConfigChanges,
}

impl Plan {
    /// Sorts the resources out. Log levels change in here.
    pub(crate) fn make(
        broker: &Broker,
        face: Face,
        style: Style,
        validate_only: bool,
        asked: &[ResourceChanges],
    ) -> Self {
        let set_level = |level: &str| {
            if !validate_only {
                broker.log_control.set_level(level);
            }
        };
        let repeated = repeated(asked);
        let mut resources = Vec::new();
        let mut sort = |one: &ResourceChanges| {
            if repeated.contains(&(one.resource_type, one.name.clone())) {
                return Sorted::Done(refuse("Each resource must appear at most once."));
            }
            match look(broker.node_id, face, style, one, set_level) {
                Ok(None) => Sorted::Done(Ok(())),
                Ok(Some((resource, changes))) => {
                    resources.push((resource.clone(), changes));
                    Sorted::ForController(resource)
                }
                Err(refusal) => Sorted::Done(Err(refusal)),
            }
        };
        let sorted = asked.iter().map(&mut sort).collect();
        Self { sorted, changes: ConfigChanges { resources, replace: style == Style::Replace, validate_only } }
    }

    /// Has the controller decide what is left.
    pub(crate) async fn carry_out(self, broker: Arc<Broker>) -> Vec<Outcome> {
        let Self { sorted, changes } = self;
        let mut decided = BTreeMap::new();
        let mut otherwise = ErrorCode::NotController;
        if !changes.resources.is_empty() {
            match broker.controller.ask(Request::AlterConfigs(changes), CONTROLLER_WAIT_MS).await {
                Ok(Reply::AlterConfigs(outcomes)) => decided = outcomes,
                Ok(reply) => otherwise = misfit(&broker, &reply),
                Err(code) => otherwise = code,
            }
        }
        let outcome = |sorted| match sorted {
            Sorted::Done(outcome) => outcome,
            Sorted::ForController(resource) => decided.remove(&resource).unwrap_or_else(|| {
                let message = text_of(otherwise).map(|text| text.to_string());
                Err(Refusal { code: otherwise, message })
            }),
        };
        sorted.into_iter().map(outcome).collect()
    }
}

/// An outcome in the words of an answer.
pub(crate) fn told(outcome: Outcome) -> (i16, Option<Str>) {
    match outcome {
        Ok(()) => (ErrorCode::None.code(), None),
        Err(Refusal { code, message }) => (code.code(), message.map(Into::into)),
    }
}

fn repeated(asked: &[ResourceChanges]) -> HashSet<(i8, Str)> {
    let mut seen = HashSet::new();
    let keys = asked.iter().map(|one| (one.resource_type, one.name.clone()));
    keys.filter(|key| !seen.insert(key.clone())).collect()
}

/// One resource: done (`None`), left to the controller, or refused.
fn look(
    node_id: NodeId,
    face: Face,
    style: Style,
    asked: &ResourceChanges,
    set_level: impl Fn(&'static str),
) -> Result<Option<(ConfigResource, Vec<ConfigChange>)>, Refusal> {
    let changes = operations(style, &asked.changes)?;
    let kind = ConfigKind::from_code(asked.resource_type)
        .filter(|kind| *kind != ConfigKind::BrokerLogger || style == Style::Incremental);
    let Some(kind) = kind else {
        let code =
            if face == Face::Broker { ErrorCode::InvalidRequest } else { ErrorCode::UnsupportedVersion };
        let message = format!("Unknown resource type {}", asked.resource_type);
        return Err(Refusal { code, message: Some(message) });
    };
    match kind {
        ConfigKind::BrokerLogger => {
            check_node_id(&asked.name, node_id)?;
            log_level::wanted(&changes)?.into_iter().for_each(set_level);
            return Ok(None);
        }
        // A controller's listener takes changes for any broker, a broker's for itself and for all.
        ConfigKind::Broker if !asked.name.is_empty() && face == Face::Broker => {
            check_node_id(&asked.name, node_id)?
        }
        ConfigKind::Broker | ConfigKind::Topic | ConfigKind::ClientMetrics | ConfigKind::Group => {}
    }
    let change = |(name, operation, value): Change<'_>| ConfigChange {
        name: name.to_owned(),
        operation,
        value: value.map(str::to_owned),
    };
    let changes = changes.into_iter().map(change).collect();
    Ok(Some((ConfigResource::new(kind, &asked.name), changes)))
}

/// A setting, what happens to it, and the operand.
type Change<'a> = (&'a str, Operation, Option<&'a str>);

/// Numbers of operations as operations; a setting named twice or without the value it needs is refused.
fn operations(style: Style, changes: &[(Str, i8, Option<Str>)]) -> Result<Vec<Change<'_>>, Refusal> {
    let mut seen = HashSet::new();
    if !changes.iter().all(|(name, ..)| seen.insert(name)) {
        return refuse("Error due to duplicate config keys");
    }
    let lacks_value = |(_, operation, value): &&(Str, i8, Option<Str>)| {
        value.is_none()
            && (style == Style::Replace || Operation::from_wire(*operation) != Some(Operation::Delete))
    };
    let nulls: Vec<&str> = changes.iter().filter(lacks_value).map(|(name, ..)| &**name).collect();
    if !nulls.is_empty() {
        return refuse(format!("Null value not supported for : {}", nulls.join(", ")));
    }
    let mut operations = Vec::with_capacity(changes.len());
    for (name, number, value) in changes {
        let Some(operation) = Operation::from_wire(*number) else {
            return refuse(format!("Unknown operations type {number}"));
        };
        operations.push((&**name, operation, value.as_deref()));
    }
    Ok(operations)
}

/// The name of a broker resource must be this node's id.
fn check_node_id(name: &str, node_id: NodeId) -> Outcome {
    match name.parse::<NodeId>() {
        Ok(id) if id == node_id => Ok(()),
        Ok(id) => refuse(format!("Unexpected broker id, expected {node_id}, but received {id}")),
        Err(_) => refuse(format!("Node id must be an integer, but it is: {name}")),
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { code: ErrorCode::InvalidRequest, message: Some(message.into()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const TOPIC: i8 = 2;
    const BROKER: i8 = 4;
    const LOGGER: i8 = 8;
    const SET: i8 = 0;
    const DELETE: i8 = 1;

    fn asked(resource_type: i8, name: &str, changes: &[(&str, i8, Option<&str>)]) -> ResourceChanges {
        let change = |(name, operation, value): &(&str, i8, Option<&str>)| {
            (Str::from(*name), *operation, value.map(Str::from))
        };
        ResourceChanges { resource_type, name: name.into(), changes: changes.iter().map(change).collect() }
    }

    fn code(face: Face, style: Style, asked: &ResourceChanges) -> ErrorCode {
        let looked = look(1, face, style, asked, |_| {});
        looked.map_or_else(|refusal| refusal.code, |_| ErrorCode::None)
    }

    #[test]
    fn a_setting_is_named_once_and_only_deleted_without_a_value() {
        let twice = asked(TOPIC, "t", &[("a", SET, Some("1")), ("a", DELETE, None)]);
        assert_eq!(code(Face::Broker, Style::Incremental, &twice), ErrorCode::InvalidRequest);
        let null = asked(TOPIC, "t", &[("a", SET, None)]);
        assert_eq!(code(Face::Broker, Style::Incremental, &null), ErrorCode::InvalidRequest);
        let deleted = asked(TOPIC, "t", &[("a", DELETE, None)]);
        assert_eq!(code(Face::Broker, Style::Incremental, &deleted), ErrorCode::None);
        let strange = asked(TOPIC, "t", &[("a", 9, Some("1"))]);
        assert_eq!(code(Face::Broker, Style::Incremental, &strange), ErrorCode::InvalidRequest);
    }

    #[test]
    fn a_broker_takes_changes_for_itself_and_for_all() {
        for (name, face, expected) in [
            ("1", Face::Broker, ErrorCode::None),
            ("", Face::Broker, ErrorCode::None),
            ("2", Face::Broker, ErrorCode::InvalidRequest),
            ("one", Face::Broker, ErrorCode::InvalidRequest),
            ("2", Face::Controller, ErrorCode::None),
        ] {
            assert_eq!(
                code(face, Style::Incremental, &asked(BROKER, name, &[])),
                expected,
                "{name} {face:?}"
            );
        }
    }

    #[test]
    fn unknown_kinds_are_refused_as_each_face_does() {
        let unknown = asked(99, "x", &[]);
        assert_eq!(code(Face::Broker, Style::Incremental, &unknown), ErrorCode::InvalidRequest);
        assert_eq!(code(Face::Controller, Style::Incremental, &unknown), ErrorCode::UnsupportedVersion);
        let logger = asked(LOGGER, "1", &[("root", SET, Some("INFO"))]);
        assert_eq!(code(Face::Broker, Style::Replace, &logger), ErrorCode::InvalidRequest);
    }

    #[test]
    fn log_levels_are_set_here_and_not_by_the_controller() {
        let set = Cell::new(None);
        let logger = asked(LOGGER, "1", &[("root", SET, Some("WARN"))]);
        let looked = look(1, Face::Broker, Style::Incremental, &logger, |level| set.set(Some(level)));
        assert_eq!((looked, set.get()), (Ok(None), Some("warn")));
    }

    #[test]
    fn a_resource_that_comes_twice_is_found() {
        let asked = [asked(TOPIC, "t", &[]), asked(BROKER, "t", &[]), asked(TOPIC, "t", &[])];
        assert_eq!(repeated(&asked), HashSet::from([(TOPIC, Str::from("t"))]));
    }
}
