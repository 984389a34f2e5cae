//! Replies, records and notes in one line each, member ids shortened.

use std::fmt::Write as _;

use bytes::Bytes;
use ottla_group::{Note, Record, Reply};
use ottla_model::ErrorCode;
use ottla_wire::messages::join_group_response::JoinGroupResponseMember;
use ottla_wire::messages::{ConsumerProtocolSubscription, GroupMetadataValue, JoinGroupResponse};
use ottla_wire::{ConsumerOffsetsKey, ConsumerOffsetsValue, Message};

/// As the stand draws them: everything but the last digits is the same in each.
const DRAWN: &str = "-00000000-0000-0000-0000-";

pub(crate) fn code(code: i16) -> &'static str {
    ErrorCode::from_code(code).expect("one of Kafka's codes").name()
}

/// Member ids with the number of their draw alone: `a-#3`.
pub(crate) fn short(text: &str) -> String {
    let mut shortened = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(DRAWN) {
        shortened.push_str(&rest[..at]);
        let (number, after) = rest[at + DRAWN.len()..].split_at(12);
        write!(shortened, "-#{}", u64::from_str_radix(number, 16).unwrap()).unwrap();
        rest = after;
    }
    shortened + rest
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).expect("tests assign text")
}

fn topics(metadata: &Bytes) -> String {
    match metadata.get(2..).map(|_| ConsumerProtocolSubscription::from_bytes(metadata.slice(2..), 0)) {
        Some(Ok(subscription)) => {
            subscription.topics.iter().map(|topic| &**topic).collect::<Vec<_>>().join(",")
        }
        Some(Err(_)) | None => text(metadata),
    }
}

pub(crate) fn reply(reply: &Reply) -> String {
    short(&match reply {
        Reply::Join(join) => joined(join),
        Reply::Sync(sync) => {
            let kind = sync.protocol_type.as_deref().unwrap_or("-");
            let protocol = sync.protocol_name.as_deref().unwrap_or("-");
            match sync.error_code {
                0 => format!("sync NONE {kind}/{protocol} assignment=[{}]", text(&sync.assignment)),
                error => format!("sync {}", code(error)),
            }
        }
        Reply::Heartbeat(beat) => format!("heartbeat {}", code(beat.error_code)),
        Reply::Leave(leave) => {
            let mut line = format!("leave {}", code(leave.error_code));
            for member in &leave.members {
                let instance = member.group_instance_id.as_deref().unwrap_or("-");
                write!(line, " {}({instance})={}", member.member_id, code(member.error_code)).unwrap();
            }
            line
        }
        Reply::Commit(commit) => {
            let mut line = "commit".to_owned();
            for (topic, partition) in
                commit.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |part| (topic, part)))
            {
                let (number, error) = (partition.partition_index, code(partition.error_code));
                write!(line, " {}/{number}={error}", topic.name).unwrap();
            }
            line
        }
        Reply::DeleteOffsets(delete) => {
            let mut line = format!("delete-offsets {}", code(delete.error_code));
            for topic in &delete.topics {
                for partition in &topic.partitions {
                    let (number, error) = (partition.partition_index, code(partition.error_code));
                    write!(line, " {}/{number}={error}", topic.name).unwrap();
                }
            }
            line
        }
        Reply::DeleteGroup(Ok(())) => "delete-group NONE".to_owned(),
        Reply::DeleteGroup(Err(refusal)) => format!("delete-group {}", refusal.code),
        Reply::ConsumerHeartbeat(beat) => format!("consumer-heartbeat {}", code(beat.error_code)),
    })
}

fn joined(join: &JoinGroupResponse) -> String {
    if join.error_code != 0 {
        return format!("join {} member={}", code(join.error_code), join.member_id);
    }
    let member = |member: &JoinGroupResponseMember| match &member.group_instance_id {
        None => format!("{}:{}", member.member_id, topics(&member.metadata)),
        Some(instance) => format!("{}({instance}):{}", member.member_id, topics(&member.metadata)),
    };
    let members: Vec<String> = join.members.iter().map(member).collect();
    format!(
        "join NONE gen={} {}/{} member={} leader={} members=[{}]{}",
        join.generation_id,
        join.protocol_type.as_deref().unwrap_or("-"),
        join.protocol_name.as_deref().unwrap_or("-"),
        join.member_id,
        join.leader,
        members.join(" "),
        if join.skip_assignment { " skip" } else { "" },
    )
}

pub(crate) fn record(record: &Record) -> String {
    let value = record.value.as_ref().map(|(value, version)| (value, *version));
    short(&match (&record.key, value) {
        (ConsumerOffsetsKey::GroupMetadata(key), None) => format!("group {} gone", key.group),
        (
            ConsumerOffsetsKey::GroupMetadata(key),
            Some((ConsumerOffsetsValue::GroupMetadata(group), version)),
        ) => format!("group {} v{version} {}", key.group, metadata(group)),
        (ConsumerOffsetsKey::OffsetCommit(key), None) => {
            format!("offset {} {}/{} gone", key.group, key.topic, key.partition)
        }
        (
            ConsumerOffsetsKey::OffsetCommit(key),
            Some((ConsumerOffsetsValue::OffsetCommit(value), version)),
        ) => {
            let place = format!("{} {}/{}", key.group, key.topic, key.partition);
            format!("offset {place} v{version} {} {:?}", value.offset, &*value.metadata)
        }
        (key, value) => format!("{key:?} {value:?}"),
    })
}

fn metadata(group: &GroupMetadataValue) -> String {
    let mut line = format!(
        "gen={} {}/{} leader={}",
        group.generation,
        group.protocol_type,
        group.protocol.as_deref().unwrap_or("-"),
        group.leader.as_deref().unwrap_or("-"),
    );
    for member in &group.members {
        let (topics, part) = (topics(&member.subscription), text(&member.assignment));
        write!(line, " {}:{topics}=[{part}]", member.member_id).unwrap();
    }
    line
}

pub(crate) fn note(note: &Note) -> String {
    short(&match note {
        Note::Rebalance { group, generation, reason, member, detail } => {
            format!("rebalance {group} gen={generation} {} {member} {detail:?}", reason.name())
        }
        Note::Settled { group, generation, members, took_ms } => {
            format!("settled {group} gen={generation} members={members} in {took_ms} ms")
        }
    })
}
