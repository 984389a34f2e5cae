//! `xtask/tidy.toml`: the ratchets.

use crate::process::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is let through today.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Lines of a function above the bound, by `path::name`.
    pub(crate) functions: BTreeMap<String, usize>,
    /// Lines of a file above the soft bound, by path.
    pub(crate) files: BTreeMap<String, usize>,
    /// Files that are rows of a table rather than code: not counted for their crate, free of the bounds.
    pub(crate) tables: BTreeSet<String>,
    /// Circles between modules, as `crate::parent: a b`.
    pub(crate) circles: BTreeSet<String>,
    /// Files whose tests may sleep, because they wait for real time.
    pub(crate) sleeps: BTreeSet<String>,
}

impl Settings {
    /// Reads the file; a missing table is empty.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// Reads the text of the file.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = text.parse()?;
        let numbers = |name: &str| -> BTreeMap<String, usize> {
            let rows = table.get(name).and_then(toml::Value::as_table).into_iter().flatten();
            rows.filter_map(|(key, value)| Some((key.clone(), usize::try_from(value.as_integer()?).ok()?)))
                .collect()
        };
        let words = |name: &str| -> BTreeSet<String> {
            let rows = table.get(name).and_then(toml::Value::as_array).into_iter().flatten();
            rows.filter_map(|value| value.as_str().map(str::to_owned)).collect()
        };
        Ok(Self {
            functions: numbers("functions"),
            files: numbers("files"),
            tables: words("tables"),
            circles: words("circles"),
            sleeps: words("sleeps"),
        })
    }
}
