//! What the log and the metrics tell of groups: each rebalance, why it happened, and how long it took.

use ottla_group::Note;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// The longest text of a client that a log line carries.
const MAX_TEXT: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    reason: &'static str,
}

/// Events of groups since the start.
pub(crate) struct GroupCounters {
    rebalances: Family<Why, Counter>,
    settled: Histogram,
    records: Counter,
}

impl Default for GroupCounters {
    fn default() -> Self {
        // From 5 ms to about 11 minutes.
        let settled = Histogram::new(exponential_buckets(0.005, 2.0, 18));
        Self { rebalances: Family::default(), settled, records: Counter::default() }
    }
}

impl GroupCounters {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("ottla_group_rebalances", "Rebalances begun, by reason", self.rebalances.clone());
        registry.register(
            "ottla_group_rebalance_seconds",
            "From a rebalance's beginning until every member has its part",
            self.settled.clone(),
        );
        registry.register(
            "ottla_group_records",
            "Records appended to __consumer_offsets by this node",
            self.records.clone(),
        );
    }

    pub(crate) fn appended(&self, records: usize) {
        self.records.inc_by(u64::try_from(records).unwrap_or(u64::MAX));
    }

    pub(crate) fn note(&self, note: &Note) {
        match note {
            Note::Rebalance { group, generation, reason, member, detail } => {
                self.rebalances.get_or_create(&Why { reason: reason.name() }).inc();
                tracing::info!(
                    group = short(group),
                    generation,
                    reason = reason.name(),
                    member = short(member),
                    detail = short(detail),
                    "a group is rebalanced"
                );
            }
            Note::Settled { group, generation, members, took_ms } => {
                let seconds = std::time::Duration::from_millis(*took_ms).as_secs_f64();
                self.settled.observe(seconds);
                tracing::info!(group = short(group), generation, members, took_ms, "a group has settled");
            }
        }
    }
}

/// Text of a client, cut to what a line may carry; the log's format escapes it.
fn short(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
