//! Which broker settings stand behind a setting of a topic or a group, and which broker settings stand for each other
//! (`ServerTopicConfigSynonyms`, `DynamicBrokerConfig.brokerConfigSynonyms`).

use crate::table;

/// How the number of a synonym becomes that of the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// As it is.
    Same,
    /// Hours to milliseconds.
    Hours,
    /// Minutes to milliseconds.
    Minutes,
}

impl Unit {
    /// The value in the unit of the setting; text that is no number stays as it is.
    pub fn convert(self, text: &str) -> String {
        let factor = match self {
            Self::Same => return text.to_owned(),
            Self::Hours => 3_600_000,
            Self::Minutes => 60_000,
        };
        let number = text.trim().parse::<i64>().ok().map(|number| number.saturating_mul(factor));
        number.map_or_else(|| text.to_owned(), |number| number.to_string())
    }
}

/// A broker setting that gives a topic setting its value where the topic has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The broker setting.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
}

const fn same(name: &'static str) -> Synonym {
    Synonym { name, unit: Unit::Same }
}

const fn hours(name: &'static str) -> Synonym {
    Synonym { name, unit: Unit::Hours }
}

const fn minutes(name: &'static str) -> Synonym {
    Synonym { name, unit: Unit::Minutes }
}

#[rustfmt::skip]
const OF_TOPIC: &[(&str, &[Synonym])] = &[
    ("cleanup.policy", &[same("log.cleanup.policy")]),
    ("compression.gzip.level", &[same("compression.gzip.level")]),
    ("compression.lz4.level", &[same("compression.lz4.level")]),
    ("compression.type", &[same("compression.type")]),
    ("compression.zstd.level", &[same("compression.zstd.level")]),
    ("delete.retention.ms", &[same("log.cleaner.delete.retention.ms")]),
    ("file.delete.delay.ms", &[same("log.segment.delete.delay.ms")]),
    ("flush.messages", &[same("log.flush.interval.messages")]),
    ("flush.ms", &[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")]),
    ("index.interval.bytes", &[same("log.index.interval.bytes")]),
    ("local.retention.bytes", &[same("log.local.retention.bytes")]),
    ("local.retention.ms", &[same("log.local.retention.ms")]),
    ("max.compaction.lag.ms", &[same("log.cleaner.max.compaction.lag.ms")]),
    ("max.decompressed.message.bytes", &[same("max.decompressed.message.bytes")]),
    ("max.message.bytes", &[same("message.max.bytes")]),
    ("message.timestamp.after.max.ms", &[same("log.message.timestamp.after.max.ms")]),
    ("message.timestamp.before.max.ms", &[same("log.message.timestamp.before.max.ms")]),
    ("message.timestamp.type", &[same("log.message.timestamp.type")]),
    ("min.cleanable.dirty.ratio", &[same("log.cleaner.min.cleanable.ratio")]),
    ("min.compaction.lag.ms", &[same("log.cleaner.min.compaction.lag.ms")]),
    ("min.insync.replicas", &[same("min.insync.replicas")]),
    ("preallocate", &[same("log.preallocate")]),
    ("remote.copy.lag.bytes", &[same("log.remote.copy.lag.bytes")]),
    ("remote.copy.lag.ms", &[same("log.remote.copy.lag.ms")]),
    ("retention.bytes", &[same("log.retention.bytes")]),
    ("retention.ms", &[same("log.retention.ms"), minutes("log.retention.minutes"), hours("log.retention.hours")]),
    ("segment.bytes", &[same("log.segment.bytes")]),
    ("segment.index.bytes", &[same("log.index.size.max.bytes")]),
    ("segment.jitter.ms", &[same("log.roll.jitter.ms"), hours("log.roll.jitter.hours")]),
    ("segment.ms", &[same("log.roll.ms"), hours("log.roll.hours")]),
    ("unclean.leader.election.enable", &[same("unclean.leader.election.enable")]),
];

const OF_BROKER: &[&[&str]] = &[
    &["log.roll.ms", "log.roll.hours"],
    &["log.roll.jitter.ms", "log.roll.jitter.hours"],
    &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
];

/// The broker settings behind a topic setting, the one that counts most first.
pub fn of_topic(name: &str) -> &'static [Synonym] {
    OF_TOPIC.iter().find(|(topic, _)| *topic == name).map_or(&[], |(_, synonyms)| synonyms)
}

/// Settings of a group that are the group's alone; behind each other one stands a broker setting.
const OF_GROUPS_ALONE: &[&str] = &[
    "share.auto.offset.reset",
    "share.isolation.level",
    "share.renew.acknowledge.enable",
    "errors.deadletterqueue.topic.name",
    "errors.deadletterqueue.copy.record.enable",
];

/// The broker setting behind a group setting (`GroupConfig.ALL_GROUP_CONFIG_SYNONYMS`).
pub fn of_group(name: &str) -> Option<&'static str> {
    if OF_GROUPS_ALONE.contains(&name) {
        return None;
    }
    // The broker has a list of assignors; the first is what a group has by default.
    let name = if name == "streams.assignor.name" { "streams.assignors" } else { name };
    table::broker_settings().map(|row| row.name).find(|broker| broker.strip_prefix("group.") == Some(name))
}

/// The broker settings that stand for each other, the one that counts most first; `name` alone if none do.
/// The scheduler's interval stands behind the flush interval, and not the other way round.
pub fn of_broker(name: &str) -> Vec<&str> {
    if name == "log.flush.interval.ms" {
        return vec![name, "log.flush.scheduler.interval.ms"];
    }
    let group = OF_BROKER.iter().find(|group| group.contains(&name));
    group.map_or_else(|| vec![name], |group| group.to_vec())
}
