//! Where things are: the project, the build directory, and the scratch of the client suites inside it.

use std::path::{Path, PathBuf};

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Cargo's build directory.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// What the client suites download, build and write; safe to delete.
pub(crate) fn scratch() -> PathBuf {
    target().join("clients")
}

/// A directory below the scratch, empty.
pub(crate) fn fresh(name: &str) -> std::io::Result<PathBuf> {
    let path = scratch().join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path)?;
    }
    std::fs::create_dir_all(&path)?;
    Ok(path)
}
