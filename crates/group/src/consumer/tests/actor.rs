//! Members as their clients are: they know what answers told them, and hold partitions until they have let go of them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{BufMut, Bytes, BytesMut};
use ottla_model::ErrorCode;
use ottla_wire::Message;
use ottla_wire::messages::consumer_protocol_subscription::TopicPartition;
use ottla_wire::messages::join_group_request::JoinGroupRequestProtocol;
use ottla_wire::messages::leave_group_request::MemberIdentity;
use ottla_wire::messages::sync_group_request::SyncGroupRequestAssignment;
use ottla_wire::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerProtocolSubscription, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
};

use crate::assign::Assignment;
use crate::consumer::embedded;
use crate::consumer::tests::world::{GROUP, Place, World, beat, by_topic, given, join};
use crate::reply::{Reply, Waiter};
use crate::request::Request;

/// Which protocol a member speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    New,
    /// The classic one; lets go of everything before it joins.
    Eager,
    /// The classic one; lets go of what it loses.
    Cooperative,
}

/// Where a classic member stands.
#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Joins,
    AwaitsJoin(Waiter),
    Syncs { members: Vec<(String, Bytes)> },
    AwaitsSync(Waiter),
    Beats,
}

/// What happens to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    Works,
    /// The answer is lost, and the request sent again at once: now it says everything.
    Repeats,
    /// The answer is lost.
    LosesAnswer,
}

#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub(super) speaks: Speaks,
    /// Empty when a classic member has none.
    pub(super) id: String,
    pub(super) instance: Option<String>,
    pub(super) topics: Vec<String>,
    pub(super) pattern: Option<String>,
    /// 0 when it has to join.
    pub(super) epoch: i32,
    /// What it reads from.
    pub(super) held: BTreeSet<Place>,
    /// The broker has known it as a member ever since it was told of what it holds.
    pub(super) is_known: bool,
    told: BTreeSet<Place>,
    reported: Option<BTreeSet<Place>>,
    tells_all: bool,
    phase: Phase,
}

impl Actor {
    pub(super) fn new(speaks: Speaks, id: &str, topics: &[&str]) -> Self {
        Self {
            speaks,
            id: if speaks == Speaks::New { id.to_owned() } else { String::new() },
            instance: None,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            pattern: None,
            epoch: 0,
            held: BTreeSet::new(),
            is_known: false,
            told: BTreeSet::new(),
            reported: None,
            tells_all: false,
            phase: Phase::Joins,
        }
    }

    /// Lets go of what it was told to.
    fn let_go(&mut self) {
        self.held = self.held.intersection(&self.told).copied().collect();
    }

    /// A member of the new protocol lets go; a classic one does when it syncs.
    pub(super) fn let_go_if_new(&mut self) {
        if self.speaks == Speaks::New {
            self.let_go();
        }
    }

    /// In a classic group it is for the members to see that topics have changed.
    pub(super) fn looks_at_topics(&mut self) {
        if self.speaks != Speaks::New && self.phase == Phase::Beats {
            self.phase = Phase::Joins;
        }
    }

    fn lose_everything(&mut self) {
        self.held.clear();
        self.told.clear();
        self.reported = None;
        self.epoch = 0;
        self.is_known = false;
    }

    /// Says something, as is its turn.
    pub(super) fn act(&mut self, world: &mut World, network: Network) -> Result<(), String> {
        match self.speaks {
            Speaks::New => self.beat(world, network),
            Speaks::Eager | Speaks::Cooperative => self.act_classic(world, network),
        }
    }

    fn request(&self) -> ConsumerGroupHeartbeatRequest {
        let names: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        let mut request = if self.epoch == 0 || self.tells_all {
            join(&self.id, &names)
        } else {
            beat(&self.id, self.epoch)
        };
        if self.epoch == 0 || self.tells_all {
            request.subscribed_topic_regex = Some(self.pattern.clone().unwrap_or_default().into());
        }
        request.member_epoch = self.epoch;
        request.instance_id = self.instance.as_deref().map(Into::into);
        if self.epoch != 0 && (self.tells_all || self.reported.as_ref() != Some(&self.held)) {
            request.topic_partitions = Some(by_topic(&self.held));
        }
        request
    }

