//! Groups that change their protocol while they have members (KIP-848, `group.consumer.migration.policy`).
//!
//! A classic group of consumers becomes a consumer group when somebody joins it with the new protocol; its members
//! go on with the old one (`classic_members`). A consumer group becomes a classic one when the last member that
//! speaks the new protocol goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use ottla_metadata::Image;
use ottla_model::{ErrorCode, Uuid};

use crate::Text;
use crate::assign::Assignment;
use crate::classic::{self, Step};
use crate::consumer::draft::{Draft, not_found};
use crate::consumer::{embedded, records};
use crate::context::Context;
use crate::refusal::Refusal;
use crate::reply::Reason;
use crate::state;
use crate::state::classic::{CONSUMER, ClassicGroup, State};
use crate::state::consumer::ConsumerGroup;
use crate::state::member::{ClassicMember, Member, MemberState, Owned};
use crate::state::{Group, Shard};
use crate::timers::TimerKey;

impl<'a> Draft<'a> {
    /// The group as somebody joins it: made, or made from a classic one, when there is need.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND when there is a group of another kind that does not become one.
    pub(crate) fn of_joined(shard: &Shard, id: &str, context: &'a Context) -> Result<Self, Refusal> {
        match shard.groups.get(id) {
            None => Ok(Self::new(id, ConsumerGroup::default(), context)),
            Some(Group::Classic(classic)) => {
                let mut draft = Self::new(id, ConsumerGroup::default(), context);
                upgrade(&mut draft, classic)?;
                Ok(draft)
            }
            Some(Group::Consumer(_) | Group::Foreign(_)) => Self::of_existing(shard, id, context),
        }
    }
}

/// Makes a consumer group of a classic one, in an empty draft. One without members is simply no more.
///
/// # Errors
/// GROUP_ID_NOT_FOUND when it cannot or may not become one.
fn upgrade(draft: &mut Draft<'_>, group: &ClassicGroup) -> Result<(), Refusal> {
    let id = draft.id.clone();
    if group.state == State::Empty {
        classic::delete(&id, group, &mut draft.decision);
        return Ok(());
    }
    check_upgrade(draft, group)?;
    draft.is_converted = true;
    end_waits(draft, group);
    classic::delete(&id, group, &mut draft.decision);
    let image = Arc::clone(&draft.context.image);
    let converted = group.members.values().map(|member| convert(member, group, &image));
    let mut members: Vec<(Member, Assignment)> =
        converted.collect::<Result<_, _>>().map_err(|what| cannot_upgrade(&id, what))?;
    keep_unreleased(&mut members, &image);
    draft.records(members.iter().map(|(member, _)| records::member(&id, member)))?;
    let hash = draft.hash();
    draft.record(records::epoch(&id, group.generation, hash))?;
    draft.records(members.iter().map(|(member, target)| records::target(&id, &member.id, target)))?;
    draft.record(records::target_epoch(&id, group.generation, 0))?;
    for (member, _) in &members {
        let placed = draft.record(records::current(&id, member));
        placed.map_err(|_| cannot_upgrade(&id, "its members own the same partitions"))?;
        let session = member.classic.as_ref().map_or(0, |classic| classic.session_timeout_ms);
        draft.deadline(TimerKey::Session { group: id.clone(), member: member.id.clone() }, session);
    }
    Ok(())
}

fn cannot_upgrade(id: &str, what: &str) -> Refusal {
    not_found(id, &format!("is a classic group and cannot become a consumer group: {what}"))
}

fn check_upgrade(draft: &Draft<'_>, group: &ClassicGroup) -> Result<(), Refusal> {
    let settings = &draft.context.settings;
    let what = if !settings.migration.upgrades() {
        "the migration policy forbids it"
    } else if !group.is_of_consumers() {
        "its members are not consumers"
    } else if group.members.len() > settings.consumer_max_size {
        "it has more members than a consumer group may have"
    } else {
        return Ok(());
    };
    Err(cannot_upgrade(&draft.id, what))
}

/// Who waits for the classic group's rebalance is told to join again, and finds the consumer group.
fn end_waits(draft: &mut Draft<'_>, group: &ClassicGroup) {
    for member in group.members.values() {
        if let Some(waiter) = member.joining {
            let reply = classic::refuse_join(&member.id, ErrorCode::RebalanceInProgress);
            draft.decision.reply(waiter, reply);
        }
        if let Some(waiter) = member.syncing {
            draft.decision.reply(waiter, classic::refuse_sync(ErrorCode::RebalanceInProgress));
        }
    }
}

/// A classic member with what its leader last gave it, which is its target too.
fn convert(
    member: &state::classic::Member,
    group: &ClassicGroup,
    image: &Image,
) -> Result<(Member, Assignment), &'static str> {
    let chosen = group.protocol.as_deref().and_then(|protocol| member.metadata(protocol));
    let metadata = chosen.or_else(|| member.protocols.first().map(|offered| &offered.metadata));
    let subscription =
        metadata.and_then(embedded::subscription).ok_or("a member's subscription cannot be read")?;
    let target = if member.assignment.is_empty() {
        Assignment::new()
    } else {
        let given = embedded::assignment(&member.assignment).ok_or("a member's assignment cannot be read")?;
        if given.user_data.as_ref().is_some_and(|data| !data.is_empty()) {
            return Err("its assignor keeps data of its own with its assignments");
        }
        embedded::ids(&given, image)
    };
    let epochs = |(topic, partitions): (&Uuid, &BTreeSet<i32>)| {
        (*topic, partitions.iter().map(|partition| (*partition, group.generation)).collect())
    };
    let assigned: Owned = target.iter().map(epochs).collect();
    let converted = Member {
        epoch: group.generation,
        previous_epoch: group.generation,
        state: MemberState::Stable,
        instance_id: member.instance_id.clone(),
        rack: subscription.rack_id.as_deref().filter(|rack| !rack.is_empty()).map(Into::into),
        client: member.client.clone(),
        topics: Arc::new(subscription.topics.iter().map(|topic| Text::from(&**topic)).collect()),
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        classic: Some(Arc::new(ClassicMember {
            session_timeout_ms: member.session_timeout_ms,
            protocols: Arc::clone(&member.protocols),
        })),
        assigned: Arc::new(assigned),
        ..Member::new(member.id.clone())
    };
    Ok((converted, target))
}

