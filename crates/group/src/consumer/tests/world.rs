//! A shard as a host drives it: decisions are appended to a log of bytes and applied; a twin is loaded from the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use ottla_machine::{Machine, Position};
use ottla_metadata::{Image, Touched};
use ottla_model::{ErrorCode, NO_PRODUCER_ID, Now, Tick, Uuid};
use ottla_wire::messages::consumer_group_heartbeat_request::TopicPartitions;
use ottla_wire::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, PartitionRecord, RegisterBrokerRecord,
    RemoveTopicRecord, TopicRecord,
};
use ottla_wire::{ConsumerOffsetsKey, MetadataRecord};

use crate::change::Change;
use crate::context::Context;
use crate::record::Record;
use crate::reply::{Note, Reply, Waiter};
use crate::request::{Ask, Client, Request};
use crate::settings::Settings;
use crate::state::Group;
use crate::state::Shard;
use crate::state::consumer::ConsumerGroup;
use crate::state::member::Member;

/// A partition of a topic.
pub(super) type Place = (Uuid, i32);

/// Something wrong that the driver does, for the simulation to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    /// Nobody is known to own anything: what is not given back looks free.
    AssignBeforeRevoke,
    /// A group's epoch does not rise.
    EpochNotBumped,
    /// What a fenced member owned stays owned.
    OwnerKeptAfterFence,
}

pub(super) struct World {
    pub(super) shard: Shard,
    /// Keys and values, as a log has them.
    pub(super) log: Vec<(Bytes, Option<Bytes>)>,
    pub(super) image: Image,
    pub(super) now: Now,
    pub(super) settings: Settings,
    pub(super) notes: Vec<Note>,
    pub(super) planted: Option<Planted>,
    /// Answers that came for somebody who asked earlier.
    pub(super) late: BTreeMap<Waiter, Reply>,
    drawn: u128,
    waiter: u64,
}

/// The only group.
pub(super) const GROUP: &str = "g";

pub(super) fn topic_id(name: &str) -> Uuid {
    let mut bytes = [1; 16];
    for (to, from) in bytes.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    Uuid::from_bytes(bytes)
}

/// A member that joins.
pub(super) fn join(member: &str, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: GROUP.into(),
        member_id: member.into(),
        rebalance_timeout_ms: 30_000,
        subscribed_topic_names: Some(topics.iter().map(|topic| (*topic).into()).collect()),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    }
}

/// A member that only says it is there.
pub(super) fn beat(member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: GROUP.into(),
        member_id: member.into(),
        member_epoch: epoch,
        rebalance_timeout_ms: -1,
        ..Default::default()
    }
}

/// The same, saying what it owns.
pub(super) fn owning(member: &str, epoch: i32, owned: &BTreeSet<Place>) -> ConsumerGroupHeartbeatRequest {
    let mut request = beat(member, epoch);
    request.topic_partitions = Some(by_topic(owned));
    request
}

pub(super) fn by_topic(owned: &BTreeSet<Place>) -> Vec<TopicPartitions> {
    let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in owned {
        topics.entry(*topic).or_default().push(*partition);
    }
    topics.into_iter().map(|(topic_id, partitions)| TopicPartitions { topic_id, partitions }).collect()
}

/// What an answer gives, when it says so.
pub(super) fn given(response: &ConsumerGroupHeartbeatResponse) -> Option<BTreeSet<Place>> {
    let assignment = response.assignment.as_ref()?;
    let flat = assignment.topic_partitions.iter();
    Some(flat.flat_map(|topic| topic.partitions.iter().map(|number| (topic.topic_id, *number))).collect())
}

impl World {
    /// A shard of a node with one broker; assignments are not put off.
    pub(super) fn new() -> Self {
        let mut settings = Settings::default();
        settings.consumer.assignment_interval_ms = 0;
        let mut world = Self {
            shard: Shard::default(),
            log: Vec::new(),
            image: Image::default(),
            now: Now { tick: Tick(1_000_000_000), wall: 1_000_000 },
            settings,
            notes: Vec::new(),
            planted: None,
            late: BTreeMap::new(),
            drawn: 0,
            waiter: 0,
        };
        world.broker(0, Some("here"));
        world
    }

    fn metadata(&mut self, record: &MetadataRecord) {
        self.image.replay(record, &mut Touched::default()).unwrap();
    }

