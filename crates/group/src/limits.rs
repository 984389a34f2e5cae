//! Every bound of this room.

/// Records that one decision writes to let old things go; the host asks again while there are some.
pub(crate) const MAX_TOMBSTONES: usize = 5_000;

/// Bytes of their keys, about: what is written fits any segment that Kafka allows.
pub(crate) const MAX_TOMBSTONE_BYTES: usize = 512 * 1024;

/// Ids given out in one group whose clients have not come back with them.
pub(crate) const MAX_PENDING: usize = 10_000;

/// How long a classic group at least waits again for static members that have not joined, whatever they ask for.
pub(crate) const MIN_JOIN_AGAIN_MS: i32 = 1_000;

/// Steps that the searches for chains of moves in one assignment may take (`assign/uniform/chains`): at most a quarter
/// of a second. Once they are spent, loads stay less even than they could be and the next assignment goes on from
/// there. That takes thousands of members whose loads rise along a row of topics.
pub(crate) const MAX_CHAIN_STEPS: usize = 20_000_000;

/// The longest time between two heartbeats of a member that has yet to reach its part of its group's epoch.
pub(crate) const RECONCILING_HEARTBEAT_MS: i32 = 500;