/// A member that kept partitions while it joined, and lost some of them by its leader's assignment, may not know of
/// that yet. What nobody else has got meanwhile stays its own until it joins again without it.
fn keep_unreleased(members: &mut [(Member, Assignment)], image: &Image) {
    let mut taken: BTreeSet<(Uuid, i32)> = members.iter().flat_map(|(member, _)| member.holds()).collect();
    for (member, _) in members {
        let first = member.classic.as_ref().and_then(|classic| classic.protocols.first());
        let Some(said) = first.and_then(|offered| embedded::subscription(&offered.metadata)) else {
            continue;
        };
        let mut revoking = Owned::new();
        for topic in embedded::reported(&said, image) {
            for partition in topic.partitions {
                if taken.insert((topic.topic_id, partition)) {
                    revoking.entry(topic.topic_id).or_default().insert(partition, member.epoch);
                }
            }
        }
        if !revoking.is_empty() {
            member.state = MemberState::Unrevoked;
            member.revoking = Arc::new(revoking);
        }
    }
}

/// Whether a group becomes a classic one when some members go: when those that are left, and there are some, all
/// speak the classic protocol, and one that speaks the new one goes.
pub(crate) fn downgrades_without(draft: &Draft<'_>, gone: &[Text]) -> bool {
    let settings = &draft.context.settings;
    let going = gone.iter().filter_map(|id| draft.group.members.get(id));
    let classics_going = going.filter(|member| member.is_classic()).count();
    let left = draft.group.members.size().saturating_sub(gone.len());
    let classics_left = draft.group.classic_members().saturating_sub(classics_going);
    left > 0 && classics_left == left && settings.migration.downgrades() && left <= settings.max_size
}

/// Whether a group becomes a classic one when a static member that speaks the new protocol is replaced by one that
/// speaks the classic one.
pub(crate) fn downgrades_in_place_of(draft: &Draft<'_>, replaced: &Member) -> bool {
    let settings = &draft.context.settings;
    let size = draft.group.members.size();
    !replaced.is_classic()
        && draft.group.classic_members() == size.saturating_sub(1)
        && settings.migration.downgrades()
        && size <= settings.max_size
}

/// Makes a classic group of a consumer group without those who go; it rebalances when there is a reason. The draft
/// must end as one of a group that has been converted.
pub(crate) fn downgrade(draft: &mut Draft<'_>, gone: &[Text], reason: Option<Reason>) -> Result<(), Refusal> {
    let id = draft.id.clone();
    let group = classic_group(draft, gone);
    let members: Vec<Text> = draft.group.members.keys().cloned().collect();
    draft.records(records::no_group(&id, &draft.group.clone()))?;
    for member in &members {
        draft.cancel_deadlines(member);
    }
    draft.decision.cancel(TimerKey::Assign { group: id.clone() });
    draft.decision.record(classic::record(&id, &group));
    let sessions: BTreeMap<Text, i32> =
        group.members.values().map(|member| (member.id.clone(), member.session_timeout_ms)).collect();
    let mut step = Step::new(&id, group, &mut draft.decision, draft.context);
    for (member, session) in sessions {
        step.hear(&member, session);
    }
    if let Some(reason) = reason {
        let member = gone.first().map_or("", |member| &**member);
        step.rebalance(reason, member, "the group speaks the classic protocol from now on");
    }
    step.finish();
    Ok(())
}

/// The group as a classic one whose members have what they own: no more than that, so that the group can become a
/// consumer group again before they have joined anew.
fn classic_group(draft: &Draft<'_>, gone: &[Text]) -> ClassicGroup {
    let mut group = ClassicGroup::empty(draft.context.now);
    group.state = State::Stable;
    group.generation = draft.group.epoch;
    for member in draft.group.members.values().filter(|member| !gone.contains(&member.id)) {
        if let Some(classic) = &member.classic {
            group.put(classic_member(member, classic), CONSUMER);
        }
    }
    group.protocol = group.choose_protocol();
    group.subscribed = group.topics_of_members();
    let protocol = group.protocol.clone().unwrap_or_default();
    let members: Vec<Text> = group.members.keys().cloned().collect();
    for id in members {
        let mut owned = Assignment::new();
        for (topic, partition) in draft.group.members.get(&id).iter().flat_map(|member| member.holds()) {
            owned.entry(topic).or_default().insert(partition);
        }
        group.update(&id, |member| {
            let version = member.metadata(&protocol).map_or(0, embedded::version);
            member.assignment = embedded::write(&owned, &draft.context.image, version);
        });
    }
    group
}

fn classic_member(member: &Member, classic: &ClassicMember) -> state::classic::Member {
    state::classic::Member {
        id: member.id.clone(),
        instance_id: member.instance_id.clone(),
        client: member.client.clone(),
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        session_timeout_ms: classic.session_timeout_ms,
        protocols: Arc::clone(&classic.protocols),
        assignment: Bytes::new(),
        joining: None,
        syncing: None,
        is_new: false,
    }
}
