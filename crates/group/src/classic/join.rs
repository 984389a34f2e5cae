//! JoinGroup (11) to a classic group.

use std::sync::Arc;

use bytes::Bytes;
use ottla_model::{ErrorCode, Uuid};
use ottla_wire::messages::JoinGroupRequest;
use ottla_wire::messages::join_group_request::JoinGroupRequestProtocol;

use crate::Text;
use crate::classic::records;
use crate::classic::step::{NEW_MEMBER_JOIN_MS, Step, refuse_join, refuse_sync};
use crate::limits::{MAX_MEMBER_ID_PREFIX, MAX_PENDING};
use crate::reply::{Reason, Reply, Waiter};
use crate::request::Client;
use crate::state::classic::{Member, Protocol, State};

/// From this version on a client without a member id gets one and has to come back with it (KIP-394).
const MEMBER_ID_REQUIRED: i16 = 4;
/// From this version on a leader can be told that its assignment is not wanted.
const SKIP_ASSIGNMENT: i16 = 9;
/// As much of a client's reason as is kept.
const MAX_REASON: usize = 255;

/// A JoinGroup and who sent it.
pub(crate) struct Joining<'a> {
    pub(crate) waiter: Waiter,
    pub(crate) client: &'a Client,
    pub(crate) version: i16,
    pub(crate) request: &'a JoinGroupRequest,
}

impl Joining<'_> {
    fn reason(&self) -> String {
        self.request.reason.as_deref().unwrap_or_default().chars().take(MAX_REASON).collect()
    }

    fn protocols(&self) -> Arc<[Protocol]> {
        let copy = |offered: &JoinGroupRequestProtocol| Protocol {
            name: (&*offered.name).into(),
            metadata: Bytes::copy_from_slice(&offered.metadata),
        };
        self.request.protocols.iter().map(copy).collect()
    }

    /// Before version 1 a member has as long to join again as it may be silent.
    fn rebalance_timeout_ms(&self) -> i32 {
        if self.version == 0 { self.request.session_timeout_ms } else { self.request.rebalance_timeout_ms }
    }

    fn member(&self, id: &str) -> Member {
        Member {
            id: id.into(),
            instance_id: self.request.group_instance_id.as_deref().map(Into::into),
            client: self.client.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms(),
            session_timeout_ms: self.request.session_timeout_ms,
            protocols: self.protocols(),
            assignment: Bytes::new(),
            joining: Some(self.waiter),
            syncing: None,
            is_new: true,
        }
    }

    /// Whether it offers just what a member offered before.
    fn repeats(&self, member: &Member) -> bool {
        let same = |(offered, before): (&JoinGroupRequestProtocol, &Protocol)| {
            *offered.name == *before.name && offered.metadata == before.metadata
        };
        self.request.protocols.len() == member.protocols.len()
            && self.request.protocols.iter().zip(member.protocols.iter()).all(same)
    }
}

/// Takes somebody into the group, or refuses. The group may be new.
pub(crate) fn join(mut step: Step<'_>, joining: &Joining<'_>, is_new_group: bool) {
    let id = &*joining.request.member_id;
    let offered = joining.request.protocols.iter().map(|protocol| &*protocol.name);
    if !has_room(&step, id) {
        step.remove(id);
        step.decision.reply(joining.waiter, refuse_join("", ErrorCode::GroupMaxSizeReached));
        step.finish();
        return;
    }
    if !step.group.supports(&joining.request.protocol_type, offered) {
        step.decision.reply(joining.waiter, refuse_join(id, ErrorCode::InconsistentGroupProtocol));
        return;
    }
    if is_new_group {
        step.decision.record(records::new_group(&step.id, step.context.now));
    }
    let kept = if id.is_empty() { join_anew(&mut step, joining) } else { join_again(&mut step, joining) };
    if kept {
        step.finish();
    }
}

