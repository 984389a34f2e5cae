//! A refusal: Kafka's code, and words where the protocol has room for them.

use ottla_model::ErrorCode;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Kafka's code.
    pub code: ErrorCode,
    /// What to tell a person; `None` where the code says it all.
    pub message: Option<String>,
}

impl Refusal {
    /// With words.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, message: None }
    }
}