    pub(super) fn broker(&mut self, broker_id: i32, rack: Option<&str>) {
        self.metadata(&MetadataRecord::RegisterBroker(RegisterBrokerRecord {
            broker_id,
            rack: rack.map(Into::into),
            ..Default::default()
        }));
    }

    /// A topic appears or grows; groups are not told of it yet.
    pub(super) fn grow(&mut self, name: &str, partitions: i32) {
        let topic_id = topic_id(name);
        if self.image.topics.named(name).is_none() {
            self.metadata(&MetadataRecord::Topic(TopicRecord { name: name.into(), topic_id }));
        }
        let there = self.image.topics.named(name).unwrap().partitions.size();
        for partition_id in i32::try_from(there).unwrap()..partitions {
            self.metadata(&MetadataRecord::Partition(PartitionRecord {
                partition_id,
                topic_id,
                replicas: vec![0],
                isr: vec![0],
                directories: vec![Uuid::ZERO],
                ..Default::default()
            }));
        }
    }

    /// A topic appears whose replicas are placed.
    pub(super) fn placed(&mut self, name: &str, topic_id: Uuid, replicas: &[&[i32]]) {
        self.metadata(&MetadataRecord::Topic(TopicRecord { name: name.into(), topic_id }));
        for (partition_id, replicas) in (0..).zip(replicas) {
            self.metadata(&MetadataRecord::Partition(PartitionRecord {
                partition_id,
                topic_id,
                replicas: replicas.to_vec(),
                isr: vec![replicas[0]],
                directories: vec![Uuid::ZERO; replicas.len()],
                ..Default::default()
            }));
        }
    }

    /// A topic appears or grows, and groups are told.
    pub(super) fn topic(&mut self, name: &str, partitions: i32) {
        self.grow(name, partitions);
        self.ask(0, Request::TopicsChanged);
    }

    /// A topic vanishes, and groups are told.
    pub(super) fn vanish(&mut self, name: &str) {
        self.metadata(&MetadataRecord::RemoveTopic(RemoveTopicRecord { topic_id: topic_id(name) }));
        self.ask(0, Request::TopicsChanged);
    }

    pub(super) fn context(&mut self) -> Context {
        self.drawn += 1;
        Context {
            now: self.now,
            image: Arc::new(self.image.clone()),
            settings: Arc::new(self.settings.clone()),
            fresh: Uuid::from_bytes(self.drawn.to_be_bytes()),
        }
    }

    /// Asks, and does what the shard decides. The answer, when it comes at once; otherwise it is in `late` one day.
    pub(super) fn ask(&mut self, version: i16, request: Request) -> Option<Reply> {
        self.waiter += 1;
        let waiter = Waiter(self.waiter);
        let context = self.context();
        let client = Client { id: "client".into(), host: "/10.0.0.1".into() };
        let ask = Ask { waiter, client, version, request };
        let outcome = self.shard.decide_on(&ask, &context);
        for change in outcome.records {
            if !self.is_lost(&change) {
                self.take(&change);
            }
        }
        if self.planted == Some(Planted::AssignBeforeRevoke)
            && let Some(Group::Consumer(group)) = self.shard.groups.get_mut(GROUP)
        {
            group.owners = ottla_metadata::Map::default();
        }
        self.notes.extend(outcome.reply.notes);
        for (to, reply) in outcome.reply.replies {
            assert!(self.late.insert(to, reply).is_none(), "{to:?} is answered twice");
        }
        self.late.remove(&waiter)
    }

    fn is_lost(&self, change: &Change) -> bool {
        let Change::Append(record) = change else { return false };
        let bumps =
            matches!(record.key, ConsumerOffsetsKey::ConsumerGroupMetadata(_)) && record.value.is_some();
        self.planted == Some(Planted::EpochNotBumped) && bumps && self.group().is_some()
    }

    fn take(&mut self, change: &Change) {
        let at = Position { offset: i64::try_from(self.log.len()).unwrap(), epoch: 0 };
        let owners = self.group().map(|group| group.owners.clone());
        self.shard.apply(change, at).unwrap_or_else(|error| panic!("{change:?}: {error}"));
        if let Change::Append(record) = change {
            self.log.push(written(record));
            if self.planted == Some(Planted::OwnerKeptAfterFence)
                && matches!(record.key, ConsumerOffsetsKey::ConsumerGroupCurrentMemberAssignment(_))
                && record.value.is_none()
                && let Some(Group::Consumer(group)) = self.shard.groups.get_mut(GROUP)
            {
                group.owners = owners.unwrap_or_default();
            }
        }
    }

