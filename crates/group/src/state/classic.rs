//! One classic group as a value, and the rules that concern it alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use ottla_model::{ErrorCode, Millis, Now, Tick};
use ottla_wire::Message;
use ottla_wire::messages::ConsumerProtocolSubscription;

use crate::Text;
use crate::reply::Waiter;
use crate::request::Client;

/// The protocol type of consumers; others (Kafka Connect) choose their own.
pub(crate) const CONSUMER: &str = "consumer";

/// Where a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No members; it may keep offsets.
    Empty,
    /// Waits for its members to join.
    PreparingRebalance,
    /// Waits for its leader's assignment.
    CompletingRebalance,
    /// Every member has its assignment.
    Stable,
}

impl State {
    /// Kafka's spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// A way of assigning that a member offers, and what it says for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Its name: `range`.
    pub name: Text,
    /// Opaque to the broker; for consumers their subscription.
    pub metadata: Bytes,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Given out by the broker.
    pub id: Text,
    /// `group.instance.id`.
    pub instance_id: Option<Text>,
    /// The client as it came.
    pub client: Client,
    /// How long it may take to join again.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent.
    pub session_timeout_ms: i32,
    /// What it offers, preferred first. Not empty.
    pub protocols: Arc<[Protocol]>,
    /// Its part of the last assignment; empty before the first.
    pub assignment: Bytes,
    /// Its JoinGroup waits for the others.
    pub joining: Option<Waiter>,
    /// Its SyncGroup waits for the leader.
    pub syncing: Option<Waiter>,
    /// It has joined for the first time and does not know its id yet.
    pub is_new: bool,
}

impl Member {
    /// What it says for a protocol; nothing for one that it does not offer.
    #[must_use]
    pub fn metadata(&self, protocol: &str) -> Option<&Bytes> {
        self.protocols.iter().find(|offered| &*offered.name == protocol).map(|offered| &offered.metadata)
    }
}

/// A classic group.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassicGroup {
    /// Where it stands.
    pub state: State,
    /// Since when; `None` for groups written before Kafka kept it.
    pub since: Option<Millis>,
    /// Whether it was empty when the rebalance began: it then waits for more members to come.
    pub initial: Option<InitialDelay>,
    /// Rises with each completed join phase.
    pub generation: i32,
    /// `consumer`, `connect`, …; `None` for a group that only keeps offsets.
    pub protocol_type: Option<Text>,
    /// What the members chose; `None` while the group is empty.
    pub protocol: Option<Text>,
    /// Who assigns; a member, unless there is none.
    pub leader: Option<Text>,
    /// By id.
    pub members: BTreeMap<Text, Arc<Member>>,
    /// Member ids by `group.instance.id`; exactly those of the static members.
    pub statics: BTreeMap<Text, Text>,
    /// Ids given out whose clients have not joined with them yet.
    pub pending: BTreeSet<Text>,
    /// Members of this generation that have not asked for their assignment.
    pub unsynced: BTreeSet<Text>,
    /// Topics that the members of the current generation subscribe to; `None` when that is not known.
    pub subscribed: Option<Arc<BTreeSet<Text>>>,
    /// When the rebalance began.
    pub rebalancing_since: Tick,
    /// How many members offer each protocol. Nobody's is not in it.
    pub offered: BTreeMap<Text, usize>,
}

/// How long the first rebalance of an empty group still waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialDelay {
    /// The delay under way.
    pub delay_ms: i32,
    /// What is left of the longest rebalance timeout.
    pub remaining_ms: i32,
    /// Somebody has come since the delay began.
    pub more_came: bool,
}

impl ClassicGroup {
    /// A group without members.
    #[must_use]
    pub fn empty(now: Now) -> Self {
        Self {
            state: State::Empty,
            since: Some(now.wall),
            initial: None,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            statics: BTreeMap::new(),
            pending: BTreeSet::new(),
            unsynced: BTreeSet::new(),
            subscribed: None,
            rebalancing_since: now.tick,
            offered: BTreeMap::new(),
        }
    }

