//! The command line, and how it, a properties file and the environment become one configuration.
//!
//! Later sources win: defaults, file, `KAFKA_*` environment, flags. Invariant: what a flag says about the address
//! or the directory holds, whatever the file says. What a setting means is `config`'s; nothing is opened here but
//! the properties file.

use crate::exit::Exit;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use ottla_config::listeners::{Endpoint, host_and_port};
use ottla_config::{
    BrokerConfig, ConfigError, Given, Origin, Properties, PropertiesError, environment, limits,
};
use ottla_model::Uuid;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where data goes when nobody says.
pub const DEFAULT_DATA_DIR: &str = "ottla-data";

const EXAMPLES: &str = "\
Examples:
  ottla                                    serve on port 9092, data in ./ottla-data
  ottla serve config/server.properties     serve with Kafka's own configuration file
  ottla --listen 127.0.0.1:0 --set num.partitions=3

Every setting: docs/settings.md. KAFKA_* environment variables are read as Kafka's container image reads them.";

/// A Kafka broker in one small program.
#[derive(Debug, Parser)]
#[command(name = "ottla", bin_name = "ottla", version = VERSION, about, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, after_help = after_help())]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeOptions,
}

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (speaks Apache Kafka 4.4)");

fn after_help() -> String {
    format!("{EXAMPLES}\n\n{}", Exit::HELP)
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve clients (what `ottla` alone does)
    #[command(after_help = after_help())]
    Serve(ServeOptions),
}

/// What `ottla serve` was asked.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct ServeOptions {
    /// A server.properties file, as Kafka's
    #[arg(value_name = "server.properties")]
    pub properties: Option<PathBuf>,
    /// Keep all data in this directory
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Bind this address for clients; an empty host is every address, port 0 any port
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub listen: Option<(String, u16)>,
    /// Give one setting; can be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// Format the directories if all of them are empty; needed with a properties file only
    #[arg(long)]
    pub format: bool,
}

fn address(text: &str) -> Result<(String, u16), String> {
    host_and_port(text)
        .ok_or_else(|| "expected HOST:PORT, such as 127.0.0.1:9092, [::1]:9092 or :9092".into())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE, such as num.partitions=3".into()),
    }
}

/// What the command line says to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// Serve.
    Serve(ServeOptions),
    /// Print this (help or version) and end well.
    Print(String),
}

/// Reads the command line, the program's name first. The error is the text for the user, for [`Exit::Usage`].
pub fn parse<I, T>(arguments: I) -> Result<Asked, String>
where
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString> + Clone,
{
    match CommandLine::try_parse_from(arguments) {
        Ok(CommandLine { command: Some(Command::Serve(options)), serve: _ }) => Ok(Asked::Serve(options)),
        Ok(CommandLine { command: None, serve }) => Ok(Asked::Serve(serve)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Asked::Print(error.to_string())),
            _ => Err(error.to_string()),
        },
    }
}

