//! A decision about one consumer group on its way: the group as it becomes, and what the decision yields.
//!
//! Each record is applied to the draft's copy of the group as it is written, by the code that replays the log. So
//! the next step of the decision sees what the record did, and what was decided is what the log says.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_model::{ErrorCode, Millis, Tick, Uuid};
use ottla_wire::messages::consumer_group_heartbeat_request::TopicPartitions;
use regex::Regex;

use crate::Text;
use crate::change::{Decision, Volatile};
use crate::consumer::current::Step;
use crate::consumer::{hash, pattern, records, target};
use crate::context::Context;
use crate::limits::MAX_PATTERNS;
use crate::record::Record;
use crate::refusal::Refusal;
use crate::reply::{Note, Reason};
use crate::state::Group;
use crate::state::Shard;
use crate::state::consumer::{ConsumerGroup, ConsumerVolatile, Resolved};
use crate::state::member::{Member, MemberState};
use crate::timers::TimerKey;

/// Patterns of a group are not resolved again sooner than this, whatever happens.
const MIN_RESOLVE_INTERVAL_MS: i64 = 10_000;

/// Kafka writes the offset of the metadata that a pattern was resolved against, to see whether topics came since. Here
/// that is told ([`ConsumerVolatile::patterns_stale`]); a Kafka that loads this looks once, as it does after any start.
const UNKNOWN_VERSION: i64 = 0;

/// A consumer group on its way to its next state.
pub(crate) struct Draft<'a> {
    pub(crate) id: Text,
    pub(crate) group: ConsumerGroup,
    pub(crate) context: &'a Context,
    pub(crate) decision: Decision,
    /// It was a classic group with members until now: its target has to be computed anew.
    pub(crate) is_converted: bool,
    before: ConsumerVolatile,
}

/// What a member's new pattern does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternStep {
    Same,
    /// It has another pattern, whose topics are not known yet.
    Changed,
    /// It has another pattern whose topics are known, or none any more.
    ChangedAndKnown,
}

/// Which patterns of a group are to be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    /// Those whose topics are not known: no topic has come since the others were resolved.
    Unknown,
    All,
}

/// A pattern that nobody in the group had before.
struct NewPattern {
    text: Text,
    compiled: Regex,
}

impl<'a> Draft<'a> {
    pub(super) fn new(id: &str, group: ConsumerGroup, context: &'a Context) -> Self {
        let before = group.volatile;
        Self { id: id.into(), before, group, context, decision: Decision::default(), is_converted: false }
    }

    /// The group as it stands.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND when there is no consumer group of that name.
    pub(crate) fn of_existing(shard: &Shard, id: &str, context: &'a Context) -> Result<Self, Refusal> {
        match shard.groups.get(id) {
            Some(Group::Consumer(group)) => Ok(Self::new(id, ConsumerGroup::clone(group), context)),
            Some(Group::Classic(_) | Group::Foreign(_)) => Err(not_found(id, "is not a consumer group")),
            None => Err(not_found(id, "is not found")),
        }
    }

    /// Writes a record, and applies it to the draft.
    ///
    /// # Errors
    /// When it contradicts the group, which is a bug of the decision: nothing is written then.
    pub(crate) fn record(&mut self, record: Record) -> Result<(), Refusal> {
        match self.group.replay(&record) {
            Ok(_) => {
                self.decision.record(record);
                Ok(())
            }
            Err(error) => Err(Refusal::new(ErrorCode::UnknownServerError, error.to_string())),
        }
    }

    pub(crate) fn records(&mut self, records: impl IntoIterator<Item = Record>) -> Result<(), Refusal> {
        records.into_iter().try_for_each(|record| self.record(record))
    }

    pub(crate) fn deadline(&mut self, key: TimerKey, millis: i32) {
        let at = self.context.after_millis(millis);
        self.decision.deadline(key, at);
    }

