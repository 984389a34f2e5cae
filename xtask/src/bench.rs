//! The figures beside Apache Kafka in the same run.

/// `cargo xtask bench`.
pub(crate) fn command(_words: &[&str]) -> crate::process::Result<()> {
    Err("not there yet".into())
}
