//! What a running broker costs, and the program whose figures count.

use crate::paths;
use crate::process::{self, Result};
use std::path::PathBuf;
use std::process::Command;

/// The binary to measure: `OTTLA_BIN`, else the release build, made when it is not there.
pub(crate) fn program() -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("OTTLA_BIN") {
        println!("binary: {}\n", program.display());
        return Ok(program.into());
    }
    println!("building the release binary");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--locked", "--release", "--bin", "ottla"]).current_dir(paths::root());
    if !process::visible(&mut build)? {
        return Err("the release binary does not build".into());
    }
    let ottla = paths::target().join("release/ottla");
    println!("binary: {:.1} MB\n", megabytes_of(std::fs::metadata(&ottla)?.len()));
    Ok(ottla)
}

/// Bytes as MB.
pub(crate) fn megabytes_of(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1000.0
}

/// User and system time of a process and of its ended children's, from `/proc/PID/stat`.
pub(crate) fn processor_seconds(pid: u32) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces; the fields count from behind it.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |index: usize| -> Result<u32> { Ok(fields.get(index).ok_or("a short /proc/PID/stat")?.parse()?) };
    let each = u32::try_from(rustix::param::clock_ticks_per_second())?;
    Ok(f64::from(ticks(11)? + ticks(12)?) / f64::from(each))
}

/// A line of `/proc/PID/status`, in MB.
pub(crate) fn memory(pid: u32, line: &str) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let found =
        text.lines().find_map(|row| row.strip_prefix(line)).ok_or("no such line in /proc/PID/status")?;
    let kilobytes: u32 = found.trim().trim_end_matches(" kB").parse()?;
    Ok(f64::from(kilobytes) * 1.024 / 1000.0)
}
