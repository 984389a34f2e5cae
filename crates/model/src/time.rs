//! Time as plain numbers. Clocks live in `env`; here time is an argument.
//!
//! The two kinds never mix: deadlines and durations are taken on [`Tick`], which only grows;
//! [`Millis`] is what people and records call time, and may jump.

/// Wall-clock milliseconds since 1970, as Kafka writes them; −1 means none.
pub type Millis = i64;

/// Monotonic nanoseconds since an arbitrary start. Only differences mean anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// The tick `millis` later; saturates.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1_000_000)))
    }

    /// Whole milliseconds from `earlier` to this tick; zero when `earlier` is later.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}

/// Both kinds of time, read together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For deadlines and durations.
    pub tick: Tick,
    /// For timestamps.
    pub wall: Millis,
}
