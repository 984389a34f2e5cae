//! Runs the client suites against one broker and counts their cases.
//!
//! A case passes only when its line says so: a suite that ends early, prints nothing or leaves a declared case out
//! fails for each case that is missing.

use crate::broker::{Broker, GROUPS, Kind, Node};
use crate::ids;
use crate::paths;
use crate::process::{self, Result};
use crate::suites::{self, Suite};
use crate::tally::Tally;
use crate::toolchain::{self, Language};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Bound of one suite; each of its cases has its own, smaller one.
const SUITE_LIMIT: Duration = Duration::from_secs(400);

/// Where the broker under test is.
#[derive(Clone, Debug)]
struct Address {
    kind: Kind,
    bootstrap: String,
    controller: Option<String>,
}

/// `cargo xtask clients ...`.
pub(crate) fn command(words: &[&str]) -> Result<()> {
    let (mut kind, mut address, mut only) = (Kind::Ottla, None, Vec::new());
    let mut controller = None;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{word} needs a value"));
        match *word {
            "--against" => kind = Kind::parse(value()?)?,
            "--bootstrap" => address = Some((*value()?).to_owned()),
            "--controller" => controller = Some((*value()?).to_owned()),
            name => only.push(name),
        }
    }
    let lacking = toolchain::prepare()?;
    let tally = match address {
        Some(bootstrap) => at(&Address { kind, bootstrap, controller }, &only, &lacking),
        None => against(kind, &only, &lacking)?,
    };
    println!("{tally}");
    tally.into_result()
}

/// Starts a broker on a fresh directory, runs the suites (all, or those named) and stops it.
pub(crate) fn against(kind: Kind, only: &[&str], lacking: &[Language]) -> Result<Tally> {
    let node = Node::new(&paths::fresh(&format!("suites-{}", kind.name()))?, 1)?.with(GROUPS)?;
    let broker = Broker::start(kind, &node, true)?;
    let address =
        Address { kind, bootstrap: node.listen.to_string(), controller: Some(node.controller.to_string()) };
    let mut tally = at(&address, only, lacking);
    match broker.stop() {
        Ok(()) => tally.passed += 1,
        Err(problem) => {
            println!("clean stop after the suites: {problem}");
            tally.failed += 1;
        }
    }
    Ok(tally)
}

fn at(address: &Address, only: &[&str], lacking: &[Language]) -> Tally {
    let declared = ids::declared(&paths::root());
    let chosen: Vec<Suite> =
        suites::ALL.into_iter().filter(|suite| only.is_empty() || only.contains(&suite.name)).collect();
    let mut tally = Tally::default();
    for suite in chosen.iter().filter(|suite| lacking.contains(&suite.language)) {
        tally.skipped += cases_of(suite, &declared).len();
    }
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..suites::LANES)
            .map(|lane| {
                let mine = chosen
                    .iter()
                    .filter(move |suite| suite.lane == lane && !lacking.contains(&suite.language));
                let declared = &declared;
                scope.spawn(move || {
                    mine.map(|suite| one(suite, address, declared)).fold(Tally::default(), Tally::plus)
                })
            })
            .collect();
        for lane in lanes {
            let part = lane.join().unwrap_or(Tally { failed: 1, ..Tally::default() });
            tally = tally.plus(part);
        }
    });
    tally
}

fn cases_of(suite: &Suite, declared: &BTreeSet<String>) -> Vec<String> {
    declared.iter().filter(|id| id.split('/').next() == Some(suite.name)).cloned().collect()
}

/// Runs one suite and prints its failures; what it said is kept in a file.
fn one(suite: &Suite, address: &Address, declared: &BTreeSet<String>) -> Tally {
    let started = Instant::now();
    let out = paths::scratch().join("log").join(format!("{}.out", suite.name));
    let end = suite.command().and_then(|mut command| {
        command
            .env("BOOTSTRAP", &address.bootstrap)
            .env("BROKER", address.kind.name())
            .env_remove("CONTROLLER");
        if let Some(controller) = &address.controller {
            command.env("CONTROLLER", controller);
        }
        process::run_apart(&mut command, SUITE_LIMIT, &out, &out.with_extension("err"))
    });
    let text =
        std::fs::read(&out).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let (tally, mut report) = judge(&text, &cases_of(suite, declared));
    if let Err(problem) = end {
        report.push(format!("  {problem}"));
    }
    let seconds = started.elapsed().as_secs_f32();
    println!("{:<20} {:>3} passed {:>3} failed {seconds:>6.1} s", suite.name, tally.passed, tally.failed);
    for line in report {
        println!("  {line}");
    }
    tally
}

/// Counts the lines of a suite against the cases it must have; returns what is to be told.
pub(crate) fn judge(text: &str, wanted: &[String]) -> (Tally, Vec<String>) {
    let mut tally = Tally::default();
    let mut report = Vec::new();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        let Some((id, verdict)) = line.split_once(": ").filter(|(id, _)| ids::is_id(id)) else { continue };
        if !seen.insert(id.to_owned()) {
            continue;
        }
        if verdict == "ok" {
            tally.passed += 1;
        } else {
            tally.failed += 1;
            report.push(line.to_owned());
        }
    }
    for id in wanted.iter().filter(|id| !seen.contains(*id)) {
        tally.failed += 1;
        report.push(format!("{id}: failed it did not run"));
    }
    (tally, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_did_not_run_has_failed() {
        let wanted = ["kcat/a".to_owned(), "kcat/b".to_owned(), "kcat/c".to_owned()];
        let (tally, report) = judge("noise\nkcat/a: ok\nkcat/b: failed because\n", &wanted);
        assert_eq!((tally.passed, tally.failed), (1, 2));
        assert_eq!(report, ["kcat/b: failed because", "kcat/c: failed it did not run"]);
    }
}
