//! Cases counted: what every suite, step and run ends with.

use crate::process::Result;

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
