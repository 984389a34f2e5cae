//! A run of steps: each timed, counted, and held to its budget in `xtask/budget.toml`.
//!
//! A failed step does not stop the ones that do not need it, so that one run tells everything.

use crate::paths;
use crate::process::Result;
use crate::tally::Tally;
use std::time::{Duration, Instant};

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
    pub(crate) fn budgeted() -> Result<Self> {
        let text = std::fs::read_to_string(paths::root().join("xtask/budget.toml"))?;
        let table: toml::Table = text.parse()?;
        let minutes = table.get("minutes").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        Ok(Self { steps: Vec::new(), budget: minutes })
    }

    /// Times a step and holds it to its budget; an error counts as one failed case. Returns whether it passed.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<Tally>) -> bool {
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

    /// Prints the table and the closing line; ends the process with 1 when something failed.
    pub(crate) fn finish(&self) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
