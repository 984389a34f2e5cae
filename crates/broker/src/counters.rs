//! What this node counts, and how `/metrics` shows it.
//!
//! Counters are made once for each API; a request costs one atomic addition. Gauges are read when
//! somebody asks.

use ottla_model::ErrorCode;
use ottla_net::ConnectionInfo;
use ottla_partition::Appended;
use ottla_wire::ApiKey;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Api {
    api: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiError {
    api: &'static str,
    error: &'static str,
}

/// Events since the start.
pub(crate) struct Counters {
    /// Requests by the code of their API: the hot way to the family's counters.
    requests_by_key: Vec<Counter>,
    requests: Family<Api, Counter>,
    errors: Family<ApiError, Counter>,
    malformed: Counter,
    left_over_bytes: Counter,
    bugs: Counter,
    /// Series of clients' own metrics that are not shown.
    pub(crate) client_series_left_out: Counter,
    /// Bytes of records appended as leader.
    pub(crate) bytes_in: Counter,
    /// Records appended as leader.
    pub(crate) records_in: Counter,
    /// Bytes of records read by fetches.
    pub(crate) bytes_out: Counter,
    /// Rounds in which a log directory was synced.
    pub(crate) flush_rounds: Counter,
    /// Files synced in those rounds.
    pub(crate) flushed_files: Counter,
    /// Segments deleted by retention.
    pub(crate) segments_deleted: Counter,
}

impl Counters {
    pub(crate) fn new(served: impl Iterator<Item = ApiKey>) -> Self {
        let requests = Family::<Api, Counter>::default();
        let mut requests_by_key = Vec::new();
        for key in served {
            let place = usize::try_from(key.code()).unwrap_or_default();
            while requests_by_key.len() <= place {
                requests_by_key.push(Counter::default());
            }
            if let Some(slot) = requests_by_key.get_mut(place) {
                *slot = requests.get_or_create(&Api { api: key.name() }).clone();
            }
        }
        Self {
            requests_by_key,
            requests,
            errors: Family::default(),
            malformed: Counter::default(),
            left_over_bytes: Counter::default(),
            bugs: Counter::default(),
            client_series_left_out: Counter::default(),
            bytes_in: Counter::default(),
            records_in: Counter::default(),
            bytes_out: Counter::default(),
            flush_rounds: Counter::default(),
            flushed_files: Counter::default(),
            segments_deleted: Counter::default(),
        }
    }

    /// Names everything for the registry that `/metrics` prints.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("ottla_requests", "Requests by API", self.requests.clone());
        registry.register("ottla_request_errors", "Error codes answered, by API", self.errors.clone());
        let counters = [
            ("ottla_malformed_requests", "Requests closed without an answer", &self.malformed),
            ("ottla_request_left_over_bytes", "Bytes behind the end of a request", &self.left_over_bytes),
            ("ottla_bugs", "Situations that should not occur; please report", &self.bugs),
            (
                "ottla_telemetry_left_out",
                "Series of clients that are not shown: too many, or too long",
                &self.client_series_left_out,
            ),
            ("ottla_produced_bytes", "Bytes of record batches appended", &self.bytes_in),
            ("ottla_produced_records", "Records appended", &self.records_in),
            ("ottla_fetched_bytes", "Bytes of record batches answered to fetches", &self.bytes_out),
            ("ottla_flush_rounds", "Rounds in which log directories were synced", &self.flush_rounds),
            ("ottla_flushed_files", "Files synced in those rounds", &self.flushed_files),
            ("ottla_deleted_segments", "Segments deleted by retention", &self.segments_deleted),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
    }

    pub(crate) fn request(&self, key: ApiKey) {
        if let Some(counter) =
            usize::try_from(key.code()).ok().and_then(|place| self.requests_by_key.get(place))
        {
            counter.inc();
        }
    }

    /// An error code that an answer carries; none and unknown ones do not count.
    pub(crate) fn answered(&self, key: ApiKey, code: i16) {
        if code == ErrorCode::None.code() {
            return;
        }
        if let Some(error) = ErrorCode::from_code(code) {
            self.errors.get_or_create(&ApiError { api: key.name(), error: error.name() }).inc();
        }
    }

    /// What a produce has brought.
    pub(crate) fn appended(&self, appended: &Appended) {
        self.bytes_in.inc_by(appended.bytes);
        self.records_in.inc_by(u64::try_from(appended.records).unwrap_or(0));
    }

    /// A request that nothing can be answered to.
    pub(crate) fn malformed(&self, connection: &ConnectionInfo) {
        self.malformed.inc();
        tracing::debug!(peer = %connection.peer, "closed: not a request that is served here");
    }

    pub(crate) fn left_over(&self, bytes: usize) {
        if bytes > 0 {
            self.left_over_bytes.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    pub(crate) fn bug(&self) {
        self.bugs.inc();
    }
}