/// Everything a start needs to know.
#[derive(Debug)]
pub struct Start {
    /// What the broker obeys.
    pub config: BrokerConfig,
    /// One line each, for the log.
    pub warnings: Vec<String>,
    /// Whether directories that are absent or empty may be formatted: with a file only when asked (`swap.md` 12).
    pub may_format: bool,
    /// Whether there was a properties file; one that is not formatted then needs the line to type.
    pub with_file: bool,
    /// `CLUSTER_ID`, with which Kafka's container image formats.
    pub cluster_id: Option<Uuid>,
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum StartError {
    /// The properties file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The properties file is no such file.
    Malformed(PathBuf, PropertiesError),
    /// A `KAFKA_*` variable cannot be read.
    Environment(PropertiesError),
    /// `CLUSTER_ID` is no id.
    ClusterId(String),
    /// A directory whose name cannot stand in `log.dirs`.
    DataDir(PathBuf),
    /// Settings are wrong or cannot be served.
    Settings(ConfigError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Malformed(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Environment(error) => write!(f, "environment: {error}"),
            Self::ClusterId(text) => {
                write!(f, "environment: CLUSTER_ID={text} is no cluster id; unset it to have one made")
            }
            Self::DataDir(path) => {
                write!(f, "--data-dir {}: use a path in UTF-8 without commas or outer blanks", path.display())
            }
            Self::Settings(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl StartError {
    /// The exit code that tells of it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::DataDir(_) => Exit::Usage,
            Self::Unreadable(..)
            | Self::Malformed(..)
            | Self::Environment(_)
            | Self::ClusterId(_)
            | Self::Settings(_) => Exit::Settings,
        }
    }
}

/// Puts the sources together: the file that `options` name, `variables` of the environment, the flags.
pub fn configure(
    options: &ServeOptions,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Start, StartError> {
    let variables: Vec<(String, String)> = variables.into_iter().collect();
    let variable =
        |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let format = options.format || variable("OTTLA_FORMAT") == Some("1");
    let cluster_id = match variable("CLUSTER_ID") {
        None | Some("") => None,
        Some(text) => Some(text.parse::<Uuid>().map_err(|_| StartError::ClusterId(text.to_owned()))?),
    };
    let mut given = Given::default();
    if let Some(path) = &options.properties {
        given.add_file(&path.display().to_string(), &read_properties(path)?);
    }
    given.add_environment(&environment::settings(variables).map_err(StartError::Environment)?);
    add_flags(&mut given, options)?;
    add_assumptions(&mut given, options);
    let warnings = given.warnings();
    let config = BrokerConfig::load(given).map_err(StartError::Settings)?;
    let with_file = options.properties.is_some();
    Ok(Start { config, warnings, may_format: format || !with_file, with_file, cluster_id })
}

fn read_properties(path: &Path) -> Result<Properties, StartError> {
    let unreadable = |error| StartError::Unreadable(path.to_owned(), error);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let bound = u64::try_from(limits::MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    file.take(bound).read_to_end(&mut bytes).map_err(unreadable)?;
    Properties::parse(&bytes).map_err(|error| StartError::Malformed(path.to_owned(), error))
}

fn add_flags(given: &mut Given, options: &ServeOptions) -> Result<(), StartError> {
    if let Some(directory) = &options.data_dir {
        let fits = |text: &&str| !text.is_empty() && !text.contains(',') && text.trim() == *text;
        let text = directory.to_str().filter(fits).ok_or_else(|| StartError::DataDir(directory.clone()))?;
        given.set("log.dirs", text, Origin::Flag("--data-dir".into()));
        given.unset("metadata.log.dir");
    }
    if let Some((host, port)) = &options.listen {
        listen(given, host, *port);
    }
    for (key, value) in &options.set {
        given.set(key, value, Origin::Flag(format!("--set {key}")));
    }
    Ok(())
}

/// Binds one address for clients in place of those that were given. Listeners of controllers stay; what clients were to be
/// told belonged to the addresses that go.
fn listen(given: &mut Given, host: &str, port: u16) {
    let text = |name: &str| given.get(name).map(|value| value.text.clone()).unwrap_or_default();
    let words = |name: &str| -> Vec<String> {
        text(name).split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
    };
    let controllers: Vec<String> =
        words("controller.listener.names").iter().map(|n| n.to_uppercase()).collect();
    let bound: Vec<Endpoint> =
        words("listeners").iter().filter_map(|word| Endpoint::parse(word).ok()).collect();
    let (kept, gone): (Vec<Endpoint>, Vec<Endpoint>) =
        bound.into_iter().partition(|endpoint| controllers.contains(&endpoint.listener));
    let named = words("inter.broker.listener.name").first().map(|name| name.to_uppercase());
    let name = named.or_else(|| gone.first().map(|endpoint| endpoint.listener.clone()));
    let listener = name.unwrap_or_else(|| "PLAINTEXT".into());
    let all = std::iter::once(Endpoint { listener, host: host.to_owned(), port }).chain(kept);
    let all: Vec<String> = all.map(|endpoint| endpoint.to_string()).collect();
    given.set("listeners", &all.join(","), Origin::Flag("--listen".into()));
    given.unset("advertised.listeners");
}

/// What a start without a word means: one node of both roles, data in a directory beside, one copy of everything.
fn add_assumptions(given: &mut Given, options: &ServeOptions) {
    if !given.has("node.id") && !given.has("broker.id") {
        given.set("node.id", "1", Origin::Assumed);
    }
    if !given.has("process.roles") {
        given.set("process.roles", "broker,controller", Origin::Assumed);
    }
    if options.properties.is_none() && !given.has("log.dirs") && !given.has("log.dir") {
        given.set("log.dirs", DEFAULT_DATA_DIR, Origin::Assumed);
    }
    // With a file Kafka's default stands, 3: a file that leaves it out is of a cluster.
    let copies = "offsets.topic.replication.factor";
    if options.properties.is_none() && !given.has(copies) {
        given.set(copies, "1", Origin::Assumed);
    }
}
