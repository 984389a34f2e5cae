//! Other programs, each bounded in time. What they print goes to a file, so that a full pipe stalls nobody.
//!
//! A program is ended by its own process group, never by name.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Any failure here is told to a person and ends the command.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Runs a program to its end with its output in `log`; kills its process group when `limit` passes.
pub(crate) fn run(command: &mut Command, limit: Duration, log: &Path) -> Result<bool> {
    run_apart(command, limit, log, log)
}

/// As `run`, with what it prints and what it complains about in two files, so that neither cuts a line of the other.
pub(crate) fn run_apart(
    command: &mut Command,
    limit: Duration,
    log: &Path,
    complaints: &Path,
) -> Result<bool> {
    let mut child = spawn(command, log, complaints)?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if started.elapsed() > limit {
            kill_group(&child);
            child.wait()?;
            return Err(format!(
                "{} did not end within {} s; see {}",
                name(command),
                limit.as_secs(),
                log.display()
            )
            .into());
        }
        std::thread::sleep(POLL);
    }
}

/// As `run`, but a program that fails is an error that shows the end of its output.
pub(crate) fn succeed(command: &mut Command, limit: Duration, log: &Path) -> Result<()> {
    if run(command, limit, log)? {
        return Ok(());
    }
    Err(format!("{} failed:\n{}", name(command), tail(log, 30)).into())
}

/// Starts a program in its own process group.
pub(crate) fn spawn(command: &mut Command, out: &Path, err: &Path) -> Result<Child> {
    if let Some(parent) = out.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let out_file = File::create(out)?;
    let err_file = if err == out { out_file.try_clone()? } else { File::create(err)? };
    command.stdin(Stdio::null()).stdout(out_file).stderr(err_file).process_group(0);
    command.spawn().map_err(|problem| format!("{} does not start: {problem}", name(command)).into())
}

/// Runs a program with its output on this terminal.
pub(crate) fn visible(command: &mut Command) -> Result<bool> {
    let status = command.stdin(Stdio::null()).status();
    Ok(status.map_err(|problem| format!("{} does not start: {problem}", name(command)))?.success())
}

/// Tries three times, with a pause: for what a network may refuse once.
pub(crate) fn three_times(what: &str, mut attempt: impl FnMut() -> Result<()>) -> Result<()> {
    for pause in [5, 20] {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(problem) => println!("  {what}: {problem}; once more in {pause} s"),
        }
        std::thread::sleep(Duration::from_secs(pause));
    }
    attempt()
}

/// Asks a program to end (SIGTERM).
pub(crate) fn terminate(child: &Child) {
    if let Some(pid) = pid(child) {
        // It may have ended by itself; waiting for it tells.
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// Ends a program and what it started (SIGKILL to its process group).
pub(crate) fn kill_group(child: &Child) {
    if let Some(pid) = pid(child) {
        let _gone = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

fn pid(child: &Child) -> Option<rustix::process::Pid> {
    i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw)
}

/// The last lines of a file.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// Whether a program of that name is on the path.
pub(crate) fn found(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn name(command: &Command) -> String {
    let mut all = vec![command.get_program().to_string_lossy().into_owned()];
    all.extend(
        command.get_args().take(4).map(|argument| argument.to_string_lossy().chars().take(60).collect()),
    );
    all.join(" ")
}
