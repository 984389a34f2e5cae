//! Settings of a broker read one by one as numbers, flags and texts; what is wrong is gathered, not raised.
//!
//! Invariant: a value that its row does not take reads as the default, and `Given::problems` has told of it.

use crate::given::{Given, Origin, Problem};
use crate::value::{Value, elements};

/// Reads values and gathers problems.
pub(crate) struct Reader<'a> {
    /// What is read.
    pub(crate) given: &'a Given,
    /// Every reason why not, so far.
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// With no problem so far.
    pub(crate) fn of(given: &'a Given) -> Self {
        Self { given, problems: Vec::new() }
    }

    pub(crate) fn problem(&mut self, name: &str, text: String) {
        let origin: Option<Origin> = self.given.get(name).map(|given| given.origin.clone());
        self.problems.push(Problem { origin, text });
    }

    /// The value of a row that has a default; 0 stands for what [`Given::problems`] has reported.
    pub(crate) fn number(&self, name: &str) -> i64 {
        self.optional_number(name).unwrap_or_default()
    }

    pub(crate) fn optional_number(&self, name: &str) -> Option<i64> {
        match self.given.value(name) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        usize::try_from(self.number(name)).unwrap_or_default()
    }

    pub(crate) fn unsigned(&self, name: &str) -> u64 {
        u64::try_from(self.number(name)).unwrap_or_default()
    }

    /// The number, unless it is negative.
    pub(crate) fn limit(&self, name: &str) -> Option<u64> {
        u64::try_from(self.number(name)).ok()
    }

    pub(crate) fn buffer(&self, name: &str) -> Option<usize> {
        usize::try_from(self.number(name)).ok().filter(|bytes| *bytes > 0)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.given.value(name), Some(Value::Boolean(true)))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.given.value(name).map(|value| value.to_string()).unwrap_or_default()
    }

    pub(crate) fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    pub(crate) fn items(&self, name: &str) -> Vec<String> {
        elements(&self.text(name))
    }
}
