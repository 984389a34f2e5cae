//! Work that may wait for a disk, done off the threads that poll sockets.
//!
//! A pool has a bound: one for each log directory, so that a stalled directory holds only its own
//! share of threads. What waits for a place waits without a thread.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// A bounded share of the runtime's threads for waiting. Clones share the bound.
#[derive(Clone, Debug)]
pub struct Blocking {
    places: Arc<Semaphore>,
}

/// The work did not end: it panicked, or the runtime is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("work on a blocking thread did not end: it panicked or the process is stopping")
    }
}

impl std::error::Error for Lost {}

impl From<Lost> for std::io::Error {
    fn from(lost: Lost) -> Self {
        Self::other(lost)
    }
}

impl Blocking {
    /// At most `places` (at least one) pieces of work at a time.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS))) }
    }

    /// Runs `work` on a blocking thread of the current runtime, in order of arrival. Work that has
    /// begun ends, and keeps its place until then, also when nobody awaits the answer any more.
    ///
    /// # Errors
    /// [`Lost`] when the work panicked or the runtime stops before it begins.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Lost> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Lost)?;
        let task = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        task.await.map_err(|_| Lost)
    }
}
