//! The metadata thread: one after the other it decides, makes durable, publishes and answers.
//!
//! Everything that changes the metadata of this node goes through its queue. What has gathered in
//! the queue while the disk was busy is decided together and synced once. A reply leaves after
//! its change is published here, so that a topic can be used the moment its creation is answered.

use std::sync::Arc;

use ottla_controller::{Context, Reply, Request};
use ottla_env::Clock;
use ottla_metadata::Delta;
use ottla_model::{ErrorCode, NodeId};
use ottla_quorum::{ProposeError, Quorum};
use ottla_storage::log::AppendError;
use tokio::sync::{mpsc, oneshot};

use crate::limits::{MAX_METADATA_WAIT_MS, MAX_QUEUED_METADATA_REQUESTS};

/// Asked of the thread.
pub(crate) enum Ask {
    /// A decision.
    Decide(Box<Request>, oneshot::Sender<Result<Reply, ErrorCode>>),
    /// What DescribeQuorum tells.
    Describe(oneshot::Sender<QuorumFacts>),
    /// The end of everything: the log is closed and the thread ends.
    Close(oneshot::Sender<()>),
}

/// The quorum as DescribeQuorum shows it.
#[derive(Clone, Debug)]
pub(crate) struct QuorumFacts {
    pub(crate) leader: Option<NodeId>,
    pub(crate) epoch: i32,
    pub(crate) high_watermark: i64,
    pub(crate) log_end: i64,
    pub(crate) voters: ottla_raft::Voters,
}

/// The way to the controller.
#[derive(Clone)]
pub(crate) struct ControllerChannel {
    asks: mpsc::Sender<Ask>,
}

/// Where the thread takes its asks from.
pub(crate) type Asks = mpsc::Receiver<Ask>;

impl ControllerChannel {
    pub(crate) fn new() -> (Self, Asks) {
        let (asks, receiver) = mpsc::channel(MAX_QUEUED_METADATA_REQUESTS);
        (Self { asks }, receiver)
    }

    /// Asks for a decision and waits until it is committed and published; REQUEST_TIMED_OUT after
    /// `timeout_ms`, and the decision may still come.
    pub(crate) async fn ask(&self, request: Request, timeout_ms: i32) -> Result<Reply, ErrorCode> {
        let (sender, reply) = oneshot::channel();
        let wait = u64::try_from(timeout_ms).unwrap_or(0).min(MAX_METADATA_WAIT_MS);
        let decided = async {
            let ask = Ask::Decide(Box::new(request), sender);
            self.asks.send(ask).await.map_err(|_| ErrorCode::NotController)?;
            reply.await.map_err(|_| ErrorCode::NotController)?
        };
        let deadline = std::time::Duration::from_millis(wait.max(1));
        tokio::time::timeout(deadline, decided).await.unwrap_or(Err(ErrorCode::RequestTimedOut))
    }

    /// How many asks wait for the thread.
    pub(crate) fn queued(&self) -> usize {
        self.asks.max_capacity() - self.asks.capacity()
    }

    /// What the quorum says of itself.
    pub(crate) async fn describe(&self) -> Option<QuorumFacts> {
        let (sender, facts) = oneshot::channel();
        self.asks.send(Ask::Describe(sender)).await.ok()?;
        facts.await.ok()
    }

    /// Closes the metadata log; waits until it is closed.
    pub(crate) async fn close(&self) {
        let (sender, closed) = oneshot::channel();
        if self.asks.send(Ask::Close(sender)).await.is_ok() {
            // An error is the thread that has ended: closed all the same.
            let _ = closed.await;
        }
    }
}

/// What the thread hands on: the shell around it.
pub(crate) trait Publisher: Send + 'static {
    /// A committed step of the metadata. Requests that follow from it (a directory chosen) come back.
    fn publish(&mut self, delta: &Delta) -> Vec<Request>;
    /// Everything up to this offset has been published.
    fn published(&self, offset: i64);
    /// The configuration that decisions stand on.
    fn config(&self) -> Arc<ottla_config::BrokerConfig>;
    /// The metadata directory failed: the node cannot go on.
    fn fatal(&self, error: &dyn std::error::Error);
}

/// A decision that waits for its commit.
struct Waiting {
    end_offset: i64,
    reply: Reply,
    to: Option<oneshot::Sender<Result<Reply, ErrorCode>>>,
}

/// The thread's own state.
pub(crate) struct MetadataThread<P> {
    pub(crate) quorum: Quorum,
    pub(crate) publisher: P,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) node_id: NodeId,
}

