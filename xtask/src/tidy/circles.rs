//! No circles between the modules of a crate.
//!
//! An edge is a `use` in one module of something in a sibling module; `mod`, re-exports (`pub use`) and tests do not
//! count. A name that a parent re-exports counts as an edge to the module that it comes from.

use super::settings::Settings;
use super::source::{Source, under_test};
use super::{Finding, production};
use std::collections::{BTreeMap, BTreeSet};

type Path = Vec<String>;

/// The modules of one crate: what each imports, and under which names.
#[derive(Debug, Default)]
struct Crate {
    /// Each module with the paths that it uses.
    uses: BTreeMap<Path, Vec<Path>>,
    /// For each module, a name that it re-exports or imports and the path it stands for.
    names: BTreeMap<(Path, String), Path>,
}

/// Reports every strongly connected group of sibling modules.
pub(crate) fn check(sources: &[Source], settings: &Settings) -> Vec<Finding> {
    let mut crates: BTreeMap<&str, Crate> = BTreeMap::new();
    for source in production(sources) {
        if let Some(module) = &source.module {
            read(&source.syntax.items, module, crates.entry(&source.room).or_default());
        }
    }
    let mut found = Vec::new();
    for (room, modules) in &crates {
        for (parent, edges) in sibling_edges(modules) {
            for group in groups(&edges) {
                let place = std::iter::once((*room).to_owned())
                    .chain(parent.iter().cloned())
                    .collect::<Vec<_>>()
                    .join("::");
                let circle = format!("{place}: {}", group.iter().cloned().collect::<Vec<_>>().join(" "));
                if !settings.circles.contains(&circle) {
                    let edges: Vec<String> = edges
                        .iter()
                        .filter(|(from, to)| group.contains(from) && group.contains(to))
                        .map(|(from, to)| format!("{from} uses {to}"))
                        .collect();
                    found.push(Finding::new(circle, format!("a circle: {}", edges.join(", "))));
                }
            }
        }
    }
    found
}

fn read(items: &[syn::Item], module: &Path, into: &mut Crate) {
    into.uses.entry(module.clone()).or_default();
    for item in items {
        match item {
            syn::Item::Use(import) if !under_test(&import.attrs) => {
                let mut leaves = Vec::new();
                expand(&import.tree, &mut Vec::new(), &mut leaves);
                for (path, name) in leaves {
                    let Some(path) = absolute(&path, module) else { continue };
                    into.names.insert((module.clone(), name), path.clone());
                    if matches!(import.vis, syn::Visibility::Inherited) {
                        into.uses.entry(module.clone()).or_default().push(path);
                    }
                }
            }
            syn::Item::Mod(inner) if !under_test(&inner.attrs) => {
                if let Some((_, items)) = &inner.content {
                    let mut path = module.clone();
                    path.push(inner.ident.to_string());
                    read(items, &path, into);
                }
            }
            _ => {}
        }
    }
}

/// All leaves of a `use` tree, each with the name it is known by.
fn expand(tree: &syn::UseTree, prefix: &mut Path, leaves: &mut Vec<(Path, String)>) {
    match tree {
        syn::UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            expand(&path.tree, prefix, leaves);
            prefix.pop();
        }
        syn::UseTree::Name(name) => {
            let mut path = prefix.clone();
            if name.ident != "self" {
                path.push(name.ident.to_string());
            }
            let known = path.last().cloned().unwrap_or_default();
            leaves.push((path, known));
        }
        syn::UseTree::Rename(rename) => {
            let mut path = prefix.clone();
            path.push(rename.ident.to_string());
            leaves.push((path, rename.rename.to_string()));
        }
        syn::UseTree::Glob(_) => leaves.push((prefix.clone(), "*".to_owned())),
        syn::UseTree::Group(group) => {
            for item in &group.items {
                expand(item, prefix, leaves);
            }
        }
    }
}

/// `crate::`, `self::` and `super::` paths from the root of the crate; a bare path may start at a child module.
fn absolute(path: &[String], module: &Path) -> Option<Path> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([module.as_slice(), rest].concat()),
        "super" => {
            let parent = module.get(..module.len().checked_sub(1)?)?.to_vec();
            match rest.first().map(String::as_str) {
                Some("super") => absolute(rest, &parent),
                _ => Some([parent.as_slice(), rest].concat()),
            }
        }
        _ => Some([module.as_slice(), path].concat()),
    }
}

/// The module that a path ends in, following re-exports.
fn target(path: &Path, modules: &Crate, depth: usize) -> Option<Path> {
    let length = (0..=path.len())
        .rev()
        .find(|length| path.get(..*length).is_some_and(|part| modules.uses.contains_key(part)))?;
    let module = path.get(..length)?.to_vec();
    let (Some(name), true) = (path.get(length), depth > 0) else { return Some(module) };
    match modules.names.get(&(module.clone(), name.clone())) {
        Some(onward) if onward != path => target(onward, modules, depth - 1).or(Some(module)),
        _ => Some(module),
    }
}

/// For each parent the edges between its children.
fn sibling_edges(modules: &Crate) -> BTreeMap<Path, BTreeSet<(String, String)>> {
    let mut edges: BTreeMap<Path, BTreeSet<(String, String)>> = BTreeMap::new();
    for (from, uses) in &modules.uses {
        for to in uses.iter().filter_map(|path| target(path, modules, 4)) {
            let shared = from.iter().zip(&to).take_while(|(left, right)| left == right).count();
            if let (Some(left), Some(right), Some(parent)) =
                (from.get(shared), to.get(shared), from.get(..shared))
            {
                edges.entry(parent.to_vec()).or_default().insert((left.clone(), right.clone()));
            }
        }
    }
    edges
}

/// Groups of modules that reach each other.
fn groups(edges: &BTreeSet<(String, String)>) -> Vec<BTreeSet<String>> {
    let reached = |start: &String| -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut open = vec![start.clone()];
        while let Some(next) = open.pop() {
            for (_, to) in edges.iter().filter(|(from, _)| *from == next) {
                if seen.insert(to.clone()) {
                    open.push(to.clone());
                }
            }
        }
        seen
    };
    let names: BTreeSet<&String> = edges.iter().map(|(from, _)| from).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for name in names {
        let below = reached(name);
        if below.contains(name) && !found.iter().any(|group| group.contains(name)) {
            found.push(
                below.into_iter().filter(|other| other == name || reached(other).contains(name)).collect(),
            );
        }
    }
    found
}
