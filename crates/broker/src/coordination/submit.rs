//! The way of a request to its shard and back.

use std::sync::Arc;
use std::time::Duration;

use ottla_coordinator::{GroupShard, Submitted};
use ottla_group::{Ask, Client, Context, Reply, Request, Shard};
use ottla_model::{ErrorCode, Now, Offset, Tick, Uuid};
use ottla_partition::{AppendError, Partition};
use ottla_purgatory::Until;
use ottla_storage::log::AppendError as LogError;
use tokio::sync::oneshot;

use crate::answer::Handled;
use crate::context::RequestContext;
use crate::offline;
use crate::parked::{Mark, Woken};
use crate::state::Broker;

/// How far a request to a group has come.
pub(crate) enum Asked {
    /// It is answered.
    Now(Reply),
    /// It waits for the log, or for other members.
    Later(oneshot::Receiver<Reply>),
    /// It is not answered here.
    Refused(ErrorCode),
}

impl Asked {
    /// The reply, when it comes; `refused` makes one of a code. With a time, COORDINATOR_NOT_AVAILABLE after it.
    pub(crate) async fn reply(self, within: Option<Duration>) -> Result<Reply, ErrorCode> {
        let receiver = match self {
            Self::Now(reply) => return Ok(reply),
            Self::Refused(code) => return Err(code),
            Self::Later(receiver) => receiver,
        };
        let reply = match within {
            None => receiver.await,
            Some(time) => match tokio::time::timeout(time, receiver).await {
                Ok(reply) => reply,
                Err(_) => return Err(ErrorCode::CoordinatorNotAvailable),
            },
        };
        // Whoever would have answered is gone: the partition left while the reply waited for its log.
        reply.map_err(|_| ErrorCode::NotCoordinator)
    }
}

/// Answers with the reply, now or when it comes.
pub(crate) fn group_reply<R: Send + 'static>(
    asked: Asked,
    within: Option<Duration>,
    form: impl FnOnce(Result<Reply, ErrorCode>) -> R + Send + 'static,
) -> Handled<R> {
    match asked {
        Asked::Now(reply) => Handled::now(form(Ok(reply))),
        Asked::Refused(code) => Handled::now(form(Err(code))),
        later @ Asked::Later(_) => Handled::later(async move { form(later.reply(within).await) }),
    }
}

/// Answers with what was read from shards when it is acknowledged, as it normally is at once; `refused` puts a code in
/// its place when that does not come.
pub(crate) fn read_reply<R: Send + 'static>(
    broker: &Arc<Broker>,
    context: &RequestContext,
    reads: Vec<(Arc<Partition>, Offset)>,
    response: R,
    refused: impl FnOnce(R, ErrorCode) -> R + Send + 'static,
) -> Handled<R> {
    if is_acknowledged(&reads) {
        return Handled::now(response);
    }
    let deadline = context.now.tick.plus_millis(broker.given.groups.offsets_commit_timeout_ms);
    let broker = Arc::clone(broker);
    Handled::later(async move {
        match broker.acknowledged(reads, deadline).await {
            Ok(()) => response,
            Err(code) => refused(response, code),
        }
    })
}

fn is_acknowledged(reads: &[(Arc<Partition>, Offset)]) -> bool {
    reads.iter().all(|(partition, offset)| partition.acknowledged_offset() >= *offset)
}

/// How long a change of a group waits for its log (`offsets.commit.timeout.ms`).
pub(crate) fn write_timeout(broker: &Broker) -> Option<Duration> {
    Some(Duration::from_millis(broker.given.groups.offsets_commit_timeout_ms))
}

impl Broker {
    /// The shard that keeps a group.
    pub(crate) fn group_shard(&self, group: &str) -> Result<Arc<GroupShard>, ErrorCode> {
        self.groups.shard_of(group).ok_or(ErrorCode::NotCoordinator)
    }

    /// Where a group's decisions stand.
    pub(crate) fn group_context(&self, now: Now, fresh: Uuid) -> Context {
        Context { now, image: self.image.load_full(), settings: self.groups.settings(), fresh }
    }

