//! Turns the definitions in `spec` into Rust, in `OUT_DIR`. The notation is described in `spec/README.md`;
//! what is generated is included by `src/messages.rs`, `src/api_key.rs`, `src/metadata_record.rs` and `src/coordinator_record.rs`.
//!
//! Nothing is read but `spec`, and nothing generated is committed.

#[path = "build/definition.rs"]
mod definition;
#[path = "build/names.rs"]
mod names;
#[path = "build/notation.rs"]
mod notation;
#[path = "build/structs.rs"]
mod structs;
#[path = "build/tables.rs"]
mod tables;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=spec");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("spec");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut spec = notation::Spec::default();
    for file in files(&root)? {
        notation::parse(&file.display().to_string(), &fs::read_to_string(&file)?, &mut spec)?;
    }
    let mut messages = String::new();
    for definition in &spec.definitions {
        messages.push_str(&structs::module(definition)?);
    }
    messages.push_str(&tables::every_message(&spec));
    fs::write(out.join("messages.rs"), messages)?;
    fs::write(out.join("api_keys.rs"), tables::api_keys(&spec)?)?;
    fs::write(out.join("metadata_records.rs"), tables::metadata_records(&spec))?;
    fs::write(out.join("coordinator_records.rs"), tables::coordinator_records(&spec))?;
    Ok(())
}

/// The files with definitions, in an order that does not depend on the disk.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "spec") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
