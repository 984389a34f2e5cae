//! Requests and bytes in flight of the whole node.
//!
//! At the bound connections stop beginning to read frames; those in the middle of one go on, or
//! nothing would ever be given back. So the bound is passed by at most what was already being sent.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;

use crate::counters::{NetCounters, add, sub};

#[derive(Debug)]
pub(crate) struct Budget {
    counters: Arc<NetCounters>,
    max_requests: u64,
    max_bytes: u64,
    room: Notify,
}

impl Budget {
    pub(crate) fn new(counters: Arc<NetCounters>, max_requests: u64, max_bytes: u64) -> Self {
        Self { counters, max_requests, max_bytes, room: Notify::new() }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.counters.requests_in_flight.load(Ordering::Relaxed) < self.max_requests
            && self.counters.request_bytes.load(Ordering::Relaxed) < self.max_bytes
    }

    /// Waits until there is room; those who wait all wake and look again.
    pub(crate) async fn wait(&self) {
        loop {
            let mut given_back = std::pin::pin!(self.room.notified());
            given_back.as_mut().enable();
            if self.has_room() {
                return;
            }
            given_back.await;
        }
    }

    pub(crate) fn charge(self: &Arc<Self>, bytes: usize) -> Charge {
        add(&self.counters.request_bytes, bytes as u64);
        Charge { budget: Arc::clone(self), bytes: bytes as u64, started: false }
    }

    fn give_back(&self, give: impl FnOnce(&NetCounters)) {
        let was_full = !self.has_room();
        give(&self.counters);
        if was_full && self.has_room() {
            self.room.notify_waiters();
        }
    }
}

/// What a frame, later its request, takes of the budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Arc<Budget>,
    bytes: u64,
    started: bool,
}

impl Charge {
    /// At least so many bytes.
    pub(crate) fn raise(&mut self, bytes: usize) {
        let more = (bytes as u64).saturating_sub(self.bytes);
        add(&self.budget.counters.request_bytes, more);
        self.bytes += more;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The frame is a request now.
    pub(crate) fn start(&mut self) {
        if !self.started {
            self.started = true;
            add(&self.budget.counters.requests_in_flight, 1);
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.give_back(|counters| {
            sub(&counters.request_bytes, self.bytes);
            sub(&counters.requests_in_flight, u64::from(self.started));
        });
    }
}
