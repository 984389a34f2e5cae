//! Producer ids that this node may hand out: a block of them from the controller at a time (Kafka's
//! `RPCProducerIdManager`).
//!
//! Invariant: no id is handed out twice, by this process or an earlier one: a block is committed in the metadata
//! before its first id is used, and what is left of it at a stop is never used. One request for a block is under
//! way at a time; the others wait for it.

use std::ops::Range;
use std::time::Duration;

use ottla_controller::{Reply, Request};
use ottla_model::{ErrorCode, ProducerId};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::limits::{CONTROLLER_WAIT_MS, PRODUCER_ID_WAIT_MS};
use crate::metadata_thread::ControllerChannel;

/// The pool.
pub(crate) struct ProducerIds {
    free: Mutex<Range<ProducerId>>,
    /// Whoever holds the permit asks for a block.
    asking: Semaphore,
}

impl Default for ProducerIds {
    fn default() -> Self {
        Self { free: Mutex::new(0..0), asking: Semaphore::new(1) }
    }
}

impl ProducerIds {
    /// A fresh id; COORDINATOR_LOAD_IN_PROGRESS, after which clients ask again, when none comes in time.
    pub(crate) async fn next(&self, controller: &ControllerChannel) -> Result<ProducerId, ErrorCode> {
        if let Some(id) = self.take() {
            return Ok(id);
        }
        let wait = Duration::from_millis(PRODUCER_ID_WAIT_MS);
        let id = tokio::time::timeout(wait, self.refilled(controller)).await;
        id.unwrap_or(None).ok_or(ErrorCode::CoordinatorLoadInProgress)
    }

    fn take(&self) -> Option<ProducerId> {
        self.free.lock().next()
    }

    /// Waits for its turn, and asks for a block if whoever had the turn before left nothing. A permit that is
    /// dropped on the way passes the turn on.
    async fn refilled(&self, controller: &ControllerChannel) -> Option<ProducerId> {
        let _turn = self.asking.acquire().await.ok()?;
        if let Some(id) = self.take() {
            return Some(id);
        }
        match controller.ask(Request::AllocateProducerIds, CONTROLLER_WAIT_MS).await {
            Ok(Reply::AllocateProducerIds(Ok(block))) => {
                let mut free = self.free.lock();
                *free = block;
                free.next()
            }
            refused => {
                tracing::warn!(?refused, "no block of producer ids was given out");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata_thread::{Ask, Asks};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    /// Answers as a controller does, and counts the blocks.
    async fn serve(mut asks: Asks) -> i64 {
        let mut blocks = 0;
        while let Some(ask) = asks.recv().await {
            if let Ask::Decide(_, reply) = ask {
                let first = blocks * 1000;
                blocks += 1;
                let _ = reply.send(Ok(Reply::AllocateProducerIds(Ok(first..first + 1000))));
            }
        }
        blocks
    }

    #[tokio::test]
    async fn no_id_is_handed_out_twice_and_one_block_serves_a_thousand() {
        let (controller, asks) = ControllerChannel::new();
        let controller_task = tokio::spawn(serve(asks));
        let ids = Arc::new(ProducerIds::default());
        let tasks: Vec<_> = (0..2500)
            .map(|_| {
                let (ids, controller) = (Arc::clone(&ids), controller.clone());
                tokio::spawn(async move { ids.next(&controller).await })
            })
            .collect();
        let mut given = BTreeSet::new();
        for task in tasks {
            assert!(given.insert(task.await.unwrap().unwrap()));
        }
        drop(controller);
        assert_eq!((given.len(), controller_task.await.unwrap()), (2500, 3));
    }

    #[tokio::test]
    async fn a_controller_that_is_gone_is_told_as_a_reason_to_ask_again() {
        let (controller, asks) = ControllerChannel::new();
        drop(asks);
        assert_eq!(ProducerIds::default().next(&controller).await, Err(ErrorCode::CoordinatorLoadInProgress));
    }
}