    /// Asks a group's shard.
    pub(crate) fn ask_group(
        self: &Arc<Self>,
        group: &str,
        context: &RequestContext,
        request: Request,
    ) -> Asked {
        let shard = match self.group_shard(group) {
            Ok(shard) => shard,
            Err(code) => return Asked::Refused(code),
        };
        let fresh = match &request {
            Request::Join(_) | Request::ConsumerHeartbeat(_) => self.fresh_id(),
            _ => Uuid::ZERO,
        };
        let client = match &request {
            Request::Join(_) | Request::ConsumerHeartbeat(_) => client(context),
            _ => Client::default(),
        };
        let (waiter, mut receiver) = self.groups.wait();
        let ask = Ask { waiter, client, version: context.version, request };
        match shard.submit(&ask, &self.group_context(context.now, fresh)) {
            Ok(submitted) => {
                self.settle_group(&shard, submitted);
                match receiver.try_recv() {
                    Ok(reply) => Asked::Now(reply),
                    Err(_) => Asked::Later(receiver),
                }
            }
            Err(refused) => {
                self.groups.give_up(waiter);
                Asked::Refused(refused.0)
            }
        }
    }

    /// Hands on what a decision has brought: replies, effects, notes, deadlines.
    pub(crate) fn settle_group(self: &Arc<Self>, shard: &GroupShard, submitted: Submitted) {
        let Submitted { replies, notes, effect, records, waits, next_deadline, failed, refused, bug } =
            submitted;
        if let Some(code) = refused.filter(|_| replies.is_empty()) {
            let (partition, error) = (shard.partition().name(), code.name());
            tracing::warn!(%partition, error, "a change of the groups' own could not be written");
        }
        for note in &notes {
            self.groups.counters.note(note);
        }
        self.groups.counters.appended(records);
        self.groups.deliver(replies);
        if let Some(effect) = effect {
            self.effects.apply(&[effect]);
        }
        if waits {
            self.flushes.demand();
        }
        self.groups.look_at(next_deadline);
        if let Some(error) = bug {
            tracing::error!(partition = %shard.partition().name(), %error, "the groups of a partition are not served any more");
            self.counters.bug();
        }
        if let Some(error) = failed {
            self.group_append_failed(shard.partition(), &error);
        }
    }

    fn group_append_failed(self: &Arc<Self>, partition: &Partition, error: &AppendError) {
        tracing::error!(partition = %partition.name(), %error, "a change of a group could not be written");
        if let AppendError::Log(LogError::Storage(why)) = error
            && let Some(directory) = self.logs.dir_of(partition)
        {
            offline::take_offline(self, directory, why);
        }
    }

    /// Reads a shard; what was read may be told when the offset that comes with it is acknowledged.
    pub(crate) fn read_group<R>(
        &self,
        shard: &GroupShard,
        look: impl FnOnce(&Shard) -> R,
    ) -> Result<(R, (Arc<Partition>, Offset)), ErrorCode> {
        let (read, offset) = shard.read(look).map_err(|refused| refused.0)?;
        Ok((read, (Arc::clone(shard.partition()), offset)))
    }

    /// Waits until everything read is acknowledged.
    ///
    /// # Errors
    /// COORDINATOR_NOT_AVAILABLE at the deadline, NOT_COORDINATOR when a partition left.
    async fn acknowledged(
        &self,
        mut reads: Vec<(Arc<Partition>, Offset)>,
        deadline: Tick,
    ) -> Result<(), ErrorCode> {
        loop {
            reads.retain(|read| !is_acknowledged(std::slice::from_ref(read)));
            if reads.is_empty() {
                return Ok(());
            }
            if reads.iter().any(|(partition, _)| partition.refusal().is_some()) {
                return Err(ErrorCode::NotCoordinator);
            }
            let marks =
                reads.iter().map(|(partition, offset)| ((partition.id(), Mark::Acknowledged), *offset));
            let mut parking = self.parked.park(Until::All, marks.collect(), deadline);
            // One that was acknowledged before the wait was parked wakes nobody: the others are waited for without it.
            if reads.iter().any(|read| is_acknowledged(std::slice::from_ref(read))) {
                continue;
            }
            self.flushes.demand();
            if parking.woken().await == Woken::Expired {
                return Err(ErrorCode::CoordinatorNotAvailable);
            }
        }
    }
}

/// A client as groups show it: its address in Java's form.
fn client(context: &RequestContext) -> Client {
    let id = context.client_id.as_deref().unwrap_or_default().into();
    let host = format!("/{}", context.connection.peer.ip().to_canonical()).into();
    Client { id, host }
}
