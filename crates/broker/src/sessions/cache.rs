//! All sessions of this broker, and who must go when one more wants in.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ottla_model::Tick;
use parking_lot::Mutex;

use super::session::{FetchPartition, PartitionKey, Session};
use super::{FINAL_EPOCH, INITIAL_EPOCH, NO_SESSION, next_epoch};

/// A session unused, or living, this long may be evicted for another (Kafka's
/// `MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`).
const EVICTABLE_AFTER_MS: u64 = 120_000;

/// What a fetch says of its session.
#[derive(Debug)]
pub(crate) struct SessionRequest {
    /// The session, [`NO_SESSION`] for none.
    pub(crate) id: i32,
    /// Its epoch.
    pub(crate) epoch: i32,
    /// Whether topics are named by id (Fetch 13 and later).
    pub(crate) uses_topic_ids: bool,
    /// Partitions named, in their order.
    pub(crate) asked: Vec<(PartitionKey, FetchPartition)>,
    /// Partitions to forget.
    pub(crate) forgotten: Vec<PartitionKey>,
}

/// The outcome: what to read, and the session that the answer is told to.
#[derive(Debug)]
pub(crate) enum Opened {
    /// No session: everything read is told.
    Sessionless(Vec<(PartitionKey, FetchPartition)>),
    /// A new session: everything is told and remembered.
    Full(Arc<Mutex<Session>>, Vec<(PartitionKey, FetchPartition)>),
    /// A session that goes on: only what moved is told.
    Incremental(Arc<Mutex<Session>>, Vec<(PartitionKey, FetchPartition)>),
}

/// The session cannot go on; the client opens a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// FETCH_SESSION_ID_NOT_FOUND.
    NotFound,
    /// INVALID_FETCH_SESSION_EPOCH.
    InvalidEpoch,
    /// FETCH_SESSION_TOPIC_ID_ERROR: ids and names are mixed.
    TopicIds,
}

#[derive(Debug)]
struct Slot {
    session: Arc<Mutex<Session>>,
    created: Tick,
    used: Tick,
    /// Partitions at the last use: the worth of the session.
    size: usize,
}

/// The sessions. Invariant: each slot stands once in `by_use`, with its `used`, and once in
/// `by_size`, with its `size`.
#[derive(Debug)]
pub(crate) struct SessionCache {
    slots: usize,
    sessions: HashMap<i32, Slot>,
    by_use: BTreeSet<(Tick, i32)>,
    by_size: BTreeSet<(usize, i32)>,
    evictions: u64,
}

impl SessionCache {
    /// An empty cache of so many slots (`max.incremental.fetch.session.cache.slots`).
    pub(crate) fn new(slots: usize) -> Self {
        let (by_use, by_size) = (BTreeSet::new(), BTreeSet::new());
        Self { slots, sessions: HashMap::new(), by_use, by_size, evictions: 0 }
    }

    /// Opens, continues or closes the session that a request names. `draw` gives random numbers
    /// for new ids.
    pub(crate) fn open(
        &mut self,
        request: SessionRequest,
        now: Tick,
        draw: impl FnMut() -> i32,
    ) -> Result<Opened, Refused> {
        if request.epoch != INITIAL_EPOCH && request.epoch != FINAL_EPOCH {
            return self.go_on(request, now);
        }
        if request.id != NO_SESSION {
            self.remove(request.id);
        }
        if request.epoch == FINAL_EPOCH
            || request.asked.is_empty()
            || !self.make_room(request.asked.len(), now)
        {
            return Ok(Opened::Sessionless(request.asked));
        }
        let id = self.free_id(draw);
        let mut session = Session::new(id, next_epoch(INITIAL_EPOCH), request.uses_topic_ids);
        session.update(request.asked.clone(), &[]);
        let size = session.len();
        let session = Arc::new(Mutex::new(session));
        self.by_use.insert((now, id));
        self.by_size.insert((size, id));
        self.sessions.insert(id, Slot { session: Arc::clone(&session), created: now, used: now, size });
        Ok(Opened::Full(session, request.asked))
    }

    fn go_on(&mut self, request: SessionRequest, now: Tick) -> Result<Opened, Refused> {
        let slot = self.sessions.get_mut(&request.id).ok_or(Refused::NotFound)?;
        let mut session = slot.session.lock();
        if session.epoch != request.epoch {
            return Err(Refused::InvalidEpoch);
        }
        if session.uses_topic_ids != request.uses_topic_ids {
            return Err(Refused::TopicIds);
        }
        session.update(request.asked, &request.forgotten);
        if session.is_empty() {
            drop(session);
            self.remove(request.id);
            return Ok(Opened::Sessionless(Vec::new()));
        }
        session.epoch = next_epoch(session.epoch);
        let (partitions, size) = (session.partitions(), session.len());
        drop(session);
        self.by_use.remove(&(slot.used, request.id));
        self.by_size.remove(&(slot.size, request.id));
        (slot.used, slot.size) = (now, size);
        self.by_use.insert((now, request.id));
        self.by_size.insert((size, request.id));
        Ok(Opened::Incremental(Arc::clone(&slot.session), partitions))
    }

    /// How many sessions there are.
    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// How many sessions had to go for another.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions
    }

    /// Whether a session of `size` partitions may come in, after evicting one where it must: the
    /// longest unused when it is stale, else the smallest that is old enough and not larger.
    fn make_room(&mut self, size: usize, now: Tick) -> bool {
        if self.sessions.len() < self.slots {
            return true;
        }
        let stale = self.by_use.first().filter(|(used, _)| now.millis_since(*used) > EVICTABLE_AFTER_MS);
        let evicted = stale.map(|(_, id)| *id).or_else(|| {
            let old = |id: &i32| {
                self.sessions.get(id).is_some_and(|slot| now.millis_since(slot.created) > EVICTABLE_AFTER_MS)
            };
            let smaller = self.by_size.iter().take_while(|(other, _)| *other <= size);
            smaller.map(|(_, id)| *id).find(old)
        });
        let Some(id) = evicted else { return false };
        self.remove(id);
        self.evictions += 1;
        true
    }

    fn free_id(&self, mut draw: impl FnMut() -> i32) -> i32 {
        loop {
            let id = draw() & i32::MAX;
            if id != NO_SESSION && !self.sessions.contains_key(&id) {
                return id;
            }
        }
    }

    fn remove(&mut self, id: i32) {
        if let Some(slot) = self.sessions.remove(&id) {
            self.by_use.remove(&(slot.used, id));
            self.by_size.remove(&(slot.size, id));
        }
    }
}
