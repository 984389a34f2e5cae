//! How the program ends: one number for each kind of end, documented in `ottla --help`.

/// The exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Stopped as asked.
    Stopped = 0,
    /// Stopped by a failure while serving.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A setting is wrong or cannot be served.
    Settings = 3,
    /// A data directory cannot be used.
    Directory = 4,
    /// An address cannot be bound.
    Address = 5,
}

impl Exit {
    /// What `--help` says.
    pub const HELP: &str = "\
Exit codes:
  0  stopped as asked
  1  stopped by a failure while serving
  2  the command line is wrong
  3  a setting is wrong, or cannot be served
  4  a data directory cannot be used: taken, of another cluster, not formatted, full
  5  an address cannot be bound";

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
