//! The language of the scenarios: a line is a command, what follows `----` is what it has brought.
//!
//! A command is a name, words, and settings `name=value`. Who joins is known by the name of the client from then on:
//! its member id and generation are taken from the last answer where the command does not say otherwise; `@name` is
//! the id of another client, `none` is no id.

use std::collections::BTreeMap;

use bytes::Bytes;
use ottla_group::{Client, Filter, Reply, Request, Settings, Waiter};
use ottla_metadata::Image;
use ottla_model::ErrorCode;
use ottla_wire::messages::join_group_request::JoinGroupRequestProtocol;
use ottla_wire::messages::leave_group_request::MemberIdentity;
use ottla_wire::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use ottla_wire::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use ottla_wire::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use ottla_wire::messages::sync_group_request::SyncGroupRequestAssignment;
use ottla_wire::messages::*;
use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue, Message, Str};

use crate::stand::{Decided, Entry, Stand};
use crate::trace;

/// A command taken apart.
#[derive(Debug)]
struct Line<'a> {
    name: &'a str,
    words: Vec<&'a str>,
    settings: BTreeMap<&'a str, &'a str>,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Self {
        let mut parts = line.split_whitespace();
        let name = parts.next().expect("a command");
        let (mut words, mut settings) = (Vec::new(), BTreeMap::new());
        for part in parts {
            match part.split_once('=') {
                // `t/0=5` is an offset, not a setting.
                Some((key, value)) if !key.contains('/') => {
                    settings.insert(key, value);
                }
                Some(_) | None => words.push(part),
            }
        }
        Self { name, words, settings }
    }

    fn text(&self, key: &str, default: &'a str) -> &'a str {
        self.settings.get(key).copied().unwrap_or(default)
    }

    fn number<N: std::str::FromStr>(&self, key: &str, default: N) -> N {
        let read = |text: &&str| text.parse().unwrap_or_else(|_| panic!("{key} is a number, not {text}"));
        self.settings.get(key).map_or(default, read)
    }

    fn option(&self, key: &str) -> Option<Str> {
        self.settings.get(key).map(|text| Str::from(*text))
    }
}

/// What a client has been told last.
#[derive(Debug, Default)]
struct Told {
    id: String,
    generation: i32,
}

/// A scenario as it is played.
pub(crate) struct Play {
    stand: Stand,
    told: BTreeMap<String, Told>,
    waits: BTreeMap<Waiter, String>,
    last_waiter: u64,
    out: Vec<String>,
}

