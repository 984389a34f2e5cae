//! Consumer groups of the new protocol: the broker assigns, members reconcile (KIP-848).

/// A consumer group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroup {}

/// What no record of a consumer group carries.
#[derive(Clone, Debug, PartialEq)]
pub enum ConsumerVolatile {}
