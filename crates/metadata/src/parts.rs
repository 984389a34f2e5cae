//! What the image is made of: maps that share what they have in common, and texts that own their bytes.

use std::sync::Arc;

/// An ordered map whose clone costs nothing and whose change costs its path from the root.
pub type Map<K, V> = rpds::RedBlackTreeMapSync<K, V>;

/// A text copied out of the record it came in, so that it does not keep the batch alive.
pub type Text = Arc<str>;

/// Copies a text out of a record.
pub(crate) fn text(from: &str) -> Text {
    Text::from(from)
}
