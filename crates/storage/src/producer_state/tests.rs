//! Producer state against a naive one.
