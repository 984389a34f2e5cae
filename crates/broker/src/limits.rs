//! Every bound of this room.

/// The longest a fetch is parked, whatever it asks for.
pub(crate) const MAX_FETCH_WAIT_MS: u64 = 5 * 60 * 1000;

/// The longest a produce waits to be acknowledged, whatever it asks for.
pub(crate) const MAX_PRODUCE_WAIT_MS: u64 = 10 * 60 * 1000;

/// Rejected records told one by one in a produce answer.
pub(crate) const MAX_RECORD_ERRORS: usize = 100;

/// Requests that wait for the metadata thread; more are refused with REQUEST_TIMED_OUT.
pub(crate) const MAX_QUEUED_METADATA_REQUESTS: usize = 1024;

/// The longest a change of metadata is waited for, whatever the request says.
pub(crate) const MAX_METADATA_WAIT_MS: u64 = 10 * 60 * 1000;

/// How long a decision is waited for when the request does not say.
pub(crate) const CONTROLLER_WAIT_MS: i32 = 30_000;

/// How long a producer waits for an id before it is sent away to ask again.
pub(crate) const PRODUCER_ID_WAIT_MS: u64 = 5_000;

/// The longest name of a group that `/metrics` shows, in bytes.
pub(crate) const MAX_GROUP_LABEL: usize = 256;

/// Committed offsets whose lag `/metrics` shows.
pub(crate) const MAX_LAG_SERIES: usize = 20_000;

const _: () = assert!(MAX_FETCH_WAIT_MS <= MAX_PRODUCE_WAIT_MS && MAX_PRODUCE_WAIT_MS <= i32::MAX as u64);
