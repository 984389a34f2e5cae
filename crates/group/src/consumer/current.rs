//! The next step of one member towards its target (Kafka's `CurrentAssignmentBuilder`).
//!
//! A member first gives back what it shall not have; only then does it enter the target's epoch and get what is
//! free. A partition is free when nobody owns it and nobody still has to give it back: so no partition ever has
//! two owners (I26).
//!
//! ```text
//!             has to give back            has given back
//! Stable ---------------------> Unrevoked ----------------> Stable, or Unreleased while
//!    ^                                                      others have not given back
//!    +-------------------- all is free ------------------------+
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use ottla_model::{ErrorCode, Uuid};
use ottla_wire::messages::consumer_group_heartbeat_request::TopicPartitions;

use crate::assign::Assignment;
use crate::refusal::Refusal;
use crate::state::member::{Member, MemberState, Owned};

/// What a member's next step depends on.
pub(crate) struct Step<'a> {
    /// The member.
    pub(crate) member: &'a Member,
    /// The epoch of the target.
    pub(crate) target_epoch: i32,
    /// What it shall have.
    pub(crate) target: &'a Assignment,
    /// Its subscription has just changed: it loses what it does not subscribe to, target or not.
    pub(crate) resubscribed: bool,
    /// What the client says it owns; `None` when it says nothing.
    pub(crate) reported: Option<&'a [TopicPartitions]>,
    /// Whether it subscribes to a topic.
    pub(crate) subscribes: &'a dyn Fn(Uuid) -> bool,
    /// Whether somebody owns a partition.
    pub(crate) is_owned: &'a dyn Fn(Uuid, i32) -> bool,
}

/// What a member would have, would have to give back, and could get.
#[derive(Default)]
struct Plan {
    keeps: Owned,
    revokes: Owned,
    gets: Assignment,
    is_waiting: bool,
}

impl Step<'_> {
    /// The member after its step; the same when there is none.
    ///
    /// # Errors
    /// FENCED_MEMBER_EPOCH for a member in a state that is not known here.
    pub(crate) fn next(&self) -> Result<Member, Refusal> {
        let member = self.member;
        Ok(match member.state {
            MemberState::Stable if member.epoch != self.target_epoch => self.advance(member.epoch),
            MemberState::Stable if self.resubscribed => self.shrink(),
            MemberState::Stable => member.clone(),
            MemberState::Unrevoked if self.still_reports(&member.revoking) => {
                if self.resubscribed {
                    self.shrink()
                } else {
                    member.clone()
                }
            }
            MemberState::Unrevoked | MemberState::Unreleased => self.advance(member.epoch),
            MemberState::Unknown => {
                if self.reported.is_none_or(|reported| !reported.is_empty()) {
                    let message = "the member is in a state that is not known here; it has to give up all of \
                                   its partitions and join again";
                    return Err(Refusal::new(ErrorCode::FencedMemberEpoch, message));
                }
                self.advance(self.target_epoch)
            }
        })
    }

    /// Whether the client still owns some of these, or says nothing about it.
    fn still_reports(&self, revoking: &Owned) -> bool {
        let Some(reported) = self.reported else { return true };
        reported.iter().any(|topic| {
            revoking.get(&topic.topic_id).is_some_and(|partitions| {
                topic.partitions.iter().any(|number| partitions.contains_key(number))
            })
        })
    }

    fn advance(&self, epoch: i32) -> Member {
        let plan = self.plan();
        let mut next = self.member.clone();
        if !plan.revokes.is_empty() && self.still_reports(&plan.revokes) {
            next.state = MemberState::Unrevoked;
            next.enter(epoch);
            next.assigned = Arc::new(plan.keeps);
            next.revoking = Arc::new(plan.revokes);
            return next;
        }
        next.state = if plan.is_waiting { MemberState::Unreleased } else { MemberState::Stable };
        next.enter(self.target_epoch);
        let mut assigned = plan.keeps;
        for (topic, partitions) in plan.gets {
            let epochs = partitions.into_iter().map(|partition| (partition, self.target_epoch));
            assigned.entry(topic).or_default().extend(epochs);
        }
        next.assigned = Arc::new(assigned);
        next.revoking = Arc::default();
        next
    }

    fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        let topics: BTreeSet<Uuid> = self.target.keys().chain(self.member.assigned.keys()).copied().collect();
        let nothing = BTreeSet::new();
        for topic in topics {
            let target = self.target.get(&topic).filter(|_| (self.subscribes)(topic)).unwrap_or(&nothing);
            let owned = self.member.assigned.get(&topic).cloned().unwrap_or_default();
            for (partition, epoch) in &owned {
                let side = if target.contains(partition) { &mut plan.keeps } else { &mut plan.revokes };
                side.entry(topic).or_default().insert(*partition, *epoch);
            }
            for partition in target.iter().filter(|partition| !owned.contains_key(partition)) {
                if self.is_free(topic, *partition) {
                    plan.gets.entry(topic).or_default().insert(*partition);
                } else {
                    plan.is_waiting = true;
                }
            }
        }
        plan
    }

    /// What the member itself has to give back counts as free for it.
    fn is_free(&self, topic: Uuid, partition: i32) -> bool {
        let own = self.member.revoking.get(&topic).is_some_and(|own| own.contains_key(&partition));
        own || !(self.is_owned)(topic, partition)
    }

    /// Takes away what it does not subscribe to; for the rest the target is not looked at.
    fn shrink(&self) -> Member {
        let mut next = self.member.clone();
        let mut keeps = Owned::clone(&next.assigned);
        let mut revokes = Owned::clone(&next.revoking);
        for (topic, partitions) in
            self.member.assigned.iter().filter(|(topic, _)| !(self.subscribes)(**topic))
        {
            keeps.remove(topic);
            revokes.entry(*topic).or_default().extend(partitions);
        }
        if keeps == *next.assigned {
            return next;
        }
        next.enter(next.epoch);
        next.assigned = Arc::new(keeps);
        if self.still_reports(&revokes) {
            next.state = MemberState::Unrevoked;
            next.revoking = Arc::new(revokes);
        }
        next
    }
}
