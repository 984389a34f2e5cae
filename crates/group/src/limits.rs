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

/// Distinct patterns that the members of one group subscribe to. They are compiled and matched with every topic's name
/// within a heartbeat, while other groups of the shard wait. A group that a Kafka left with more keeps them.
pub(crate) const MAX_PATTERNS: usize = 64;

/// Bytes of a client's or instance's name that a new member's id begins with. Both may be as long as a string of the
/// protocol; the id, which is longer by a UUID, has to fit in one too.
pub(crate) const MAX_MEMBER_ID_PREFIX: usize = 255;
