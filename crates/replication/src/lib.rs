//! The rules of one partition's replicas.
