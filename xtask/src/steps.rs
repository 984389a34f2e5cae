//! The steps of `check`, `ci` and `full`: each timed, counted, and held to its budget in `xtask/budget.toml`.
//!
//! A failed step does not stop the ones that do not need it, so that one run tells everything.

use crate::broker::Kind;
use crate::paths;
use crate::process::{self, Result};
use crate::toolchain::{self, Language};
use crate::{clients, swap, tidy, verified};
use std::process::Command;
use std::time::{Duration, Instant};

/// Bound of a single step; budgets are far below.
const STEP_LIMIT: Duration = Duration::from_secs(40 * 60);
/// cargo-deny, built from source once for each build directory.
const DENY_VERSION: &str = "0.20.2";

/// Cases counted over suites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Did what they promise.
    pub(crate) passed: usize,
    /// Did not, or did not run.
    pub(crate) failed: usize,
    /// Not run, because the machine lacks their tools.
    pub(crate) skipped: usize,
}

impl Tally {
    /// The sum.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// One step that passed.
    pub(crate) fn one() -> Self {
        Self { passed: 1, ..Self::default() }
    }

    /// A failed case makes the command fail.
    pub(crate) fn into_result(self) -> Result<()> {
        if self.failed == 0 { Ok(()) } else { Err(format!("{} failed", self.failed).into()) }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(out, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// What became of a step.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// Its name in the budget.
    pub(crate) name: &'static str,
    /// Its cases; a step that ends with an error counts as one failed.
    pub(crate) tally: Tally,
    /// Wall time.
    pub(crate) took: Duration,
}

/// A run of steps.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// In order.
    pub(crate) steps: Vec<Done>,
    budget: toml::Table,
}

impl Run {
    /// With the budgets of `xtask/budget.toml`.
    fn budgeted() -> Result<Self> {
        let text = std::fs::read_to_string(paths::root().join("xtask/budget.toml"))?;
        let table: toml::Table = text.parse()?;
        let minutes = table.get("minutes").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        Ok(Self { steps: Vec::new(), budget: minutes })
    }

    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<Tally>) -> bool {
        println!("\n== {name}");
        let started = Instant::now();
        let mut tally = work().unwrap_or_else(|problem| {
            println!("{name}: {problem}");
            Tally { failed: 1, ..Tally::default() }
        });
        let took = started.elapsed();
        if let Some(budget) = self.over_budget(name, took) {
            println!("{name}: {:.1} minutes are over its budget of {budget}", minutes(took));
            tally.failed += 1;
        }
        println!("== {name}: {tally}, {:.1} min", minutes(took));
        self.steps.push(Done { name, tally, took });
        tally.failed == 0
    }

    fn over_budget(&self, name: &str, took: Duration) -> Option<f64> {
        let value = self.budget.get(name)?;
        let budget = value
            .as_float()
            .or_else(|| value.as_integer().map(|whole| f64::from(i32::try_from(whole).unwrap_or(0))))?;
        (minutes(took) > budget).then_some(budget)
    }

    /// The sum of all steps.
    pub(crate) fn total(&self) -> Tally {
        self.steps.iter().map(|step| step.tally).fold(Tally::default(), Tally::plus)
    }

    fn finish(&self) -> Result<()> {
        println!("\nminutes of each step");
        for step in &self.steps {
            let mark = if step.tally.failed == 0 { "" } else { "  FAILED" };
            println!("  {:<10} {:>5.1}  {}{mark}", step.name, minutes(step.took), step.tally);
        }
        let all: Duration = self.steps.iter().map(|step| step.took).sum();
        println!("  {:<10} {:>5.1}\n", "all", minutes(all));
        // The last line is read by machines: nothing may follow it.
        println!("{}", self.total());
        if self.total().failed > 0 {
            std::process::exit(1);
        }
        Ok(())
    }
}

/// Minutes as a number.
pub(crate) fn minutes(time: Duration) -> f64 {
    time.as_secs_f64() / 60.0
}

/// `cargo xtask check`.
pub(crate) fn check() -> Result<()> {
    let mut run = Run::default();
    run.step("format", format);
    run.step("tidy", tidy::step);
    run.step("clippy", clippy);
    run.step("tests", || tests(&[], &[]));
    run.finish()
}

/// `cargo xtask ci`.
pub(crate) fn ci() -> Result<()> {
    let mut run = Run::budgeted()?;
    everything(&mut run, &[]);
    run.finish()
}

/// `cargo xtask full`: the long forms, without budgets.
pub(crate) fn full() -> Result<()> {
    let mut run = Run::default();
    everything(&mut run, &[("OTTLA_LONG", "1")]);
    run.step("oracle", || {
        let lacking = toolchain::prepare()?;
        Ok(clients::against(Kind::Kafka, &[], &lacking)?.plus(swap::round(Kind::Kafka)?))
    });
    run.step("docs", documentation);
    verified::write(&run)?;
    run.finish()
}

