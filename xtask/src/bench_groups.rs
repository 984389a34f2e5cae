//! The figures of group coordinators beside Apache Kafka in the same run: settling, commits, memory of many groups.
//!
//! Both brokers get the same settings (Kafka's defaults, and `group.initial.rebalance.delay.ms` as a row says) and the same
//! load, one after the other, in alternating order. Rows that a broker does not serve are left out for it.

use crate::broker::{Broker, Kind, Node};
use crate::figures::{memory, processor_seconds, program};
use crate::load::Load;
use crate::paths;
use crate::process::Result;
use crate::toolchain::Language;
use std::path::Path;
use std::time::Duration;

/// Bound of one load.
const LOAD_LIMIT: Duration = Duration::from_secs(600);
/// How long an idle broker is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(3);
/// How long many groups live before the memory is read: several heartbeats of each.
const LIVE: Duration = Duration::from_secs(15);
/// Requests of one partition for each request of ten.
const FEWER: u32 = 4;

/// A row of the table and its figure.
type Figure = (String, f64);

/// What a run measures.
#[derive(Debug)]
struct Plan {
    rounds: usize,
    commits: u32,
    only: Option<Kind>,
}

/// `cargo xtask bench groups [--rounds N] [--commits N] [--only kafka|ottla]`.
pub(crate) fn command(words: &[&str]) -> Result<()> {
    let mut plan = Plan { rounds: 2, commits: 200_000, only: None };
    for pair in words.chunks(2) {
        match pair {
            ["--rounds", count] => plan.rounds = count.parse()?,
            ["--commits", count] => plan.commits = count.parse()?,
            ["--only", kind] => plan.only = Some(Kind::parse(kind)?),
            _ => {
                let usage = "cargo xtask bench groups [--rounds N] [--commits N] [--only kafka|ottla]";
                return Err(format!("usage: {usage}").into());
            }
        }
    }
    Language::Go.prepare()?;
    if plan.only != Some(Kind::Ottla) {
        Language::Java.prepare()?;
    }
    let ottla = if plan.only == Some(Kind::Kafka) { Path::new("").to_path_buf() } else { program()? };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..plan.rounds {
        let order = if round % 2 == 0 { [Kind::Ottla, Kind::Kafka] } else { [Kind::Kafka, Kind::Ottla] };
        for kind in order.into_iter().filter(|kind| plan.only.is_none_or(|one| one == *kind)) {
            println!("round {}: {}", round + 1, kind.name());
            let figures = measure(kind, &ottla, plan.commits)?;
            for (row, value) in &figures {
                println!("  {row:<66} {value:>9.2}");
            }
            if kind == Kind::Ottla { &mut ours } else { &mut theirs }.extend(figures);
        }
    }
    for line in table(&theirs, &ours) {
        println!("{line}");
    }
    Ok(())
}

fn measure(kind: Kind, ottla: &Path, commits: u32) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let node = fresh(kind, 3000)?;
    let broker = Broker::start_binary(kind, &node, true, ottla)?;
    figures.extend(settle(&node, "classic", "classic, delay 3000 ms")?);
    figures.extend(settle(&node, "consumer", "consumer")?);
    broker.stop()?;
    let node = fresh(kind, 0)?;
    let broker = Broker::start_binary(kind, &node, true, ottla)?;
    figures.extend(settle(&node, "classic", "classic, delay 0 ms")?);
    // Unmeasured: a JVM runs at its speed only after it has compiled what is hot.
    commit(&node, broker.pid(), commits, 1)?;
    figures.extend(commit(&node, broker.pid(), commits, 1)?);
    commit(&node, broker.pid(), commits / FEWER, 10)?;
    figures.extend(commit(&node, broker.pid(), commits / FEWER, 10)?);
    broker.stop()?;
    let node = fresh(kind, 0)?;
    let broker = Broker::start_binary(kind, &node, true, ottla)?;
    figures.extend(many(&node, broker.pid())?);
    broker.stop()?;
    std::fs::remove_dir_all(&node.folder)?;
    Ok(figures)
}

