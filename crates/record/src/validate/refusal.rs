//! Why a produced batch is not taken: one reason for each of Kafka's codes, a text, and the records
//! at fault.

use crate::compression::DecompressError;
use crate::header::HeaderError;
use crate::input::RecordError;
use ottla_model::ErrorCode;
use std::fmt;

/// The reason; each is one of Kafka's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 2: damaged (length, magic, CRC), or compressed records that do not unfold.
    CorruptMessage,
    /// 10: above `max.message.bytes`, or unfolds beyond its bound.
    MessageTooLarge,
    /// 32: records too old, too new, or with the leader's kind of timestamp.
    InvalidTimestamp,
    /// 76: an unknown codec, or zstd from a client too old for it.
    UnsupportedCompressionType,
    /// 87: everything else that a client must not send.
    InvalidRecord,
}

impl Refusal {
    /// Kafka's code.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::CorruptMessage => ErrorCode::CorruptMessage,
            Self::MessageTooLarge => ErrorCode::MessageTooLarge,
            Self::InvalidTimestamp => ErrorCode::InvalidTimestamp,
            Self::UnsupportedCompressionType => ErrorCode::UnsupportedCompressionType,
            Self::InvalidRecord => ErrorCode::InvalidRecord,
        }
    }
}

/// One record at fault: a `BatchIndexAndErrorMessage` of the produce response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFault {
    /// Counted from 0 in its batch.
    pub index: i32,
    /// What is wrong with it.
    pub message: String,
}

/// A batch that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The reason.
    pub refusal: Refusal,
    /// The produce response's ErrorMessage.
    pub message: String,
    /// The records at fault, at most `limits::RECORD_ERRORS` of them; empty when it is the batch.
    pub record_errors: Vec<RecordFault>,
}

impl Rejected {
    pub(super) const fn new(refusal: Refusal, message: String) -> Self {
        Self { refusal, message, record_errors: Vec::new() }
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(Refusal::InvalidRecord, message.to_owned())
    }

    /// No whole batch, or an old format: `InvalidRecord`; else `CorruptMessage`.
    pub(super) fn header(error: HeaderError) -> Self {
        let refusal = match error {
            HeaderError::Incomplete { .. } | HeaderError::Magic(0 | 1) | HeaderError::Offsets { .. } => {
                Refusal::InvalidRecord
            }
            HeaderError::Length(_) | HeaderError::Magic(_) => Refusal::CorruptMessage,
        };
        Self::new(refusal, error.to_string())
    }

    pub(super) fn records(error: RecordError) -> Self {
        let refusal = match error {
            RecordError::Decompress(DecompressError::TooLarge { .. }) => Refusal::MessageTooLarge,
            RecordError::Decompress(DecompressError::Truncated(_) | DecompressError::Corrupt(..)) => {
                Refusal::CorruptMessage
            }
            RecordError::Codec(_) => Refusal::UnsupportedCompressionType,
            RecordError::Truncated
            | RecordError::Trailing
            | RecordError::Varint
            | RecordError::Length(_)
            | RecordError::HeaderCount(_)
            | RecordError::Magic(_)
            | RecordError::Count(_) => Refusal::InvalidRecord,
        };
        Self::new(refusal, error.to_string())
    }

    pub(super) fn of_faults(refusal: Refusal, count: usize, record_errors: Vec<RecordFault>) -> Self {
        let first: Vec<String> =
            record_errors.iter().take(3).map(|fault| format!("{}: {}", fault.index, fault.message)).collect();
        let message = format!("{count} records were refused, the first of them {}", first.join("; "));
        Self { refusal, message, record_errors }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.refusal.code(), self.message)
    }
}

impl std::error::Error for Rejected {}
