//! The project's own commands, for people and for CI alike: `cargo xtask`.
//!
//! This room starts processes and reads files; what it checks about the code itself lives in `tidy`. It holds nothing
//! that the broker needs, and nothing imports it.
#![allow(clippy::print_stdout, reason = "a command line speaks on stdout")]

mod bench;
mod bench_groups;
mod broker;
mod clients;
mod figures;
mod files;
mod ids;
mod kills;
mod load;
mod paths;
mod process;
mod run;
mod steps;
mod suites;
mod swap;
mod tally;
mod tidy;
mod toolchain;
mod verified;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask COMMAND

  check                 the inner loop: format, clippy, tidy, tests (dev profile)
  ci                    everything that must hold before a change lands; prints the minutes of each step
  full                  ci in its long forms; writes docs/verified.md
  tidy                  arrows, circles, sizes, headers, banned calls, docs/semantics.md
  prepare               downloads and builds what the client suites need
  clients [--against kafka|ottla] [--bootstrap HOST:PORT [--controller HOST:PORT]] [SUITE...]
                        real clients against a broker started for them, or one that runs already
  swap [--against kafka|ottla]
                        a directory goes from Apache Kafka to the broker and back
  kills [--against kafka|ottla] [--rounds N]
                        the broker is killed and started again while groups are busy
  bench [--megabytes N] [--only kafka|ottla]
                        the figures beside Apache Kafka in the same run
  bench groups [--rounds N] [--commits N] [--only kafka|ottla]
                        as above, of group coordinators: settling, commits, memory of many groups
  kafka PORT DIR        Apache Kafka 4.4.0 in the foreground on a fresh directory, for looking at
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["check"] => steps::check(),
        ["ci"] => steps::ci(),
        ["full"] => steps::full(),
        ["tidy"] => tidy::command(),
        ["prepare"] => toolchain::command(),
        ["clients", rest @ ..] => clients::command(rest),
        ["swap", rest @ ..] => swap::command(rest),
        ["kills", rest @ ..] => kills::command(rest),
        ["bench", "groups", rest @ ..] => bench_groups::command(rest),
        ["bench", rest @ ..] => bench::command(rest),
        ["kafka", port, dir] => broker::foreground(port, dir),
        _ => {
            print!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
