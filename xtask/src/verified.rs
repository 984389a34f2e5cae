//! Writes `docs/verified.md`: the commit that a full run was made on, with counts and minutes of each step.

use crate::paths;
use crate::process::Result;
use crate::run::{Run, minutes};
use std::fmt::Write;
use std::process::Command;

/// Overwrites the page with this run.
pub(crate) fn write(run: &Run) -> Result<()> {
    let git = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("git").args(arguments).current_dir(paths::root()).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"])?;
    let date = git(&["show", "-s", "--format=%cs", "HEAD"])?;
    let changed = if git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
        ""
    } else {
        ", with changes"
    };
    let mut page =
        String::from("# What was verified\n\nWritten by `cargo xtask full`; not edited by hand.\n\n");
    writeln!(page, "Commit {commit} of {date}{changed}.\n")?;
    writeln!(page, "| step | passed | failed | skipped | minutes |\n|---|---|---|---|---|")?;
    for step in &run.steps {
        let tally = step.tally;
        let time = minutes(step.took);
        writeln!(
            page,
            "| {} | {} | {} | {} | {time:.1} |",
            step.name, tally.passed, tally.failed, tally.skipped
        )?;
    }
    let total = run.total();
    writeln!(page, "\nIn all {total}.")?;
    std::fs::write(paths::root().join("docs/verified.md"), page)?;
    Ok(())
}
