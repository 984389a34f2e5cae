//! The value of a topic setting: the topic's own, else a broker setting that stands behind it, else the default.
//!
//! Order of sources, as in Kafka's `KafkaConfigSchema`: topic, this broker (while running), all brokers (while
//! running), what the broker was started with, default; within a source the synonyms in their order. Invariant: a stored
//! value that its row does not take is passed over, so that a log always has settings.

use crate::given::{ConfigMap, Given};
use crate::log_settings::{CleanupPolicy, LogSettings, TimestampType, TopicCompression};
use crate::setting::Setting;
use crate::synonyms;
use crate::table;
use crate::value::{self, Value};

/// Where a value comes from; the numbers of DescribeConfigs (protocol key 32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the words are Kafka's
#[repr(i8)]
pub enum Source {
    Topic = 1,
    DynamicBroker = 2,
    DynamicDefaultBroker = 3,
    StaticBroker = 4,
    Default = 5,
    ClientMetrics = 7,
    Group = 8,
}

impl Source {
    /// Its number in DescribeConfigs and CreateTopics.
    pub const fn wire_id(self) -> i8 {
        self as i8
    }
}

/// What stands below a topic's own values.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// Changes made while running for this broker.
    pub broker: &'a ConfigMap,
    /// Changes made while running for all brokers.
    pub cluster: &'a ConfigMap,
    /// What the broker was started with.
    pub given: &'a Given,
}

/// A topic setting resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Its row.
    pub setting: &'static Setting,
    /// `None` for a row without default that nobody set.
    pub value: Option<Value>,
    /// Where it comes from.
    pub source: Source,
}

impl Layers<'_> {
    /// The text that a source below the topic has for a broker setting.
    pub(crate) fn text(&self, source: Source, name: &str) -> Option<&str> {
        match source {
            Source::DynamicBroker => self.broker.get(name).map(String::as_str),
            Source::DynamicDefaultBroker => self.cluster.get(name).map(String::as_str),
            Source::StaticBroker => self.static_text(name),
            Source::Default => table::broker(name).and_then(Setting::default),
            Source::Topic | Source::ClientMetrics | Source::Group => None,
        }
    }

    /// `node.id` and `broker.id` are given together whichever was written (`populateSynonyms`).
    fn static_text(&self, name: &str) -> Option<&str> {
        let other = match name {
            "node.id" => "broker.id",
            "broker.id" => "node.id",
            _ => name,
        };
        self.given.get(name).or_else(|| self.given.get(other)).map(|given| given.text.as_str())
    }

    /// Resolves one topic setting; `topic` has the topic's own values.
    pub fn topic_setting(&self, topic: &ConfigMap, setting: &'static Setting) -> Resolved {
        let own = topic.get(setting.name).and_then(|text| value::parse(setting, text).ok());
        if own.is_some() {
            return Resolved { setting, value: own, source: Source::Topic };
        }
        for source in [Source::DynamicBroker, Source::DynamicDefaultBroker, Source::StaticBroker] {
            for synonym in synonyms::of_topic(setting.name) {
                let Some(text) = self.text(source, synonym.name) else { continue };
                let taken = table::broker(synonym.name).is_some_and(|row| value::parse(row, text).is_ok());
                if let Some(value) = typed(setting, &synonym.unit.convert(text)).filter(|_| taken) {
                    return Resolved { setting, value: Some(value), source };
                }
            }
        }
        let value = setting.default().and_then(|text| value::parse(setting, text).ok());
        Resolved { setting, value, source: Source::Default }
    }

    /// Every topic setting, by name; one that is internal only if the topic has it. What CreateTopics answers.
    pub fn topic_settings(&self, topic: &ConfigMap) -> Vec<Resolved> {
        table::topic_settings()
            .filter(|row| !row.internal || topic.contains_key(row.name))
            .map(|row| self.topic_setting(topic, row))
            .collect()
    }
}