    /// Nothing is waited for from a member any more.
    pub(crate) fn cancel_deadlines(&mut self, member: &Text) {
        let key = || (self.id.clone(), member.clone());
        let [session, revoke, rejoin, resync] = [key(), key(), key(), key()];
        for key in [
            TimerKey::Session { group: session.0, member: session.1 },
            TimerKey::Revoke { group: revoke.0, member: revoke.1 },
            TimerKey::Rejoin { group: rejoin.0, member: rejoin.1 },
            TimerKey::Resync { group: resync.0, member: resync.1 },
        ] {
            self.decision.cancel(key);
        }
    }

    /// A member that is in the group.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID.
    pub(crate) fn member(&self, id: &str) -> Result<&Arc<Member>, Refusal> {
        let unknown = || {
            let message = format!("member {id} is not a member of group {}", self.id);
            Refusal::new(ErrorCode::UnknownMemberId, message)
        };
        self.group.members.get(id).ok_or_else(unknown)
    }

    /// Ends the draft: what it yields becomes part of the decision.
    pub(crate) fn finish(mut self, decision: &mut Decision) {
        if self.group.is_empty() {
            self.group.volatile.since = None;
        }
        if let Some(since) = self.group.volatile.since
            && self.group.is_settled()
        {
            self.group.volatile.since = None;
            self.decision.note(Note::Settled {
                group: self.id.clone(),
                generation: self.group.epoch,
                members: self.group.members.size(),
                took_ms: self.context.now.tick.millis_since(since),
            });
        }
        if self.group.volatile != self.before {
            self.decision.volatile(Volatile::Consumer(self.id, self.group.volatile));
        }
        decision.absorb(self.decision);
    }

    /// Ends the draft of a group that has become a classic one.
    pub(crate) fn finish_converted(self, decision: &mut Decision) {
        decision.absorb(self.decision);
    }

    /// Writes what a member says of itself when that is news; whether the topics that it names are others.
    pub(crate) fn describe(&mut self, before: &Member, member: &Member) -> Result<bool, Refusal> {
        if member != before {
            self.record(records::member(&self.id, member))?;
        }
        Ok(member.topics != before.topics)
    }

    /// A new epoch begins.
    pub(crate) fn bump(&mut self, hash: i64, reason: Reason, member: &str) -> Result<(), Refusal> {
        self.decision.note(Note::Rebalance {
            group: self.id.clone(),
            generation: self.group.epoch,
            reason,
            member: member.into(),
            detail: String::new(),
        });
        self.group.volatile.since = Some(self.context.now.tick);
        self.record(records::epoch(&self.id, self.group.epoch.saturating_add(1), hash))
    }

    /// The hash of the topics subscribed to, as they are.
    pub(crate) fn hash(&self) -> i64 {
        hash::of_group(&self.group.subscribed_topics(), &self.context.image)
    }

    /// Looks at the topics when they may have changed, or when the subscriptions have; a new epoch begins when the
    /// subscriptions have changed (`reason`) or the topics have.
    pub(crate) fn refresh(
        &mut self,
        reason: Option<Reason>,
        look: bool,
        member: &str,
    ) -> Result<(), Refusal> {
        if reason.is_none() && !look && !self.group.volatile.metadata_stale {
            return Ok(());
        }
        let hash = self.hash();
        self.group.volatile.metadata_stale = false;
        let moved = (hash != self.group.metadata_hash).then_some(Reason::TopicsChanged);
        if let Some(reason) = reason.or(moved) {
            self.bump(hash, reason, member)?;
        }
        if self.group.has_partition_metadata {
            self.record(records::no_partition_metadata(&self.id))?;
        }
        Ok(())
    }

