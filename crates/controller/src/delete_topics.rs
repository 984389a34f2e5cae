//! DeleteTopics (20), versions 1 to 6: by name, and by id from 6 on.

use std::collections::{BTreeMap, BTreeSet};

use ottla_machine::Outcome;
use ottla_metadata::Image;
use ottla_model::{ErrorCode, Uuid};
use ottla_wire::messages::delete_topics_request::DeleteTopicState;
use ottla_wire::messages::delete_topics_response::DeletableTopicResult;
use ottla_wire::messages::{DeleteTopicsRequest, DeleteTopicsResponse, RemoveTopicRecord};
use ottla_wire::{MetadataRecord, Str};

use crate::context::Context;
use crate::refusal::Refusal;
use crate::request::Reply;

/// A topic as the request names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Name(Str),
    Id(Uuid),
}

impl Named {
    fn id(&self) -> Option<Uuid> {
        match self {
            Self::Name(_) => None,
            Self::Id(id) => Some(*id),
        }
    }
}

pub(crate) fn decide(
    image: &Image,
    context: &Context<'_>,
    request: DeleteTopicsRequest,
    version: i16,
) -> Outcome<MetadataRecord, Reply> {
    if !context.config.topics.delete_enable {
        let code = if version < 3 { ErrorCode::InvalidRequest } else { ErrorCode::TopicDeletionDisabled };
        return Outcome::unchanged(Reply::DeleteTopics(Err(code)));
    }
    let DeleteTopicsRequest { topics, topic_names, timeout_ms: _ } = request; // the host waits
    let mut responses = Vec::new();
    let mut times: BTreeMap<Named, u32> = BTreeMap::new();
    for name in topic_names {
        *times.entry(Named::Name(name)).or_insert(0) += 1;
    }
    for DeleteTopicState { name, topic_id } in topics {
        let refused = match (name, topic_id.is_zero()) {
            (Some(name), true) => {
                *times.entry(Named::Name(name)).or_insert(0) += 1;
                continue;
            }
            (None, false) => {
                *times.entry(Named::Id(topic_id)).or_insert(0) += 1;
                continue;
            }
            (None, true) => (None, "Neither topic name nor id were specified."),
            (Some(name), false) => (Some(name), "You may not specify both topic name and topic id."),
        };
        let refusal = Refusal::new(ErrorCode::InvalidRequest, refused.1);
        responses.push(result(refused.0, topic_id, Err(refusal)));
    }
    let ids: BTreeSet<Uuid> = times.keys().filter_map(Named::id).collect();
    let mut named_both_ways = BTreeSet::new();
    let mut removed = BTreeSet::new();
    for (named, times) in times {
        // Names come before ids: whoever is named both ways is known by then, answered once, and stays.
        if times == 1 && named.id().is_some_and(|id| named_both_ways.contains(&id)) {
            continue;
        }
        let by_name = named.id().is_none();
        let (name, id, found) = find(image, named, times);
        let found = found.and_then(|id| {
            if by_name && ids.contains(&id) {
                named_both_ways.insert(id);
                let message = "The provided topic name maps to an ID that was already supplied.";
                return Err(Refusal::new(ErrorCode::InvalidRequest, message));
            }
            removed.insert(id);
            Ok(())
        });
        responses.push(result(name, id, found));
    }
    let records = removed.into_iter().map(|topic_id| RemoveTopicRecord { topic_id }.into()).collect();
    let response = DeleteTopicsResponse { throttle_time_ms: 0, responses };
    Outcome { records, reply: Reply::DeleteTopics(Ok(response)) }
}

fn find(image: &Image, named: Named, times: u32) -> (Option<Str>, Uuid, Result<Uuid, Refusal>) {
    match named {
        Named::Name(name) if times > 1 => {
            let refusal = Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name.");
            (Some(name), Uuid::ZERO, Err(refusal))
        }
        Named::Id(id) if times > 1 => {
            (None, id, Err(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic id.")))
        }
        Named::Name(name) => {
            let id =
                image.topics.id_of(&name).ok_or_else(|| Refusal::bare(ErrorCode::UnknownTopicOrPartition));
            (Some(name), id.clone().unwrap_or(Uuid::ZERO), id)
        }
        Named::Id(id) => match image.topics.get(id) {
            Some(topic) => (Some(topic.name.as_str().into()), id, Ok(id)),
            None => (None, id, Err(Refusal::bare(ErrorCode::UnknownTopicId))),
        },
    }
}

fn result(name: Option<Str>, topic_id: Uuid, outcome: Result<(), Refusal>) -> DeletableTopicResult {
    let (error_code, error_message) = match outcome {
        Ok(()) => (ErrorCode::None, None),
        Err(refusal) => (refusal.code, refusal.text()),
    };
    DeletableTopicResult { name, topic_id, error_code: error_code.code(), error_message }
}
