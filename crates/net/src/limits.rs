//! Bounds of this room that are not settings, and how they relate.

use std::time::Duration;

/// Room for a read while no large frame is being received.
pub const READ_ROOM: usize = 16 * 1024;

/// A frame being received never holds more than twice what has arrived of it, or what the
/// connection's last frame took (at most [`REUSED_FRAME_BYTES`]), plus this.
pub const AHEAD_OF_ARRIVAL: usize = 64 * 1024;

/// A connection that sent a whole large frame may have room for another such one at once, up to
/// this: a producer of full batches is read without growing step by step.
pub const REUSED_FRAME_BYTES: usize = 4 * 1024 * 1024;

/// A frame of fewer bytes cannot hold a request header (key, version, correlation id).
pub const MIN_FRAME_BYTES: i32 = 8;

/// Requests of one connection that are started and not answered; `queued.max.requests` lowers it.
pub const REQUESTS_PER_CONNECTION: usize = 64;

/// Bytes of the frames of one connection whose requests are started and not answered; at the bound
/// no further one is started, so that one larger than this still is, alone.
pub const REQUEST_BYTES_PER_CONNECTION: u64 = 32 * 1024 * 1024;

/// Requests of all connections that are started and not answered, parked ones too: one parked
/// fetch for each of many idle consumers, which cost little.
pub const REQUESTS_PER_NODE: usize = 128 * 1024;

/// Bytes of all frames being received or answered, when `queued.max.request.bytes` is −1.
pub const REQUEST_BYTES_PER_NODE: u64 = 512 * 1024 * 1024;

/// Of a frame that is announced, this much counts against the node's bytes before it has come.
pub const CHARGED_IN_ADVANCE: usize = AHEAD_OF_ARRIVAL;

/// Replies that are batched before they are written.
pub const BATCHED_REPLIES: usize = 64;

/// Bytes of replies in memory that are batched before they are written.
pub const BATCHED_BYTES: usize = 64 * 1024;

/// Parts of a reply below this are copied beside each other; larger ones are written from where
/// they are.
pub const COPIED_PART_BYTES: usize = 4 * 1024;

/// Slices in one write.
pub const SLICES_PER_WRITE: usize = 64;

/// From accept to the end of the first request.
pub const FIRST_REQUEST: Duration = Duration::from_secs(30);

/// While the node has no room, a frame that takes longer than this to arrive loses its connection:
/// half-sent frames must not keep everybody out.
pub const SLOW_FRAME: Duration = Duration::from_secs(30);

/// A quiet connection gives its buffers back after this.
pub const RELEASE_BUFFERS_AFTER: Duration = Duration::from_secs(1);

/// For started requests to end once nothing more will be read (the peer has closed its side, a
/// frame was refused, the node stops).
pub const LAST_REPLIES: Duration = Duration::from_secs(30);

/// For a peer to take the last reply and close, so that no reset overtakes the reply.
pub const LINGER: Duration = Duration::from_millis(200);

/// Bytes thrown away while lingering.
pub const LINGER_BYTES: usize = 1024 * 1024;

/// A throttled connection is muted for no longer than this.
pub const LONGEST_MUTE: Duration = Duration::from_secs(3600);

/// Pause of an accept loop that has run out of descriptors or memory.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections beyond `max.connections` that listeners of the cluster itself may still take.
pub const RESERVED_CONNECTIONS: u32 = 64;

/// One line of a kind in the log for each of these, whatever clients do.
pub const LOG_EVERY: Duration = Duration::from_secs(60);

const _: () = assert!(READ_ROOM <= AHEAD_OF_ARRIVAL);
const _: () = assert!(AHEAD_OF_ARRIVAL <= REUSED_FRAME_BYTES);
const _: () = assert!(REQUESTS_PER_CONNECTION <= REQUESTS_PER_NODE);
const _: () = assert!(REUSED_FRAME_BYTES as u64 <= REQUEST_BYTES_PER_NODE);
const _: () = assert!(REQUEST_BYTES_PER_CONNECTION <= REQUEST_BYTES_PER_NODE);
const _: () = assert!(COPIED_PART_BYTES <= BATCHED_BYTES);
const _: () = assert!(RELEASE_BUFFERS_AFTER.as_millis() < FIRST_REQUEST.as_millis());
