//! What clippy does not hold: the arrows between rooms and between modules, sizes, headers, names, banned calls, and that
//! `docs/semantics.md` names tests that exist.
//!
//! Each check is a function from sources to findings, so that its own tests plant a violation and see it found. What
//! cannot be fixed today stands in `xtask/tidy.toml` with its size of today: a ratchet, which only goes down.

mod architecture;
mod banned;
mod circles;
mod headers;
mod semantics;
mod settings;
mod sizes;
mod source;

#[cfg(test)]
mod tests;

use crate::paths;
use crate::process::Result;
use crate::tally::Tally;
use settings::Settings;
use source::Source;
use std::collections::BTreeMap;
use std::path::Path;

/// One violation and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// A file of the project, with its line when there is one: `crates/net/src/lib.rs:12`.
    pub(crate) place: String,
    /// What is wrong and what to do.
    pub(crate) what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// `cargo xtask tidy`.
pub(crate) fn command() -> Result<()> {
    let tally = step()?;
    println!("{tally}");
    tally.into_result()
}

/// The step of `check` and `ci`: a check without findings has passed, each finding is a failure.
pub(crate) fn step() -> Result<Tally> {
    let mut tally = Tally::default();
    for (name, findings) in all(&paths::root())? {
        if findings.is_empty() {
            tally.passed += 1;
        }
        tally.failed += findings.len();
        for finding in findings {
            println!("{}: {} [{name}]", finding.place, finding.what);
        }
    }
    Ok(tally)
}

/// Lines of production code and of tests of each room, blank ones left out.
pub(crate) fn print_lines() -> Result<()> {
    let mut rooms: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for source in source::all(&paths::root())? {
        let lines = source.text.lines().filter(|line| !line.trim().is_empty()).count();
        let counted = rooms.entry(source.room.clone()).or_default();
        counted.0 += source.production_lines();
        counted.1 += lines - source.production_lines();
    }
    for (room, (production, tests)) in rooms {
        println!("  {room:<12} {production:>6} lines {tests:>6} of tests");
    }
    Ok(())
}

fn all(root: &Path) -> Result<Vec<(&'static str, Vec<Finding>)>> {
    let settings = Settings::read(&root.join("xtask/tidy.toml"))?;
    let sources = source::all(root)?;
    let page = std::fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    let rooms = architecture::rooms(&page)?;
    let manifests = architecture::manifests(root)?;
    let promises = std::fs::read_to_string(root.join("docs/semantics.md"))?;
    Ok(vec![
        ("arrows", architecture::check(&rooms, &manifests)),
        ("circles", circles::check(&sources, &settings)),
        ("sizes", sizes::check(&sources, &settings)),
        ("headers", headers::check(&sources)),
        ("banned", banned::check(&sources, &rooms, &settings)),
        ("pure rooms", banned::clippy_files(root, &rooms)),
        ("semantics", semantics::check(&promises, &sources, &crate::ids::declared(root))),
    ])
}

/// Production code and tests apart.
fn production(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| !source.test)
}
