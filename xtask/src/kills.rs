//! The broker is killed (SIGKILL) and started again on the same directory while groups are busy, and a checker holds it to
//! what it had answered: committed offsets, owners, generations, and that every group settles again.
//!
//! The checker is the load program. Before it is believed its own tests run, with planted histories, and a directory is put
//! back to an older state, which it must find.

use crate::broker::{Broker, GROUPS, Kind, Node};
use crate::clients::judge;
use crate::ids;
use crate::load::Load;
use crate::paths;
use crate::process::{self, Result};
use crate::tally::Tally;
use crate::toolchain::Language;
use std::path::Path;
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
/// How the load begins to tell that commits are lost, and that a protocol is not there.
const LOST: &str = "kills/acknowledged-commits-are-there: failed";
const NOT_SERVED: &str = "not served:";

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
    let tally = Tally::one().plus(finds_a_lost_commit(kind)?);
    let mut siege = Siege::begin(kind, "kills")?;
    for round in 0..rounds {
        std::thread::sleep(busy(round));
        siege.kill()?;
        siege.start()?;
        if kind == Kind::Ottla && round % 4 == 3 {
            // While it loads and its clients come back.
            std::thread::sleep(Duration::from_millis(u64::from(round) * 7));
            siege.kill()?;
            siege.start()?;
        }
        siege.check()?;
    }
    let said = siege.end()?;
    tell(&said);
    Ok(tally.plus(verdicts(&said)))
}

/// A broker whose directory is put back to an older state has forgotten what it acknowledged.
fn finds_a_lost_commit(kind: Kind) -> Result<Tally> {
    let mut siege = Siege::begin(kind, "kills-planted")?;
    // Every group is there and has committed.
    siege.check()?;
    siege.kill()?;
    let older = siege.node.folder.join("older");
    let data = siege.node.data.first().ok_or("a node has a directory")?.clone();
    copy(&data, &older)?;
    siege.start()?;
    siege.check()?;
    siege.kill()?;
    std::fs::remove_dir_all(&data)?;
    std::fs::rename(&older, &data)?;
    siege.start()?;
    siege.check()?;
    let said = siege.end()?;
    if said.iter().any(|line| line.starts_with(LOST)) {
        return Ok(Tally::one());
    }
    Err(format!("the checker did not find the commits that were taken away:\n{}", said.join("\n")).into())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            std::fs::copy(path, target)?;
        }
    }
    Ok(())
}

/// A broker with its load.
struct Siege {
    kind: Kind,
    node: Node,
    /// None while it is dead.
    broker: Option<Broker>,
    load: Load,
    said: Vec<String>,
}

impl Siege {
    fn begin(kind: Kind, name: &str) -> Result<Self> {
        let node = Node::new(&paths::fresh(&format!("{name}-{}", kind.name()))?, 1)?.with(GROUPS)?;
        let broker = Some(Broker::start(kind, &node, true)?);
        let mut load = Load::start(&node, &["kills"])?;
        let said = load.hear("ready", READY_LIMIT)?;
        Ok(Self { kind, node, broker, load, said })
    }

    fn kill(&mut self) -> Result<()> {
        self.broker.take().ok_or("the broker is dead")?.kill()
    }

    fn start(&mut self) -> Result<()> {
        self.broker = Some(Broker::start(self.kind, &self.node, false)?);
        Ok(())
    }

    fn check(&mut self) -> Result<()> {
        self.load.say("check")?;
        self.said.extend(self.load.hear("checked", CHECK_LIMIT)?);
        Ok(())
    }

    /// Everything that the load has said; it is kept beside the directory. The broker must stop as if nothing had happened.
    fn end(mut self) -> Result<Vec<String>> {
        self.load.say("end")?;
        self.said.extend(self.load.finish(END_LIMIT)?);
        std::fs::write(self.node.folder.join("said"), self.said.join("\n"))?;
        self.broker.take().ok_or("the broker is dead")?.stop()?;
        Ok(self.said)
    }
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

/// What there was to hold to the promises, and what is not served yet: skipped, loudly.
fn tell(said: &[String]) {
    for line in said.iter().filter(|line| line.starts_with("told ")) {
        println!("  {line}");
    }
    for line in said.iter().filter(|line| line.starts_with(NOT_SERVED)) {
        println!("  !! SKIPPED: {line}");
    }
}

/// Counts the promises, and prints the broken ones.
fn verdicts(said: &[String]) -> Tally {
    let wanted: Vec<String> =
        ids::declared(&paths::root()).into_iter().filter(|id| id.starts_with("kills/")).collect();
    let (mut tally, report) = judge(&said.join("\n"), &wanted);
    tally.skipped += said.iter().filter(|line| line.starts_with(NOT_SERVED)).count();
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
        assert_eq!(verdicts(&good), Tally { passed: kills.len(), ..Tally::default() });
        let mut lines = good;
        lines.pop();
        lines.push(format!("{NOT_SERVED} the consumer protocol"));
        assert_eq!(verdicts(&lines), Tally { passed: kills.len() - 1, failed: 1, skipped: 1 });
    }
}
