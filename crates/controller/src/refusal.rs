//! Why one item of a request was refused: Kafka's code, and a sentence that says what to do.

use ottla_model::ErrorCode;

/// A refusal of one topic, resource or registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code on the wire.
    pub code: ErrorCode,
    /// What a person reads; `None` where the code says it all.
    pub message: Option<String>,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    pub(crate) fn bare(code: ErrorCode) -> Self {
        Self { code, message: None }
    }

    /// The message in the protocol's type.
    pub(crate) fn text(&self) -> Option<ottla_wire::Str> {
        self.message.as_deref().map(ottla_wire::Str::from)
    }
}
