//! The state of one consumer group, and what can be asked of it (Kafka's `ConsumerGroup`).
//!
//! Durable is what records carry: epochs, hash, members, targets, resolved patterns. Everything else is counted from
//! that, or is volatile. The maps share their parts, so that a decision works on a copy that costs nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use ottla_metadata::Map;
use ottla_model::{Millis, Tick, Uuid};

use crate::Text;
use crate::assign::{Assignment, Assignor};
use crate::record::ReplayError;
use crate::settings::Settings;
use crate::state::member::{Member, Owned};

/// The epoch of a group before its first record, and of its target (Kafka's `TargetAssignmentMetadata.INITIAL`).
const FIRST_EPOCH: i32 = 1;

/// The topics that a pattern matched when somebody looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Their names.
    pub topics: BTreeSet<Text>,
    /// The offset of the metadata that was looked at.
    pub version: i64,
    /// When.
    pub timestamp: Millis,
}

/// What no record of a consumer group carries. A loaded group begins with the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerVolatile {
    /// Topics may have changed since the hash was computed.
    pub metadata_stale: bool,
    /// Topics may have come since the patterns were resolved.
    pub patterns_stale: bool,
    /// When the present epoch began; `None` when every member has reached it, or when that is not known.
    pub since: Option<Tick>,
}

impl Default for ConsumerVolatile {
    fn default() -> Self {
        Self { metadata_stale: true, patterns_stale: true, since: None }
    }
}

/// How often each text is named. One that is not named is not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts(Map<Text, usize>);

impl Counts {
    pub(crate) fn of(&self, text: &str) -> usize {
        self.0.get(text).copied().unwrap_or(0)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Text> {
        self.0.keys()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.size()
    }

    fn change(&mut self, text: &Text, more: bool) {
        let count = self.of(text);
        match (more, count) {
            (true, _) => self.0.insert_mut(text.clone(), count + 1),
            (false, 0 | 1) => _ = self.0.remove_mut(text),
            (false, _) => self.0.insert_mut(text.clone(), count - 1),
        }
    }

    /// The text that is named most; of equals the first by name.
    fn most(&self) -> Option<&Text> {
        let most = self.0.values().max()?;
        self.0.iter().find(|(_, count)| *count == most).map(|(text, _)| text)
    }
}

/// A consumer group.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroup {
    /// Rises when the target assignment has to be computed anew.
    pub epoch: i32,
    /// The hash of the topics subscribed to, as of this epoch.
    pub metadata_hash: i64,
    /// The epoch that the target assignment was computed for; never above `epoch`, −1 between the group's tombstones.
    /// Moved by `ConsumerGroup::aim` alone.
    pub target_epoch: i32,
    /// When it was computed; 0 when that does not matter.
    pub target_timestamp: Millis,
    /// By id.
    pub members: Map<Text, Arc<Member>>,
    /// The target assignment by member id.
    pub targets: Map<Text, Arc<Assignment>>,
    /// Resolved patterns.
    pub patterns: Map<Text, Arc<Resolved>>,
    /// A record of type 4 stands in the log (Kafka before 4.1).
    pub has_partition_metadata: bool,
    /// What no record carries.
    pub volatile: ConsumerVolatile,
    /// Member ids by `group.instance.id`.
    statics: Map<Text, Text>,
    /// Partitions that somebody owns or gives back, each with its owner's epoch.
    pub(crate) owners: Map<(Uuid, i32), i32>,
    /// Members by topic that they name.
    named: Counts,
    /// Members by pattern.
    matched: Counts,
    /// Members by the assignor that they ask for.
    assignors: Counts,
    /// Classic members by protocol that they offer.
    offered: Counts,
    /// Members that speak the classic protocol.
    classics: usize,
    /// Members that have reached `target_epoch`; never above `members`.
    reached: usize,
}

impl Default for ConsumerGroup {
    fn default() -> Self {
        Self {
            epoch: FIRST_EPOCH,
            metadata_hash: 0,
            target_epoch: FIRST_EPOCH,
            target_timestamp: 0,
            members: Map::default(),
            targets: Map::default(),
            patterns: Map::default(),
            has_partition_metadata: false,
            volatile: ConsumerVolatile::default(),
            statics: Map::default(),
            owners: Map::default(),
            named: Counts::default(),
            matched: Counts::default(),
            assignors: Counts::default(),
            offered: Counts::default(),
            classics: 0,
            reached: 0,
        }
    }
}

