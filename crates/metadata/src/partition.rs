//! One partition as the metadata knows it (Kafka's `PartitionRegistration`).

use ottla_model::{LeaderEpoch, NodeId, Uuid};
use ottla_wire::messages::{PartitionChangeRecord, PartitionRecord};

use crate::error::ReplayError;
use crate::levels::MetadataVersion;

/// In a Partition record: no replica leads.
const NO_LEADER: NodeId = -1;
/// In a PartitionChange record: the leader stays, and with it the leader epoch.
pub const NO_LEADER_CHANGE: NodeId = -2;
/// In a PartitionChange record: the recovery state stays.
const NO_RECOVERY_CHANGE: i8 = -1;

/// Whether the leader was elected from outside what is known to be complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recovery {
    /// No.
    #[default]
    Recovered,
    /// Yes: an unclean election, from which it recovers.
    Recovering,
}

impl Recovery {
    /// The number in a record.
    #[must_use]
    pub const fn code(self) -> i8 {
        match self {
            Self::Recovered => 0,
            Self::Recovering => 1,
        }
    }

    /// The state of a number.
    ///
    /// # Errors
    /// When the number has no meaning.
    pub const fn from_code(code: i8) -> Result<Self, ReplayError> {
        match code {
            0 => Ok(Self::Recovered),
            1 => Ok(Self::Recovering),
            other => Err(ReplayError::Value { field: "leaderRecoveryState", value: other as i64 }),
        }
    }
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// The log directory of each replica, in the order of `replicas`; same length.
    pub directories: Vec<Uuid>,
    /// Replicas in sync.
    pub isr: Vec<NodeId>,
    /// Replicas that a reassignment takes away.
    pub removing: Vec<NodeId>,
    /// Replicas that a reassignment brings.
    pub adding: Vec<NodeId>,
    /// Who leads.
    pub leader: Option<NodeId>,
    /// Whether the leader recovers from an unclean election.
    pub recovery: Recovery,
    /// Raised with each election.
    pub leader_epoch: LeaderEpoch,
    /// Raised with each change.
    pub partition_epoch: i32,
    /// Eligible leader replicas (KIP-966): complete up to the high watermark, though not in sync.
    pub elr: Vec<NodeId>,
    /// The last known members of the ISR and ELR that are now in neither.
    pub last_known_elr: Vec<NodeId>,
}

impl Partition {
    pub(crate) fn from_record(record: &PartitionRecord) -> Result<Self, ReplayError> {
        let partition = Self {
            directories: known_directories(&record.directories, record.replicas.len()),
            replicas: record.replicas.clone(),
            isr: record.isr.clone(),
            removing: record.removing_replicas.clone(),
            adding: record.adding_replicas.clone(),
            leader: leader(record.leader)?,
            recovery: Recovery::from_code(record.leader_recovery_state)?,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
            elr: record.eligible_leader_replicas.clone().unwrap_or_default(),
            last_known_elr: record.last_known_elr.clone().unwrap_or_default(),
        };
        partition.checked(record.topic_id, record.partition_id)
    }

    /// The partition after a change: what the record leaves out stays; epochs follow of themselves.
    pub(crate) fn changed(&self, record: &PartitionChangeRecord) -> Result<Self, ReplayError> {
        let mut next = self.clone();
        replace(&mut next.replicas, record.replicas.as_ref());
        let directories = record.directories.as_ref().unwrap_or(&self.directories);
        next.directories = known_directories(directories, next.replicas.len());
        replace(&mut next.isr, record.isr.as_ref());
        replace(&mut next.removing, record.removing_replicas.as_ref());
        replace(&mut next.adding, record.adding_replicas.as_ref());
        replace(&mut next.elr, record.eligible_leader_replicas.as_ref());
        replace(&mut next.last_known_elr, record.last_known_elr.as_ref());
        if record.leader != NO_LEADER_CHANGE {
            next.leader = leader(record.leader)?;
            next.leader_epoch = next.leader_epoch.saturating_add(1);
        }
        if record.leader_recovery_state != NO_RECOVERY_CHANGE {
            next.recovery = Recovery::from_code(record.leader_recovery_state)?;
        }
        next.partition_epoch = next.partition_epoch.saturating_add(1);
        next.checked(record.topic_id, record.partition_id)
    }

    /// Without eligible leaders (ClearElr), or `None` when there are none to forget.
    pub(crate) fn without_elr(&self) -> Option<Self> {
        if self.elr.is_empty() && self.last_known_elr.is_empty() {
            return None;
        }
        let partition_epoch = self.partition_epoch.saturating_add(1);
        Some(Self { elr: Vec::new(), last_known_elr: Vec::new(), partition_epoch, ..self.clone() })
    }

    fn checked(self, topic: Uuid, partition: i32) -> Result<Self, ReplayError> {
        if self.directories.len() == self.replicas.len() {
            Ok(self)
        } else {
            Err(ReplayError::Directories { topic, partition })
        }
    }

    /// The record that creates it so. What the level, or ELR switched off, cannot say is left out.
    #[must_use]
    pub fn to_record(
        &self,
        topic: Uuid,
        partition: i32,
        version: MetadataVersion,
        elr: bool,
    ) -> PartitionRecord {
        let eligible = |members: &Vec<NodeId>| (elr && !members.is_empty()).then(|| members.clone());
        PartitionRecord {
            partition_id: partition,
            topic_id: topic,
            replicas: self.replicas.clone(),
            isr: self.isr.clone(),
            removing_replicas: self.removing.clone(),
            adding_replicas: self.adding.clone(),
            leader: self.leader.unwrap_or(NO_LEADER),
            leader_recovery_state: self.recovery.code(),
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
            directories: if version.has_directories() { self.directories.clone() } else { Vec::new() },
            eligible_leader_replicas: eligible(&self.elr),
            last_known_elr: eligible(&self.last_known_elr),
        }
    }

    /// Whether a broker holds a replica.
    #[must_use]
    pub fn has_replica(&self, broker: NodeId) -> bool {
        self.replicas.contains(&broker)
    }

    /// The directory in which a broker holds its replica.
    #[must_use]
    pub fn directory_of(&self, broker: NodeId) -> Option<Uuid> {
        let place = self.replicas.iter().position(|replica| *replica == broker)?;
        self.directories.get(place).copied()
    }
}

fn leader(id: NodeId) -> Result<Option<NodeId>, ReplayError> {
    match id {
        NO_LEADER => Ok(None),
        0.. => Ok(Some(id)),
        other => Err(ReplayError::Value { field: "leader", value: other.into() }),
    }
}

fn replace<T: Clone>(field: &mut Vec<T>, by: Option<&Vec<T>>) {
    if let Some(by) = by {
        field.clone_from(by);
    }
}

/// Directories that nobody has named yet are MIGRATING, one for each replica.
fn known_directories(named: &[Uuid], replicas: usize) -> Vec<Uuid> {
    if named.iter().all(|directory| *directory == Uuid::MIGRATING) {
        vec![Uuid::MIGRATING; replicas]
    } else {
        named.to_vec()
    }
}
