//! The clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ottla_model::{Millis, Now, Tick};

/// Reads both kinds of time. The tick never goes back; the wall clock may jump either way.
pub trait Clock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Now;
}

/// The machine's clocks; ticks count from the moment this value was made.
#[derive(Clone, Copy, Debug)]
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    /// A clock whose tick is zero now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RealClock {
    fn now(&self) -> Now {
        let tick = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Now { tick: Tick(tick), wall: millis_of(SystemTime::now()) }
    }
}

/// Milliseconds since 1970; negative before it.
pub(crate) fn millis_of(time: SystemTime) -> Millis {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Millis::try_from(after.as_millis()).unwrap_or(Millis::MAX),
        Err(before) => Millis::try_from(before.duration().as_millis()).map_or(Millis::MIN, |millis| -millis),
    }
}
