//! Words and calls that have no place: doors in pure rooms, notes to self, ignored tests, names without an idea.

use super::Finding;
use super::architecture::Room;
use super::settings::Settings;
use super::source::Source;
use crate::process::Result;
use std::collections::BTreeMap;
use std::path::Path;
use syn::visit::Visit;

/// File and module names that are a missing idea.
const NAMES: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "manager", "misc", "stuff"];
/// Notes to self belong in the note of the change.
const NOTES: [&str; 3] = ["TODO", "FIXME", "XXX"];
/// Parts of the standard library that a pure room may not name.
const DOORS: [&str; 9] = [
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
];
/// What the clippy.toml of a pure crate must at least ban.
const BANNED_METHODS: [&str; 3] =
    ["std::time::Instant::now", "std::time::SystemTime::now", "std::thread::spawn"];

/// Everything found in the sources.
pub(crate) fn check(sources: &[Source], rooms: &BTreeMap<String, Room>, settings: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources {
        let own_rules = source.path.starts_with("xtask/src/tidy/");
        let stem = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        if NAMES.contains(&stem) || NAMES.contains(&source.room.as_str()) {
            found.push(Finding::new(&source.path, format!("{stem} is a missing idea: name what it holds")));
        }
        for (index, line) in source.text.lines().enumerate().filter(|_| !own_rules) {
            let place = || format!("{}:{}", source.path, index + 1);
            if let Some(note) = NOTES.iter().find(|note| words(line).any(|word| word == **note)) {
                found.push(Finding::new(place(), format!("{note}: write it in the note of the change")));
            }
            if line.trim_start().starts_with("#[ignore") {
                found.push(Finding::new(place(), "an ignored test shows nothing"));
            }
            // With tokio's clock paused a sleep only moves that clock.
            let paused = source.text.contains("time::pause()") || source.text.contains("start_paused");
            let sleeps = line.contains("thread::sleep(") || (line.contains("time::sleep(") && !paused);
            if source.test && sleeps && !settings.sleeps.contains(&source.path) {
                found.push(Finding::new(place(), "a test that sleeps: wait for the fact instead"));
            }
        }
        if source.test {
            continue;
        }
        let mut looked = Looked {
            pure: rooms.get(&source.room).is_some_and(|room| room.pure) && source.module.is_some(),
            lines: source.text.lines().collect(),
            found: Vec::new(),
        };
        looked.visit_file(&source.syntax);
        found.extend(
            looked
                .found
                .into_iter()
                .map(|(line, what)| Finding::new(format!("{}:{line}", source.path), what)),
        );
    }
    found
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
}

/// Walks production code: paths in pure rooms, and lints that are silenced without a reason.
struct Looked<'a> {
    /// A pure room's own code, not its build script.
    pure: bool,
    lines: Vec<&'a str>,
    found: Vec<(usize, String)>,
}

impl Looked<'_> {
    fn path(&mut self, segments: &[String], line: usize) {
        let path = segments.join("::");
        let door = DOORS.iter().find(|door| path == **door || path.starts_with(&format!("{door}::")));
        if let (true, Some(door)) = (self.pure, door) {
            self.found.push((line, format!("a pure room does not touch {door}: take it as an argument")));
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, prefix: &[String], line: usize) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident), line),
            syn::UseTree::Name(name) => self.path(&with(&name.ident), line),
            syn::UseTree::Rename(rename) => self.path(&with(&rename.ident), line),
            syn::UseTree::Glob(_) => self.path(prefix, line),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, prefix, line)),
        }
    }
}

impl<'ast> Visit<'ast> for Looked<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if super::source::under_test(&module.attrs) {
            return;
        }
        if NAMES.contains(&module.ident.to_string().as_str()) {
            self.found.push((
                module.ident.span().start().line,
                format!("{} is a missing idea: name what it holds", module.ident),
            ));
        }
        syn::visit::visit_item_mod(self, module);
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        if !super::source::under_test(&import.attrs) {
            self.tree(&import.tree, &[], import.use_token.span.start().line);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
        self.path(&segments, line);
        syn::visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let silences = attribute.path().is_ident("allow") || attribute.path().is_ident("expect");
        if let (true, syn::Meta::List(list)) = (silences, &attribute.meta)
            && !list.tokens.to_string().contains("reason")
        {
            let line = attribute.pound_token.span.start().line;
            let near = self.lines.iter().skip(line.saturating_sub(2)).take(2);
            if near
                .into_iter()
                .any(|text| text.split_once("//").is_some_and(|(_, words)| !words.starts_with(['/', '!'])))
            {
                return;
            }
            self.found.push((
                line,
                "a lint is silenced without a reason: `reason = \"...\"` or a comment beside it".to_owned(),
            ));
        }
    }
}

/// Each pure crate has the clippy.toml that bans the doors at every call.
pub(crate) fn clippy_files(root: &Path, rooms: &BTreeMap<String, Room>) -> Vec<Finding> {
    let mut found = Vec::new();
    for name in rooms.iter().filter(|(_, room)| room.pure).map(|(name, _)| name) {
        let place = format!("crates/{name}/clippy.toml");
        match banned_methods(&root.join(&place)) {
            Ok(methods) => {
                for method in
                    BANNED_METHODS.iter().filter(|method| !methods.iter().any(|have| have == *method))
                {
                    found.push(Finding::new(&place, format!("{method} is not among its disallowed-methods")));
                }
            }
            Err(problem) => {
                found.push(Finding::new(&place, format!("a pure room bans its doors here: {problem}")))
            }
        }
    }
    found
}

fn banned_methods(path: &Path) -> Result<Vec<String>> {
    let table: toml::Table = std::fs::read_to_string(path)?.parse()?;
    let rows = table.get("disallowed-methods").and_then(toml::Value::as_array).into_iter().flatten();
    let name = |row: &toml::Value| row.as_str().or_else(|| row.get("path")?.as_str()).map(str::to_owned);
    Ok(rows.filter_map(name).collect())
}
