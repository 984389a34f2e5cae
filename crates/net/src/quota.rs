//! How many connections there may be: in all, of a listener, of an address, and how fast they come.
//! (Kafka's `ConnectionQuotas`.)

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits;
use crate::settings::{ConnectionLimits, ListenerSettings};

#[derive(Debug)]
pub(crate) struct Quota {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    limits: ConnectionLimits,
    total: u32,
    of_listener: HashMap<Arc<str>, u32>,
    of_address: HashMap<IpAddr, u32>,
    /// When the next connection is due at the creation rate.
    next: Instant,
}

impl Quota {
    pub(crate) fn new(limits: ConnectionLimits) -> Self {
        let state = State {
            limits,
            total: 0,
            of_listener: HashMap::new(),
            of_address: HashMap::new(),
            next: Instant::now(),
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    pub(crate) fn set_limits(&self, limits: ConnectionLimits) {
        self.state.lock().limits = limits;
        self.changed.notify_waiters();
    }

    /// Waits until the listener may take one more connection.
    pub(crate) async fn wait(&self, listener: &ListenerSettings) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.state.lock().has_room(listener) {
                return;
            }
            changed.await;
        }
    }

    /// How long the creation rate asks to wait before the next is accepted; it is counted.
    pub(crate) fn pace(&self) -> Duration {
        let mut state = self.state.lock();
        let rate = state.limits.creation_rate.max(1);
        let now = Instant::now();
        // What was not used within a second is gone: a burst is at most one second's worth.
        let second_ago = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
        state.next = state.next.max(second_ago) + Duration::from_secs(1) / rate;
        state.next.saturating_duration_since(now)
    }

    /// Counts a connection from `address`; `None` when it has as many as it may.
    pub(crate) fn take(self: &Arc<Self>, listener: &Arc<str>, address: IpAddr) -> Option<Slot> {
        let mut state = self.state.lock();
        let most = state.limits.overrides.get(&address).copied().unwrap_or(state.limits.per_ip);
        let count = state.of_address.get(&address).copied().unwrap_or(0);
        if count >= most {
            return None;
        }
        state.of_address.insert(address, count + 1);
        *state.of_listener.entry(Arc::clone(listener)).or_insert(0) += 1;
        state.total += 1;
        Some(Slot { quota: Arc::clone(self), listener: Arc::clone(listener), address })
    }
}

impl State {
    fn has_room(&self, listener: &ListenerSettings) -> bool {
        let reserve = if listener.protected { limits::RESERVED_CONNECTIONS } else { 0 };
        let most = self.limits.max_connections.saturating_add(reserve);
        let here = self.of_listener.get(listener.name.as_str()).copied().unwrap_or(0);
        self.total < most && here < listener.max_connections
    }
}

/// A counted connection; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    quota: Arc<Quota>,
    listener: Arc<str>,
    address: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.quota.state.lock();
        state.total = state.total.saturating_sub(1);
        if let Some(count) = state.of_listener.get_mut(&self.listener) {
            *count = count.saturating_sub(1);
        }
        // An address without connections takes no memory.
        if let Some(count) = state.of_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.of_address.remove(&self.address);
            }
        }
        drop(state);
        self.quota.changed.notify_waiters();
    }
}
