//! One voter: its role, its epoch, what it may commit.
//!
//! `step` is the only door. Roles follow each other Unattached → Candidate → Leader; a leader stays until its process
//! ends. Each start elects anew in a higher epoch, even when this node led the epoch before: what an earlier start
//! wrote unflushed may be gone, and the same offset in the same epoch must never name two records.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ottla_model::{LeaderEpoch, NodeId, Offset, Uuid};

use crate::{ControlRecord, Election, KRAFT_VERSION_WITH_VOTERS, ReplicaKey, Voter, Voters, VotersSource};

/// The end of the log, or of the snapshot where the log is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogEnd {
    /// The next offset to be written.
    pub offset: Offset,
    /// The epoch of the last batch; 0 when there is none.
    pub epoch: LeaderEpoch,
}

/// What a start finds on disk and in the configuration.
#[derive(Clone, Debug)]
pub struct Found {
    /// This node as a voter, with the addresses it listens on in this start.
    pub me: Voter,
    /// `quorum-state`; `None` when the file is missing.
    pub election: Option<Election>,
    /// The end of the recovered log.
    pub log_end: LogEnd,
    /// The finalised `kraft.version`.
    pub kraft_version: i16,
    /// The voters, and where they are written.
    pub voters: Voters,
    /// Where they were found.
    pub voters_source: VotersSource,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// No leader was heard of for an election timeout. A lone voter need not wait: its host says so at once.
    ElectionTimeout,
    /// The log ends at this offset after an append of this node as leader.
    Appended(Offset),
    /// Everything below this offset is durable here.
    Flushed(Offset),
}

/// What is asked of the host, in this order, each before the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Ready {
    /// Replace `quorum-state` by this, durably.
    pub persist: Option<Election>,
    /// Append these as one control batch in the current epoch, then report [`Event::Appended`].
    pub append: Vec<ControlRecord>,
    /// Everything below this offset is committed: replies may leave.
    pub committed: Option<Offset>,
}

/// What this voter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Knows an epoch and no leader.
    Unattached,
    /// Asks for votes.
    Candidate {
        /// Who has granted one.
        granted: BTreeSet<NodeId>,
    },
    /// Appends and commits.
    Leader {
        /// The log's end when the epoch began. Nothing is known to be committed until something above it is:
        /// a record of an earlier epoch is never committed by counting replicas (Raft, 5.4.2).
        epoch_start: Offset,
        /// For each voter, the offset below which it holds everything durably. Only grows.
        durable: BTreeMap<NodeId, Offset>,
    },
}

/// One voter of the quorum.
#[derive(Clone, Debug)]
pub struct Raft {
    me: Voter,
    kraft_version: i16,
    voters: Voters,
    voters_source: VotersSource,
    election: Election,
    role: Role,
    /// The log's end here. Never below what any `durable` says of this node.
    log_end: Offset,
    /// Never falls; at most this node's durable offset.
    committed: Option<Offset>,
}

impl Raft {
    /// A voter before its first election of this start.
    ///
    /// # Errors
    /// When this node is not the only voter, or the epochs are used up.
    pub fn new(found: Found) -> Result<Self, Refused> {
        let Found { me, election, log_end, kraft_version, voters, voters_source } = found;
        check_voters(&me.key, &voters)?;
        let known = election.unwrap_or_default();
        let epoch = known.epoch.max(log_end.epoch);
        if epoch == LeaderEpoch::MAX {
            return Err(Refused::EpochsUsedUp);
        }
        Ok(Self {
            me,
            kraft_version,
            voters,
            voters_source,
            election: Election { epoch, leader: None, voted: None },
            role: Role::Unattached,
            log_end: log_end.offset,
            committed: None,
        })
    }

    /// Takes in what happened and says what is to be done.
    pub fn step(&mut self, event: Event) -> Ready {
        match event {
            Event::ElectionTimeout => self.elect(),
            Event::Appended(end) => {
                self.log_end = self.log_end.max(end);
                Ready::default()
            }
            Event::Flushed(offset) => self.flushed(offset),
        }
    }

    fn elect(&mut self) -> Ready {
        if matches!(self.role, Role::Leader { .. }) {
            return Ready::default();
        }
        let Some(epoch) = self.election.epoch.checked_add(1) else {
            return Ready::default();
        };
        let granted = BTreeSet::from([self.me.key.id]);
        self.election = Election { epoch, leader: None, voted: Some(self.me.key) };
        self.role = Role::Candidate { granted };
        // The last state reached in a step is the one to persist: of a lone voter, its leadership.
        let append = self.take_lead_when_elected();
        Ready { persist: Some(self.election), append, committed: None }
    }

