//! `docs/semantics.md` against the tests: every numbered behaviour has a test that exists, or says what is missing.
//!
//! A row is `| number | behaviour | shown by |`. The last cell is `not yet: reason`, or names in backticks: a client case
//! (`kcat/hello`) or a test (`room::test_name`, with modules between if one likes); words after them are free.

use super::Finding;
use super::source::{Source, under_test};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::Visit;

/// Behaviours 1 to 142, and what clients and brokers did to each other, C1 to C61.
const NUMBERED: u32 = 142;
const CLIENTS: u32 = 61;
const PLACE: &str = "docs/semantics.md";

/// Missing and doubled numbers, and references that lead nowhere.
pub(crate) fn check(page: &str, sources: &[Source], ids: &BTreeSet<String>) -> Vec<Finding> {
    let tests = tests(sources);
    let mut found = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, line) in page.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", number, _, shown, ""] = cells.as_slice() else { continue };
        if !number.trim_start_matches('C').chars().all(|letter| letter.is_ascii_digit()) || number.is_empty()
        {
            continue;
        }
        let place = format!("{PLACE}:{}", index + 1);
        if seen.insert((*number).to_owned(), index).is_some() {
            found.push(Finding::new(&place, format!("{number} stands here twice")));
        }
        found.extend(row(number, shown, &tests, ids).into_iter().map(|what| Finding::new(&place, what)));
    }
    let wanted = (1..=NUMBERED)
        .map(|number| number.to_string())
        .chain((1..=CLIENTS).map(|number| format!("C{number}")));
    let missing = wanted.filter(|number| !seen.contains_key(number));
    found.extend(missing.map(|number| Finding::new(PLACE, format!("{number} is missing"))));
    found
}

fn row(number: &str, shown: &str, tests: &BTreeSet<(String, String)>, ids: &BTreeSet<String>) -> Vec<String> {
    if let Some(reason) = shown.strip_prefix("not yet:") {
        let silent = reason.trim().is_empty();
        return silent
            .then(|| format!("{number} is not yet there, but without a reason"))
            .into_iter()
            .collect();
    }
    let references: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
    if references.is_empty() {
        return vec![format!("{number} names no test and does not say `not yet: reason`")];
    }
    let wrong = references.iter().filter(|reference| {
        let test = reference.split_once("::").map(|(room, rest)| {
            let name = rest.rsplit("::").next().unwrap_or(rest);
            tests.contains(&(room.to_owned(), name.to_owned()))
        });
        !test.unwrap_or_else(|| ids.contains(**reference))
    });
    wrong
        .map(|reference| format!("{number} names {reference}, which is neither a test nor a client case"))
        .collect()
}

/// All tests as (room, name): functions with a test attribute, and those inside macros such as `proptest!`.
fn tests(sources: &[Source]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for source in sources {
        let mut names = Names(Vec::new());
        names.visit_file(&source.syntax);
        found.extend(names.0.into_iter().map(|name| (source.room.clone(), name)));
    }
    found
}

struct Names(Vec<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if under_test(&function.attrs) {
            self.0.push(function.sig.ident.to_string());
        }
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        let text = invoked.tokens.to_string();
        if text.contains("test") {
            let after = text.split("fn ").skip(1);
            let name = |rest: &str| {
                rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .next()
                    .map(str::to_owned)
            };
            self.0.extend(after.filter_map(name));
        }
    }
}
