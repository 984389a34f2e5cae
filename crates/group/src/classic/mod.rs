//! Classic groups: members choose a protocol and a leader, and the leader assigns (Kafka's `ClassicGroup`).
//!
//! ```text
//! Empty -> PreparingRebalance -> CompletingRebalance -> Stable
//!            ^ members join          ^ the leader's assignment comes, is appended
//! ```
//! What is durable of a group is its last appended `GroupMetadata`: a generation with assignments, or an empty
//! group. A rebalance in between is volatile: who loads the group finds the last complete generation.

mod group;

pub use group::{ClassicGroup, InitialDelay, Member, Protocol, State};
