//! The control records that consensus writes into its log (Kafka's `ControlRecordUtils`), as values.

use ottla_model::NodeId;

use crate::Voters;

/// A control record; the host gives it its bytes, always at version 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlRecord {
    /// A new epoch begins: first record of a leader.
    LeaderChange {
        /// The leader.
        leader: NodeId,
        /// Who could vote.
        voters: Vec<NodeId>,
        /// Who voted for it.
        granting: Vec<NodeId>,
    },
    /// The finalised `kraft.version`.
    KRaftVersion(i16),
    /// The set of voters.
    Voters(Voters),
}