    /// Follows a member's change of pattern, and resolves the group's patterns when it is time.
    ///
    /// # Errors
    /// INVALID_REGULAR_EXPRESSION, or INVALID_REQUEST when the group has its most of patterns.
    pub(crate) fn follow_pattern(
        &mut self,
        before: &Member,
        member: &Member,
    ) -> Result<PatternOutcome, Refusal> {
        let mut step = PatternStep::Same;
        let mut new = None;
        if before.pattern != member.pattern {
            step = PatternStep::Changed;
            self.drop_pattern(before)?;
            match member.pattern() {
                Some(pattern) if self.group.subscribed_patterns().of(pattern) == 1 => {
                    self.check_room_for_pattern()?;
                    new = Some(NewPattern { text: pattern.clone(), compiled: compile(pattern)? });
                }
                Some(pattern) if self.group.patterns.contains_key(pattern) => {
                    step = PatternStep::ChangedAndKnown
                }
                Some(_) => {}
                None if before.pattern().is_some() => step = PatternStep::ChangedAndKnown,
                None => {}
            }
        }
        let due = self.due(new.is_some());
        let moved = self.resolve(due, new)?;
        Ok(PatternOutcome {
            changed: step != PatternStep::Same,
            rebalances: moved || step == PatternStep::ChangedAndKnown,
            resolved: due != Due::Nothing,
        })
    }

