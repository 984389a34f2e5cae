//! What `check`, `ci` and `full` consist of.

use crate::broker::Kind;
use crate::paths;
use crate::process::{self, Result};
use crate::run::Run;
use crate::tally::Tally;
use crate::toolchain::{self, Language};
use crate::{clients, kills, swap, tidy, verified};
use std::process::Command;
use std::time::Duration;

/// Bound of a single step; budgets are far below.
const STEP_LIMIT: Duration = Duration::from_secs(40 * 60);
/// cargo-deny, built from source once for each build directory.
const DENY_VERSION: &str = "0.20.2";

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
    // Six seeded fuzz tests of so many seconds each, and those of storage and broker: about a minute in all.
    everything(&mut run, &[("OTTLA_FUZZ_SECONDS", "8")], kills::SHORT);
    run.finish()
}

/// `cargo xtask full`: the long forms, without budgets.
pub(crate) fn full() -> Result<()> {
    let mut run = Run::default();
    everything(&mut run, &[("OTTLA_LONG", "1"), ("OTTLA_FUZZ_SECONDS", "20")], kills::LONG);
    run.step("oracle", || {
        let lacking = toolchain::prepare()?;
        Ok(clients::against(Kind::Kafka, &[], &lacking)?.plus(swap::round(Kind::Kafka)?))
    });
    run.step("docs", documentation);
    verified::write(&run)?;
    run.finish()
}

fn everything(run: &mut Run, long: &[(&str, &str)], kills: u32) {
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
        run.step("kills", || {
            if lacking.contains(&Language::Go) {
                return Ok(Tally { skipped: 1, ..Tally::default() });
            }
            kills::rounds_of(Kind::Ottla, kills)
        });
    } else {
        println!("clients, swap and kills need the steps before them");
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
}