    /// Whether its members are consumers.
    #[must_use]
    pub fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// Whether a member reads from a topic; of a group of consumers whose topics are not known, any.
    #[must_use]
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.is_of_consumers(),
        }
    }

    /// Whether somebody with these protocols may be a member: they must have one in common with everybody.
    #[must_use]
    pub fn supports<'a>(&self, kind: &str, protocols: impl IntoIterator<Item = &'a str>) -> bool {
        let mut protocols = protocols.into_iter();
        if self.state == State::Empty {
            return !kind.is_empty() && protocols.next().is_some();
        }
        let common = |name: &str| self.offered.get(name).copied().unwrap_or(0) == self.members.len();
        self.protocol_type.as_deref() == Some(kind) && protocols.any(common)
    }

    /// Adds a member, or puts it in the place of its former self.
    pub fn put(&mut self, member: Member, kind: &str) {
        if let Some(before) = self.members.get(&member.id).cloned() {
            self.count(&before, false);
        }
        if self.members.is_empty() {
            self.protocol_type = Some(kind.into());
        }
        self.count(&member, true);
        if let Some(instance) = &member.instance_id {
            self.statics.insert(instance.clone(), member.id.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(member.id.clone());
        }
        self.pending.remove(&member.id);
        self.members.insert(member.id.clone(), Arc::new(member));
    }

    fn count(&mut self, member: &Member, more: bool) {
        // A name that a client repeats counts once: the first is the one that is read.
        let mut seen = BTreeSet::new();
        for protocol in member.protocols.iter().filter(|protocol| seen.insert(&protocol.name)) {
            let count = self.offered.entry(protocol.name.clone()).or_insert(0);
            *count = if more { *count + 1 } else { count.saturating_sub(1) };
            if *count == 0 {
                self.offered.remove(&protocol.name);
            }
        }
    }

    /// Takes a member or a pending id out; another member leads when it was the leader.
    pub fn remove(&mut self, id: &str) -> Option<Arc<Member>> {
        self.pending.remove(id);
        self.unsynced.remove(id);
        let gone = self.members.remove(id)?;
        self.count(&gone, false);
        if let Some(instance) = &gone.instance_id {
            self.statics.remove(instance);
        }
        if self.leader.as_deref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(gone)
    }

    /// Changes a member.
    pub fn update(&mut self, id: &str, change: impl FnOnce(&mut Member)) {
        if let Some(member) = self.members.get_mut(id) {
            change(Arc::make_mut(member));
        }
    }

    /// The member behind an id and, when given, its instance id.
    ///
    /// # Errors
    /// FENCED_INSTANCE_ID when another member has the instance id, UNKNOWN_MEMBER_ID when there is none.
    pub fn member(&self, id: &str, instance_id: Option<&str>) -> Result<&Arc<Member>, ErrorCode> {
        if let Some(instance) = instance_id {
            let owner = self.statics.get(instance).ok_or(ErrorCode::UnknownMemberId)?;
            if &**owner != id {
                return Err(ErrorCode::FencedInstanceId);
            }
        }
        self.members.get(id).ok_or(ErrorCode::UnknownMemberId)
    }

    /// Whether a member leads.
    #[must_use]
    pub fn is_leader(&self, id: &str) -> bool {
        self.leader.as_deref() == Some(id)
    }

    /// Whether nobody is waited for.
    #[must_use]
    pub fn all_joined(&self) -> bool {
        self.pending.is_empty() && self.members.values().all(|member| member.joining.is_some())
    }

    /// Members whose JoinGroup waits.
    #[must_use]
    pub fn joining(&self) -> usize {
        self.members.values().filter(|member| member.joining.is_some()).count()
    }

    /// The longest time that a member asks for to join again.
    #[must_use]
    pub fn rebalance_timeout_ms(&self) -> i32 {
        self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0).max(0)
    }

    /// The protocol that most members prefer among those that all of them offer; of equals the first by name.
    #[must_use]
    pub fn choose_protocol(&self) -> Option<Text> {
        let common = |name: &str| self.offered.get(name).copied() == Some(self.members.len());
        let mut votes: BTreeMap<&Text, usize> = BTreeMap::new();
        for member in self.members.values() {
            if let Some(vote) = member.protocols.iter().map(|offered| &offered.name).find(|name| common(name))
            {
                *votes.entry(vote).or_insert(0) += 1;
            }
        }
        let most = votes.values().copied().max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.clone())
    }

    /// Sees to it that a member that has joined leads; false when nobody has.
    pub fn elect_leader(&mut self) -> bool {
        let has_joined = |id: &Text| self.members.get(id).is_some_and(|member| member.joining.is_some());
        if self.leader.as_ref().is_some_and(has_joined) {
            return true;
        }
        match self.members.values().find(|member| member.joining.is_some()) {
            Some(member) => {
                self.leader = Some(member.id.clone());
                true
            }
            None => false,
        }
    }

    /// Moves on to another state.
    pub fn enter(&mut self, state: State, now: Now) {
        self.state = state;
        self.since = Some(now.wall);
    }

    /// The join phase is over: a new generation of those who are there.
    pub fn next_generation(&mut self, now: Now) {
        self.generation = self.generation.saturating_add(1);
        self.initial = None;
        self.unsynced.clear();
        self.protocol = self.choose_protocol();
        self.subscribed = self.topics_of_members();
        self.enter(if self.members.is_empty() { State::Empty } else { State::CompletingRebalance }, now);
    }

    /// What the members of this generation subscribe to; `None` for other kinds and for what cannot be read.
    #[must_use]
    pub fn topics_of_members(&self) -> Option<Arc<BTreeSet<Text>>> {
        if !self.is_of_consumers() {
            return None;
        }
        let mut topics = BTreeSet::new();
        if self.members.is_empty() {
            return Some(Arc::new(topics));
        }
        let protocol = self.protocol.as_deref()?;
        for member in self.members.values() {
            topics.extend(subscription_topics(member.metadata(protocol)?)?);
        }
        Some(Arc::new(topics))
    }

    /// Whether a commit may be stored.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS.
    pub fn admits_commit(
        &self,
        id: &str,
        instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        if generation < 0 && self.state == State::Empty {
            return Ok(());
        }
        if generation < 0 && id.is_empty() && instance_id.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.member(id, instance_id)?;
        if generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        if self.state == State::CompletingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }
}

/// The topics in a consumer's subscription, which begins with its version; every version begins as version 0.
fn subscription_topics(metadata: &Bytes) -> Option<Vec<Text>> {
    let body = metadata.get(2..).map(|_| metadata.slice(2..))?;
    let subscription = ConsumerProtocolSubscription::from_bytes(body, 0).ok()?;
    Some(subscription.topics.iter().map(|topic| Text::from(&**topic)).collect())
}
