//! One change of one partition: new in-sync set, election, eligible leaders (Kafka's
//! `PartitionChangeBuilder`, KIP-966). What ends up the same yields no record.

use ottla_metadata::{MetadataVersion, Partition, Recovery};
use ottla_model::{NodeId, Uuid};
use ottla_wire::messages::PartitionChangeRecord;

const NO_LEADER: NodeId = -1;
const NO_LEADER_CHANGE: NodeId = -2;

/// What the change is made of.
pub(crate) struct Change<'a> {
    pub(crate) topic: Uuid,
    pub(crate) partition: i32,
    pub(crate) before: &'a Partition,
    pub(crate) version: MetadataVersion,
    pub(crate) elr_enabled: bool,
    /// `min.insync.replicas`, no more than there are replicas.
    pub(crate) min_isr: usize,
    /// Whether a replica may lead now.
    pub(crate) may_lead: &'a dyn Fn(NodeId) -> bool,
    /// `unclean.leader.election.enable` of the topic.
    pub(crate) unclean: bool,
    /// Replicas that may have lost their last writes: no eligible leaders any more.
    pub(crate) lost_tail: &'a [NodeId],
    pub(crate) isr: Vec<NodeId>,
    pub(crate) recovery: Recovery,
    pub(crate) directories: Vec<Uuid>,
}

impl<'a> Change<'a> {
    /// A change that changes nothing yet.
    pub(crate) fn of(
        topic: Uuid,
        partition: i32,
        before: &'a Partition,
        cluster: Cluster,
        may_lead: &'a dyn Fn(NodeId) -> bool,
    ) -> Self {
        let Cluster { version, elr_enabled, min_isr } = cluster;
        Self {
            topic,
            partition,
            before,
            version,
            elr_enabled,
            min_isr: min_isr.min(before.replicas.len()),
            may_lead,
            unclean: false,
            lost_tail: &[],
            isr: before.isr.clone(),
            recovery: before.recovery,
            directories: before.directories.clone(),
        }
    }

    /// The record, `None` when nothing changes.
    pub(crate) fn record(mut self) -> Option<PartitionChangeRecord> {
        let mut record = PartitionChangeRecord {
            partition_id: self.partition,
            topic_id: self.topic,
            ..Default::default()
        };
        let unchanged = record.clone();
        let mut elr = self.eligible();
        self.elect(&mut record, &mut elr);
        self.tell_eligible(&mut record, elr);
        let may_be_empty = !self.isr.is_empty() || self.elr_enabled;
        if record.isr.is_none() && may_be_empty && self.isr != self.before.isr {
            record.isr = Some(self.isr.clone());
        }
        self.raise_epoch_of_a_shrunk_isr(&mut record);
        self.tell_last_known_leader(&mut record);
        if self.version.has_directories() && self.directories != self.before.directories {
            record.directories = Some(self.directories.clone());
        }
        if self.recovery != self.before.recovery {
            record.leader_recovery_state = self.recovery.code();
        }
        (record != unchanged).then_some(record)
    }

    /// The eligible leaders that go with the new in-sync set: who was in sync or eligible and is
    /// not in sync now, unless it may have lost its tail.
    fn eligible(&self) -> Vec<NodeId> {
        if !self.elr_enabled {
            return self.before.elr.clone();
        }
        if self.isr.len() >= self.min_isr {
            return Vec::new();
        }
        let mut elr = self.before.elr.clone();
        elr.extend(self.before.isr.iter().filter(|replica| !self.before.elr.contains(replica)));
        elr.retain(|replica| !self.isr.contains(replica) && !self.lost_tail.contains(replica));
        elr
    }

    fn elect(&mut self, record: &mut PartitionChangeRecord, elr: &mut Vec<NodeId>) {
        let (leader, unclean) = self.elected(elr);
        if leader == self.before.leader {
            return;
        }
        if let Some(leader) = leader.filter(|leader| elr.contains(leader)) {
            self.isr = vec![leader];
            elr.retain(|replica| *replica != leader);
        }
        record.leader = leader.unwrap_or(NO_LEADER);
        if let Some(leader) = leader.filter(|_| unclean) {
            record.isr = Some(vec![leader]);
            if self.before.recovery != Recovery::Recovering {
                record.leader_recovery_state = Recovery::Recovering.code();
                self.recovery = self.before.recovery;
            }
        }
    }

    /// Who leads after the change, and whether it comes from outside what is known to be complete.
    fn elected(&self, elr: &[NodeId]) -> (Option<NodeId>, bool) {
        let valid = |replica: NodeId| {
            let complete = self.isr.contains(&replica) || (self.isr.is_empty() && elr.contains(&replica));
            complete && (self.may_lead)(replica)
        };
        let replicas = &self.before.replicas;
        if let Some(leader) = self.before.leader.filter(|leader| valid(*leader)) {
            return (Some(leader), false);
        }
        if let Some(leader) = replicas.iter().copied().find(|replica| valid(*replica)) {
            return (Some(leader), false);
        }
        if let [last] = *self.before.last_known_elr
            && self.elr_enabled
            && self.isr.is_empty()
            && elr.is_empty()
            && (self.may_lead)(last)
        {
            return (Some(last), true);
        }
        let any = replicas.iter().copied().find(|replica| self.unclean && (self.may_lead)(*replica));
        (any, any.is_some())
    }

