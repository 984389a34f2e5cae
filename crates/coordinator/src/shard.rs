//! One shard of groups on this node: the machine, its log, and the replies that wait for the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_group::{Ask, Change, Client, Context, Note, ReplayError, Replies, Reply, Request, Shard, Waiter};
use ottla_machine::{Machine, Position};
use ottla_model::{ErrorCode, Offset, Tick};
use ottla_partition::{AppendError, Effect, Partition};
use ottla_record::{BatchView, BuildError, Codec};
use ottla_storage::log::AppendError as LogError;
use parking_lot::Mutex;

use crate::batch::{self, BatchError};
use crate::load::{self, LoadError};

/// How long a deadline is put off whose decision could not be appended.
const RETRY_MS: u64 = 1_000;
/// Deadlines decided for in one go.
const MAX_EXPIRIES: usize = 256;

/// A partition of `__consumer_offsets` that is led here, with its groups.
#[derive(Debug)]
pub struct GroupShard {
    number: i32,
    partition: Arc<Partition>,
    codec: Codec,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Its log is being replayed.
    Loading,
    /// It answers.
    Serving(Box<Serving>),
    /// Its log cannot be replayed, or it is not led here any more.
    Gone(ErrorCode),
}

#[derive(Debug)]
struct Serving {
    shard: Shard,
    /// The end of what was appended: where a decision without records has read.
    end: Offset,
    /// Replies that wait for the acknowledged offset to reach their key.
    waiting: BTreeMap<Offset, Vec<(Waiter, Reply)>>,
}

impl State {
    /// Refusals for everybody who waits, for other members or for the log: what was decided may be lost.
    fn refuse_all(self, code: ErrorCode) -> Vec<(Waiter, Reply)> {
        let serving = match self {
            Self::Serving(serving) => *serving,
            Self::Loading | Self::Gone(_) => return Vec::new(),
        };
        let Serving { shard, end: _, waiting } = serving;
        let decided = waiting.into_values().flatten().map(|(waiter, reply)| (waiter, reply.refused(code)));
        shard.release(code).replies.into_iter().chain(decided).collect()
    }
}

/// What became of a request.
#[derive(Debug, Default)]
pub struct Submitted {
    /// Replies that may leave now.
    pub replies: Vec<(Waiter, Reply)>,
    /// What people want to know.
    pub notes: Vec<Note>,
    /// The log's marks, when something was appended: to be handed on without any lock.
    pub effect: Option<Effect>,
    /// Records appended.
    pub records: usize,
    /// Some replies wait for the log to be acknowledged.
    pub waits: bool,
    /// When to look for deadlines again.
    pub next_deadline: Option<Tick>,
    /// A directory failed while it was written to.
    pub failed: Option<AppendError>,
    /// The decision could not be appended and had no effect.
    pub refused: Option<ErrorCode>,
    /// The shard has refused what it decided itself, and serves no more.
    pub bug: Option<ReplayError>,
}

/// Why the shard does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub ErrorCode);

/// What loading has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Records replayed.
    pub records: u64,
    /// Records of types that are not known, which were passed over.
    pub unknown: u64,
    /// Groups.
    pub groups: usize,
}

impl GroupShard {
    /// A shard whose log has to be loaded.
    #[must_use]
    pub fn new(number: i32, partition: Arc<Partition>, codec: Codec) -> Self {
        Self { number, partition, codec, state: Mutex::new(State::Loading) }
    }

    /// The partition's number.
    #[must_use]
    pub const fn number(&self) -> i32 {
        self.number
    }