impl ConsumerGroup {
    /// Kafka's name of its state.
    #[must_use]
    pub fn state_name(&self) -> &'static str {
        if self.is_empty() {
            "Empty"
        } else if self.epoch > self.target_epoch {
            "Assigning"
        } else if self.have_all_reached() {
            "Stable"
        } else {
            "Reconciling"
        }
    }

    /// Whether it has no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many members it has.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.members.size()
    }

    /// What no record carries is different from now on.
    pub(crate) const fn settle(&mut self, to: &ConsumerVolatile) {
        self.volatile = *to;
    }

    /// Whether every member has its part of the present epoch.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !self.is_empty() && self.epoch <= self.target_epoch && self.have_all_reached()
    }

    fn have_all_reached(&self) -> bool {
        self.reached == self.members.size()
    }

    /// The target assignment is that of an epoch from now on.
    pub(crate) fn aim(&mut self, target_epoch: i32) {
        if target_epoch != self.target_epoch {
            self.target_epoch = target_epoch;
            self.reached = self.members.values().filter(|member| member.has_reached(target_epoch)).count();
        }
    }

    /// The member that has an instance id.
    #[must_use]
    pub fn static_member(&self, instance_id: &str) -> Option<&Arc<Member>> {
        self.members.get(self.statics.get(instance_id)?)
    }

    /// Whether a member subscribes to a topic, by name or by a resolved pattern.
    #[must_use]
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        self.named.of(topic) > 0 || self.patterns.values().any(|resolved| resolved.topics.contains(topic))
    }

    /// Every topic that a member subscribes to.
    #[must_use]
    pub fn subscribed_topics(&self) -> BTreeSet<Text> {
        let resolved = self.patterns.values().flat_map(|resolved| resolved.topics.iter());
        self.named.keys().chain(resolved).cloned().collect()
    }

    /// The target assignment of a member.
    #[must_use]
    pub fn target(&self, member: &str) -> Arc<Assignment> {
        self.targets.get(member).cloned().unwrap_or_default()
    }

    /// Whether somebody owns a partition or has not given it back.
    pub(crate) fn is_owned(&self, topic: Uuid, partition: i32) -> bool {
        self.owners.contains_key(&(topic, partition))
    }

    /// The patterns that members subscribe to.
    pub(crate) const fn subscribed_patterns(&self) -> &Counts {
        &self.matched
    }

    /// How many members speak the classic protocol.
    pub(crate) const fn classic_members(&self) -> usize {
        self.classics
    }

    /// Whether somebody who offers these protocols has one in common with every classic member.
    pub(crate) fn supports<'a>(&self, protocols: impl IntoIterator<Item = &'a str>) -> bool {
        protocols.into_iter().any(|name| self.offered.of(name) == self.classics)
    }

    /// The name of the assignor that most members ask for.
    #[must_use]
    pub fn preferred_assignor(&self) -> Option<&Text> {
        self.assignors.most()
    }

    /// The assignor to use: the preferred one, or the broker's first when there is none that it has.
    #[must_use]
    pub fn assignor(&self, settings: &Settings) -> Assignor {
        let preferred = self.preferred_assignor().and_then(|name| Assignor::from_name(name));
        let first = settings.assignors.first().copied().unwrap_or(Assignor::Uniform);
        preferred.filter(|assignor| settings.assignors.contains(assignor)).unwrap_or(first)
    }

    /// Whether a member's topics, by name or pattern, contain one.
    pub(crate) fn subscribes(&self, member: &Member, topic: &str) -> bool {
        member.topics.contains(topic)
            || member
                .pattern()
                .and_then(|pattern| self.patterns.get(pattern))
                .is_some_and(|resolved| resolved.topics.contains(topic))
    }

    /// Adds a member, or puts it in the place of its former self.
    ///
    /// # Errors
    /// When it owns what another member owns in the same epoch or a later one; nothing has changed then.
    pub(crate) fn put(&mut self, member: Member) -> Result<(), ReplayError> {
        let before = self.members.get(&member.id).cloned();
        self.check_ownership(before.as_deref(), &member)?;
        if let Some(before) = before {
            self.forget(&before);
        }
        for partition in member.holds() {
            self.owners.insert_mut(partition, member.epoch);
        }
        self.count(&member, true);
        if let Some(instance) = &member.instance_id {
            self.statics.insert_mut(instance.clone(), member.id.clone());
        }
        self.members.insert_mut(member.id.clone(), Arc::new(member));
        Ok(())
    }

    /// Takes a member out.
    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(member) = self.members.get(id).cloned() {
            self.forget(&member);
            self.members.remove_mut(id);
        }
    }

    fn check_ownership(&self, before: Option<&Member>, member: &Member) -> Result<(), ReplayError> {
        let own = |(topic, partition): (Uuid, i32), epoch: i32| {
            let held = |owned: &Owned| owned.get(&topic).is_some_and(|held| held.contains_key(&partition));
            before.is_some_and(|before| {
                before.epoch == epoch && (held(&before.assigned) || held(&before.revoking))
            })
        };
        for place in member.holds() {
            match self.owners.get(&place) {
                Some(epoch) if !own(place, *epoch) && *epoch >= member.epoch => {
                    let (topic, partition) = place;
                    return Err(ReplayError(format!(
                        "{topic}-{partition} goes to member {} in epoch {} but is owned since epoch {epoch}",
                        member.id, member.epoch
                    )));
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    fn forget(&mut self, member: &Member) {
        for partition in member.holds() {
            // After compaction the next owner's record may come first: then the partition is its own.
            if self.owners.get(&partition) == Some(&member.epoch) {
                self.owners.remove_mut(&partition);
            }
        }
        self.count(member, false);
        if let Some(instance) = &member.instance_id
            && self.statics.get(instance) == Some(&member.id)
        {
            self.statics.remove_mut(instance);
        }
    }

    fn count(&mut self, member: &Member, more: bool) {
        for topic in member.topics.iter() {
            self.named.change(topic, more);
        }
        if let Some(pattern) = member.pattern() {
            self.matched.change(pattern, more);
        }
        if let Some(assignor) = &member.assignor {
            self.assignors.change(assignor, more);
        }
        let changed = |count: usize| if more { count + 1 } else { count.saturating_sub(1) };
        if member.has_reached(self.target_epoch) {
            self.reached = changed(self.reached);
        }
        if let Some(classic) = &member.classic {
            self.classics = changed(self.classics);
            let names: BTreeSet<&Text> = classic.protocols.iter().map(|protocol| &protocol.name).collect();
            for name in names {
                self.offered.change(name, more);
            }
        }
    }
}
