//! Every bound of this room.

/// Clients whose metrics are asked for at the same time (Kafka's `CACHE_MAX_SIZE`).
pub const MAX_CLIENTS: usize = 16_384;

/// Series that `/metrics` shows of one client.
pub const MAX_SERIES_OF_CLIENT: usize = 1_000;

/// Series that `/metrics` shows of all clients.
pub const MAX_SERIES: usize = 20_000;

/// Labels of a series that a client names, besides its own.
pub const MAX_LABELS: usize = 8;

/// Bytes of such a label's name or value; what a client says of itself (its id, its library) is cut to as many.
pub const MAX_LABEL_BYTES: usize = 256;

/// Bytes of the names and labels of the series of all clients. The longest series takes seven KiB, so that the bound on
/// their number alone would leave room for 140 MiB.
pub const MAX_SERIES_BYTES: usize = 16 << 20;

/// Bytes of the name of a client's metric.
pub const MAX_NAME_BYTES: usize = 200;

/// The largest zstd window of a client's metrics, as a power of two: 8 MiB, what its libraries use by default.
pub const ZSTD_WINDOW_LOG: u32 = 23;

const _: () = assert!(MAX_SERIES_OF_CLIENT <= MAX_SERIES);
const _: () = assert!(ZSTD_WINDOW_LOG <= ottla_record::limits::ZSTD_WINDOW_LOG);
