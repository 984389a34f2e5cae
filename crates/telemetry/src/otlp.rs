//! The OpenTelemetry metrics that a client sends (`opentelemetry/proto/metrics/v1/metrics.proto`): the part that
//! becomes gauges, which is numbers. Histograms and summaries, which Kafka's clients do not send, are read over.
//!
//! Messages inside messages are taken as bytes and read one at a time, so that a payload of empty messages costs
//! what it weighs and not what it claims. What is kept is bounded; how much was left out is counted.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use ottla_model::Uuid;
use ottla_record::{Compression, DecompressError, Limits, decompress, with_scratch};
use prost::{DecodeError, Message};

use crate::limits::{MAX_LABEL_BYTES, MAX_LABELS, MAX_NAME_BYTES, MAX_SERIES_OF_CLIENT, ZSTD_WINDOW_LOG};
use crate::subscriptions::cut;

/// Stands before every name, so that no client can write under a name of ours.
const PREFIX: &str = "ottla_client_";
/// `AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA`.
const DELTA: i32 = 1;

#[derive(Clone, PartialEq, Message)]
struct MetricsData {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    resource_metrics: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceMetrics {
    #[prost(bytes = "bytes", repeated, tag = "2")]
    scope_metrics: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeMetrics {
    #[prost(bytes = "bytes", repeated, tag = "2")]
    metrics: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "5")]
    gauge: Option<Numbers>,
    #[prost(message, optional, tag = "7")]
    sum: Option<Numbers>,
}

/// `Gauge` and `Sum`: the former is the latter without its temporality.
#[derive(Clone, PartialEq, Message)]
struct Numbers {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    data_points: Vec<Bytes>,
    #[prost(int32, tag = "2")]
    aggregation_temporality: i32,
}

#[derive(Clone, PartialEq, Message)]
struct NumberDataPoint {
    #[prost(bytes = "bytes", repeated, tag = "7")]
    attributes: Vec<Bytes>,
    #[prost(double, optional, tag = "4")]
    as_double: Option<f64>,
    #[prost(sfixed64, optional, tag = "6")]
    as_int: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    string: Option<String>,
    #[prost(bool, optional, tag = "2")]
    boolean: Option<bool>,
    #[prost(int64, optional, tag = "3")]
    int: Option<i64>,
    #[prost(double, optional, tag = "4")]
    double: Option<f64>,
}

/// One number of a push.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: Arc<str>,
    /// As they stand between the braces.
    pub(crate) labels: Arc<str>,
    pub(crate) number: f64,
    /// Whether it is what came since the last push.
    pub(crate) is_difference: bool,
}

/// The numbers of a push.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    pub(crate) samples: Vec<Sample>,
    /// Numbers beyond what is shown of one client, and those whose names or labels are too long.
    pub(crate) left_out: usize,
}

/// Why a payload is not taken.
#[derive(Clone, Debug)]
pub enum Unreadable {
    /// It does not unfold, or to too much.
    Packed(DecompressError),
    /// It is not the protobuf that it should be.
    Damaged(DecodeError),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packed(error) => write!(f, "{error}"),
            Self::Damaged(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Reads a payload of this client; it may unfold to `max_bytes`.
pub fn read(
    compression: Compression,
    payload: Bytes,
    max_bytes: usize,
    client_id: &str,
    instance: Uuid,
) -> Result<Samples, Unreadable> {
    let unfolded = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    let limits = Limits { unfolded, zstd_window_log: ZSTD_WINDOW_LOG };
    let payload = match compression {
        Compression::None => payload,
        Compression::Gzip | Compression::Snappy | Compression::Lz4 | Compression::Zstd => {
            let unfolded = with_scratch(|scratch| decompress(compression, &payload, limits, scratch));
            unfolded.map(Bytes::from).map_err(Unreadable::Packed)?
        }
    };
    read_unfolded(payload, client_id, instance).map_err(Unreadable::Damaged)
}

fn read_unfolded(payload: Bytes, client_id: &str, instance: Uuid) -> Result<Samples, DecodeError> {
    let mut samples = Samples::default();
    for resource in MetricsData::decode(payload)?.resource_metrics {
        for scope in ResourceMetrics::decode(resource)?.scope_metrics {
            for metric in ScopeMetrics::decode(scope)?.metrics {
                read_metric(Metric::decode(metric)?, client_id, instance, &mut samples)?;
            }
        }
    }
    Ok(samples)
}

fn read_metric(
    metric: Metric,
    client_id: &str,
    instance: Uuid,
    samples: &mut Samples,
) -> Result<(), DecodeError> {
    let Metric { name, gauge, sum } = metric;
    let name = shown_name(&name);
    let is_difference =
        gauge.is_none() && sum.as_ref().is_some_and(|sum| sum.aggregation_temporality == DELTA);
    let Some(Numbers { data_points, aggregation_temporality: _ }) = gauge.or(sum) else { return Ok(()) };
    for point in data_points {
        let NumberDataPoint { attributes, as_double, as_int } = NumberDataPoint::decode(point)?;
        #[expect(clippy::cast_precision_loss, reason = "the format has no integers")]
        let Some(number) = as_double.or(as_int.map(|number| number as f64)) else { continue };
        let labels = match &name {
            Some(_) if samples.samples.len() < MAX_SERIES_OF_CLIENT => {
                labels(attributes, client_id, instance)?
            }
            Some(_) | None => None,
        };
        match (&name, labels) {
            (Some(name), Some(labels)) => {
                let name = Arc::clone(name);
                samples.samples.push(Sample { name, labels: labels.into(), number, is_difference });
            }
            _ => samples.left_out += 1,
        }
    }
    Ok(())
}

/// The name under which a metric is shown; `None` for one that is empty or too long.
fn shown_name(name: &str) -> Option<Arc<str>> {
    let fits = !name.is_empty() && name.len() <= MAX_NAME_BYTES;
    fits.then(|| format!("{PREFIX}{}", letters(name)).into())
}

/// A text of the alphabet of names and labels.
fn letters(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    text.chars().map(letter).collect()
}

/// The labels of a point: the client's, and its own attributes; `None` if there are too many or one is too long.
fn labels(attributes: Vec<Bytes>, client_id: &str, instance: Uuid) -> Result<Option<String>, DecodeError> {
    if attributes.len() > MAX_LABELS {
        return Ok(None);
    }
    let mut all = BTreeMap::new();
    for attribute in attributes {
        let KeyValue { key, value } = KeyValue::decode(attribute)?;
        let text = value.map(text_of).unwrap_or_default();
        if key.len() > MAX_LABEL_BYTES || text.len() > MAX_LABEL_BYTES {
            return Ok(None);
        }
        let key = letters(&key);
        let is_name = key.starts_with(|c: char| c.is_ascii_alphabetic());
        all.insert(if is_name { key } else { format!("label_{key}") }, text);
    }
    // No attribute speaks for another client.
    all.insert("client_id".to_owned(), cut(client_id).to_owned());
    all.insert("client_instance_id".to_owned(), instance.to_string());
    let mut labels = String::new();
    for (key, text) in all {
        let comma = if labels.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(labels, "{comma}{key}=\"{}\"", escaped(&text));
    }
    Ok(Some(labels))
}

/// A label's text as the format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn text_of(value: AnyValue) -> String {
    let AnyValue { string, boolean, int, double } = value;
    string
        .or(boolean.map(|value| value.to_string()))
        .or(int.map(|value| value.to_string()))
        .or(double.map(|value| value.to_string()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
