//! A shard with a log in memory: decides, appends, applies, keeps replies until the log is acknowledged.
//!
//! Invariant: the shard's state is that of the log and of the volatile changes since it was last loaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_group::{
    Ask, Change, Client, Context, Note, Record, Replies, Reply, Request, Settings, Shard, Waiter,
};
use ottla_machine::{Machine, Outcome, Position};
use ottla_metadata::Image;
use ottla_model::{ErrorCode, NO_PRODUCER_ID, Now, ProducerId, Tick, Uuid};

use crate::plant::Plant;

pub(crate) const START: Now = Now { tick: Tick(1_000_000_000), wall: 1_700_000_000_000 };
/// How long a deadline is put off whose decision could not be appended.
const RETRY_MS: u64 = 1_000;

/// What a log holds.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are records")]
pub(crate) enum Entry {
    Record(Record, ProducerId),
    Marker(ProducerId, bool),
}

/// What a decision has brought.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// Every reply of the decision, whether it may leave or not.
    pub(crate) replies: Vec<(Waiter, Reply)>,
    pub(crate) records: Vec<Record>,
    pub(crate) notes: Vec<Note>,
}

pub(crate) struct Stand {
    pub(crate) shard: Shard,
    pub(crate) log: Vec<Entry>,
    pub(crate) now: Now,
    pub(crate) settings: Arc<Settings>,
    /// Entries below it are never lost.
    pub(crate) acknowledged: usize,
    /// The next decision that has records is refused.
    pub(crate) refuse_append: bool,
    pub(crate) plant: Option<Plant>,
    held: BTreeMap<usize, Vec<(Waiter, Reply)>>,
    drawn: u64,
}

impl Stand {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut stand = Self {
            shard: Shard::default(),
            log: Vec::new(),
            now: START,
            settings: Arc::new(settings),
            acknowledged: 0,
            refuse_append: false,
            plant: None,
            held: BTreeMap::new(),
            drawn: 0,
        };
        stand.ask(Waiter::NOBODY, 0, Client::default(), Request::Loaded);
        stand
    }

    fn context(&mut self) -> Context {
        self.drawn += 1;
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&self.drawn.to_be_bytes());
        Context {
            now: self.now,
            image: Arc::new(Image::default()),
            settings: Arc::clone(&self.settings),
            fresh: Uuid::from_bytes(bytes),
        }
    }

    /// Decides, appends, applies.
    pub(crate) fn ask(&mut self, waiter: Waiter, version: i16, client: Client, request: Request) -> Decided {
        let mut ask = Ask { waiter, client, version, request };
        let context = self.context();
        if let Some(plant) = &mut self.plant {
            plant.before(&mut ask, &self.shard);
        }
        let mut outcome = self.shard.decide_on(&ask, &context);
        let appends = outcome.records.iter().any(|change| matches!(change, Change::Append(_)));
        if appends && std::mem::take(&mut self.refuse_append) {
            return self.refuse(&ask);
        }
        if let Some(plant) = &mut self.plant {
            plant.after(&ask, &mut outcome);
        }
        self.take(outcome)
    }

    fn refuse(&mut self, ask: &Ask) -> Decided {
        if let Request::Expired(key) = &ask.request {
            self.shard.set_deadline(key, self.now.tick.plus_millis(RETRY_MS));
        }
        let refused = ask.request.refused(ErrorCode::CoordinatorNotAvailable);
        let replies: Vec<_> = refused.into_iter().map(|reply| (ask.waiter, reply)).collect();
        self.held.entry(self.log.len()).or_default().extend(replies.clone());
        Decided { replies, ..Decided::default() }
    }

    fn take(&mut self, outcome: Outcome<Change, Replies>) -> Decided {
        let Outcome { records: changes, reply: Replies { replies, notes } } = outcome;
        let mut records = Vec::new();
        for change in &changes {
            let at = Position { offset: self.log.len() as i64, epoch: 0 };
            self.shard.apply(change, at).expect("a shard accepts what it has decided");
            if let Change::Append(record) = change {
                self.log.push(Entry::Record(record.clone(), NO_PRODUCER_ID));
                records.push(record.clone());
            }
        }
        if !replies.is_empty() {
            self.held.entry(self.log.len()).or_default().extend(replies.clone());
        }
        Decided { replies, records, notes }
    }

    /// The log is acknowledged up to an entry: the replies that may leave.
    pub(crate) fn acknowledge(&mut self, up_to: usize) -> Vec<(Waiter, Reply)> {
        self.acknowledged = self.acknowledged.max(up_to.min(self.log.len()));
        let mut replies = Vec::new();
        while let Some(first) = self.held.first_entry().filter(|first| *first.key() <= self.acknowledged) {
            replies.append(&mut first.remove());
        }
        replies
    }

    /// What Kafka has left in the log: a record, of a transaction when it has a producer.
    pub(crate) fn left_by_kafka(&mut self, entry: Entry) {
        replay(&mut self.shard, &entry, self.log.len() as i64);
        self.log.push(entry);
    }

    /// The shard is lost with everything volatile, and with what the log has above `kept`; another one is loaded.
    pub(crate) fn crash(&mut self, kept: usize) -> Decided {
        assert!(kept >= self.acknowledged, "what is acknowledged is never lost");
        self.log.truncate(kept);
        self.acknowledged = self.log.len();
        self.held.clear();
        self.shard = match &mut self.plant {
            Some(plant) => replayed(&plant.seen_at_load(&self.log)),
            None => replayed(&self.log),
        };
        self.now.tick = self.now.tick.plus_millis(1);
        self.ask(Waiter::NOBODY, 0, Client::default(), Request::Loaded)
    }

    /// Lets time pass up to the first deadline within `millis`; what it has brought, and what is left of `millis`.
    pub(crate) fn advance(&mut self, millis: u64) -> (Vec<Decided>, u64) {
        let end = self.now.tick.plus_millis(millis);
        let next = self.shard.next_deadline().map_or(end, |next| next.clamp(self.now.tick, end));
        self.move_to(next);
        let mut all = Vec::new();
        while let Some(key) = self.shard.take_expired(self.now.tick) {
            all.push(self.ask(Waiter::NOBODY, 0, Client::default(), Request::Expired(key)));
        }
        (all, end.millis_since(self.now.tick))
    }

    fn move_to(&mut self, tick: Tick) {
        self.now.wall += tick.millis_since(self.now.tick) as i64;
        self.now.tick = tick;
    }
}

/// The shard that a log gives.
pub(crate) fn replayed(log: &[Entry]) -> Shard {
    let mut shard = Shard::default();
    for (offset, entry) in log.iter().enumerate() {
        replay(&mut shard, entry, offset as i64);
    }
    shard
}

fn replay(shard: &mut Shard, entry: &Entry, offset: i64) {
    match entry {
        Entry::Record(record, producer) => {
            shard.replay(record, *producer, Position { offset, epoch: 0 }).expect("a record of the log fits");
        }
        Entry::Marker(producer, commit) => shard.end_transaction(*producer, *commit),
    }
}