    /// Its partition.
    #[must_use]
    pub const fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// Whether [`GroupShard::load`] has yet to be done.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        matches!(*self.state.lock(), State::Loading)
    }

    /// Replays the log, then serves. Blocks as long as reading takes; requests are refused meanwhile.
    ///
    /// # Errors
    /// See [`LoadError`]: the shard stays refused.
    pub fn load(&self, context: &Context) -> Result<(Loaded, Submitted), LoadError> {
        let is_wanted = || !matches!(*self.state.lock(), State::Gone(_));
        let replayed = match load::replay(&self.partition, is_wanted) {
            Ok(replayed) => replayed,
            Err(error) => {
                let code = match error {
                    LoadError::Moved => ErrorCode::NotCoordinator,
                    LoadError::Storage(_) | LoadError::Damaged { .. } => ErrorCode::CoordinatorNotAvailable,
                };
                *self.state.lock() = State::Gone(code);
                return Err(error);
            }
        };
        let groups = replayed.shard.counts().groups;
        let loaded = Loaded { records: replayed.records, unknown: replayed.unknown, groups };
        {
            let mut state = self.state.lock();
            if matches!(*state, State::Gone(_)) {
                return Err(LoadError::Moved);
            }
            let serving = Serving { shard: replayed.shard, end: replayed.end, waiting: BTreeMap::new() };
            *state = State::Serving(Box::new(serving));
        }
        let submitted = self.submit(&from_within(Request::Loaded), context).unwrap_or_default();
        Ok((loaded, submitted))
    }

    /// Decides a request, appends what it changes, applies it, and keeps the replies until they may leave.
    ///
    /// # Errors
    /// [`Refused`] when the shard is loading or gone; the request has had no effect.
    pub fn submit(&self, ask: &Ask, context: &Context) -> Result<Submitted, Refused> {
        self.submit_in(&mut self.state.lock(), ask, context)
    }

    fn submit_in(&self, state: &mut State, ask: &Ask, context: &Context) -> Result<Submitted, Refused> {
        let serving = match state {
            State::Serving(serving) => serving,
            State::Loading => return Err(Refused(ErrorCode::CoordinatorLoadInProgress)),
            State::Gone(code) => return Err(Refused(*code)),
        };
        let mut submitted = Submitted::default();
        let outcome = serving.shard.decide_on(ask, context);
        let Replies { replies, notes } = outcome.reply;
        match self.append(&outcome.records, context) {
            Ok(appended) => {
                let base = appended.map_or(serving.end, |(base, _)| base);
                if let Some((_, effect)) = appended {
                    serving.end = effect.end_offset;
                    submitted.effect = Some(effect);
                }
                match apply(&mut serving.shard, &outcome.records, base) {
                    Ok(records) => submitted.records = records,
                    Err(error) => {
                        // What is in the log is not in the state: nothing is answered from it any more.
                        let code = ErrorCode::CoordinatorNotAvailable;
                        let before = std::mem::replace(state, State::Gone(code));
                        submitted.replies = replies
                            .into_iter()
                            .map(|(waiter, reply)| (waiter, reply.refused(code)))
                            .collect();
                        submitted.replies.append(&mut before.refuse_all(code));
                        submitted.bug = Some(error);
                        return Ok(submitted);
                    }
                }
                submitted.notes = notes;
                self.answer(serving, replies, &mut submitted);
            }
            Err(refused) => {
                let (code, failed) = refused.told();
                submitted.failed = failed;
                submitted.refused = Some(code);
                submitted.replies.extend(ask.request.refused(code).map(|reply| (ask.waiter, reply)));
                if let Request::Expired(key) = &ask.request {
                    serving.shard.set_deadline(key, context.now.tick.plus_millis(RETRY_MS));
                }
            }
        }
        submitted.next_deadline = serving.shard.next_deadline();
        Ok(submitted)
    }

    /// Appends the records of a decision as one batch.
    fn append(&self, changes: &[Change], context: &Context) -> Result<Option<(Offset, Effect)>, NotAppended> {
        let Some(batch) = batch::build(changes, self.codec, context.now.wall).map_err(NotAppended::Batch)?
        else {
            return Ok(None);
        };
        let view = BatchView::parse(&batch).map_err(|_| NotAppended::Log(AppendError::NoRoom))?;
        let appended = self.partition.append_own(&view, context.now).map_err(NotAppended::Log)?;
        Ok(Some((appended.base_offset, appended.effect)))
    }

    /// Lets replies go whose offset is acknowledged, and keeps the others.
    fn answer(&self, serving: &mut Serving, replies: Vec<(Waiter, Reply)>, submitted: &mut Submitted) {
        if replies.is_empty() {
            return;
        }
        if self.partition.acknowledged_offset() >= serving.end {
            submitted.replies.extend(replies);
        } else {
            serving.waiting.entry(serving.end).or_default().extend(replies);
            submitted.waits = true;
        }
    }

    /// The log is acknowledged up to an offset: the replies that waited for it.
    #[must_use]
    pub fn committed(&self, acknowledged: Offset) -> Vec<(Waiter, Reply)> {
        let mut state = self.state.lock();
        let State::Serving(serving) = &mut *state else { return Vec::new() };
        let mut replies = Vec::new();
        while let Some(first) = serving.waiting.first_entry().filter(|first| *first.key() <= acknowledged) {
            replies.append(&mut first.remove());
        }
        replies
    }

    /// Reads the shard. The answer may leave when the log is acknowledged up to the offset that comes with it.
    ///
    /// # Errors
    /// [`Refused`] when the shard is loading or gone.
    pub fn read<R>(&self, look: impl FnOnce(&Shard) -> R) -> Result<(R, Offset), Refused> {
        match &*self.state.lock() {
            State::Serving(serving) => Ok((look(&serving.shard), serving.end)),
            State::Loading => Err(Refused(ErrorCode::CoordinatorLoadInProgress)),
            State::Gone(code) => Err(Refused(*code)),
        }
    }

    /// Decides for deadlines that have passed, a bounded number of them: others get their turn in between.
    pub fn expire(&self, context: &Context) -> Vec<Submitted> {
        (0..MAX_EXPIRIES).map_while(|_| self.expire_one(context)).collect()
    }

    /// Takes a deadline and decides without letting go of the lock: one that was put off or is no more has not passed.
    fn expire_one(&self, context: &Context) -> Option<Submitted> {
        let mut state = self.state.lock();
        let State::Serving(serving) = &mut *state else { return None };
        let key = serving.shard.take_expired(context.now.tick)?;
        self.submit_in(&mut state, &from_within(Request::Expired(key)), context).ok()
    }

    /// When to look for deadlines again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        match &*self.state.lock() {
            State::Serving(serving) => serving.shard.next_deadline(),
            State::Loading | State::Gone(_) => None,
        }
    }

    /// Asks something of the shard's own again and again until nothing more is to be written: work that is done in
    /// bounded pieces.
    pub fn repeat(&self, request: &Request, context: &Context) -> Vec<Submitted> {
        let mut all = Vec::new();
        loop {
            let Ok(submitted) = self.submit(&from_within(request.clone()), context) else { return all };
            let more = submitted.records > 0;
            all.push(submitted);
            if !more {
                return all;
            }
        }
    }

    /// The shard is no longer served here: answers for everybody who waits.
    #[must_use]
    pub fn leave(&self) -> Vec<(Waiter, Reply)> {
        let code = ErrorCode::NotCoordinator;
        let before = std::mem::replace(&mut *self.state.lock(), State::Gone(code));
        before.refuse_all(code)
    }
}

