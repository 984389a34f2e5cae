//! Rust files as syntax, each with its crate, its module and whether it is a test.

use crate::files;
use crate::process::Result;
use std::collections::BTreeSet;
use std::path::Path;
use syn::spanned::Spanned;

/// A parsed file.
pub(crate) struct Source {
    /// From the root of the project.
    pub(crate) path: String,
    /// The folder below `crates/`, or `xtask`.
    pub(crate) room: String,
    /// The module that the file is: empty for `lib.rs` and `main.rs`; none for build scripts and integration tests.
    pub(crate) module: Option<Vec<String>>,
    /// Tests only: below `tests/`, or a module declared under `cfg(test)`.
    pub(crate) test: bool,
    /// The text.
    pub(crate) text: String,
    /// The text as syntax.
    pub(crate) syntax: syn::File,
}

impl Source {
    /// Parses a text as the file at `path` below the root.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self> {
        let syntax = syn::parse_file(text).map_err(|problem| format!("{path}: {problem}"))?;
        let mut parts = path.split('/');
        let room = match parts.next() {
            Some("crates") => parts.next().unwrap_or_default(),
            other => other.unwrap_or_default(),
        };
        let inside: Vec<&str> = parts.collect();
        let module = module_of(&inside);
        let test = inside.first().is_some_and(|folder| ["tests", "benches", "examples"].contains(folder));
        Ok(Self { path: path.to_owned(), room: room.to_owned(), module, test, text: text.to_owned(), syntax })
    }

    /// Lines that are not blank and not inside a module under `cfg(test)`.
    pub(crate) fn production_lines(&self) -> usize {
        if self.test {
            return 0;
        }
        let mut tests = Vec::new();
        for item in &self.syntax.items {
            if let syn::Item::Mod(module) = item
                && module.content.is_some()
                && under_test(&module.attrs)
            {
                tests.push(item.span().start().line..=item.span().end().line);
            }
        }
        let kept = self.text.lines().enumerate().filter(|(index, line)| {
            !line.trim().is_empty() && !tests.iter().any(|range| range.contains(&(index + 1)))
        });
        kept.count()
    }
}

/// `["src", "disk", "mod.rs"]` is the module `disk`.
fn module_of(inside: &[&str]) -> Option<Vec<String>> {
    let (first, rest) = inside.split_first()?;
    if *first != "src" {
        return None;
    }
    let (file, folders) = rest.split_last()?;
    let mut module: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
    match file.strip_suffix(".rs")? {
        "lib" | "main" if folders.is_empty() => {}
        "mod" => {}
        name => module.push(name.to_owned()),
    }
    Some(module)
}

/// Whether an item exists only for tests.
pub(crate) fn under_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().segments.last().is_some_and(|last| last.ident == "test")
            || (attribute.path().is_ident("cfg")
                && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "test")))
    })
}

/// All Rust files of the project.
pub(crate) fn all(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for folder in ["crates", "xtask"] {
        for file in files::below(&root.join(folder), &[".rs"]) {
            let path = file.strip_prefix(root)?.to_string_lossy().into_owned();
            sources.push(Source::parse(&path, &std::fs::read_to_string(&file)?)?);
        }
    }
    mark_tests(&mut sources);
    Ok(sources)
}

/// Marks the files of modules that are declared as `#[cfg(test)] mod name;`, and what lies below them.
pub(crate) fn mark_tests(sources: &mut [Source]) {
    let mut marked: BTreeSet<(String, Vec<String>)> = BTreeSet::new();
    for source in sources.iter() {
        let Some(module) = &source.module else { continue };
        for item in &source.syntax.items {
            if let syn::Item::Mod(inner) = item
                && under_test(&inner.attrs)
            {
                let mut path = module.clone();
                path.push(inner.ident.to_string());
                marked.insert((source.room.clone(), path));
            }
        }
    }
    for source in sources.iter_mut() {
        let Some(module) = source.module.clone() else { continue };
        let above = (1..=module.len()).filter_map(|length| module.get(..length));
        source.test |= above.into_iter().any(|path| marked.contains(&(source.room.clone(), path.to_vec())));
    }
}
