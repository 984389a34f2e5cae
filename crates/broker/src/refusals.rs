//! What is said when a decision did not come: the metadata thread is busy, stopping, or out of disk.

use ottla_controller::Reply;
use ottla_model::ErrorCode;
use ottla_wire::Str;

use crate::state::Broker;

/// The controller answered a question that nobody asked: a bug, told as one that may pass.
pub(crate) fn misfit(broker: &Broker, reply: &Reply) -> ErrorCode {
    tracing::error!(?reply, "the controller's reply does not fit its request");
    broker.counters.bug();
    ErrorCode::NotController
}

/// A line for the answer, where the code alone says too little.
pub(crate) fn text_of(code: ErrorCode) -> Option<Str> {
    let text = match code {
        ErrorCode::RequestTimedOut => {
            "The change was not committed in time; it may still come. Look before you ask again."
        }
        ErrorCode::NotController => "This node is stopping or not yet serving; ask again.",
        ErrorCode::KafkaStorageError => "The metadata log cannot be written; see the node's log.",
        ErrorCode::PolicyViolation => {
            "The change is larger than one batch of the metadata log; make it in parts."
        }
        ErrorCode::TopicDeletionDisabled => "Topics cannot be deleted here: delete.topic.enable is false.",
        _ => return None,
    };
    Some(text.into())
}
