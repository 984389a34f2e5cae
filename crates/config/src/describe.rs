//! The answers of DescribeConfigs (protocol key 32) for topics, groups, client metrics, a broker, and the default of
//! all brokers (`ConfigHelper`).
//!
//! Values are written as Kafka writes them; a secret has none. Synonyms stand in Kafka's order, with its rule
//! that those before the setting's own name are left out. Which names were asked for is the handler's filter.

use crate::given::{ConfigMap, Given};
use crate::group_bounds;
use crate::names;
use crate::resolve::{Layers, Resolved, Source};
use crate::setting::{Kind, Setting};
use crate::synonyms;
use crate::table;
use crate::value;
use std::collections::BTreeSet;

/// One setting in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its value; `None` when there is none, or when it is a secret.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: Source,
    /// `None` for a name that is no row ("unknown").
    pub kind: Option<Kind>,
    /// Whether the value is hidden.
    pub is_sensitive: bool,
    /// Whether it changes at a start only.
    pub read_only: bool,
    /// One line; empty for a name that is no row.
    pub doc: &'static str,
    /// Every source that has a value, the one that counts first.
    pub synonyms: Vec<DescribedSynonym>,
}

impl Described {
    /// The number of its type in DescribeConfigs.
    pub fn type_id(&self) -> i8 {
        self.kind.map_or(0, Kind::wire_id)
    }
}

/// One source of a setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedSynonym {
    /// The setting that has it there.
    pub name: String,
    /// As given; `None` when it is a secret.
    pub value: Option<String>,
    /// Where.
    pub source: Source,
}

const BELOW_TOPIC: [Source; 4] =
    [Source::DynamicBroker, Source::DynamicDefaultBroker, Source::StaticBroker, Source::Default];

/// The settings of a topic that has `topic` as its own values.
pub fn topic(layers: &Layers<'_>, topic: &ConfigMap) -> Vec<Described> {
    let describe = |resolved: Resolved| {
        let row = resolved.setting;
        let value = resolved.value.map(|value| value.to_string());
        let behind = synonyms::of_topic(row.name).first();
        let mut synonyms =
            behind.map_or_else(Vec::new, |synonym| broker_synonyms(layers, synonym.name, false));
        if topic.contains_key(row.name) {
            let own =
                DescribedSynonym { name: row.name.to_owned(), value: value.clone(), source: Source::Topic };
            synonyms.insert(0, own);
        }
        Described {
            name: row.name.to_owned(),
            value,
            source: synonyms.first().map_or(Source::Default, |first| first.source),
            kind: Some(row.kind),
            is_sensitive: false,
            read_only: false,
            doc: row.doc,
            synonyms,
        }
    };
    layers.topic_settings(topic).into_iter().map(describe).collect()
}

/// The settings of a group that has `group` as its own values: every row, one that is internal only if the group or
/// the broker was given it, and whatever else the group has.
pub fn group(layers: &Layers<'_>, group: &ConfigMap) -> Vec<Described> {
    // What the broker runs with: a dynamic value is cut to bounds that are narrower since.
    let effective = group_bounds::clamped(layers.given.overlaid(layers.cluster, layers.broker));
    let rows = table::group_settings().filter(|row| {
        let given = |name| effective.has(name);
        !row.internal || synonyms::of_group(row.name).is_some_and(given)
    });
    let names: BTreeSet<&str> = rows.map(|row| row.name).chain(group.keys().map(String::as_str)).collect();
    names.into_iter().map(|name| group_entry(layers, &effective, group, name)).collect()
}

fn group_entry(layers: &Layers<'_>, effective: &Given, group: &ConfigMap, name: &str) -> Described {
    let row = table::group(name);
    // As everywhere, a name that nobody knows may be a secret.
    let is_sensitive = row.is_none();
    let mut synonyms = match synonyms::of_group(name).filter(|_| row.is_some()) {
        Some(behind) => broker_synonyms(layers, behind, is_sensitive),
        None => row.and_then(Setting::default).map(|text| by_default(name, text)).into_iter().collect(),
    };
    let own = group.get(name).map(|text| written(row, text));
    let value = own.clone().or_else(|| match synonyms::of_group(name) {
        // Of the broker's list of assignors a group has the first.
        Some(list) if name == "streams.assignor.name" => {
            effective.value(list).and_then(|list| list.to_string().split(',').next().map(str::to_owned))
        }
        Some(behind) => effective.value(behind).map(|value| value.to_string()),
        None => row.and_then(Setting::default).map(str::to_owned),
    });
    let value = value.filter(|_| !is_sensitive);
    if own.is_some() {
        let own = DescribedSynonym { name: name.to_owned(), value: value.clone(), source: Source::Group };
        synonyms.insert(0, own);
    }
    resource_entry(name, row, value, is_sensitive, synonyms)
}