    /// The last answer's waiter.
    pub(super) const fn last_waiter(&self) -> Waiter {
        Waiter(self.waiter)
    }

    pub(super) fn beat_version(
        &mut self,
        version: i16,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, ErrorCode> {
        let Some(Reply::ConsumerHeartbeat(response)) =
            self.ask(version, Request::ConsumerHeartbeat(request.clone()))
        else {
            panic!("a heartbeat is answered at once");
        };
        match ErrorCode::from_code(response.error_code).unwrap() {
            ErrorCode::None => Ok(response),
            code => Err(code),
        }
    }

    pub(super) fn beat(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, ErrorCode> {
        self.beat_version(1, request)
    }

    /// Time passes; deadlines that pass with it are met one after the other.
    pub(super) fn pass(&mut self, millis: u64) {
        let until = self.now.tick.plus_millis(millis);
        while let Some(due) = self.shard.next_deadline().filter(|due| *due <= until) {
            let at = due.max(self.now.tick);
            self.move_to(at);
            while let Some(key) = self.shard.take_expired(at) {
                self.ask(0, Request::Expired(key));
            }
        }
        self.move_to(until);
    }

    fn move_to(&mut self, tick: Tick) {
        self.now.wall += i64::try_from(tick.0 / 1_000_000 - self.now.tick.0 / 1_000_000).unwrap();
        self.now.tick = tick;
    }

    /// A shard loaded from the log.
    pub(super) fn twin(&self) -> Shard {
        let mut shard = Shard::default();
        for (offset, (key, value)) in (0..).zip(&self.log) {
            let key = ConsumerOffsetsKey::decode(key.clone()).unwrap();
            let value = value.as_ref().map(|value| key.decode_value(value.clone()).unwrap());
            let at = Position { offset, epoch: 0 };
            shard.replay(&Record { key, value }, NO_PRODUCER_ID, at).unwrap();
        }
        shard
    }

    /// The shard is dropped, and loaded again.
    pub(super) fn reload(&mut self) {
        self.shard = self.twin();
        self.ask(0, Request::Loaded);
    }

    /// What the log says is what the shard is, and its snapshot says the same.
    pub(super) fn check_replay(&self) {
        self.compare_replay().unwrap();
    }

    pub(super) fn compare_replay(&self) -> Result<(), String> {
        let live = durable(&self.shard);
        let mut from_snapshot = Shard::default();
        for (offset, change) in (0..).zip(self.shard.snapshot()) {
            let at = Position { offset, epoch: 0 };
            from_snapshot.apply(&change, at).map_err(|error| error.to_string())?;
        }
        for (what, other) in [("log", durable(&self.twin())), ("snapshot", durable(&from_snapshot))] {
            if other != live {
                return Err(format!("from the {what} comes {other:#?}, not {live:#?}"));
            }
        }
        Ok(())
    }

    /// The consumer group, when there is one.
    pub(super) fn group(&self) -> Option<&ConsumerGroup> {
        match self.shard.groups.get(GROUP) {
            Some(Group::Consumer(group)) => Some(group),
            Some(Group::Classic(_) | Group::Foreign(_)) | None => None,
        }
    }

    pub(super) fn member(&self, id: &str) -> Arc<Member> {
        Arc::clone(self.group().unwrap().members.get(id).unwrap())
    }

    /// The records of the last `count` entries of the log.
    pub(super) fn records_from(&self, start: usize) -> Vec<(i16, bool)> {
        let kind = |(key, value): &(Bytes, Option<Bytes>)| {
            (ConsumerOffsetsKey::decode(key.clone()).unwrap().kind(), value.is_some())
        };
        self.log[start..].iter().map(kind).collect()
    }
}

fn written(record: &Record) -> (Bytes, Option<Bytes>) {
    let value = record.value.as_ref().map(|(value, version)| value.encode(*version).unwrap());
    (record.key.encode().unwrap(), value)
}

/// The consumer groups of a shard without what no record carries.
fn durable(shard: &Shard) -> BTreeMap<String, ConsumerGroup> {
    let consumer = shard.groups.iter().filter_map(|(id, group)| match group {
        Group::Consumer(group) => {
            let mut group = ConsumerGroup::clone(group);
            group.volatile = Default::default();
            Some((id.to_string(), group))
        }
        Group::Classic(_) | Group::Foreign(_) => None,
    });
    consumer.collect()
}
