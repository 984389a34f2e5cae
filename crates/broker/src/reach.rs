//! Which brokers the client of a connection can reach, and what that makes of a partition for it
//! (Kafka's `KRaftMetadataCache`): a broker without a listener of the connection's name does not exist for it.

use std::collections::BTreeMap;

use ottla_metadata::{Broker as Registration, Image, Partition};
use ottla_model::{ErrorCode, LeaderEpoch, NodeId, Uuid};

use crate::context::RequestContext;
use crate::state::Broker;

/// A broker that can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Neighbour {
    pub(crate) id: NodeId,
    pub(crate) host: String,
    pub(crate) port: i32,
    pub(crate) rack: Option<String>,
    pub(crate) fenced: bool,
}

/// The brokers behind one listener, at one moment.
pub(crate) struct Reach<'a> {
    image: &'a Image,
    neighbours: BTreeMap<NodeId, Neighbour>,
}

/// One partition as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) error: ErrorCode,
    /// −1 when no leader can be reached.
    pub(crate) leader: NodeId,
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) replicas: Vec<NodeId>,
    pub(crate) isr: Vec<NodeId>,
    pub(crate) offline: Vec<NodeId>,
}

/// How an answer speaks of brokers that cannot be reached; it changed with the versions of Metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Metadata 0: they are left out of the replicas, with an error in their place.
    pub(crate) leave_out_unreachable: bool,
    /// Metadata 6 and later: a leader without the listener is told apart from one that is not there.
    pub(crate) name_missing_listener: bool,
}

const NO_LEADER: NodeId = -1;

impl<'a> Reach<'a> {
    /// What the client of this request reaches.
    pub(crate) fn of(broker: &Broker, context: &RequestContext, image: &'a Image) -> Self {
        let neighbour = |registered: &Registration| {
            let (host, port) = broker.endpoint(context, registered.id)?;
            let rack = registered.rack.as_deref().map(str::to_owned);
            Some((
                registered.id,
                Neighbour { id: registered.id, host, port, rack, fenced: registered.fenced },
            ))
        };
        Self { image, neighbours: image.brokers.values().filter_map(neighbour).collect() }
    }

    /// Of a client that reaches nobody.
    #[cfg(test)]
    pub(crate) fn nobody(image: &'a Image) -> Self {
        Self { image, neighbours: BTreeMap::new() }
    }

    /// All of them, fenced ones too.
    pub(crate) fn registered(&self) -> impl Iterator<Item = &Neighbour> {
        self.neighbours.values()
    }

    /// Those that serve.
    pub(crate) fn alive(&self) -> impl Iterator<Item = &Neighbour> {
        self.registered().filter(|neighbour| !neighbour.fenced)
    }

    /// The broker that a client takes for the controller: any one that serves, since each of them forwards.
    pub(crate) fn controller(&self) -> NodeId {
        self.alive().next().map_or(NO_LEADER, |neighbour| neighbour.id)
    }

    /// A partition, and what is wrong with it.
    pub(crate) fn see(&self, partition: &Partition, manner: Manner) -> Seen {
        let kept = |ids: &[NodeId]| -> Vec<NodeId> {
            let keep = |id: &&NodeId| !manner.leave_out_unreachable || self.is_alive(**id);
            ids.iter().filter(keep).copied().collect()
        };
        let leader = partition.leader.filter(|leader| self.neighbours.contains_key(leader));
        let (replicas, isr) = (kept(&partition.replicas), kept(&partition.isr));
        let error = match (leader, partition.leader) {
            (None, Some(named))
                if manner.name_missing_listener && self.image.brokers.contains_key(&named) =>
            {
                ErrorCode::ListenerNotFound
            }
            (None, _) => ErrorCode::LeaderNotAvailable,
            (Some(_), _) if replicas.len() < partition.replicas.len() || isr.len() < partition.isr.len() => {
                ErrorCode::ReplicaNotAvailable
            }
            (Some(_), _) => ErrorCode::None,
        };
        Seen {
            error,
            leader: leader.unwrap_or(NO_LEADER),
            leader_epoch: partition.leader_epoch,
            offline: self.offline(partition),
            replicas,
            isr,
        }
    }