fn everything(run: &mut Run, long: &[(&str, &str)]) {
    let mut lacking = Vec::new();
    let mut ready = run.step("downloads", || {
        process::three_times("crates", || plain(cargo().args(["fetch", "--locked"])))?;
        lacking = toolchain::prepare()?;
        Ok(Tally::one())
    });
    run.step("format", format);
    run.step("tidy", tidy::step);
    run.step("clippy", clippy);
    run.step("tests", || tests(&["--profile", "checked"], long));
    run.step("deny", deny);
    ready &= run.step("build", || {
        plain(cargo().args(["build", "--locked", "--profile", "checked", "--bin", "ottla"]))?;
        Ok(Tally::one())
    });
    if ready {
        run.step("clients", || clients::against(Kind::Ottla, &[], &lacking));
        run.step("swap", || {
            if lacking.contains(&Language::Java) {
                return Ok(Tally { skipped: 1, ..Tally::default() });
            }
            swap::round(Kind::Ottla)
        });
    } else {
        println!("clients and swap need the steps before them");
    }
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(paths::root());
    cargo
}

fn plain(command: &mut Command) -> Result<()> {
    if process::visible(command)? { Ok(()) } else { Err("failed".into()) }
}

fn format() -> Result<Tally> {
    plain(cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Tally::one())
}

fn clippy() -> Result<Tally> {
    plain(cargo().args([
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(Tally::one())
}

fn documentation() -> Result<Tally> {
    plain(
        cargo()
            .args(["doc", "--workspace", "--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    Ok(Tally::one())
}

/// All tests of the workspace, counted from what the test binaries say.
fn tests(options: &[&str], variables: &[(&str, &str)]) -> Result<Tally> {
    let log = paths::scratch().join("log/tests");
    let mut command = cargo();
    command
        .args(["test", "--locked", "--workspace", "--no-fail-fast"])
        .args(options)
        .envs(variables.iter().copied());
    let ended = process::run(&mut command, STEP_LIMIT, &log)?;
    let text = std::fs::read_to_string(&log)?;
    let tally = count_tests(&text);
    if !ended {
        println!("{}", failures(&text));
        if tally.failed == 0 {
            return Err(format!("the tests did not build or run:\n{}", process::tail(&log, 60)).into());
        }
    }
    Ok(tally)
}

/// Adds up the lines `test result: ok. 3 passed; 0 failed; ...`.
fn count_tests(text: &str) -> Tally {
    let mut tally = Tally::default();
    for line in text.lines().filter_map(|line| line.strip_prefix("test result: ")) {
        let words: Vec<&str> = line.split([' ', ';']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let [count, what] = pair else { continue };
            let count = count.parse().unwrap_or(0);
            match *what {
                "passed" => tally.passed += count,
                "failed" => tally.failed += count,
                "ignored" => tally.skipped += count,
                _ => {}
            }
        }
    }
    tally
}

/// What the failed tests said, from the sections that cargo prints for each binary.
fn failures(text: &str) -> String {
    let mut kept = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        inside = (inside || line == "failures:") && !line.starts_with("test result:");
        if inside || line.starts_with("error") {
            kept.push(line);
        }
    }
    kept.truncate(400);
    kept.join("\n")
}

/// Licences, sources and doubles of the dependencies. The advisory database is not among the registries reached.
fn deny() -> Result<Tally> {
    let folder = paths::target().join("tools");
    let program = folder.join("bin/cargo-deny");
    if !program.exists() {
        process::three_times("cargo-deny", || {
            let mut install = cargo();
            install.args([
                "install",
                "cargo-deny",
                "--locked",
                "--quiet",
                "--version",
                DENY_VERSION,
                "--root",
            ]);
            // Its own speed does not matter; the time to build it does.
            install
                .arg(&folder)
                .args(["--profile", "dev"])
                .env("CARGO_TARGET_DIR", paths::target().join("deny-build"));
            plain(&mut install)
        })?;
    }
    plain(Command::new(program).args(["check", "bans", "licenses", "sources"]).current_dir(paths::root()))?;
    Ok(Tally::one())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_results_are_added_up() {
        let text = "noise\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                    test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n";
        assert_eq!(count_tests(text), Tally { passed: 5, failed: 4, skipped: 1 });
    }

    #[test]
    fn a_step_over_its_budget_fails() {
        let budget: toml::Table = "slow = 1\nfast = 0.5".parse().unwrap();
        let run = Run { steps: Vec::new(), budget };
        assert_eq!(run.over_budget("slow", Duration::from_secs(59)), None);
        assert_eq!(run.over_budget("slow", Duration::from_secs(61)), Some(1.0));
        assert_eq!(run.over_budget("fast", Duration::from_secs(31)), Some(0.5));
        assert_eq!(run.over_budget("unbudgeted", Duration::from_secs(9999)), None);
    }
}
