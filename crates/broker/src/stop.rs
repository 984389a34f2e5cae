//! What reaches the program around the node: a wish to stop.

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// A wish to stop, from inside: what the program's main task waits for beside signals.
#[derive(Default)]
pub(crate) struct StopRequest {
    why: Mutex<Option<String>>,
    asked: CancellationToken,
}

impl StopRequest {
    /// The node cannot go on. The first reason counts.
    pub(crate) fn request(&self, why: String) {
        self.why.lock().get_or_insert(why);
        self.asked.cancel();
    }

    /// Waits for the wish; answers the reason.
    pub(crate) async fn requested(&self) -> String {
        self.asked.cancelled().await;
        self.why.lock().clone().unwrap_or_default()
    }
}
