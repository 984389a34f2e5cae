//! What must survive a crash: the epoch, and who was voted for or leads in it (`quorum-state`, Kafka's
//! `FileQuorumStateStore` and `ElectionState`).
//!
//! The file is one line of JSON without a line end, fields in the order of Kafka's schema. `data_version` 0 goes with
//! `kraft.version` 0, 1 with 1; both are read whatever the level. How the file is replaced is its host's business.

use std::fmt;

use ottla_model::{LeaderEpoch, NodeId, Uuid};
use serde_json::Value;

use crate::{KRAFT_VERSION_WITH_VOTERS, ReplicaKey, Voters};

/// The state of one epoch. A vote and a leader exclude each other: who knows the leader needs its vote no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Election {
    /// The epoch, 0 before the first.
    pub epoch: LeaderEpoch,
    /// Who leads, when known.
    pub leader: Option<NodeId>,
    /// Whom this node voted for.
    pub voted: Option<ReplicaKey>,
}

const NOBODY: i64 = -1;

impl Election {
    /// The file's content for a `kraft.version`.
    #[must_use]
    pub fn to_json(&self, kraft_version: i16, voters: &Voters) -> String {
        let leader = self.leader.map_or(NOBODY, i64::from);
        let voted = self.voted.map_or(NOBODY, |key| i64::from(key.id));
        let epoch = self.epoch;
        if kraft_version < KRAFT_VERSION_WITH_VOTERS {
            let voters: Vec<String> = voters.ids().map(|id| format!("{{\"voterId\":{id}}}")).collect();
            let voters = voters.join(",");
            return format!(
                "{{\"clusterId\":\"\",\"leaderId\":{leader},\"leaderEpoch\":{epoch},\"votedId\":{voted},\
                 \"appliedOffset\":0,\"currentVoters\":[{voters}],\"data_version\":0}}"
            );
        }
        let directory = self.voted.map_or(Uuid::ZERO, |key| key.directory);
        format!(
            "{{\"leaderId\":{leader},\"leaderEpoch\":{epoch},\"votedId\":{voted},\
             \"votedDirectoryId\":\"{directory}\",\"data_version\":1}}"
        )
    }

    /// Reads the file's content.
    ///
    /// # Errors
    /// When it is not JSON of version 0 or 1, or a field is missing or out of range.
    pub fn from_json(text: &str) -> Result<Self, BadQuorumState> {
        let line = text.lines().next().ok_or(BadQuorumState::Empty)?;
        let json: Value = serde_json::from_str(line).map_err(|_| BadQuorumState::NotJson)?;
        let version = integer(&json, "data_version")?;
        if !(0..=1).contains(&version) {
            return Err(BadQuorumState::Version(version));
        }
        let epoch = i32::try_from(integer(&json, "leaderEpoch")?).ok().filter(|epoch| *epoch >= 0);
        Ok(Self {
            epoch: epoch.ok_or(BadQuorumState::Field("leaderEpoch"))?,
            leader: node(&json, "leaderId")?,
            voted: match node(&json, "votedId")? {
                Some(id) if version == 1 => Some(ReplicaKey { id, directory: directory(&json)? }),
                Some(id) => Some(ReplicaKey { id, directory: Uuid::ZERO }),
                None => None,
            },
        })
    }
}

fn integer(json: &Value, name: &'static str) -> Result<i64, BadQuorumState> {
    json.get(name).and_then(Value::as_i64).ok_or(BadQuorumState::Field(name))
}

fn node(json: &Value, name: &'static str) -> Result<Option<NodeId>, BadQuorumState> {
    match integer(json, name)? {
        NOBODY => Ok(None),
        id => Ok(Some(i32::try_from(id).ok().filter(|id| *id >= 0).ok_or(BadQuorumState::Field(name))?)),
    }
}

fn directory(json: &Value) -> Result<Uuid, BadQuorumState> {
    let name = "votedDirectoryId";
    let text = json.get(name).and_then(Value::as_str).ok_or(BadQuorumState::Field(name))?;
    text.parse().map_err(|_| BadQuorumState::Field(name))
}

/// `quorum-state` cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadQuorumState {
    /// The file has no content.
    Empty,
    /// It is not JSON.
    NotJson,
    /// A `data_version` that Kafka 4.4 does not know.
    Version(i64),
    /// A field is missing or out of range.
    Field(&'static str),
}

impl fmt::Display for BadQuorumState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::NotJson => f.write_str("it is not JSON"),
            Self::Version(version) => write!(f, "its data_version is {version}, known are 0 and 1"),
            Self::Field(name) => write!(f, "its field {name} is missing or out of range"),
        }
    }
}

impl std::error::Error for BadQuorumState {}
