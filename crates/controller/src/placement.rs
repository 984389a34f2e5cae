//! Which brokers hold a new partition: striped over racks and brokers from a start that differs
//! from topic to topic, unfenced brokers first (Kafka's `StripedReplicaPlacer`).

use std::collections::BTreeMap;

use ottla_metadata::{Broker, Image};
use ottla_model::{ErrorCode, NodeId, Uuid};

use crate::refusal::Refusal;

/// Where replicas go, and who of them is in sync at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The preferred leader first.
    pub(crate) replicas: Vec<NodeId>,
    /// Those that are active, in the same order; never empty.
    pub(crate) isr: Vec<NodeId>,
}

/// Places `count` partitions of `replication_factor` replicas. `seed` decides the first broker.
pub(crate) fn place(
    image: &Image,
    first_partition: usize,
    count: usize,
    replication_factor: i16,
    seed: Uuid,
) -> Result<Vec<Placed>, Refusal> {
    let wanted = usize::try_from(replication_factor).unwrap_or(0);
    let brokers = in_stripes(image);
    let active = |id: &NodeId| image.brokers.get(id).is_some_and(Broker::is_active);
    if wanted == 0 || wanted > brokers.len() {
        let message = format!(
            "Unable to replicate the partition {replication_factor} time(s): \
             the cluster has {} registered broker(s); ask for no more, or start more brokers.",
            brokers.len()
        );
        return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
    }
    if !brokers.iter().any(active) {
        let message = "Unable to place the partition: all brokers are fenced or in controlled shutdown.";
        return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
    }
    let start = usize::from(u16::from_be_bytes([seed.to_bytes()[14], seed.to_bytes()[15]]));
    let one = |partition: usize| {
        // Every full turn over the brokers shifts the followers by one more, so that the load of a
        // leader that fails spreads over all.
        let turn = partition / brokers.len();
        let leader = start + partition;
        let follower =
            |n: usize| if n == 0 { leader } else { leader + n + turn % (brokers.len() - 1).max(1) };
        let mut replicas: Vec<NodeId> = Vec::with_capacity(wanted);
        for n in 0..wanted + brokers.len() {
            let candidate = brokers.get(follower(n) % brokers.len());
            replicas.extend(candidate.filter(|id| !replicas.contains(id)));
            if replicas.len() == wanted {
                break;
            }
        }
        // Active brokers lead.
        replicas.sort_by_key(|id| !active(id));
        let isr = replicas.iter().copied().filter(active).collect::<Vec<_>>();
        Placed { replicas, isr }
    };
    let placed: Vec<Placed> = (first_partition..first_partition + count).map(one).collect();
    if placed.iter().any(|placed| placed.isr.is_empty()) {
        let message = "Unable to place a partition: its brokers are fenced or in controlled shutdown.";
        return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
    }
    Ok(placed)
}

/// All brokers, one of each rack in turn.
fn in_stripes(image: &Image) -> Vec<NodeId> {
    let mut racks: BTreeMap<Option<&str>, Vec<NodeId>> = BTreeMap::new();
    for broker in image.brokers.values() {
        racks.entry(broker.rack.as_deref()).or_default().push(broker.id);
    }
    let longest = racks.values().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|n| racks.values().filter_map(move |rack| rack.get(n).copied())).collect()
}

/// Checks an assignment that the client chose; `expected` replicas where the topic has some already.
pub(crate) fn check_manual(
    image: &Image,
    replicas: &[NodeId],
    expected: Option<usize>,
) -> Result<Placed, Refusal> {
    let refuse = |message: String| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
    if replicas.is_empty() {
        return refuse("The manual partition assignment includes an empty replica list.".into());
    }
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    for pair in sorted.windows(2) {
        if let [first, second] = pair
            && first == second
        {
            return refuse(format!(
                "The manual partition assignment includes the broker {first} more than once."
            ));
        }
    }
    if let Some(unknown) = sorted.iter().find(|id| !image.brokers.contains_key(id)) {
        return refuse(format!(
            "The manual partition assignment includes broker {unknown}, but no such broker is registered."
        ));
    }
    if let Some(expected) = expected.filter(|expected| *expected != replicas.len()) {
        return refuse(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not \
             consistent with previous partitions, which have {expected} replica(s).",
            replicas.len()
        ));
    }
    let active = |id: &NodeId| image.brokers.get(id).is_some_and(Broker::is_active);
    let isr: Vec<_> = replicas.iter().copied().filter(active).collect();
    if isr.is_empty() {
        return refuse(
            "All brokers of a manual partition assignment are fenced or in controlled shutdown.".into(),
        );
    }
    Ok(Placed { replicas: replicas.to_vec(), isr })
}
