//! What a handler gives back.

use std::future::Future;
use std::pin::Pin;

use ottla_env::disk::FileRegion;

use crate::state::Broker;

/// A response and what it carries besides its fields.
#[derive(Debug)]
pub(crate) struct Answer<R> {
    /// The message.
    pub(crate) message: R,
    /// What fills the message's holes: the regions of hole `id` stand at that index.
    pub(crate) regions: Vec<Vec<FileRegion>>,
    /// How long the connection is not read from after the reply (KIP-219), in milliseconds.
    pub(crate) throttle_ms: u32,
}

impl<R> From<R> for Answer<R> {
    fn from(message: R) -> Self {
        Self { message, regions: Vec::new(), throttle_ms: 0 }
    }
}

/// How a request was started.
pub(crate) enum Handled<R> {
    /// It is answered.
    Now(Answer<R>),
    /// It waits.
    Later(Pin<Box<dyn Future<Output = End<R>> + Send>>),
    /// It was handled and wants no answer (`acks=0`).
    Silent,
    /// The only way to tell the client is to close.
    Close,
}

/// How a request that waited ends.
pub(crate) enum End<R> {
    /// With an answer.
    Answer(Answer<R>),
    /// By closing: the node stops.
    Close,
}

impl<R> Handled<R> {
    /// Answered, with nothing but fields.
    pub(crate) fn now(message: R) -> Self {
        Self::Now(message.into())
    }

    /// Waits for an answer of nothing but fields.
    pub(crate) fn later(answer: impl Future<Output = R> + Send + 'static) -> Self {
        Self::Later(Box::pin(async move { End::Answer(answer.await.into()) }))
    }
}

impl Broker {
    /// Runs work that may wait for a disk off the worker threads; its outcome is the answer.
    pub(crate) fn off_the_workers<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Handled<R> {
        let blocking = self.blocking.clone();
        Handled::Later(Box::pin(async move {
            match blocking.run(work).await {
                Ok(message) => End::Answer(message.into()),
                // The runtime stops.
                Err(_) => End::Close,
            }
        }))
    }
}