/// A request of the shard's own.
fn from_within(request: Request) -> Ask {
    Ask { waiter: Waiter::NOBODY, client: Client::default(), version: 0, request }
}

/// Applies changes; the records among them stand in the log from `base` on. Answers how many those are.
fn apply(shard: &mut Shard, changes: &[Change], base: Offset) -> Result<usize, ReplayError> {
    let mut records = 0;
    let mut at = Position { offset: base, epoch: -1 };
    for change in changes {
        shard.apply(change, at)?;
        if matches!(change, Change::Append(_)) {
            records += 1;
            at.offset += 1;
        }
    }
    Ok(records)
}

/// Why a decision had no effect.
enum NotAppended {
    Batch(BatchError),
    Log(AppendError),
}

impl NotAppended {
    /// What the client is told, and the error when its directory has to be looked at.
    fn told(self) -> (ErrorCode, Option<AppendError>) {
        match self {
            Self::Batch(BatchError::Build(BuildError::TooLarge)) => (ErrorCode::MessageTooLarge, None),
            Self::Batch(BatchError::Build(_) | BatchError::Encode(_)) => (ErrorCode::InvalidRequest, None),
            Self::Log(error) => match error {
                AppendError::NotLeader(_) => (ErrorCode::NotCoordinator, None),
                // The directory goes offline: whoever asks looks for another coordinator, as with Kafka.
                AppendError::Log(LogError::Storage(_) | LogError::Offline) => {
                    (ErrorCode::NotCoordinator, Some(error))
                }
                AppendError::Log(LogError::TooLarge { .. }) => (ErrorCode::MessageTooLarge, None),
                AppendError::Log(_) => (ErrorCode::CoordinatorNotAvailable, Some(error)),
                AppendError::NoRoom
                | AppendError::NotEnoughReplicas(_)
                | AppendError::InternalTopic
                | AppendError::Transactional
                | AppendError::Rejected(_) => (ErrorCode::CoordinatorNotAvailable, None),
            },
        }
    }
}
