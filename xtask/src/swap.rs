//! A directory goes from Apache Kafka to the broker under test and back.
//!
//! Kafka formats it, writes and stops; the broker starts on it with Kafka's own server.properties, serves every record
//! at its offset, writes more and stops; Kafka's dump-log and metadata shell read the files; Kafka starts on it again
//! and has everything. With Kafka in both places the round tests itself.

use crate::broker::{Broker, Kind, Node};
use crate::clients::judge;
use crate::ids;
use crate::paths;
use crate::process::{self, Result};
use crate::tally::Tally;
use crate::toolchain::{ClassPath, Language, java_command};
use std::path::Path;
use std::time::Duration;

/// Bound of each part of the round.
const PART_LIMIT: Duration = Duration::from_secs(180);

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

/// One round with that broker in the middle.
pub(crate) fn round(kind: Kind) -> Result<Tally> {
    let folder = paths::fresh(&format!("swap-{}", kind.name()))?;
    let node = Node::new(&folder, 2)?;
    let out = folder.join("cases");
    let mut text = String::new();
    let mut problem = None;
    for part in [Part::First, Part::Middle, Part::Offline, Part::Last] {
        if let Err(found) = part.play(kind, &node, &out) {
            problem = Some(format!("{part:?}: {found}"));
        }
        text.push_str(&std::fs::read_to_string(&out).unwrap_or_default());
        // What is left of the last part must not count again.
        std::fs::write(&out, "")?;
        if problem.is_some() {
            break;
        }
    }
    let wanted: Vec<String> =
        ids::declared(&paths::root()).into_iter().filter(|id| id.starts_with("swap/")).collect();
    let (tally, report) = judge(&text, &wanted);
    for line in report.into_iter().chain(problem) {
        println!("  {line}");
    }
    Ok(tally)
}

#[derive(Clone, Copy, Debug)]
enum Part {
    First,
    Middle,
    Offline,
    Last,
}

impl Part {
    fn play(self, kind: Kind, node: &Node, out: &Path) -> Result<()> {
        match self {
            Self::First => during(Kind::Kafka, node, true, &["first"], out),
            Self::Middle => during(kind, node, false, &["middle"], out),
            Self::Offline => offline(node, out),
            Self::Last => during(Kind::Kafka, node, false, &["last"], out),
        }
    }
}

/// Starts a broker, plays a part with the Java client, stops it cleanly.
fn during(kind: Kind, node: &Node, fresh: bool, arguments: &[&str], out: &Path) -> Result<()> {
    let broker = Broker::start(kind, node, fresh)?;
    let mut java = java_command(ClassPath::Server, "Swap")?;
    java.args(arguments).env("BOOTSTRAP", node.listen.to_string()).env("SCRATCH", &node.folder);
    let fine = process::run_apart(&mut java, PART_LIMIT, out, &node.folder.join("client.err"))?;
    broker.stop()?;
    if !fine {
        println!("  {} in the part of {}: some cases failed", kind.name(), arguments.join(" "));
    }
    Ok(())
}

/// Kafka's tools on the files of the stopped broker.
fn offline(node: &Node, out: &Path) -> Result<()> {
    let mut java = java_command(ClassPath::Tools, "Offline")?;
    java.args(&node.data);
    process::run_apart(&mut java, PART_LIMIT, out, &node.folder.join("offline.err")).map(drop)
}
