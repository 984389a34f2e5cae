//! Kafka's own metrics, and those of clients.
//!
//! Rows only; what a row means stands in `setting`, what reads it in the room that obeys it.

use super::reasons::METRICS;
use crate::setting::{Setting, int, list, long, string};

#[rustfmt::skip]
pub(super) const ROWS: &[Setting] = &[
    int("metrics.num.samples").is("2").at_least(1).low()
        .kept(METRICS, "Samples kept for each of Kafka's own metrics."),
    long("metrics.sample.window.ms").is("30000").at_least(1).low()
        .kept(METRICS, "Length of each sample of Kafka's own metrics."),
    string("metrics.recording.level").is("INFO").low()
        .kept(METRICS, "The finest of Kafka's own metrics that is recorded."),
    list("metric.reporters").is("org.apache.kafka.common.metrics.JmxReporter").items().low().cluster_wide()
        .kept(METRICS, "Java classes that carry Kafka's own metrics away."),
    list("kafka.metrics.reporters").is("").items().low()
        .kept(METRICS, "Java classes that carry Kafka's older metrics away."),
    int("kafka.metrics.polling.interval.secs").is("10").at_least(1).low()
        .kept(METRICS, "Time between two reports of Kafka's older metrics."),
    int("telemetry.max.bytes").is("1048576").at_least(1).low()
        .obeyed("The largest batch of metrics that a client may send, packed or not."),
];
