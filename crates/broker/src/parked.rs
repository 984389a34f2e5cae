//! Parked requests: futures that wait for a partition to move, or for their deadline.
//!
//! A wait is parked first and its condition looked at again afterwards, so that no wake-up is
//! lost in between. A future that is dropped (its connection is gone) takes its wait with it.

use std::sync::Arc;

use ottla_env::Clock;
use ottla_model::{Offset, Tick};
use ottla_partition::PartitionId;
use ottla_purgatory::{Purgatory, Until, WaitId};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

/// Which of a partition's marks a wait watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    /// The acknowledged offset: a produce with acks=all.
    Acknowledged,
    /// The high watermark: a consumer's fetch.
    HighWatermark,
    /// The last stable offset: a read_committed consumer's fetch.
    LastStable,
    /// The durable offset: a produce that `flush.messages` makes wait for the disk.
    Durable,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// What it waited for has moved far enough.
    Reached,
    /// A partition it waited on left this node or failed.
    Gone,
    /// The deadline passed first.
    Expired,
}

type Waits = Purgatory<(PartitionId, Mark), oneshot::Sender<Woken>>;

/// Every parked request of this node.
pub(crate) struct Parked {
    waits: Mutex<Waits>,
    earlier_deadline: Notify,
    clock: Arc<dyn Clock>,
}

/// One parked request. Dropping it ends the wait.
pub(crate) struct Parking {
    parked: Arc<Parked>,
    id: WaitId,
    woken: oneshot::Receiver<Woken>,
}

impl Parked {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { waits: Mutex::new(Purgatory::default()), earlier_deadline: Notify::new(), clock })
    }

    /// Parks until the marks reach their offsets, `deadline` passes, or the partitions go.
    pub(crate) fn park(
        self: &Arc<Self>,
        until: Until,
        marks: Vec<((PartitionId, Mark), Offset)>,
        deadline: Tick,
    ) -> Parking {
        let (sender, woken) = oneshot::channel();
        let mut waits = self.waits.lock();
        let first_before = waits.next_deadline();
        let id = waits.park(until, marks, deadline, sender);
        drop(waits);
        if first_before.is_none_or(|first| deadline < first) {
            self.earlier_deadline.notify_one();
        }
        Parking { parked: Arc::clone(self), id, woken }
    }

    /// A partition's marks stand at these offsets now: wakes whoever waited for them.
    pub(crate) fn reached(&self, partition: PartitionId, marks: [(Mark, Offset); 4]) {
        let mut woken = Vec::new();
        let mut waits = self.waits.lock();
        if waits.is_empty() {
            return;
        }
        for (mark, offset) in marks {
            woken.append(&mut waits.reached(&(partition, mark), offset));
        }
        drop(waits);
        wake(woken, Woken::Reached);
    }

    /// A partition is no longer served here: whoever waits on it looks again and finds out why.
    pub(crate) fn gone(&self, partition: PartitionId) {
        let mut woken = Vec::new();
        let mut waits = self.waits.lock();
        for mark in [Mark::Acknowledged, Mark::HighWatermark, Mark::LastStable, Mark::Durable] {
            woken.append(&mut waits.gone(&(partition, mark)));
        }
        drop(waits);
        wake(woken, Woken::Gone);
    }

    /// How many requests are parked.
    pub(crate) fn len(&self) -> usize {
        self.waits.lock().len()
    }

    /// Ends waits whose deadline has passed; answers when the next one does.
    fn expire(&self, now: Tick) -> Option<Tick> {
        let mut waits = self.waits.lock();
        let expired = waits.expire(now);
        let next = waits.next_deadline();
        drop(waits);
        wake(expired, Woken::Expired);
        next
    }

    /// Ends waits whose deadline has passed, for as long as it is polled. Sleeps while there are none.
    pub(crate) async fn run_deadlines(self: Arc<Self>) {
        loop {
            let now = self.clock.now().tick;
            let next = self.expire(now);
            let earlier = self.earlier_deadline.notified();
            match next {
                None => earlier.await,
                Some(deadline) => {
                    // One tick more, so that the deadline has passed when the sleep ends.
                    let millis = deadline.millis_since(now) + 1;
                    tokio::select! {
                        biased;
                        () = earlier => {}
                        () = tokio::time::sleep(std::time::Duration::from_millis(millis)) => {}
                    }
                }
            }
        }
    }
}

fn wake(woken: Vec<oneshot::Sender<Woken>>, how: Woken) {
    for waiter in woken {
        // The waiter may have left in this moment; then nobody is to be told.
        let _ = waiter.send(how);
    }
}

impl Parking {
    /// Waits for the end of the wait.
    pub(crate) async fn woken(&mut self) -> Woken {
        (&mut self.woken).await.unwrap_or(Woken::Gone)
    }
}

impl Drop for Parking {
    fn drop(&mut self) {
        self.parked.waits.lock().cancel(self.id);
    }
}
