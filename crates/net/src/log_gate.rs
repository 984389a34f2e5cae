//! One log line of a kind in a while, however often its cause comes.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::limits;

/// Lets one line through for each [`limits::LOG_EVERY`].
#[derive(Debug)]
pub(crate) struct LogGate {
    born: Instant,
    /// Milliseconds after `born` from which the next line may pass.
    next: AtomicU64,
    held: AtomicU64,
}

impl LogGate {
    pub(crate) fn new() -> Self {
        Self { born: Instant::now(), next: AtomicU64::new(0), held: AtomicU64::new(0) }
    }

    /// `Some` when a line may be written: how many were held back since the last.
    pub(crate) fn pass(&self) -> Option<u64> {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        let next = self.next.load(Ordering::Relaxed);
        let after = now.saturating_add(limits::LOG_EVERY.as_secs().saturating_mul(1000));
        let passes = now >= next
            && self.next.compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if passes {
            return Some(self.held.swap(0, Ordering::Relaxed));
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        None
    }
}
