//! Records of `__consumer_offsets`.

use std::fmt;

use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue};

/// A record of `__consumer_offsets`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The key.
    pub key: ConsumerOffsetsKey,
    /// The value and the version it is written in; `None` deletes.
    pub value: Option<(ConsumerOffsetsValue, i16)>,
}

/// Why a record does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayError(pub String);

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReplayError {}
