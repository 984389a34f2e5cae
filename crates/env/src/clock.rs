//! The clock.

use ottla_model::Now;

/// Reads both kinds of time. The tick never goes back; the wall clock may jump either way.
pub trait Clock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Now;
}
