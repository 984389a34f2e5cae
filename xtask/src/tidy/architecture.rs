//! The arrows between rooms: manifests against the table in `ARCHITECTURE.md`.

use super::Finding;
use crate::process::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Rooms that may hold async code; everything else is synchronous (rule 6 of the architecture).
const ASYNC_ROOMS: [&str; 6] = ["env", "net", "client", "broker", "admin", "ottla"];
/// Crates of others that open a door to the outside: never in a pure room.
const DOORS: [&str; 8] =
    ["tokio", "tokio-util", "rustix", "socket2", "signal-hook", "axum", "foldhash", "tempfile"];

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Arrows go from higher levels to lower ones.
    pub(crate) level: u32,
    /// Only computes.
    pub(crate) pure: bool,
    /// The rooms that it may import.
    pub(crate) imports: BTreeSet<String>,
}

/// What a room's manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Rooms among `[dependencies]` and `[build-dependencies]`.
    pub(crate) rooms: BTreeSet<String>,
    /// Other people's crates among them.
    pub(crate) others: BTreeSet<String>,
    /// Whether it takes the workspace's lints.
    pub(crate) lints: bool,
}

/// Reads the table below the heading `Arrows`: `| room | level | pure | imports |`.
pub(crate) fn rooms(page: &str) -> Result<BTreeMap<String, Room>> {
    let mut rooms = BTreeMap::new();
    let section =
        page.lines().skip_while(|line| !(line.starts_with('#') && line.ends_with("Arrows"))).skip(1);
    for line in section.take_while(|line| !line.starts_with('#')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", room, level, pure, imports, ""] = cells.as_slice() else { continue };
        let Ok(level) = level.parse() else { continue };
        let imports = imports.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        rooms.insert((*room).to_owned(), Room { level, pure: *pure == "yes", imports });
    }
    if rooms.is_empty() {
        return Err(
            "ARCHITECTURE.md has no table `| room | level | pure | imports |` under a heading Arrows".into(),
        );
    }
    Ok(rooms)
}

/// The manifests of all rooms.
pub(crate) fn manifests(root: &Path) -> Result<BTreeMap<String, Manifest>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        let folder = entry?.path();
        let path = folder.join("Cargo.toml");
        if path.exists() {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.insert(name, manifest(&std::fs::read_to_string(path)?)?);
        }
    }
    Ok(found)
}

/// Reads one manifest.
pub(crate) fn manifest(text: &str) -> Result<Manifest> {
    let table: toml::Table = text.parse()?;
    let mut manifest = Manifest::default();
    for section in ["dependencies", "build-dependencies"] {
        for name in table.get(section).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys)
        {
            match name.strip_prefix("ottla-") {
                Some(room) => manifest.rooms.insert(room.to_owned()),
                None => manifest.others.insert(name.clone()),
            };
        }
    }
    let lints = table.get("lints").and_then(|lints| lints.get("workspace"));
    manifest.lints = lints.and_then(toml::Value::as_bool) == Some(true);
    Ok(manifest)
}

/// The table against itself, and the manifests against the table.
pub(crate) fn check(rooms: &BTreeMap<String, Room>, manifests: &BTreeMap<String, Manifest>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, room) in rooms {
        let mut table = |what: String| found.push(Finding::new("ARCHITECTURE.md", what));
        if !manifests.contains_key(name) {
            table(format!("the room {name} is not in crates/"));
        }
        for import in &room.imports {
            match rooms.get(import) {
                None => table(format!("{name} imports {import}, which has no row")),
                Some(other) if room.pure && !other.pure => {
                    table(format!("{name} is pure and imports {import}, which is not"))
                }
                // The words are below everything, their own level included.
                Some(other) if other.level >= room.level && import != "model" => {
                    table(format!("{name} (level {}) imports {import} (level {})", room.level, other.level));
                }
                Some(_) => {}
            }
        }
    }
    for (name, manifest) in manifests {
        let place = format!("crates/{name}/Cargo.toml");
        let mut wrong = |what: String| found.push(Finding::new(place.clone(), what));
        let Some(room) = rooms.get(name) else {
            wrong(format!("{name} has no row in ARCHITECTURE.md"));
            continue;
        };
        if !manifest.lints {
            wrong("`[lints] workspace = true` is missing".to_owned());
        }
        for import in manifest.rooms.difference(&room.imports) {
            wrong(format!("{name} imports {import}: no such arrow in ARCHITECTURE.md"));
        }
        for door in manifest.others.iter().filter(|other| room.pure && DOORS.contains(&other.as_str())) {
            wrong(format!("{name} is pure: {door} is a door to the outside"));
        }
        if manifest.others.contains("tokio") && !ASYNC_ROOMS.contains(&name.as_str()) {
            wrong(format!("{name} is synchronous: no tokio"));
        }
    }
    found
}
