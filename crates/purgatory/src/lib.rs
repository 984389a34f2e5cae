//! Waits with keys and deadlines.
