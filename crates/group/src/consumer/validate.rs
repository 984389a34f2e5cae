//! What makes a heartbeat a legal request, whatever the group (`throwIfConsumerGroupHeartbeatRequestIsInvalid`).

use ottla_model::ErrorCode;
use ottla_wire::messages::ConsumerGroupHeartbeatRequest;

use crate::assign::Assignor;
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::state::member::{LEAVE, LEAVE_FOR_NOW};

/// From this version on the client draws its member id.
const CLIENT_DRAWS_ID: i16 = 1;

/// Refuses a request that no group could answer.
///
/// # Errors
/// INVALID_REQUEST, UNSUPPORTED_ASSIGNOR.
pub(crate) fn check(
    request: &ConsumerGroupHeartbeatRequest,
    version: i16,
    settings: &Settings,
) -> Result<(), Refusal> {
    let epoch = request.member_epoch;
    if version >= CLIENT_DRAWS_ID || epoch > 0 || epoch == LEAVE {
        refuse_blank(Some(&request.member_id), "MemberId")?;
    }
    refuse_blank(Some(&request.group_id), "GroupId")?;
    refuse_blank(request.instance_id.as_deref(), "InstanceId")?;
    refuse_blank(request.rack_id.as_deref(), "RackId")?;
    match epoch {
        0 => check_join(request)?,
        LEAVE_FOR_NOW if request.instance_id.is_none() => {
            return Err(invalid("InstanceId has to be there when a static member leaves for now."));
        }
        epoch if epoch < LEAVE_FOR_NOW => return Err(invalid("MemberEpoch is invalid.")),
        _ => {}
    }
    check_assignor(request, settings)
}

/// Whether a request says all that a member can say, as clients do after an error: it is answered in full.
pub(crate) const fn is_full_request(request: &ConsumerGroupHeartbeatRequest) -> bool {
    request.rebalance_timeout_ms != -1
        && (request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some())
        && request.topic_partitions.is_some()
}

fn check_join(request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    if request.rebalance_timeout_ms == -1 {
        return Err(invalid("RebalanceTimeoutMs has to be there when a member joins."));
    }
    if request.topic_partitions.as_ref().is_none_or(|owned| !owned.is_empty()) {
        return Err(invalid("TopicPartitions has to be there and empty when a member joins."));
    }
    if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none() {
        return Err(invalid(
            "SubscribedTopicNames or SubscribedTopicRegex has to be there when a member joins.",
        ));
    }
    Ok(())
}

fn check_assignor(request: &ConsumerGroupHeartbeatRequest, settings: &Settings) -> Result<(), Refusal> {
    let Some(name) = request.server_assignor.as_deref() else { return Ok(()) };
    if Assignor::from_name(name).is_some_and(|assignor| settings.assignors.contains(&assignor)) {
        return Ok(());
    }
    let shown: String = name.chars().take(256).collect();
    let supported: Vec<&str> = settings.assignors.iter().map(|assignor| assignor.name()).collect();
    let message = format!("ServerAssignor {shown} is not supported; supported are {}.", supported.join(", "));
    Err(Refusal::new(ErrorCode::UnsupportedAssignor, message))
}

/// Java's `trim` takes away what is not above a space.
fn refuse_blank(text: Option<&str>, field: &str) -> Result<(), Refusal> {
    match text {
        Some(text) if text.chars().all(|character| character <= ' ') => {
            Err(invalid(&format!("{field} can't be empty.")))
        }
        Some(_) | None => Ok(()),
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, message)
}
