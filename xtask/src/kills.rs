//! The broker is killed (SIGKILL) and started again on the same directory while groups are busy, and a checker holds it to
//! what it had answered: committed offsets, owners, generations, and that every group settles again.
//!
//! The checker is the load program; its own tests, with planted histories, run first.

use crate::broker::{Broker, GROUPS, Kind, Node};
use crate::clients::judge;
use crate::ids;
use crate::load::Load;
use crate::paths;
use crate::process::{self, Result};
use crate::tally::Tally;
use crate::toolchain::Language;
use std::process::Command;
use std::time::Duration;

/// Rounds of `full`, and of the command unless it says otherwise.
pub(crate) const LONG: u32 = 20;
/// Rounds of `ci`.
pub(crate) const SHORT: u32 = 5;
/// Apache Kafka takes a quarter of a minute for each start.
const KAFKA_ROUNDS: u32 = 3;
/// Bounds of the load: until its groups are there, a check, and its verdicts. It has smaller ones inside.
const READY_LIMIT: Duration = Duration::from_secs(150);
const CHECK_LIMIT: Duration = Duration::from_secs(600);
const END_LIMIT: Duration = Duration::from_secs(30);
const TEST_LIMIT: Duration = Duration::from_secs(300);

/// `cargo xtask kills [--against kafka|ottla] [--rounds N]`.
pub(crate) fn command(words: &[&str]) -> Result<()> {
    let (mut kind, mut rounds) = (Kind::Ottla, None);
    for pair in words.chunks(2) {
        match pair {
            ["--against", word] => kind = Kind::parse(word)?,
            ["--rounds", count] => rounds = Some(count.parse()?),
            _ => return Err("usage: cargo xtask kills [--against kafka|ottla] [--rounds N]".into()),
        }
    }
    if kind == Kind::Kafka {
        Language::Java.prepare()?;
    }
    Language::Go.prepare()?;
    let usual = if kind == Kind::Kafka { KAFKA_ROUNDS } else { LONG };
    let tally = rounds_of(kind, rounds.unwrap_or(usual))?;
    println!("{tally}");
    tally.into_result()
}

/// So many kills, and the verdicts of the checker on all of them.
pub(crate) fn rounds_of(kind: Kind, rounds: u32) -> Result<Tally> {
    test_the_checker()?;
    let node = Node::new(&paths::fresh(&format!("kills-{}", kind.name()))?, 1)?.with(GROUPS)?;
    let mut broker = Broker::start(kind, &node, true)?;
    let mut load = Load::start(&node, &["kills"])?;
    let mut said = load.hear("ready", READY_LIMIT)?;
    for round in 0..rounds {
        std::thread::sleep(busy(round));
        broker.kill()?;
        broker = Broker::start(kind, &node, false)?;
        if kind == Kind::Ottla && round % 4 == 3 {
            // While it loads and its clients come back.
            std::thread::sleep(Duration::from_millis(u64::from(round) * 7));
            broker.kill()?;
            broker = Broker::start(kind, &node, false)?;
        }
        load.say("check")?;
        said.extend(load.hear("checked", CHECK_LIMIT)?);
    }
    load.say("end")?;
    said.extend(load.finish(END_LIMIT)?);
    let lines: Vec<&str> = said.iter().map(String::as_str).collect();
    let mut tally = verdicts(&lines).plus(Tally::one());
    if let Err(problem) = broker.stop() {
        println!("clean stop after the kills: {problem}");
        tally = tally.plus(Tally { failed: 1, ..Tally::default() });
    }
    Ok(tally)
}

/// From 0.4 to 3 seconds, in an order without a rhythm.
fn busy(round: u32) -> Duration {
    Duration::from_millis(u64::from(400 + round * 1597 % 2600))
}

/// A checker that finds nothing must be one that could.
fn test_the_checker() -> Result<()> {
    let mut go = Command::new("go");
    go.args(["test", "-mod=readonly", "./load"]).current_dir(paths::root().join("clients/go"));
    process::succeed(&mut go, TEST_LIMIT, &paths::scratch().join("log/kills-checker"))
}

/// Counts the promises; what is not served yet is skipped, loudly.
fn verdicts(lines: &[&str]) -> Tally {
    let wanted: Vec<String> =
        ids::declared(&paths::root()).into_iter().filter(|id| id.starts_with("kills/")).collect();
    let (mut tally, report) = judge(&lines.join("\n"), &wanted);
    for line in lines.iter().filter(|line| line.starts_with("told ")) {
        println!("  {line}");
    }
    for line in lines.iter().filter(|line| line.starts_with("not served")) {
        println!("  !! SKIPPED: {line}");
        tally.skipped += 1;
    }
    for line in report {
        println!("  {line}");
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_fails_and_what_is_not_served_is_skipped() {
        let all = ids::declared(&paths::root());
        let kills: Vec<&String> = all.iter().filter(|id| id.starts_with("kills/")).collect();
        assert!(kills.len() > 3, "{kills:?}");
        let good: Vec<String> = kills.iter().map(|id| format!("{id}: ok")).collect();
        let mut lines: Vec<&str> = good.iter().map(String::as_str).collect();
        assert_eq!(verdicts(&lines), Tally { passed: kills.len(), ..Tally::default() });
        lines.pop();
        lines.push("not served: the consumer protocol");
        assert_eq!(verdicts(&lines), Tally { passed: kills.len() - 1, failed: 1, skipped: 1 });
    }
}