    fn take_lead_when_elected(&mut self) -> Vec<ControlRecord> {
        let Role::Candidate { granted } = &self.role else {
            return Vec::new();
        };
        if !self.voters.is_majority(granted.len()) {
            return Vec::new();
        }
        let granting = granted.iter().copied().collect();
        self.election.leader = Some(self.me.key.id);
        self.election.voted = None;
        self.role = Role::Leader {
            epoch_start: self.log_end,
            durable: self.voters.ids().map(|id| (id, 0)).collect(),
        };
        let mut records = vec![ControlRecord::LeaderChange {
            leader: self.me.key.id,
            voters: self.voters.ids().collect(),
            granting,
        }];
        if self.must_write_voters() {
            self.voters = self.voters.updated(self.me.clone());
            self.voters_source = VotersSource::Log(self.log_end);
            records.push(ControlRecord::KRaftVersion(self.kraft_version));
            records.push(ControlRecord::Voters(self.voters.clone()));
        }
        records
    }

    /// Whether the log still lacks the voters, or says something else of this node than what is true in this start.
    fn must_write_voters(&self) -> bool {
        self.kraft_version >= KRAFT_VERSION_WITH_VOTERS
            && (!matches!(self.voters_source, VotersSource::Log(_))
                || self.voters.get(self.me.key.id) != Some(&self.me))
    }

    fn flushed(&mut self, offset: Offset) -> Ready {
        let offset = offset.min(self.log_end);
        let Role::Leader { epoch_start, durable } = &mut self.role else {
            return Ready::default();
        };
        if let Some(mine) = durable.get_mut(&self.me.key.id) {
            *mine = offset.max(*mine);
        }
        let held = held_by_majority(durable);
        if held <= *epoch_start || self.committed.is_some_and(|committed| committed >= held) {
            return Ready::default();
        }
        self.committed = Some(held);
        Ready { committed: self.committed, ..Ready::default() }
    }

    /// The epoch, raised at each start.
    #[must_use]
    pub const fn epoch(&self) -> LeaderEpoch {
        self.election.epoch
    }

    /// What this voter is.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    /// What `quorum-state` is to hold.
    #[must_use]
    pub const fn election(&self) -> &Election {
        &self.election
    }

    /// Everything below is committed; `None` until something of this epoch is.
    #[must_use]
    pub const fn committed(&self) -> Option<Offset> {
        self.committed
    }

    /// The next offset to be written.
    #[must_use]
    pub const fn log_end(&self) -> Offset {
        self.log_end
    }

    /// The voters.
    #[must_use]
    pub const fn voters(&self) -> &Voters {
        &self.voters
    }

    /// Where the voters are written.
    #[must_use]
    pub const fn voters_source(&self) -> VotersSource {
        self.voters_source
    }

    /// The finalised `kraft.version`.
    #[must_use]
    pub const fn kraft_version(&self) -> i16 {
        self.kraft_version
    }

    /// This node.
    #[must_use]
    pub const fn me(&self) -> &Voter {
        &self.me
    }
}

/// The highest offset that more than half of the voters hold durably.
fn held_by_majority(durable: &BTreeMap<NodeId, Offset>) -> Offset {
    let mut offsets: Vec<Offset> = durable.values().copied().collect();
    offsets.sort_unstable_by(|a, b| b.cmp(a));
    offsets.get(offsets.len() / 2).copied().unwrap_or(0)
}

fn check_voters(me: &ReplicaKey, voters: &Voters) -> Result<(), Refused> {
    let Some(voter) = voters.get(me.id) else {
        return Err(Refused::NotAVoter { me: me.id, voters: voters.ids().collect() });
    };
    let recorded = voter.key.directory;
    if recorded != Uuid::ZERO && recorded != me.directory {
        return Err(Refused::OtherDirectory { recorded, found: me.directory });
    }
    if voters.len() > 1 {
        let others = voters.ids().filter(|id| *id != me.id).collect();
        return Err(Refused::OtherVoters(others));
    }
    Ok(())
}

/// This node may not start an election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The voters do not include this node.
    NotAVoter {
        /// `node.id`.
        me: NodeId,
        /// Who votes instead.
        voters: Vec<NodeId>,
    },
    /// Other nodes vote too; that is not built yet.
    OtherVoters(Vec<NodeId>),
    /// The voter of this node id has another metadata directory.
    OtherDirectory {
        /// The directory id in the voters.
        recorded: Uuid,
        /// The directory id in `meta.properties`.
        found: Uuid,
    },
    /// The epoch cannot be raised: 2³¹ − 1 was reached.
    EpochsUsedUp,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAVoter { me, voters } => write!(
                f,
                "node.id {me} is not a voter of this metadata log (voters: {voters:?}); \
                 set node.id to a voter's, or use the metadata directory of this node"
            ),
            Self::OtherVoters(others) => write!(
                f,
                "the metadata log has other voters ({others:?}); quorums of several nodes are not served yet: \
                 run Apache Kafka on this directory, or remove the other voters with it first"
            ),
            Self::OtherDirectory { recorded, found } => write!(
                f,
                "the voter of this node has directory.id {recorded}, the metadata directory says {found}; \
                 restore meta.properties, or use the directory that belongs to the log"
            ),
            Self::EpochsUsedUp => f.write_str("the leader epoch cannot be raised any more"),
        }
    }
}

impl std::error::Error for Refused {}