impl<P: Publisher> MetadataThread<P> {
    /// Works until it is told to close or everybody who could ask is gone.
    pub(crate) fn run(mut self, mut asks: Asks) {
        let mut waiting = Vec::new();
        while let Some(first) = asks.blocking_recv() {
            let mut next = Some(first);
            while let Some(ask) = next {
                match ask {
                    Ask::Close(closed) => return self.close(waiting, closed),
                    ask => self.take(ask, &mut waiting),
                }
                next = asks.try_recv().ok();
            }
            if !self.settle(&mut waiting) {
                return;
            }
            self.snapshot_if_due();
        }
    }

    fn take(&mut self, ask: Ask, waiting: &mut Vec<Waiting>) {
        match ask {
            Ask::Decide(request, reply) => self.decide(*request, Some(reply), waiting),
            Ask::Describe(reply) => {
                let facts = self.quorum.describe();
                let facts = QuorumFacts {
                    leader: facts.leader,
                    epoch: facts.epoch,
                    high_watermark: facts.high_watermark.unwrap_or(-1),
                    log_end: facts.log_end,
                    voters: facts.voters.clone(),
                };
                // The asker may have gone.
                let _ = reply.send(facts);
            }
            Ask::Close(_) => {}
        }
    }

    /// Decides; the reply waits in line for the commit. A refused append is answered at once.
    fn decide(
        &mut self,
        request: Request,
        to: Option<oneshot::Sender<Result<Reply, ErrorCode>>>,
        waiting: &mut Vec<Waiting>,
    ) {
        let now = self.clock.now();
        let config = self.publisher.config();
        let (node_id, kraft_version) = (self.node_id, self.quorum.kraft_version());
        let submitted = self.quorum.submit(
            |image, place| {
                let context =
                    Context { next_offset: place.base_offset, node_id, kraft_version, config: &config };
                ottla_controller::decide(image, request, &context)
            },
            now,
        );
        match submitted {
            Ok(submitted) => {
                waiting.push(Waiting { end_offset: submitted.end_offset, reply: submitted.reply, to })
            }
            Err(error) => {
                tracing::error!(%error, "a change of the metadata could not be written");
                if error.is_fatal() {
                    self.publisher.fatal(&error);
                }
                if let Some(to) = to {
                    // The asker may have gone.
                    let _ = to.send(Err(propose_error(&error)));
                }
            }
        }
    }

    /// Makes everything decided durable, publishes it and answers; false when the disk failed.
    fn settle(&mut self, waiting: &mut Vec<Waiting>) -> bool {
        loop {
            let progress = match self.quorum.sync() {
                Ok(progress) => progress,
                Err(error) => {
                    self.publisher.fatal(&error);
                    return false;
                }
            };
            let mut follow_ups = Vec::new();
            if let Some(delta) = progress.and_then(|progress| progress.delta) {
                follow_ups = self.publisher.publish(&delta);
            }
            let committed = self.quorum.committed().unwrap_or(-1);
            self.publisher.published(committed - 1);
            for done in waiting.extract_if(.., |one| one.end_offset <= committed) {
                if let Some(to) = done.to {
                    // The asker may have gone; the change stands.
                    let _ = to.send(Ok(done.reply));
                }
            }
            if follow_ups.is_empty() {
                return true;
            }
            for request in follow_ups {
                self.decide(request, None, waiting);
            }
        }
    }

    fn snapshot_if_due(&mut self) {
        let now = self.clock.now();
        let Some(job) = self.quorum.snapshot_if_due(now) else { return };
        self.finish_snapshot(job);
    }

    fn finish_snapshot(&mut self, job: ottla_quorum::SnapshotJob) {
        let done = match job.run() {
            Ok(done) => Some(done),
            Err(error) => {
                tracing::error!(%error, "no snapshot of the metadata could be written; it is tried again later");
                None
            }
        };
        if let Err(error) = self.quorum.snapshot_done(done, self.clock.now()) {
            tracing::error!(%error, "old snapshots of the metadata could not be removed");
        }
    }

    fn close(mut self, mut waiting: Vec<Waiting>, closed: oneshot::Sender<()>) {
        if self.settle(&mut waiting) {
            let Self { quorum, publisher, clock, node_id: _ } = self;
            if let Err(error) = quorum.close(clock.now()) {
                tracing::error!(%error, "the metadata log could not be closed in order");
            }
            // The locks of the directories go with the last who holds them: whoever waits counts on that.
            drop(publisher);
        }
        // Whoever stops the node waits for this, or has given up.
        let _ = closed.send(());
    }
}

fn propose_error(error: &ProposeError) -> ErrorCode {
    match error {
        ProposeError::Encode(_) | ProposeError::Append(AppendError::TooLarge { .. }) => {
            ErrorCode::PolicyViolation
        }
        // Among them a full disk, on which nothing has failed.
        ProposeError::Append(_) => ErrorCode::KafkaStorageError,
        ProposeError::Invalid(_) => ErrorCode::UnknownServerError,
    }
}