/// Whether the group's size allows one more, or has counted this one already.
fn has_room(step: &Step<'_>, id: &str) -> bool {
    if id.is_empty() && step.group.pending.len() >= MAX_PENDING {
        return false;
    }
    let most = step.context.settings.max_size;
    match step.group.state {
        State::Empty => true,
        // Who joins is counted, not who belongs: so the last to come back are too many when the bound was lowered.
        State::PreparingRebalance => {
            step.group.members.get(id).is_some_and(|member| member.joining.is_some())
                || step.group.joining() < most
        }
        State::CompletingRebalance | State::Stable => {
            step.group.members.contains_key(id) || step.group.members.len() < most
        }
    }
}

fn join_anew(step: &mut Step<'_>, joining: &Joining<'_>) -> bool {
    let instance = joining.request.group_instance_id.as_deref();
    let id = new_member_id(instance.unwrap_or(&joining.client.id), step.context.fresh);
    if let Some(instance) = instance {
        match step.group.statics.get(instance).cloned() {
            Some(former) => replace_static(step, joining, &former, &id),
            None => add(step, joining, &id),
        }
    } else if joining.version >= MEMBER_ID_REQUIRED {
        step.group.pending.insert(id.clone());
        step.hear(&id, joining.request.session_timeout_ms);
        step.decision.reply(joining.waiter, refuse_join(&id, ErrorCode::MemberIdRequired));
    } else {
        add(step, joining, &id);
    }
    true
}

/// A member that knows its id; false when it is refused and nothing has changed.
fn join_again(step: &mut Step<'_>, joining: &Joining<'_>) -> bool {
    let id = &*joining.request.member_id;
    let instance = joining.request.group_instance_id.as_deref();
    if step.group.pending.contains(id) && instance.is_none() {
        add(step, joining, id);
        return true;
    }
    let member = match step.group.member(id, instance) {
        Ok(member) => Arc::clone(member),
        Err(code) => {
            step.decision.reply(joining.waiter, refuse_join(id, code));
            return false;
        }
    };
    let reason = match step.group.state {
        State::Empty => {
            step.decision.reply(joining.waiter, refuse_join(id, ErrorCode::UnknownMemberId));
            return false;
        }
        State::PreparingRebalance => Reason::MemberRejoined,
        State::Stable if step.group.is_leader(id) => Reason::LeaderRejoined,
        State::CompletingRebalance | State::Stable if joining.repeats(&member) => {
            // It has lost the answer, or asks whether there is anything new.
            let mut answer = step.joined(id);
            if step.group.state == State::Stable {
                answer.members.clear();
            }
            step.decision.reply(joining.waiter, Reply::Join(answer));
            return false;
        }
        State::CompletingRebalance | State::Stable => Reason::MemberChanged,
    };
    rejoin(step, joining, id);
    step.rebalance_or_complete(reason, id, &joining.reason());
    true
}

/// What a member says of itself this time counts from now on; its former JoinGroup has nobody who waits.
fn rejoin(step: &mut Step<'_>, joining: &Joining<'_>, id: &str) {
    let Some(mut member) = step.group.members.get(id).map(|member| Member::clone(member)) else { return };
    if let Some(former) = member.joining.replace(joining.waiter) {
        step.decision.reply(former, refuse_join(id, ErrorCode::RebalanceInProgress));
    }
    member.protocols = joining.protocols();
    member.rebalance_timeout_ms = joining.rebalance_timeout_ms();
    member.session_timeout_ms = joining.request.session_timeout_ms;
    let kind = joining.request.protocol_type.clone();
    step.group.put(member, &kind);
}

fn add(step: &mut Step<'_>, joining: &Joining<'_>, id: &str) {
    if let Some(initial) = &mut step.group.initial {
        initial.more_came = true;
    }
    let kind = joining.request.protocol_type.clone();
    step.group.put(joining.member(id), &kind);
    step.hear(id, NEW_MEMBER_JOIN_MS);
    step.rebalance_or_complete(Reason::MemberJoined, id, &joining.reason());
}