/// The settings of a subscription to clients' metrics that has `own` as its values; one that nobody made has the
/// defaults, which have no synonym.
pub fn client_metrics(own: &ConfigMap) -> Vec<Described> {
    let rows = table::client_metrics_settings().map(|row| row.name);
    let names: BTreeSet<&str> = rows.chain(own.keys().map(String::as_str)).collect();
    let entry = |name: &str| {
        let row = table::client_metrics(name);
        let value = own.get(name).map(|text| written(row, text));
        let synonym = value.clone().map(|value| DescribedSynonym {
            name: name.to_owned(),
            value: Some(value),
            source: Source::ClientMetrics,
        });
        let value = value.or_else(|| row.and_then(Setting::default).map(str::to_owned));
        resource_entry(name, row, value, false, synonym.into_iter().collect())
    };
    names.into_iter().map(entry).collect()
}

fn by_default(name: &str, text: &str) -> DescribedSynonym {
    DescribedSynonym { name: name.to_owned(), value: Some(text.to_owned()), source: Source::Default }
}

/// A stored text as Kafka writes it; one that its row does not take, as it is.
fn written(row: Option<&'static Setting>, text: &str) -> String {
    match row.map(|row| value::parse(row, text)) {
        Some(Ok(value)) => value.to_string(),
        Some(Err(_)) | None => text.to_owned(),
    }
}

fn resource_entry(
    name: &str,
    row: Option<&'static Setting>,
    value: Option<String>,
    is_sensitive: bool,
    synonyms: Vec<DescribedSynonym>,
) -> Described {
    Described {
        name: name.to_owned(),
        value,
        source: synonyms.first().map_or(Source::Default, |first| first.source),
        kind: row.map(|row| row.kind),
        is_sensitive,
        read_only: false,
        doc: row.map_or("", |row| row.doc),
        synonyms,
    }
}

/// The settings of this broker: every row, and whatever else it was given.
pub fn broker(layers: &Layers<'_>) -> Vec<Described> {
    let rows = table::broker_settings().filter(|row| !row.internal).map(|row| row.name);
    let given = layers.given.iter().map(|(name, _)| name);
    let changed = layers.cluster.keys().chain(layers.broker.keys()).map(String::as_str);
    let names: BTreeSet<&str> = rows.chain(given).chain(changed).collect();
    names.into_iter().map(|name| broker_entry(layers, name)).collect()
}

/// What was changed for all brokers while running.
pub fn cluster_default(layers: &Layers<'_>) -> Vec<Described> {
    let entry = |name: &String| {
        let mut described = broker_entry(layers, name);
        described.synonyms.retain(|synonym| synonym.source == Source::DynamicDefaultBroker);
        described.source = described.synonyms.first().map_or(Source::Default, |first| first.source);
        described.value = layers.cluster.get(name).filter(|_| !described.is_sensitive).cloned();
        described
    };
    layers.cluster.keys().map(entry).collect()
}

/// The row of a broker setting, or of the setting that a listener's own is one of.
fn row_of(name: &str) -> Option<&'static Setting> {
    table::broker(name).or_else(|| names::of_listener(name))
}

fn broker_entry(layers: &Layers<'_>, name: &str) -> Described {
    let row = row_of(name);
    // A name that nobody knows may be a plugin's secret.
    let is_sensitive = row.is_none_or(Setting::is_sensitive);
    let synonyms = broker_synonyms(layers, name, is_sensitive);
    let text = BELOW_TOPIC.iter().find_map(|source| layers.text(*source, name));
    let value = text.map(|text| written(row, text));
    Described {
        name: name.to_owned(),
        value: value.filter(|_| !is_sensitive),
        source: synonyms.first().map_or(Source::Default, |first| first.source),
        kind: row.map(|row| row.kind),
        is_sensitive,
        read_only: names::is_bound_once(name) || !table::broker(name).is_some_and(Setting::is_dynamic),
        doc: row.map_or("", |row| row.doc),
        synonyms,
    }
}

/// Every value that stands for `name`: by source, within a source by synonym; those before the first of its
/// own name are dropped.
fn broker_synonyms(layers: &Layers<'_>, name: &str, hidden: bool) -> Vec<DescribedSynonym> {
    let mut candidates = synonyms::of_broker(name);
    if let Some(row) = names::of_listener(name) {
        candidates.push(row.name);
    }
    let found = BELOW_TOPIC.iter().flat_map(|source| {
        candidates.iter().filter_map(|candidate| {
            let text = layers.text(*source, candidate)?;
            Some(DescribedSynonym {
                name: (*candidate).to_owned(),
                value: Some(text.to_owned()).filter(|_| !hidden),
                source: *source,
            })
        })
    });
    found.skip_while(|synonym| synonym.name != name).collect()
}
