//! Every file opens with `//!`: what the room does, its invariant, what it leaves to others.

use super::Finding;
use super::source::Source;

/// Files that do not.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let silent = sources.iter().filter(|source| !source.text.trim_start().starts_with("//!"));
    silent.map(|source| Finding::new(&source.path, "it does not open with `//!`")).collect()
}
