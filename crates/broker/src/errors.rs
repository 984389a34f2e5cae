//! Every error of the rooms below as a code of Kafka's. The one place where they meet.

use ottla_model::ErrorCode;
use ottla_partition::{AppendError, DeleteRecordsError, LookupError, ReadError};
use ottla_storage::log::AppendError as LogError;
use ottla_storage::producer_state::ProducerError;

use crate::sessions::Refused;

pub(crate) fn append_error(error: &AppendError) -> ErrorCode {
    match error {
        AppendError::NotLeader(why) => why.code(),
        AppendError::NoRoom => ErrorCode::KafkaStorageError,
        AppendError::InternalTopic => ErrorCode::InvalidTopicException,
        AppendError::Transactional => ErrorCode::InvalidTxnState,
        AppendError::NotEnoughReplicas(_) => ErrorCode::NotEnoughReplicas,
        AppendError::Rejected(rejected) => rejected.refusal.code(),
        AppendError::Log(error) => log_error(error),
    }
}

fn log_error(error: &LogError) -> ErrorCode {
    match error {
        LogError::TooLarge { .. } => ErrorCode::RecordListTooLarge,
        LogError::Producer(error) => producer_error(error),
        LogError::Batch(_) | LogError::Malformed => ErrorCode::CorruptMessage,
        LogError::Full(_) | LogError::Storage(_) | LogError::Offline => ErrorCode::KafkaStorageError,
    }
}

fn producer_error(error: &ProducerError) -> ErrorCode {
    match error {
        ProducerError::OutOfOrderSequence { .. } | ProducerError::EpochNotFromZero { .. } => {
            ErrorCode::OutOfOrderSequenceNumber
        }
        ProducerError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
        ProducerError::TransactionOpen { .. } => ErrorCode::InvalidTxnState,
        ProducerError::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
    }
}

pub(crate) fn read_error(error: &ReadError) -> ErrorCode {
    match error {
        ReadError::NotLeader(why) => why.code(),
        ReadError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        ReadError::Storage(_) => ErrorCode::KafkaStorageError,
    }
}

pub(crate) fn lookup_error(error: &LookupError) -> ErrorCode {
    match error {
        LookupError::NotLeader(why) => why.code(),
        LookupError::Storage(_) => ErrorCode::KafkaStorageError,
    }
}

pub(crate) fn delete_records_error(error: DeleteRecordsError) -> ErrorCode {
    match error {
        DeleteRecordsError::NotLeader(why) => why.code(),
        DeleteRecordsError::Compacted => ErrorCode::PolicyViolation,
        DeleteRecordsError::OutOfRange => ErrorCode::OffsetOutOfRange,
    }
}

pub(crate) const fn session_error(refused: Refused) -> ErrorCode {
    match refused {
        Refused::NotFound => ErrorCode::FetchSessionIdNotFound,
        Refused::InvalidEpoch => ErrorCode::InvalidFetchSessionEpoch,
        Refused::TopicIds => ErrorCode::FetchSessionTopicIdError,
    }
}
