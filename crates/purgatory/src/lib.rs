//! Waits with keys and deadlines: what a parked request is while it waits.
//!
//! A wait names keys (partitions), for each the value (an offset) at which it is satisfied, and a
//! deadline. It is touched only when one of its keys moves or its deadline passes; ten thousand
//! waits on keys that stand still cost nothing. Each wait is given back exactly once: reached,
//! expired or cancelled. Who waits, and how it is woken, is the payload's business.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use ottla_model::Tick;

#[cfg(test)]
mod tests;

/// Names a wait for [`Purgatory::cancel`]. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitId(u64);

/// When a wait with several keys is satisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// One key has reached its value: a fetch looks again.
    Any,
    /// Every key has reached its value: a produce is acknowledged.
    All,
}

/// The waits of one kind of request.
#[derive(Debug)]
pub struct Purgatory<K, T> {
    next_id: u64,
    waits: HashMap<WaitId, Wait<K, T>>,
    /// For each key the waits on it in the order of their values, lowest first.
    by_key: HashMap<K, BTreeSet<(i64, WaitId)>>,
    deadlines: BTreeMap<(Tick, WaitId), ()>,
}

#[derive(Debug)]
struct Wait<K, T> {
    until: Until,
    deadline: Tick,
    /// Keys not reached yet. Never empty while the wait is parked.
    open: Vec<(K, i64)>,
    payload: T,
}

impl<K: Clone + Eq + Hash, T> Default for Purgatory<K, T> {
    fn default() -> Self {
        Self { next_id: 0, waits: HashMap::new(), by_key: HashMap::new(), deadlines: BTreeMap::new() }
    }
}

impl<K: Clone + Eq + Hash, T> Purgatory<K, T> {
    /// Parks a wait. Keys named twice count once, with the higher value. A wait without keys only
    /// ends at its deadline.
    pub fn park(&mut self, until: Until, mut keys: Vec<(K, i64)>, deadline: Tick, payload: T) -> WaitId {
        let id = WaitId(self.next_id);
        self.next_id += 1;
        drop_repeated_keys(&mut keys);
        for (key, value) in &keys {
            self.by_key.entry(key.clone()).or_default().insert((*value, id));
        }
        self.deadlines.insert((deadline, id), ());
        self.waits.insert(id, Wait { until, deadline, open: keys, payload });
        id
    }

    /// A key has moved to `value`: the payloads of the waits that are satisfied by it.
    pub fn reached<Q>(&mut self, key: &Q, value: i64) -> Vec<T>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut done = Vec::new();
        let Some(queue) = self.by_key.get_mut(key) else { return done };
        let mut satisfied = Vec::new();
        while let Some(first) = queue.first().copied().filter(|(wanted, _)| *wanted <= value) {
            queue.remove(&first);
            satisfied.push(first.1);
        }
        if queue.is_empty() {
            self.by_key.remove(key);
        }
        for id in satisfied {
            let Some(wait) = self.waits.get_mut(&id) else { continue };
            wait.open.retain(|(open, _)| open.borrow() != key);
            if wait.until == Until::Any || wait.open.is_empty() {
                done.extend(self.remove(id));
            }
        }
        done
    }

    /// A key is no more (a partition left, or failed): the payloads of every wait on it.
    pub fn gone<Q>(&mut self, key: &Q) -> Vec<T>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let queue = self.by_key.get(key).map(|queue| queue.iter().map(|(_, id)| *id).collect::<Vec<_>>());
        queue.into_iter().flatten().filter_map(|id| self.remove(id)).collect()
    }

    /// The payloads of the waits whose deadline is at or before `now`, the earliest first.
    pub fn expire(&mut self, now: Tick) -> Vec<T> {
        let mut expired = Vec::new();
        while let Some(((deadline, id), ())) = self.deadlines.first_key_value().map(|(k, v)| (*k, *v)) {
            if deadline > now {
                break;
            }
            expired.extend(self.remove(id));
        }
        expired
    }

    /// Takes a wait back; `None` when it was given back before.
    pub fn cancel(&mut self, id: WaitId) -> Option<T> {
        self.remove(id)
    }

    /// The earliest deadline: when [`Purgatory::expire`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        self.deadlines.first_key_value().map(|((deadline, _), ())| *deadline)
    }

    /// How many waits are parked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waits.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    fn remove(&mut self, id: WaitId) -> Option<T> {
        let wait = self.waits.remove(&id)?;
        self.deadlines.remove(&(wait.deadline, id));
        for (key, value) in &wait.open {
            if let Some(queue) = self.by_key.get_mut(key) {
                queue.remove(&(*value, id));
                if queue.is_empty() {
                    self.by_key.remove(key);
                }
            }
        }
        Some(wait.payload)
    }
}

/// Keeps each key once, with its highest value. Requests name few keys, or many distinct ones.
fn drop_repeated_keys<K: Clone + Eq + Hash>(keys: &mut Vec<(K, i64)>) {
    if keys.len() < 2 {
        return;
    }
    let mut highest: HashMap<K, i64> = HashMap::with_capacity(keys.len());
    for (key, value) in keys.iter() {
        let entry = highest.entry(key.clone()).or_insert(*value);
        *entry = (*entry).max(*value);
    }
    if highest.len() < keys.len() {
        *keys = highest.into_iter().collect();
    }
}
