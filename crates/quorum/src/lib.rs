//! Hosts the controller over raft in the metadata log.