    fn is_alive(&self, id: NodeId) -> bool {
        self.neighbours.get(&id).is_some_and(|neighbour| !neighbour.fenced)
    }

    fn offline(&self, partition: &Partition) -> Vec<NodeId> {
        let is_offline = |(id, directory): &(&NodeId, &Uuid)| {
            !self.is_alive(**id)
                || self.image.brokers.get(*id).is_none_or(|broker| !has_online(broker, **directory))
        };
        let replicas = partition.replicas.iter().zip(&partition.directories);
        replicas.filter(is_offline).map(|(id, _)| *id).collect()
    }
}

/// Whether a replica's directory can be used; one that is not known yet counts as such (`DirectoryId.isOnline`).
fn has_online(broker: &Registration, directory: Uuid) -> bool {
    match directory {
        Uuid::UNASSIGNED | Uuid::MIGRATING => true,
        Uuid::LOST => false,
        directory => broker.directories.is_empty() || broker.directories.contains(&directory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_metadata::Recovery;

    fn image(registered: &[NodeId]) -> Image {
        let mut image = Image::default();
        for id in registered {
            let broker = Registration {
                id: *id,
                epoch: 1,
                incarnation: Uuid::ZERO,
                listeners: Vec::new(),
                features: Vec::new(),
                rack: None,
                fenced: false,
                in_controlled_shutdown: false,
                migrating: false,
                directories: Vec::new(),
                cordoned: None,
            };
            image.brokers.insert_mut(*id, broker);
        }
        image
    }

    fn reach<'a>(image: &'a Image, reachable: &[NodeId]) -> Reach<'a> {
        let neighbour =
            |id: &NodeId| (*id, Neighbour { id: *id, host: "h".into(), port: 1, rack: None, fenced: false });
        Reach { image, neighbours: reachable.iter().map(neighbour).collect() }
    }

    fn partition(leader: Option<NodeId>) -> Partition {
        Partition {
            replicas: vec![1, 2],
            directories: vec![Uuid::UNASSIGNED; 2],
            isr: vec![1, 2],
            removing: Vec::new(),
            adding: Vec::new(),
            leader,
            recovery: Recovery::Recovered,
            leader_epoch: 3,
            partition_epoch: 4,
            elr: Vec::new(),
            last_known_elr: Vec::new(),
        }
    }

    const NEW: Manner = Manner { leave_out_unreachable: false, name_missing_listener: true };

    #[test]
    fn a_leader_without_the_listener_is_told_apart_from_version_6_on() {
        let image = image(&[1, 2]);
        let reach = reach(&image, &[2]);
        assert_eq!(reach.see(&partition(Some(1)), NEW).error, ErrorCode::ListenerNotFound);
        let old = Manner { name_missing_listener: false, ..NEW };
        assert_eq!(reach.see(&partition(Some(1)), old).error, ErrorCode::LeaderNotAvailable);
        assert_eq!(reach.see(&partition(None), NEW).error, ErrorCode::LeaderNotAvailable);
    }

    #[test]
    fn version_0_leaves_out_what_cannot_be_reached_and_says_so() {
        let image = image(&[1, 2]);
        let reach = reach(&image, &[1]);
        let seen = reach.see(&partition(Some(1)), Manner { leave_out_unreachable: true, ..NEW });
        assert_eq!((seen.error, seen.leader, seen.replicas), (ErrorCode::ReplicaNotAvailable, 1, vec![1]));
        let seen = reach.see(&partition(Some(1)), NEW);
        assert_eq!((seen.error, seen.replicas, seen.offline), (ErrorCode::None, vec![1, 2], vec![2]));
    }

    #[test]
    fn a_replica_in_a_lost_directory_is_offline() {
        let image = image(&[1, 2]);
        let reach = reach(&image, &[1, 2]);
        let lost = Partition { directories: vec![Uuid::LOST, Uuid::UNASSIGNED], ..partition(Some(2)) };
        assert_eq!(reach.see(&lost, NEW).offline, vec![1]);
    }
}