/// The text as a value of a topic setting. Below zero every retention time means "never", which the topic writes −1
/// (`AbstractKafkaConfig.logRetentionTimeMillis`).
fn typed(setting: &Setting, text: &str) -> Option<Value> {
    let negative = text.trim().parse::<i64>().is_ok_and(|number| number < 0);
    let text = if setting.name == "retention.ms" && negative { "-1" } else { text };
    value::parse(setting, text).ok()
}

impl LogSettings {
    /// What a log obeys, given the topic's own values and what stands below them.
    pub fn resolve(topic: &ConfigMap, layers: &Layers<'_>) -> Self {
        let reader = Reader { topic, layers };
        let default = Self::default();
        Self {
            cleanup_policy: reader.cleanup_policy(),
            compression: reader.compression(),
            delete_retention_ms: reader.long("delete.retention.ms", default.delete_retention_ms),
            file_delete_delay_ms: reader.long("file.delete.delay.ms", default.file_delete_delay_ms),
            flush_messages: reader.long("flush.messages", default.flush_messages),
            flush_ms: reader.long("flush.ms", default.flush_ms),
            index_interval_bytes: reader.int("index.interval.bytes", default.index_interval_bytes),
            max_decompressed_message_bytes: reader
                .int("max.decompressed.message.bytes", default.max_decompressed_message_bytes),
            max_message_bytes: reader.int("max.message.bytes", default.max_message_bytes),
            message_timestamp_type: match reader.text("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            message_timestamp_before_max_ms: reader
                .long("message.timestamp.before.max.ms", default.message_timestamp_before_max_ms),
            message_timestamp_after_max_ms: reader
                .long("message.timestamp.after.max.ms", default.message_timestamp_after_max_ms),
            min_insync_replicas: reader.int("min.insync.replicas", default.min_insync_replicas),
            preallocate: reader.flag("preallocate"),
            retention_bytes: reader.long("retention.bytes", default.retention_bytes),
            retention_ms: reader.long("retention.ms", default.retention_ms),
            segment_bytes: reader.int("segment.bytes", default.segment_bytes),
            segment_index_bytes: reader.int("segment.index.bytes", default.segment_index_bytes),
            segment_jitter_ms: reader.long("segment.jitter.ms", default.segment_jitter_ms),
            segment_ms: reader.long("segment.ms", default.segment_ms),
            unclean_leader_election_enable: reader.flag("unclean.leader.election.enable"),
        }
    }
}

struct Reader<'a> {
    topic: &'a ConfigMap,
    layers: &'a Layers<'a>,
}

impl Reader<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        table::topic(name).and_then(|row| self.layers.topic_setting(self.topic, row).value)
    }

    fn long(&self, name: &str, default: i64) -> i64 {
        match self.value(name) {
            Some(Value::Number(number)) => number,
            _ => default,
        }
    }

    fn int(&self, name: &str, default: i32) -> i32 {
        i32::try_from(self.long(name, default.into())).unwrap_or(default)
    }

    fn flag(&self, name: &str) -> bool {
        self.value(name) == Some(Value::Boolean(true))
    }

    fn text(&self, name: &str) -> String {
        self.value(name).map(|value| value.to_string()).unwrap_or_default()
    }

    fn cleanup_policy(&self) -> CleanupPolicy {
        let policies = value::elements(&self.text("cleanup.policy"));
        let has = |policy: &str| policies.iter().any(|given| given == policy);
        CleanupPolicy { delete: has("delete"), compact: has("compact") }
    }

    fn compression(&self) -> TopicCompression {
        match self.text("compression.type").as_str() {
            "uncompressed" => TopicCompression::None,
            "gzip" => TopicCompression::Gzip(self.int("compression.gzip.level", -1)),
            "snappy" => TopicCompression::Snappy,
            "lz4" => TopicCompression::Lz4(self.int("compression.lz4.level", 9)),
            "zstd" => TopicCompression::Zstd(self.int("compression.zstd.level", 3)),
            _ => TopicCompression::Producer,
        }
    }
}