/// A static member has come back without its id: it takes the place of its former self.
fn replace_static(step: &mut Step<'_>, joining: &Joining<'_>, former_id: &str, id: &str) {
    let leader_before = step.group.leader.clone();
    let Some(former) = step.group.members.get(former_id).cloned() else { return };
    if let Some(waiter) = former.joining {
        step.decision.reply(waiter, refuse_join(former_id, ErrorCode::FencedInstanceId));
    }
    if let Some(waiter) = former.syncing {
        step.decision.reply(waiter, refuse_sync(ErrorCode::FencedInstanceId));
    }
    let led = step.group.is_leader(former_id);
    step.group.update(former_id, |member| (member.joining, member.syncing) = (None, None));
    step.remove(former_id);
    let mut member = joining.member(id);
    member.assignment = former.assignment.clone();
    member.is_new = false;
    let kind = joining.request.protocol_type.clone();
    step.group.put(member, &kind);
    if led {
        step.group.leader = Some(id.into());
    }
    step.hear(id, joining.request.session_timeout_ms);
    match step.group.state {
        State::Stable if step.group.choose_protocol() == step.group.protocol => {
            step.decision.record(records::group(&step.id, &step.group));
            answer_replaced(step, joining, id, leader_before);
        }
        State::Stable => step.rebalance(Reason::ProtocolChanged, id, &joining.reason()),
        State::CompletingRebalance => step.rebalance(Reason::StaticMemberReplaced, id, &joining.reason()),
        State::PreparingRebalance | State::Empty => step.complete_if_all_joined(),
    }
}

/// It goes on with the assignment it had. Old clients are told of the former leader, so that they do not assign.
fn answer_replaced(step: &mut Step<'_>, joining: &Joining<'_>, id: &str, leader_before: Option<Text>) {
    let mut answer = step.joined(id);
    if joining.version >= SKIP_ASSIGNMENT {
        answer.skip_assignment = step.group.is_leader(id);
    } else {
        answer.leader = leader_before.as_deref().unwrap_or_default().into();
        answer.members.clear();
    }
    step.group.update(id, |member| member.joining = None);
    step.decision.reply(joining.waiter, Reply::Join(answer));
}

/// An id that nobody has, which begins with a name of the member.
fn new_member_id(name: &str, fresh: Uuid) -> Text {
    let name = name.get(..name.floor_char_boundary(MAX_MEMBER_ID_PREFIX)).unwrap_or(name);
    format!("{name}-{}", java_uuid(fresh)).into()
}

/// As Java prints a UUID.
fn java_uuid(id: Uuid) -> String {
    let hex: String = id.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use ottla_metadata::Image;
    use ottla_model::{Now, Tick};
    use ottla_wire::Message;

    use super::*;
    use crate::context::Context;
    use crate::request::{Ask, Request};
    use crate::settings::Settings;
    use crate::state::Shard;

    #[test]
    fn a_member_id_fits_in_a_short_string_however_long_the_client_s_is() {
        let context = Context {
            now: Now { tick: Tick(1_000_000_000), wall: 1_000_000 },
            image: Arc::new(Image::default()),
            settings: Arc::new(Settings::default()),
            fresh: Uuid::from_bytes([7; 16]),
        };
        let offered = JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::new() };
        let request = JoinGroupRequest {
            group_id: "g".into(),
            session_timeout_ms: 20_000,
            rebalance_timeout_ms: 20_000,
            protocol_type: "consumer".into(),
            protocols: vec![offered],
            ..Default::default()
        };
        let client = Client { id: "x".repeat(32_767).into(), host: "/10.0.0.1".into() };
        let ask = Ask { waiter: Waiter(1), client, version: 4, request: Request::Join(request) };
        let replies = Shard::default().decide_on(&ask, &context).reply.replies;
        let [(_, Reply::Join(answer))] = &replies[..] else { panic!("{replies:?}") };
        assert_eq!(answer.error_code, ErrorCode::MemberIdRequired.code());
        assert!(answer.to_bytes(4).is_ok(), "it can be told");
        assert_eq!(answer.member_id.len(), 255 + 1 + 36);
    }

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        let id = new_member_id(&format!("x{}", "é".repeat(200)), Uuid::ZERO);
        assert_eq!(&*id, format!("x{}-00000000-0000-0000-0000-000000000000", "é".repeat(127)));
        assert!(new_member_id("app", Uuid::ZERO).starts_with("app-"));
    }
}
