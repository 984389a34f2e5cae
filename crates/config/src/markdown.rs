//! The page `docs/settings.md`, printed from the table.

use crate::names;
use crate::setting::{Change, Preset, Setting, Status};
use crate::synonyms;
use crate::table::{Area, BROKER_AREAS, CLIENT_METRICS_AREA, GROUP_AREA, TOPIC_AREA};
use crate::value;

const INTRODUCTION: &str = "\
# Settings

Printed from the table in `crates/config`; a test compares. Change the table, then run \
`UPDATE_DOCS=1 cargo test -p ottla-config --test settings_page`.

Every setting of brokers, topics, groups and client metrics of Apache Kafka 4.4 is here, and Ottla's own. A value comes from, the later over the
earlier: its default, `server.properties`, `KAFKA_*` variables of the environment, `--set name=value` and other flags, and changes made
while running (`kafka-configs`).

- **obeyed**: it does what it does in Kafka.
- **kept**: stored and shown, so that Kafka finds it when you go back; without effect here, for the reason given.
- **refused**: a value other than the default stops the start, because serving without it would not be what you asked for.

*Changes*: at a `start`; while running, for `one broker` or for `all brokers` (and each alone); for a `topic`,\
 a `group` or a subscription to `client metrics`.
";

/// The whole page.
pub fn render() -> String {
    let mut page = INTRODUCTION.to_owned();
    let resources = [&TOPIC_AREA, &GROUP_AREA, &CLIENT_METRICS_AREA];
    for area in resources.into_iter().chain(BROKER_AREAS) {
        page.push_str(&format!("\n## {}\n\n", area.title));
        table(&mut page, *area);
    }
    page
}

fn table(page: &mut String, area: Area) {
    page.push_str("| setting | what it is | default | takes | changes | here |\n|---|---|---|---|---|---|\n");
    for row in area.rows {
        page.push_str(&line(row));
    }
}

fn line(row: &Setting) -> String {
    let default = match row.preset {
        Preset::Value("") => "empty".to_owned(),
        Preset::Value(text) => format!("`{text}`"),
        Preset::Null => "none".to_owned(),
        Preset::Required => "none (Kafka requires one)".to_owned(),
    };
    let changes = match row.change {
        Change::Static => "start",
        Change::ClusterWide | Change::PerBroker if names::is_bound_once(row.name) => {
            "start (Kafka: while running)"
        }
        Change::ClusterWide => "all brokers",
        Change::PerBroker => "one broker",
        Change::Topic => "topic",
        Change::Group => "group",
        Change::ClientMetrics => "client metrics",
    };
    let here = match row.status {
        Status::Obeyed => "obeyed".to_owned(),
        Status::Kept(why) => format!("kept: {why}"),
        Status::Refused(remedy) => format!("refused: {remedy}"),
    };
    let behind: Vec<&str> = match row.change {
        Change::Topic => synonyms::of_topic(row.name).iter().map(|synonym| synonym.name).collect(),
        Change::Group => synonyms::of_group(row.name).into_iter().collect(),
        Change::Static | Change::ClusterWide | Change::PerBroker | Change::ClientMetrics => Vec::new(),
    };
    let behind: Vec<String> = behind.into_iter().map(|name| format!("`{name}`")).collect();
    let behind =
        if behind.is_empty() { String::new() } else { format!(" Broker-wide: {}.", behind.join(", ")) };
    let cells = [
        format!("`{}`", row.name),
        format!("{}{behind}", row.doc),
        default,
        value::expected(row),
        changes.into(),
        here,
    ];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}
