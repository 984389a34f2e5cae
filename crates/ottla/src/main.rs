//! The program: command line → settings → a node that serves → a stop in order.

mod metrics;
mod serve;

use std::io::Write;
use std::process::ExitCode;

use ottla::exit::Exit;
use ottla::options::{self, Asked};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match options::parse(std::env::args_os()) {
        Ok(Asked::Serve(options)) => serve::run(&options).into(),
        Ok(Asked::Print(text)) => {
            // Nobody may be reading; there is nothing else to do then.
            let _ = std::io::stdout().write_all(text.as_bytes());
            Exit::Stopped.into()
        }
        Err(text) => complain(&text, Exit::Usage).into(),
    }
}

/// Says why there is no node, where a person or a service manager looks.
fn complain(text: &str, exit: Exit) -> Exit {
    // Nobody may be reading; the exit code says it too.
    let _ = writeln!(std::io::stderr(), "ottla: {}", text.trim_end());
    exit
}