    fn tell_eligible(&self, record: &mut PartitionChangeRecord, elr: Vec<NodeId>) {
        let unclean_election = record.isr.is_some();
        let elr = if unclean_election || !self.elr_enabled { Vec::new() } else { elr };
        if elr != self.before.elr {
            record.eligible_leader_replicas = Some(elr);
        }
    }

    /// Before 3.6 brokers relied on a higher epoch whenever the in-sync set shrank (KAFKA-15021).
    fn raise_epoch_of_a_shrunk_isr(&self, record: &mut PartitionChangeRecord) {
        if !self.version.shrinking_isr_raises_leader_epoch() || record.leader != NO_LEADER_CHANGE {
            return;
        }
        let Some(isr) = &record.isr else { return };
        if self.before.isr.iter().any(|replica| !isr.contains(replica)) {
            record.leader = self.before.leader.unwrap_or(NO_LEADER);
        }
    }

    /// A partition that loses its leader remembers it; one that has a leader remembers none.
    fn tell_last_known_leader(&self, record: &mut PartitionChangeRecord) {
        if !self.elr_enabled {
            return;
        }
        if record.leader == NO_LEADER && self.before.last_known_elr.is_empty() {
            record.last_known_elr = Some(self.before.leader.into_iter().collect());
        } else if record.leader >= 0 && !self.before.last_known_elr.is_empty() {
            record.last_known_elr = Some(Vec::new());
        }
    }
}

/// What all changes of one topic share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cluster {
    pub(crate) version: MetadataVersion,
    pub(crate) elr_enabled: bool,
    pub(crate) min_isr: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> Partition {
        Partition {
            replicas: vec![1],
            directories: vec![Uuid::UNASSIGNED],
            isr: vec![1],
            removing: Vec::new(),
            adding: Vec::new(),
            leader: Some(1),
            recovery: Recovery::Recovered,
            leader_epoch: 0,
            partition_epoch: 0,
            elr: Vec::new(),
            last_known_elr: Vec::new(),
        }
    }

    fn cluster(elr_enabled: bool) -> Cluster {
        Cluster { version: MetadataVersion::LATEST, elr_enabled, min_isr: 1 }
    }

    fn change<'a>(before: &'a Partition, elr: bool, may_lead: &'a dyn Fn(NodeId) -> bool) -> Change<'a> {
        Change::of(Uuid::UNASSIGNED, 0, before, cluster(elr), may_lead)
    }

    #[test]
    fn a_clean_stop_leaves_the_lone_replica_eligible() {
        let before = partition();
        let record = Change { isr: Vec::new(), ..change(&before, true, &|_| false) }.record().unwrap();
        assert_eq!((record.leader, record.isr.as_deref()), (NO_LEADER, Some(&[][..])));
        assert_eq!(record.eligible_leader_replicas.as_deref(), Some(&[1][..]));
        assert_eq!(record.last_known_elr.as_deref(), Some(&[1][..]));
    }

    #[test]
    fn an_eligible_replica_comes_back_as_leader() {
        let before =
            Partition { leader: None, isr: Vec::new(), elr: vec![1], last_known_elr: vec![1], ..partition() };
        let record = change(&before, true, &|_| true).record().unwrap();
        assert_eq!((record.leader, record.isr.as_deref()), (1, Some(&[1][..])));
        assert_eq!(record.eligible_leader_replicas.as_deref(), Some(&[][..]));
        assert_eq!(record.last_known_elr.as_deref(), Some(&[][..]));
        assert_eq!(record.leader_recovery_state, -1);
    }

    #[test]
    fn a_lost_tail_makes_the_election_unclean() {
        let before = partition();
        let gone = Change { isr: Vec::new(), lost_tail: &[1], ..change(&before, true, &|_| false) };
        let record = gone.record().unwrap();
        assert_eq!((record.leader, record.eligible_leader_replicas), (NO_LEADER, None));
        let before = Partition { leader: None, isr: Vec::new(), last_known_elr: vec![1], ..partition() };
        let record = change(&before, true, &|_| true).record().unwrap();
        assert_eq!((record.leader, record.leader_recovery_state), (1, Recovery::Recovering.code()));
        assert_eq!(record.isr.as_deref(), Some(&[1][..]));
    }

    #[test]
    fn without_elr_the_in_sync_set_is_never_empty() {
        let before = partition();
        let record = Change { isr: Vec::new(), ..change(&before, false, &|_| false) }.record().unwrap();
        assert_eq!((record.leader, record.isr, record.last_known_elr), (NO_LEADER, None, None));
    }

    #[test]
    fn recovery_ends_with_a_record_of_its_own() {
        let before = Partition { recovery: Recovery::Recovering, ..partition() };
        let change = Change { recovery: Recovery::Recovered, ..change(&before, true, &|_| true) };
        let record = change.record().unwrap();
        assert_eq!(
            (record.leader, record.leader_recovery_state),
            (NO_LEADER_CHANGE, Recovery::Recovered.code())
        );
    }

    #[test]
    fn nothing_changed_is_no_record() {
        let before = partition();
        assert_eq!(change(&before, true, &|_| true).record(), None);
    }
}