    fn beat(&mut self, world: &mut World, network: Network) -> Result<(), String> {
        let mut request = self.request();
        let mut answer = world.beat(&request);
        match network {
            Network::Works => {}
            Network::Repeats => {
                self.tells_all = true;
                request = self.request();
                answer = world.beat(&request);
            }
            Network::LosesAnswer => {
                self.tells_all = true;
                return Ok(());
            }
        }
        match answer {
            Ok(answer) => {
                if answer.member_epoch < self.epoch {
                    return Err(format!(
                        "{} goes from epoch {} to {}",
                        self.id, self.epoch, answer.member_epoch
                    ));
                }
                self.is_known = true;
                self.tells_all = false;
                self.epoch = answer.member_epoch;
                if request.topic_partitions.is_some() {
                    self.reported = Some(self.held.clone());
                }
                if let Some(given) = given(&answer) {
                    self.held.extend(&given);
                    self.told = given;
                }
                Ok(())
            }
            Err(
                ErrorCode::FencedMemberEpoch
                | ErrorCode::UnknownMemberId
                | ErrorCode::GroupIdNotFound
                | ErrorCode::FencedInstanceId,
            ) => {
                self.lose_everything();
                Ok(())
            }
            Err(ErrorCode::UnreleasedInstanceId) => Ok(()),
            Err(code) => Err(format!("{} is refused with {code}", self.id)),
        }
    }

    /// Subscribes to something else.
    pub(super) fn resubscribe(&mut self, topics: Vec<String>, pattern: Option<String>) {
        (self.topics, self.pattern) = (topics, pattern);
        self.tells_all = true;
    }

    /// Leaves; a static member may leave for now.
    pub(super) fn leave(&mut self, world: &mut World, for_now: bool) {
        self.lose_everything();
        if self.speaks == Speaks::New {
            let mut request = beat(&self.id, if for_now && self.instance.is_some() { -2 } else { -1 });
            request.instance_id = self.instance.as_deref().map(Into::into);
            let _ = world.beat(&request);
        } else if !self.id.is_empty() {
            let members = vec![MemberIdentity { member_id: self.id.as_str().into(), ..Default::default() }];
            let request = LeaveGroupRequest { group_id: GROUP.into(), members, ..Default::default() };
            world.ask(5, Request::Leave(request));
        }
    }

    fn act_classic(&mut self, world: &mut World, network: Network) -> Result<(), String> {
        let lost = network == Network::LosesAnswer;
        match self.phase.clone() {
            Phase::Joins => {
                if self.speaks == Speaks::Eager {
                    self.held.clear();
                }
                self.tells_all = false;
                let answer = world.ask(9, Request::Join(self.join_request()));
                let waiter = world.last_waiter();
                match answer {
                    None => self.phase = Phase::AwaitsJoin(waiter),
                    Some(_) if lost => {}
                    Some(Reply::Join(answer)) => return self.joined(answer),
                    Some(other) => return Err(format!("{other:?} answers a join")),
                }
            }
            Phase::AwaitsJoin(waiter) => match world.late.remove(&waiter) {
                None => {}
                Some(Reply::Join(answer)) => return self.joined(answer),
                Some(other) => return Err(format!("{other:?} answers a join")),
            },
            Phase::Syncs { members } => {
                let request = self.sync_request(&members, world);
                let answer = world.ask(5, Request::Sync(request));
                let waiter = world.last_waiter();
                match answer {
                    None => self.phase = Phase::AwaitsSync(waiter),
                    Some(_) if lost => {}
                    Some(answer) => return self.synced(answer, world),
                }
            }
            Phase::AwaitsSync(waiter) => {
                if let Some(answer) = world.late.remove(&waiter) {
                    return self.synced(answer, world);
                }
            }
            Phase::Beats if self.tells_all => self.phase = Phase::Joins,
            Phase::Beats => self.beat_classic(world, lost)?,
        }
        Ok(())
    }

    fn beat_classic(&mut self, world: &mut World, lost: bool) -> Result<(), String> {
        let request = HeartbeatRequest {
            group_id: GROUP.into(),
            generation_id: self.epoch,
            member_id: self.id.as_str().into(),
            group_instance_id: None,
        };
        let Some(Reply::Heartbeat(answer)) = world.ask(4, Request::Heartbeat(request)) else {
            return Err("a heartbeat is answered at once".to_owned());
        };
        if !lost {
            self.obey(ErrorCode::from_code(answer.error_code).unwrap())?;
        }
        Ok(())
    }

    /// Does what an error says; false when there is none.
    fn obey(&mut self, code: ErrorCode) -> Result<bool, String> {
        match code {
            ErrorCode::None => return Ok(false),
            ErrorCode::RebalanceInProgress => self.phase = Phase::Joins,
            ErrorCode::IllegalGeneration => {
                self.lose_everything();
                self.phase = Phase::Joins;
            }
            ErrorCode::UnknownMemberId => {
                self.lose_everything();
                self.id.clear();
                self.phase = Phase::Joins;
            }
            code => return Err(format!("{} is refused with {code}", self.id)),
        }
        Ok(true)
    }

    fn join_request(&self) -> JoinGroupRequest {
        let name = if self.speaks == Speaks::Eager { "range" } else { "cooperative-sticky" };
        let metadata = subscription(&self.topics, &self.held);
        JoinGroupRequest {
            group_id: GROUP.into(),
            session_timeout_ms: 45_000,
            rebalance_timeout_ms: 30_000,
            member_id: self.id.as_str().into(),
            protocol_type: "consumer".into(),
            protocols: vec![JoinGroupRequestProtocol { name: name.into(), metadata }],
            ..Default::default()
        }
    }

