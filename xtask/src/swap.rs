//! A directory goes from Apache Kafka to the broker under test and back, and another the other way round.
//!
//! One formats it, writes and stops; the other starts on it with the same server.properties, serves every record at its
//! offset, has every group, writes more and stops; the first starts on it again and has everything. Kafka's dump-log and
//! metadata shell read the files when the broker under test wrote them last. With Kafka in both places the round tests
//! itself.

use crate::broker::{Broker, GROUPS, Kind, Node};
use crate::clients::judge;
use crate::ids;
use crate::paths;
use crate::process::{self, Result};
use crate::tally::Tally;
use crate::toolchain::{ClassPath, Language, java_command};
use std::process::Command;
use std::time::Duration;

/// Bound of each part of the round.
const PART_LIMIT: Duration = Duration::from_secs(300);

/// `cargo xtask swap [--against kafka|ottla]`.
pub(crate) fn command(words: &[&str]) -> Result<()> {
    let kind = match words {
        [] => Kind::Ottla,
        ["--against", word] => Kind::parse(word)?,
        _ => return Err("usage: cargo xtask swap [--against kafka|ottla]".into()),
    };
    Language::Java.prepare()?;
    let tally = round(kind)?;
    println!("{tally}");
    tally.into_result()
}

/// Both rounds: on a directory that Kafka formatted, and on one that the broker formatted.
pub(crate) fn round(kind: Kind) -> Result<Tally> {
    let mut text = String::new();
    let mut problems = Vec::new();
    for origin in [Origin::Kafka, Origin::Ours] {
        let folder = paths::fresh(&format!("swap-{}-from-{}", kind.name(), origin.name()))?;
        let node = Node::new(&folder, 2)?.with(GROUPS)?;
        for part in origin.parts() {
            if let Err(problem) = part.play(kind, origin, &node, &mut text) {
                problems.push(format!("{part:?} of the directory from {}: {problem}", origin.name()));
                break;
            }
        }
    }
    let wanted: Vec<String> =
        ids::declared(&paths::root()).into_iter().filter(|id| id.starts_with("swap/")).collect();
    let (tally, report) = judge(&text, &wanted);
    for line in report.into_iter().chain(problems) {
        println!("  {line}");
    }
    Ok(tally)
}

/// Who formatted the directory and wrote first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Kafka,
    Ours,
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Ours => "ours",
        }
    }

    /// Kafka's tools read the files when the broker under test wrote last.
    fn parts(self) -> [Part; 4] {
        match self {
            Self::Kafka => [Part::First, Part::Middle, Part::Offline, Part::Last],
            Self::Ours => [Part::First, Part::Offline, Part::Middle, Part::Last],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    First,
    Middle,
    Offline,
    Last,
}

impl Part {
    /// Plays it; what its cases say is added to the text.
    fn play(self, kind: Kind, origin: Origin, node: &Node, text: &mut String) -> Result<()> {
        let (outer, inner) = match origin {
            Origin::Kafka => (Kind::Kafka, kind),
            Origin::Ours => (kind, Kind::Kafka),
        };
        match self {
            Self::First => during(outer, node, true, ["first", origin.name()], text),
            Self::Middle => during(inner, node, false, ["middle", origin.name()], text),
            Self::Offline => offline(node, origin, text),
            Self::Last => during(outer, node, false, ["last", origin.name()], text),
        }
    }
}

/// Starts a broker, plays a part with the Java client between two looks of Kafka's tools at the groups, stops it cleanly.
fn during(kind: Kind, node: &Node, fresh: bool, arguments: [&str; 2], text: &mut String) -> Result<()> {
    let broker = Broker::start(kind, node, fresh)?;
    for (path, main, words) in [
        (ClassPath::Tools, "SameGroups", ["before", arguments[0], arguments[1]].as_slice()),
        (ClassPath::Server, "Swap", &arguments),
        (ClassPath::Tools, "SameGroups", &["after", arguments[0], arguments[1]]),
    ] {
        let mut java = java_command(path, main)?;
        java.args(words).env("BOOTSTRAP", node.listen.to_string()).env("SCRATCH", &node.folder);
        cases(&mut java, node, main, text)?;
    }
    broker.stop()
}

/// Kafka's tools on the files of the stopped broker.
fn offline(node: &Node, origin: Origin, text: &mut String) -> Result<()> {
    let mut java = java_command(ClassPath::Tools, "Offline")?;
    java.arg(origin.name()).args(&node.data);
    cases(&mut java, node, "Offline", text)
}

/// Runs a program of cases. What it said counts even when it did not end.
fn cases(java: &mut Command, node: &Node, name: &str, text: &mut String) -> Result<()> {
    let out = node.folder.join("cases");
    let end = process::run_apart(java, PART_LIMIT, &out, &node.folder.join(format!("{name}.err")));
    text.push_str(&std::fs::read_to_string(&out).unwrap_or_default());
    end.map(drop)
}
