//! The shape of a replicated decision.