fn fresh(kind: Kind, delay: u32) -> Result<Node> {
    Node::new(&paths::fresh(&format!("bench-groups-{}", kind.name()))?, 1)?
        .with(&format!("group.initial.rebalance.delay.ms={delay}\n"))
}

/// 100 members, which start within 2 s, over 1,000 partitions: from the start of the first, and after one has left.
fn settle(node: &Node, protocol: &str, row: &str) -> Result<Vec<Figure>> {
    let lines = Load::start(node, &["settle", "--protocol", protocol])?.finish(LOAD_LIMIT)?;
    let told = |name: &str, moment: &str| {
        Some((format!("seconds to settle {moment}, {row}"), figure(&lines, name)?))
    };
    Ok([told("start", "at the start"), told("leave", "after a leave")].into_iter().flatten().collect())
}

fn commit(node: &Node, pid: u32, count: u32, partitions: u32) -> Result<Vec<Figure>> {
    let before = processor_seconds(pid)?;
    let arguments = ["commits", "--count", &count.to_string(), "--partitions", &partitions.to_string()];
    let lines = Load::start(node, &arguments)?.finish(LOAD_LIMIT)?;
    let each = (processor_seconds(pid)? - before) / f64::from(count) * 1_000_000.0;
    let rate = figure(&lines, "rate").ok_or("the load tells no rate")?;
    Ok(vec![
        (format!("processor seconds for each million commits of {partitions}"), each),
        (format!("commits of {partitions} a second"), rate),
    ])
}

/// 10,000 groups of one member each.
fn many(node: &Node, pid: u32) -> Result<Vec<Figure>> {
    std::thread::sleep(IDLE);
    let idle = memory(pid, "VmRSS:")?;
    let mut load = Load::start(node, &["groups", "--count", "10000"])?;
    load.hear("ready", LOAD_LIMIT)?;
    std::thread::sleep(LIVE);
    let full = memory(pid, "VmRSS:")?;
    load.lives()?;
    Ok(vec![("MB when idle".to_owned(), idle), ("MB more with 10,000 groups".to_owned(), full - idle)])
}

fn figure(lines: &[String], name: &str) -> Option<f64> {
    let start = format!("figure {name} ");
    lines.iter().find_map(|line| line.strip_prefix(&start)?.parse().ok())
}

/// Each row with the figures of all rounds, and the ratio of their medians.
fn table(theirs: &[Figure], ours: &[Figure]) -> Vec<String> {
    let mut rows: Vec<&String> = Vec::new();
    for (row, _) in theirs.iter().chain(ours) {
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let mut lines = vec!["\n| | Apache Kafka | Ottla | Ottla : Kafka |\n|---|---|---|---|".to_owned()];
    for row in rows {
        let of = |all: &[Figure]| -> Vec<f64> {
            all.iter().filter(|one| one.0 == *row).map(|one| one.1).collect()
        };
        let (kafka, ottla) = (of(theirs), of(ours));
        let ratio = match (median(&kafka), median(&ottla)) {
            (Some(kafka), Some(ottla)) => format!("{:.2}", ottla / kafka),
            _ => String::new(),
        };
        lines.push(format!("| {row} | {} | {} | {ratio} |", spelt(&kafka), spelt(&ottla)));
    }
    lines
}

fn spelt(figures: &[f64]) -> String {
    figures.iter().map(|figure| format!("{figure:.2}")).collect::<Vec<_>>().join(", ")
}

/// The middle one, or the upper of the two in the middle.
fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_all_rounds_and_the_ratio_of_the_medians() {
        let figure = |row: &str, value: f64| (row.to_owned(), value);
        let theirs = [figure("a", 4.0), figure("b", 1.0), figure("a", 8.0), figure("a", 2.0)];
        let lines = table(&theirs, &[figure("a", 1.0), figure("c", 3.0)]);
        assert_eq!(
            lines[1..],
            ["| a | 4.00, 8.00, 2.00 | 1.00 | 0.25 |", "| b | 1.00 |  |  |", "| c |  | 3.00 |  |",]
        );
    }
}