    /// Deletes what a member's pattern matched when nobody subscribes to that pattern any more.
    pub(crate) fn drop_pattern(&mut self, member: &Member) -> Result<(), Refusal> {
        match member.pattern() {
            Some(pattern)
                if self.group.subscribed_patterns().of(pattern) == 0
                    && self.group.patterns.contains_key(pattern) =>
            {
                self.record(records::no_pattern(&self.id, pattern))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses one pattern more than a group may have. The member that brings it is counted already.
    fn check_room_for_pattern(&self) -> Result<(), Refusal> {
        if self.group.subscribed_patterns().len() <= MAX_PATTERNS {
            return Ok(());
        }
        let message = format!(
            "group {} subscribes to {MAX_PATTERNS} patterns already, which is the most; use one of them, or names",
            self.id
        );
        Err(Refusal::new(ErrorCode::InvalidRequest, message))
    }

    /// Which patterns are to be resolved; `is_new` when a member has brought another one.
    fn due(&self, is_new: bool) -> Due {
        let (subscribed, known) = (self.group.subscribed_patterns(), &self.group.patterns);
        if subscribed.len() == 0 {
            return Due::Nothing;
        }
        let Some(newest) = known.values().map(|resolved| resolved.timestamp).max() else { return Due::All };
        // A clock that was set back must not stop this.
        let age = |at: Millis| self.context.now.wall.saturating_sub(at);
        if (0..=MIN_RESOLVE_INTERVAL_MS).contains(&age(newest)) {
            return Due::Nothing;
        }
        let refresh = i64::try_from(self.context.settings.regex_refresh_ms).unwrap_or(i64::MAX);
        let is_old = |pattern| known.get(pattern).is_some_and(|known| age(known.timestamp) > refresh);
        if self.group.volatile.patterns_stale || age(newest) < 0 || subscribed.keys().any(is_old) {
            Due::All
        } else if is_new || subscribed.keys().any(|pattern| !known.contains_key(pattern)) {
            Due::Unknown
        } else {
            Due::Nothing
        }
    }

    /// Resolves the patterns that are due; whether one matches other topics than before. A pattern costs one
    /// compilation (a new one that of its check) and one pass over the names of all topics.
    fn resolve(&mut self, due: Due, new: Option<NewPattern>) -> Result<bool, Refusal> {
        let is_new = |text: &Text| new.as_ref().is_some_and(|new| new.text == *text);
        let is_due = |text: &&Text| match due {
            Due::Nothing => false,
            Due::Unknown => is_new(text) || !self.group.patterns.contains_key(*text),
            Due::All => true,
        };
        let patterns: Vec<Text> = self.group.subscribed_patterns().keys().filter(is_due).cloned().collect();
        let mut moved = false;
        for text in patterns {
            let compiled = match &new {
                Some(new) if new.text == text => Some(new.compiled.clone()),
                Some(_) | None => pattern::compile_checked(&text),
            };
            let topics = compiled.map(|compiled| pattern::topics(&compiled, &self.context.image));
            let resolved = Resolved {
                topics: topics.unwrap_or_default(),
                version: UNKNOWN_VERSION,
                timestamp: self.context.now.wall,
            };
            moved |= match self.group.patterns.get(&text) {
                Some(before) => before.topics != resolved.topics,
                None => !resolved.topics.is_empty(),
            };
            self.record(records::pattern(&self.id, &text, &resolved))?;
        }
        if due != Due::Nothing {
            self.group.volatile.patterns_stale = false;
        }
        Ok(moved)
    }

    /// Computes the target of the present epoch, or sets the deadline for it when the last one is too fresh.
    pub(crate) fn assign(&mut self) -> Result<(), Refusal> {
        if self.group.target_epoch >= self.group.epoch {
            return Ok(());
        }
        let key = TimerKey::Assign { group: self.id.clone() };
        if let Some(at) = self.next_assignment() {
            self.decision.deadline(key, at);
            return Ok(());
        }
        self.decision.cancel(key);
        let targets = target::compute(&self.group, self.context);
        let news: BTreeMap<Text, _> = targets
            .into_iter()
            .filter(|(member, target)| {
                self.group.targets.get(member).is_none_or(|before| **before != *target)
            })
            .collect();
        let id = self.id.clone();
        self.records(news.iter().map(|(member, target)| records::target(&id, member, target)))?;
        self.record(records::target_epoch(&id, self.group.epoch, self.context.now.wall.max(0)))
    }

    /// When the next target may be computed; `None` for now.
    fn next_assignment(&self) -> Option<Tick> {
        let interval = i64::from(self.context.consumer_settings(&self.id).assignment_interval_ms);
        let last: Millis = self.group.target_timestamp;
        let age = self.context.now.wall.saturating_sub(last);
        // A time in the future was written before the clock was set back: nobody knows how long ago.
        if last == 0 || !(0..interval).contains(&age) {
            return None;
        }
        let rest = u64::try_from(interval.saturating_sub(age)).unwrap_or(0);
        Some(self.context.now.tick.plus_millis(rest))
    }

    /// Takes a member one step towards its target. The member afterwards.
    pub(crate) fn reconcile(
        &mut self,
        member: &str,
        resubscribed: bool,
        reported: Option<&[TopicPartitions]>,
    ) -> Result<Arc<Member>, Refusal> {
        let before = Arc::clone(self.member(member)?);
        if !resubscribed && before.has_reached(self.group.target_epoch) {
            return Ok(before);
        }
        let topics = &self.context.image.topics;
        let subscribes = |topic: Uuid| {
            topics.get(topic).is_some_and(|topic| self.group.subscribes(&before, topic.name.as_str()))
        };
        let is_owned = |topic: Uuid, partition: i32| self.group.is_owned(topic, partition);
        let step = Step {
            member: &before,
            target_epoch: self.group.target_epoch,
            target: &self.group.target(member),
            resubscribed,
            reported,
            subscribes: &subscribes,
            is_owned: &is_owned,
        };
        let after = step.next()?;
        if after == *before {
            return Ok(before);
        }
        self.record(records::current(&self.id, &after))?;
        let key = TimerKey::Revoke { group: self.id.clone(), member: after.id.clone() };
        if after.state == MemberState::Unrevoked && !after.is_classic() {
            self.deadline(key, after.rebalance_timeout_ms);
        } else {
            self.decision.cancel(key);
        }
        Ok(Arc::clone(self.member(member)?))
    }
}

/// What came of a member's pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PatternOutcome {
    /// It has another pattern.
    pub(crate) changed: bool,
    /// The group subscribes to other topics now.
    pub(crate) rebalances: bool,
    /// The patterns were resolved.
    pub(crate) resolved: bool,
}

fn compile(pattern: &str) -> Result<Regex, Refusal> {
    pattern::compile(pattern).map_err(|error| {
        let shown: String = pattern.chars().take(256).collect();
        let message = format!("SubscribedTopicRegex `{shown}` is not a valid regular expression: {error}.");
        Refusal::new(ErrorCode::InvalidRegularExpression, message)
    })
}

pub(crate) fn not_found(id: &str, what: &str) -> Refusal {
    Refusal::new(ErrorCode::GroupIdNotFound, format!("group {id} {what}"))
}
