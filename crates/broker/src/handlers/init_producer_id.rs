//! InitProducerId (22), versions 0 to 5: an id of its own for an idempotent producer.
//!
//! Transactions are not served yet: a transactional id is refused with UNSUPPORTED_VERSION. Without one the id and epoch
//! that a producer had before do not matter: it gets a fresh id with epoch 0, as in Kafka.

use std::sync::Arc;

use ottla_model::{ErrorCode, NO_PRODUCER_EPOCH, NO_PRODUCER_ID};
use ottla_wire::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: InitProducerIdRequest,
) -> Handled<InitProducerIdResponse> {
    if let Err(code) = check(&request) {
        return Handled::now(refusal(code));
    }
    let broker = Arc::clone(broker);
    Handled::later(async move {
        match broker.producer_ids.next(&broker.controller).await {
            Ok(producer_id) => {
                InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() }
            }
            Err(code) => refusal(code),
        }
    })
}

fn check(request: &InitProducerIdRequest) -> Result<(), ErrorCode> {
    let InitProducerIdRequest {
        transactional_id,
        transaction_timeout_ms: _, // of transactions
        producer_id,
        producer_epoch,
        enable2_pc: _,        // of transactions
        keep_prepared_txn: _, // of transactions
    } = request;
    if (*producer_id == NO_PRODUCER_ID) != (*producer_epoch == NO_PRODUCER_EPOCH) {
        return Err(ErrorCode::InvalidRequest);
    }
    match transactional_id.as_deref() {
        None => Ok(()),
        Some("") => Err(ErrorCode::InvalidRequest),
        Some(_) => Err(ErrorCode::UnsupportedVersion),
    }
}

fn refusal(code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse {
        error_code: code.code(),
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(
        transactional_id: Option<&str>,
        producer_id: i64,
        producer_epoch: i16,
    ) -> InitProducerIdRequest {
        InitProducerIdRequest {
            transactional_id: transactional_id.map(Into::into),
            producer_id,
            producer_epoch,
            ..Default::default()
        }
    }

    #[test]
    fn idempotent_producers_are_served_and_transactional_ones_not_yet() {
        assert_eq!(check(&request(None, -1, -1)), Ok(()));
        assert_eq!(check(&request(None, 7, 3)), Ok(()));
        assert_eq!(check(&request(Some("t"), -1, -1)), Err(ErrorCode::UnsupportedVersion));
        assert_eq!(check(&request(Some(""), -1, -1)), Err(ErrorCode::InvalidRequest));
    }

    #[test]
    fn an_id_comes_with_its_epoch_or_not_at_all() {
        assert_eq!(check(&request(None, 7, -1)), Err(ErrorCode::InvalidRequest));
        assert_eq!(check(&request(None, -1, 0)), Err(ErrorCode::InvalidRequest));
    }
}