    fn joined(&mut self, answer: JoinGroupResponse) -> Result<(), String> {
        let code = ErrorCode::from_code(answer.error_code).unwrap();
        if code == ErrorCode::MemberIdRequired {
            self.id = answer.member_id.to_string();
            self.phase = Phase::Joins;
            return Ok(());
        }
        if self.obey(code)? {
            return Ok(());
        }
        self.id = answer.member_id.to_string();
        self.epoch = answer.generation_id;
        let leads = !answer.leader.is_empty() && answer.leader == answer.member_id;
        let members =
            answer.members.into_iter().map(|member| (member.member_id.to_string(), member.metadata));
        self.phase = Phase::Syncs { members: if leads { members.collect() } else { Vec::new() } };
        Ok(())
    }

    fn sync_request(&self, members: &[(String, Bytes)], world: &World) -> SyncGroupRequest {
        let assignments =
            lead(members, world).into_iter().map(|(member, assignment)| SyncGroupRequestAssignment {
                member_id: member.into(),
                assignment: embedded::write(&assignment, &world.image, 3),
            });
        SyncGroupRequest {
            group_id: GROUP.into(),
            generation_id: self.epoch,
            member_id: self.id.as_str().into(),
            assignments: assignments.collect(),
            ..Default::default()
        }
    }

    fn synced(&mut self, answer: Reply, world: &World) -> Result<(), String> {
        let Reply::Sync(answer) = answer else { return Err(format!("{answer:?} answers a sync")) };
        if self.obey(ErrorCode::from_code(answer.error_code).unwrap())? {
            return Ok(());
        }
        let assignment =
            embedded::assignment(&answer.assignment).map(|given| embedded::ids(&given, &world.image));
        let flat = assignment.unwrap_or_default().into_iter();
        let given: BTreeSet<Place> = flat
            .flat_map(|(topic, partitions)| partitions.into_iter().map(move |number| (topic, number)))
            .collect();
        let loses = !self.held.is_subset(&given);
        self.held = given;
        self.is_known = true;
        self.phase = if loses && self.speaks == Speaks::Cooperative { Phase::Joins } else { Phase::Beats };
        Ok(())
    }

    /// Whether it has nothing to do but to be there.
    pub(super) fn rests(&self) -> bool {
        match self.speaks {
            Speaks::New => self.epoch > 0 && self.held == self.told,
            Speaks::Eager | Speaks::Cooperative => self.phase == Phase::Beats,
        }
    }
}

/// What a classic consumer says of itself, version 3.
pub(super) fn subscription(topics: &[String], held: &BTreeSet<Place>) -> Bytes {
    let mut owned: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in held {
        let name: String =
            topic.to_bytes().iter().take_while(|byte| **byte != 1).map(|byte| char::from(*byte)).collect();
        owned.entry(name).or_default().push(*partition);
    }
    let owned =
        owned.into_iter().map(|(topic, partitions)| TopicPartition { topic: topic.into(), partitions });
    let message = ConsumerProtocolSubscription {
        topics: topics.iter().map(|topic| topic.as_str().into()).collect(),
        owned_partitions: owned.collect(),
        ..Default::default()
    };
    let mut bytes = BytesMut::new();
    bytes.put_i16(3);
    bytes.extend_from_slice(&message.to_bytes(3).unwrap());
    bytes.freeze()
}

/// A leader's assignment: partitions go round; what another member holds is given to nobody until it has let go.
fn lead(members: &[(String, Bytes)], world: &World) -> BTreeMap<String, Assignment> {
    let known: Vec<(&String, ConsumerProtocolSubscription)> =
        members.iter().map(|(id, metadata)| (id, embedded::subscription(metadata).unwrap())).collect();
    let mut all: BTreeMap<String, Assignment> =
        members.iter().map(|(id, _)| (id.clone(), Assignment::new())).collect();
    for topic in world.image.topics.iter() {
        let name = topic.name.as_str();
        let who: Vec<_> =
            known.iter().filter(|(_, said)| said.topics.iter().any(|topic| topic == name)).collect();
        for (turn, partition) in topic.partitions.keys().enumerate() {
            let Some((id, _)) = who.get(turn % who.len().max(1)) else { continue };
            let holder = known.iter().find(|(_, said)| {
                said.owned_partitions
                    .iter()
                    .any(|owned| &*owned.topic == name && owned.partitions.contains(partition))
            });
            if holder.is_none_or(|(holder, _)| holder == id) {
                all.get_mut(*id).unwrap().entry(topic.id).or_default().insert(*partition);
            }
        }
    }
    all
}
