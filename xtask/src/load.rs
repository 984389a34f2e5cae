//! The load program (`clients/go/load`) while it runs: lines to it and lines from it, each waited for within a bound.

use crate::broker::Node;
use crate::process::{self, Result};
use crate::toolchain::load_program;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// Lines that wait to be heard.
const LINES: usize = 64;

/// A running load. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    complaints: PathBuf,
}

impl Load {
    /// Starts it against a broker.
    pub(crate) fn start(node: &Node, arguments: &[&str]) -> Result<Self> {
        let complaints = node.folder.join("load.err");
        let mut command = Command::new(load_program());
        command.args(arguments).env("BOOTSTRAP", node.listen.to_string()).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&complaints)?);
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("the load has no output")?;
        let (said, lines) = sync_channel(LINES);
        // It ends with the program's output, or when nobody listens any more.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
                if said.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, input, lines, complaints })
    }

    /// Says a line to it.
    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().ok_or("the load does not listen")?;
        Ok(writeln!(input, "{line}")?)
    }

    /// Waits until it says a line, and returns what it said before that.
    pub(crate) fn hear(&mut self, wanted: &str, limit: Duration) -> Result<Vec<String>> {
        let started = Instant::now();
        let mut before = Vec::new();
        loop {
            match self.lines.recv_timeout(limit.saturating_sub(started.elapsed())) {
                Ok(line) if line == wanted => return Ok(before),
                Ok(line) => before.push(line),
                Err(_) => {
                    let complaints = process::tail(&self.complaints, 20);
                    let said = before.join("\n");
                    return Err(format!("the load has not said `{wanted}`: {said}\n{complaints}").into());
                }
            }
        }
    }

    /// Whether it still runs: one that ends by itself has failed.
    pub(crate) fn lives(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            return Ok(());
        }
        let said: Vec<String> = self.lines.try_iter().collect();
        Err(format!("the load has ended: {}\n{}", said.join("\n"), process::tail(&self.complaints, 20))
            .into())
    }

    /// Hears it to its end.
    pub(crate) fn finish(&mut self, limit: Duration) -> Result<Vec<String>> {
        let started = Instant::now();
        let mut all = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(limit.saturating_sub(started.elapsed())) {
            all.push(line);
        }
        if started.elapsed() >= limit {
            return Err(format!("the load has not ended within {} s", limit.as_secs()).into());
        }
        if self.child.wait()?.success() {
            return Ok(all);
        }
        Err(format!("the load failed: {}\n{}", all.join("\n"), process::tail(&self.complaints, 20)).into())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            process::kill_group(&self.child);
            // Nothing is left to do about a failure here.
            let _ended = self.child.wait();
        }
    }
}
