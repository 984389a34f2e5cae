//! How often one line of code may write to the log.
//!
//! Invariant: at most [`BURST`] lines from one place in the code within each [`WINDOW`]; the first line of a later window
//! tells how many were left out. The table has one entry for each place that has written, so it is bounded by the program.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::callsite::Identifier;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines from one place within a window.
pub(crate) const BURST: u64 = 20;
/// The length of a window.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);

/// One place in the code.
#[derive(Default)]
struct Place {
    begin: Duration,
    written: u64,
    left_out: u64,
    /// Left out before this window, not told yet.
    untold: u64,
}

/// The count of each place.
pub(crate) struct Repetition {
    elapsed: Box<dyn Fn() -> Duration + Send + Sync>,
    places: Mutex<HashMap<Identifier, Place>>,
}

impl Repetition {
    pub(crate) fn new(elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { elapsed: Box::new(elapsed), places: Mutex::new(HashMap::new()) }
    }

    /// Whether one more line from this place may be written.
    fn admit(&self, place: Identifier) -> bool {
        let now = (self.elapsed)();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(place).or_default();
        if now.saturating_sub(place.begin) >= WINDOW {
            let untold = place.untold.saturating_add(place.left_out);
            *place = Place { begin: now, untold, ..Place::default() };
        }
        let admitted = place.written < BURST;
        *if admitted { &mut place.written } else { &mut place.left_out } += 1;
        admitted
    }

    /// How many lines from this place were left out and not told of; told from here on.
    pub(crate) fn take_left_out(&self, place: &Identifier) -> u64 {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.get_mut(place).map_or(0, |place| std::mem::take(&mut place.untold))
    }
}

/// The layer that holds lines back.
pub(crate) struct Limit(pub(crate) Arc<Repetition>);

impl<S: Subscriber> Layer<S> for Limit {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        self.0.admit(event.metadata().callsite())
    }
}
