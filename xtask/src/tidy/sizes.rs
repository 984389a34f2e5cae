//! Functions, files and crates within their bounds.

use super::settings::Settings;
use super::source::{Source, under_test};
use super::{Finding, production};
use std::collections::BTreeMap;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// Lines of a function, signature to closing brace.
const FUNCTION: usize = 70;
/// Lines of a file; above it the ratchet decides.
const FILE: usize = 600;
/// Lines that no file may have.
const FILE_AT_MOST: usize = 800;
/// Lines of production code of a crate that are not blank.
const CRATE: usize = 8_000;

/// Everything above its bound.
pub(crate) fn check(sources: &[Source], settings: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut crates: BTreeMap<&str, usize> = BTreeMap::new();
    for source in sources.iter().filter(|source| !settings.tables.contains(&source.path)) {
        let lines = source.text.lines().count();
        let bound = settings.files.get(&source.path).copied().unwrap_or(FILE).min(FILE_AT_MOST);
        if lines > bound && !(source.test && lines <= FILE_AT_MOST) {
            found.push(Finding::new(&source.path, format!("{lines} lines; {bound} are allowed")));
        }
        *crates.entry(&source.room).or_default() += source.production_lines();
    }
    for source in production(sources) {
        let mut functions = Functions::default();
        functions.visit_file(&source.syntax);
        for (name, line, lines) in functions.found {
            let bound =
                settings.functions.get(&format!("{}::{name}", source.path)).copied().unwrap_or(FUNCTION);
            if lines > bound {
                found.push(Finding::new(
                    format!("{}:{line}", source.path),
                    format!("{name} has {lines} lines; {bound} are allowed"),
                ));
            }
        }
    }
    for (room, lines) in crates.into_iter().filter(|(_, lines)| *lines > CRATE) {
        found.push(Finding::new(room, format!("{lines} lines of production code; {CRATE} are allowed")));
    }
    found
}

/// Collects name, line and length of each function outside tests.
#[derive(Debug, Default)]
struct Functions {
    found: Vec<(String, usize, usize)>,
}

impl Functions {
    fn keep(&mut self, name: &syn::Ident, first: proc_macro2::Span, last: proc_macro2::Span) {
        let line = first.start().line;
        self.found.push((name.to_string(), line, last.end().line + 1 - line));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !under_test(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !under_test(&function.attrs) {
            self.keep(&function.sig.ident, function.sig.span(), function.block.span());
            syn::visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.keep(&function.sig.ident, function.sig.span(), function.block.span());
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.keep(&function.sig.ident, function.sig.span(), block.span());
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}
