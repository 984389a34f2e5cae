//! FindCoordinator (10), versions 0 to 6: which node keeps a group. Versions 4 and later ask for many at once.
//!
//! The topic that keeps groups is made when the first coordinator is asked for; the answer waits for that.
//! Coordinators of transactions and of share groups are not served yet (UNSUPPORTED_VERSION).

use std::sync::Arc;

use ottla_coordinator::partition_for;
use ottla_model::{ErrorCode, NodeId};
use ottla_wire::Str;
use ottla_wire::messages::find_coordinator_response::Coordinator;
use ottla_wire::messages::{FindCoordinatorRequest, FindCoordinatorResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::coordination::{OFFSETS_TOPIC, ensure};
use crate::state::Broker;

/// From this version on keys come in a list.
const MANY: i16 = 4;

/// What keeps a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Group,
    Transaction,
    Share,
}

impl Kind {
    const fn from_code(code: i8) -> Option<Self> {
        match code {
            0 => Some(Self::Group),
            1 => Some(Self::Transaction),
            2 => Some(Self::Share),
            _ => None,
        }
    }
}

pub(crate) fn handle(
    broker: &Arc<Broker>,
    context: &RequestContext,
    request: FindCoordinatorRequest,
) -> Handled<FindCoordinatorResponse> {
    let FindCoordinatorRequest { key, key_type, coordinator_keys } = request;
    let version = context.version;
    let keys = if version >= MANY { coordinator_keys } else { vec![key] };
    let refused = match Kind::from_code(key_type) {
        Some(Kind::Group) => None,
        Some(Kind::Transaction | Kind::Share) => Some(ErrorCode::UnsupportedVersion),
        None => Some(ErrorCode::InvalidRequest),
    };
    if let Some(code) = refused {
        return Handled::now(answer(keys.into_iter().map(|key| nowhere(key, code)).collect(), version));
    }
    if broker.image.load().topics.named(OFFSETS_TOPIC).is_some() {
        return Handled::now(answer(find_all(broker, context, keys), version));
    }
    let (broker, context) = (Arc::clone(broker), context.clone());
    Handled::later(async move {
        let coordinators = match ensure(&broker).await {
            Ok(()) => find_all(&broker, &context, keys),
            Err(code) => keys.into_iter().map(|key| nowhere(key, code)).collect(),
        };
        answer(coordinators, version)
    })
}

fn find_all(broker: &Broker, context: &RequestContext, keys: Vec<Str>) -> Vec<Coordinator> {
    let find = |key: Str| match leader(broker, &key) {
        Some(node_id) => match broker.endpoint(context, node_id) {
            Some((host, port)) => Coordinator { key, node_id, host: host.into(), port, ..Default::default() },
            None => nowhere(key, ErrorCode::CoordinatorNotAvailable),
        },
        None => nowhere(key, ErrorCode::CoordinatorNotAvailable),
    };
    keys.into_iter().map(find).collect()
}

fn leader(broker: &Broker, group: &str) -> Option<NodeId> {
    let image = broker.image.load();
    let topic = image.topics.named(OFFSETS_TOPIC)?;
    let partitions = i32::try_from(topic.partitions.size()).ok()?;
    topic.partitions.get(&partition_for(group, partitions))?.leader
}

fn nowhere(key: Str, code: ErrorCode) -> Coordinator {
    let error_message = match code {
        ErrorCode::UnsupportedVersion => Some("transactions and share groups are not served yet".into()),
        _ => None,
    };
    Coordinator { key, node_id: -1, port: -1, error_code: code.code(), error_message, ..Default::default() }
}

fn answer(mut coordinators: Vec<Coordinator>, version: i16) -> FindCoordinatorResponse {
    if version >= MANY {
        return FindCoordinatorResponse { coordinators, ..Default::default() };
    }
    let Some(Coordinator { key: _, node_id, host, port, error_code, error_message }) = coordinators.pop()
    else {
        return FindCoordinatorResponse::default();
    };
    FindCoordinatorResponse { error_code, error_message, node_id, host, port, ..Default::default() }
}