/// Plays a scenario; what it says when every command is followed by what it has brought.
pub(crate) fn play(scenario: &str) -> String {
    let mut play = Play {
        stand: Stand::new(Settings::default()),
        told: BTreeMap::new(),
        waits: BTreeMap::new(),
        last_waiter: 0,
        out: Vec::new(),
    };
    let mut in_trace = false;
    let mut lines: Vec<String> = Vec::new();
    for line in scenario.lines() {
        if line.is_empty() {
            if !std::mem::take(&mut in_trace) {
                lines.push(String::new());
            }
        } else if line.starts_with('#') {
            lines.push(line.to_owned());
        } else if line == "----" {
            in_trace = true;
        } else if !in_trace {
            play.run(&Line::parse(line));
            lines.push(line.to_owned());
            lines.push("----".to_owned());
            lines.append(&mut play.out);
            lines.push(String::new());
        }
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.join("\n") + "\n"
}

impl Play {
    fn run(&mut self, line: &Line<'_>) {
        match line.name {
            "settings" => self.settings(line),
            "join" => self.join(line),
            "sync" => self.sync(line),
            "heartbeat" => self.heartbeat(line),
            "leave" => self.leave(line),
            "commit" => self.commit(line),
            "fetch" => self.fetch(line),
            "delete-offsets" => self.delete_offsets(line),
            "delete-group" => self.ask("admin", 0, Request::DeleteGroup(line.words[0].into())),
            "topics-deleted" => {
                let gone = line.words.iter().map(|name| ((*name).into(), ottla_model::Uuid::ZERO)).collect();
                self.ask("", 0, Request::TopicsDeleted(gone));
            }
            "expire-offsets" => self.ask("", 0, Request::ExpireOffsets),
            "advance" => self.advance(line.words[0].parse().unwrap()),
            "crash" => {
                self.waits.clear();
                let decided = self.stand.crash(self.stand.log.len());
                self.show(&decided);
            }
            "refuse-append" => self.stand.refuse_append = true,
            "kafka" => self.kafka(line),
            "describe" => self.describe(line.words[0]),
            other => panic!("no command {other}"),
        }
    }

    fn settings(&mut self, line: &Line<'_>) {
        let default = Settings::default();
        self.stand.settings = std::sync::Arc::new(Settings {
            initial_rebalance_delay_ms: line.number("delay", default.initial_rebalance_delay_ms),
            max_size: line.number("max-size", default.max_size),
            offsets_retention_ms: line.number("retention", default.offsets_retention_ms),
            offset_metadata_max_bytes: line.number("metadata", default.offset_metadata_max_bytes),
            ..default
        });
    }

    /// The id that a command means: what it says, or what the client was told.
    fn id(&self, line: &Line<'_>, name: &str) -> Str {
        let known = |name: &str| self.told.get(name).map(|told| told.id.as_str()).unwrap_or_default();
        match line.text("member", "") {
            "" => known(name).into(),
            "none" => Str::new(),
            said => said.strip_prefix('@').map_or_else(|| said.into(), |name| known(name).into()),
        }
    }

    fn generation(&self, line: &Line<'_>, name: &str) -> i32 {
        line.number("gen", self.told.get(name).map_or(-1, |told| told.generation))
    }

    fn join(&mut self, line: &Line<'_>) {
        let name = line.words[0];
        let subscription = ConsumerProtocolSubscription {
            topics: line.text("topics", "t").split(',').map(Into::into).collect(),
            ..Default::default()
        };
        let body = subscription.to_bytes(0).unwrap();
        let metadata = Bytes::from([&[0, 0], &body[..]].concat());
        let offer = |name: &str| JoinGroupRequestProtocol { name: name.into(), metadata: metadata.clone() };
        let protocols = line.text("protocols", "range").split(',').filter(|name| *name != "none");
        let request = JoinGroupRequest {
            group_id: line.text("group", "g").into(),
            session_timeout_ms: line.number("session", 10_000),
            rebalance_timeout_ms: line.number("rebalance", 20_000),
            member_id: self.id(line, name),
            group_instance_id: line.option("instance"),
            protocol_type: line.text("type", "consumer").into(),
            protocols: protocols.map(offer).collect(),
            reason: line.option("reason"),
        };
        self.ask(name, line.number("v", 9), Request::Join(request));
    }

    fn sync(&mut self, line: &Line<'_>) {
        let name = line.words[0];
        let part = |part: &&str| {
            let (name, assignment) = part.split_once(':').expect("name:partitions");
            let member_id = self.told[name].id.as_str().into();
            SyncGroupRequestAssignment {
                member_id,
                assignment: Bytes::copy_from_slice(assignment.as_bytes()),
            }
        };
        let request = SyncGroupRequest {
            group_id: line.text("group", "g").into(),
            generation_id: self.generation(line, name),
            member_id: self.id(line, name),
            group_instance_id: line.option("instance"),
            protocol_type: line.option("type"),
            protocol_name: line.option("protocol"),
            assignments: line.words[1..].iter().map(part).collect(),
        };
        self.ask(name, 5, Request::Sync(request));
    }

    fn heartbeat(&mut self, line: &Line<'_>) {
        let name = line.words[0];
        let request = HeartbeatRequest {
            group_id: line.text("group", "g").into(),
            generation_id: self.generation(line, name),
            member_id: self.id(line, name),
            group_instance_id: line.option("instance"),
        };
        self.ask(name, 4, Request::Heartbeat(request));
    }

    fn leave(&mut self, line: &Line<'_>) {
        let name = line.words[0];
        let version = line.number("v", 5);
        let member_id = self.id(line, name);
        let request = if version < 3 {
            LeaveGroupRequest { member_id, group_id: line.text("group", "g").into(), ..Default::default() }
        } else {
            let (group_instance_id, reason) = (line.option("instance"), line.option("reason"));
            let members = vec![MemberIdentity { member_id, group_instance_id, reason }];
            LeaveGroupRequest { members, group_id: line.text("group", "g").into(), ..Default::default() }
        };
        self.ask(name, version, Request::Leave(request));
    }

    fn commit(&mut self, line: &Line<'_>) {
        let name = line.words[0];
        let topics = line.words[1..].iter().map(|word| {
            let (place, offset) = word.split_once('=').expect("topic/partition=offset");
            let (name, number) = place_of(place);
            let partition = OffsetCommitRequestPartition {
                partition_index: number,
                committed_offset: offset.parse().unwrap(),
                committed_leader_epoch: -1,
                committed_metadata: line.option("note"),
            };
            OffsetCommitRequestTopic { name, partitions: vec![partition], ..Default::default() }
        });
        let request = OffsetCommitRequest {
            group_id: line.text("group", "g").into(),
            generation_id_or_member_epoch: self.generation(line, name),
            member_id: self.id(line, name),
            group_instance_id: line.option("instance"),
            retention_time_ms: line.number("keep", -1),
            topics: topics.collect(),
        };
        self.ask(name, line.number("v", 9), Request::Commit(request));
    }

    fn fetch(&mut self, line: &Line<'_>) {
        let places: Vec<&str> = line.words[1..].iter().copied().filter(|word| *word != "stable").collect();
        let topics = places.iter().map(|place| {
            let (name, number) = place_of(place);
            OffsetFetchRequestTopics { name, partition_indexes: vec![number], ..Default::default() }
        });
        let request = OffsetFetchRequestGroup {
            group_id: line.words[0].into(),
            member_id: None,
            member_epoch: -1,
            topics: if places.is_empty() { None } else { Some(topics.collect()) },
        };
        let answer =
            self.stand.shard.fetch_offsets(&request, line.words.contains(&"stable"), &Image::default());
        self.out.push(format!("fetch {}", trace::code(answer.error_code)));
        for topic in &answer.topics {
            for at in &topic.partitions {
                let (number, note) = (at.partition_index, at.metadata.as_deref().unwrap_or_default());
                let error = trace::code(at.error_code);
                self.out.push(format!("  {}/{number} {} {note:?} {error}", topic.name, at.committed_offset));
            }
        }
    }

    fn delete_offsets(&mut self, line: &Line<'_>) {
        let topics = line.words[1..].iter().map(|place| {
            let (name, partition_index) = place_of(place);
            let partitions = vec![OffsetDeleteRequestPartition { partition_index }];
            OffsetDeleteRequestTopic { name, partitions }
        });
        let request = OffsetDeleteRequest { group_id: line.words[0].into(), topics: topics.collect() };
        self.ask("admin", 0, Request::DeleteOffsets(request));
    }

    fn kafka(&mut self, line: &Line<'_>) {
        let group = Str::from(line.text("group", "g"));
        let producer = line.number("producer", -1);
        let entry = match line.words[0] {
            "commit" => Entry::Marker(producer, true),
            "abort" => Entry::Marker(producer, false),
            "offset" => {
                let (place, offset) = line.words[1].split_once('=').expect("topic/partition=offset");
                let (topic, partition) = place_of(place);
                let value = OffsetCommitValue {
                    offset: offset.parse().unwrap(),
                    commit_timestamp: self.stand.now.wall,
                    ..Default::default()
                };
                let key = ConsumerOffsetsKey::OffsetCommit(OffsetCommitKey { group, topic, partition });
                let value = Some((ConsumerOffsetsValue::OffsetCommit(value), 3));
                Entry::Record(ottla_group::Record { key, value }, producer)
            }
            kind => Entry::Record(foreign(kind, group), -1),
        };
        self.stand.left_by_kafka(entry);
    }

    fn advance(&mut self, millis: u64) {
        let begin = self.stand.now.tick;
        let mut left = millis;
        while left > 0 {
            let all;
            (all, left) = self.stand.advance(left);
            for decided in all {
                self.out.push(format!("after {} ms", self.stand.now.tick.millis_since(begin)));
                self.show(&decided);
            }
        }
    }

    fn ask(&mut self, name: &str, version: i16, request: Request) {
        let waiter = if name.is_empty() {
            Waiter::NOBODY
        } else {
            self.last_waiter += 1;
            self.waits.insert(Waiter(self.last_waiter), name.to_owned());
            Waiter(self.last_waiter)
        };
        let client = Client { id: name.into(), host: "/127.0.0.1".into() };
        let decided = self.stand.ask(waiter, version, client, request);
        self.show(&decided);
    }

    fn show(&mut self, decided: &Decided) {
        self.out.extend(decided.records.iter().map(|record| format!("  log {}", trace::record(record))));
        self.out.extend(decided.notes.iter().map(|note| format!("  note {}", trace::note(note))));
        for (waiter, reply) in self.stand.acknowledge(self.stand.log.len()) {
            let name = self.waits.remove(&waiter).expect("a waiter is answered once");
            self.out.push(format!("{name} <- {}", trace::reply(&reply)));
            if let Reply::Join(join) = reply
                && [ErrorCode::None.code(), ErrorCode::MemberIdRequired.code()].contains(&join.error_code)
            {
                let told = self.told.entry(name).or_default();
                (told.id, told.generation) = (join.member_id.to_string(), join.generation_id);
            }
        }
    }

    fn describe(&mut self, id: &str) {
        for listed in
            self.stand.shard.list(&Filter::default()).iter().filter(|listed| *listed.group_id == *id)
        {
            let (kind, state) = (&listed.group_type, &listed.group_state);
            self.out.push(format!("listed as {kind} {state} {:?}", &*listed.protocol_type));
        }
        let group = self.stand.shard.describe_classic(id, 6);
        let (state, error) = (&group.group_state, trace::code(group.error_code));
        let kind = format!("{}/{}", group.protocol_type, group.protocol_data);
        self.out.push(format!("{id} {state} {error} {kind}"));
        for member in &group.members {
            let assignment = String::from_utf8(member.member_assignment.to_vec()).unwrap();
            let instance = member.group_instance_id.as_deref().unwrap_or("-");
            let id = trace::short(&member.member_id);
            self.out.push(format!("  {id} instance={instance} assignment=[{assignment}]"));
        }
    }
}

fn place_of(place: &str) -> (Str, i32) {
    let (topic, number) = place.split_once('/').expect("topic/partition");
    (topic.into(), number.parse().unwrap())
}

/// The record of a group whose kind only Kafka serves.
fn foreign(kind: &str, group: Str) -> ottla_group::Record {
    let (key, value) = match kind {
        "share" => (
            ConsumerOffsetsKey::ShareGroupMetadata(ShareGroupMetadataKey { group_id: group }),
            ConsumerOffsetsValue::ShareGroupMetadata(ShareGroupMetadataValue::default()),
        ),
        "streams" => (
            ConsumerOffsetsKey::StreamsGroupMetadata(StreamsGroupMetadataKey { group_id: group }),
            ConsumerOffsetsValue::StreamsGroupMetadata(StreamsGroupMetadataValue::default()),
        ),
        other => panic!("no kind {other}"),
    };
    ottla_group::Record { key, value: Some((value, 0)) }
}
