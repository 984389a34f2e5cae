//! A broker for the suites: ours, or Apache Kafka 4.4.0 as the oracle, started from the same properties file.
//!
//! A started broker is stopped by its own process id when it is dropped.

use crate::paths;
use crate::process::{self, Result};
use crate::toolchain::{ClassPath, java_command};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Kafka takes seconds on an idle machine and much longer on a busy one.
const START_LIMIT: Duration = Duration::from_secs(120);
/// A clean stop; after it the broker is killed and the stop counts as failed.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// The level that both Kafka 4.4.0 and the tools of 4.3.1 read.
const RELEASE: &str = "4.3";
/// Groups that need no patience: rebalances within a second, five partitions of offsets instead of fifty. Bounds of
/// classic sessions stay as they are.
pub(crate) const GROUPS: &str = "offsets.topic.num.partitions=5\ngroup.initial.rebalance.delay.ms=100\n\
                      group.consumer.min.heartbeat.interval.ms=300\ngroup.consumer.heartbeat.interval.ms=300\n\
                      group.consumer.min.session.timeout.ms=6000\ngroup.consumer.session.timeout.ms=6000\n\
                      group.consumer.assignment.interval.ms=100\n";
/// ApiVersions version 0 with correlation id 7 and client id "x".
const PROBE: [u8; 15] = [0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 7, 0, 1, b'x'];

/// Which broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Ottla,
    Kafka,
}

impl Kind {
    /// Reads `kafka` or `ottla`.
    pub(crate) fn parse(word: &str) -> Result<Self> {
        match word {
            "kafka" => Ok(Self::Kafka),
            "ottla" => Ok(Self::Ottla),
            other => Err(format!("--against takes kafka or ottla, not {other}").into()),
        }
    }

    /// How reports name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ottla => "ottla",
            Self::Kafka => "kafka",
        }
    }
}

/// A node's files and addresses.
#[derive(Debug)]
pub(crate) struct Node {
    /// The folder of everything below.
    pub(crate) folder: PathBuf,
    /// `server.properties`.
    pub(crate) properties: PathBuf,
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// Where `--bootstrap-controller` connects.
    pub(crate) controller: SocketAddr,
    /// `log.dirs`.
    pub(crate) data: Vec<PathBuf>,
}

impl Node {
    /// Writes a server.properties for a node on free ports with that many log directories; nothing is formatted yet.
    /// Groups may be quick in it: the cases wait for their sessions to expire.
    pub(crate) fn new(folder: &Path, directories: usize) -> Result<Self> {
        let (listen, controller) = two_free_ports()?;
        let data: Vec<PathBuf> = (0..directories).map(|i| folder.join(format!("data-{i}"))).collect();
        let dirs: Vec<String> = data.iter().map(|dir| dir.display().to_string()).collect();
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers={controller}\n\
             listeners=PLAINTEXT://{listen},CONTROLLER://{controller}\n\
             advertised.listeners=PLAINTEXT://{listen},CONTROLLER://{controller}\n\
             controller.listener.names=CONTROLLER\ninter.broker.listener.name=PLAINTEXT\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
             log.dirs={}\nnum.partitions=1\noffsets.topic.replication.factor=1\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
             share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n",
            dirs.join(",")
        );
        let properties = folder.join("server.properties");
        std::fs::write(&properties, text)?;
        Ok(Self { folder: folder.to_path_buf(), properties, listen, controller, data })
    }

    /// Adds lines to its server.properties.
    pub(crate) fn with(self, settings: &str) -> Result<Self> {
        let text = std::fs::read_to_string(&self.properties)?;
        std::fs::write(&self.properties, text + settings)?;
        Ok(self)
    }
}

/// A running broker.
#[derive(Debug)]
pub(crate) struct Broker {
    child: Child,
    log: PathBuf,
    /// From the start of the process to its first answer.
    pub(crate) ready_after: Duration,
}

impl Broker {
    /// Formats the node's directories (when `fresh`) and starts a broker on them; returns when it answers.
    pub(crate) fn start(kind: Kind, node: &Node, fresh: bool) -> Result<Self> {
        Self::start_binary(kind, node, fresh, &ottla_program())
    }

    /// As `start`, with a binary of ours.
    pub(crate) fn start_binary(kind: Kind, node: &Node, fresh: bool, program: &Path) -> Result<Self> {
        let mut command = match kind {
            Kind::Kafka => {
                if fresh {
                    format(node)?;
                }
                kafka(node)?
            }
            Kind::Ottla => {
                if !program.exists() {
                    let remedy = "cargo build --profile checked --bin ottla";
                    return Err(format!("{} is not there: {remedy}", program.display()).into());
                }
                let mut ottla = Command::new(program);
                ottla.arg("serve").arg(&node.properties);
                if fresh {
                    ottla.arg("--format");
                }
                ottla
            }
        };
        let log = node.folder.join(format!("{}.log", kind.name()));
        let started = Instant::now();
        let child = process::spawn(&mut command, &log, &log)?;
        let mut broker = Self { child, log, ready_after: Duration::ZERO };
        broker.wait_until_ready(node.listen)?;
        broker.ready_after = started.elapsed();
        Ok(broker)
    }

    /// The process id, for its figures in `/proc`.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL. A broker that had ended by itself or in which a thread panicked is a failure.
    pub(crate) fn kill(mut self) -> Result<()> {
        let ended = self.child.try_wait()?;
        process::kill_group(&self.child);
        self.child.wait()?;
        let said = process::tail(&self.log, 40);
        if let Some(status) = ended {
            return Err(format!("the broker had ended with {status}:\n{said}").into());
        }
        if std::fs::read_to_string(&self.log)?.contains("panicked at") {
            return Err(format!("the broker panicked:\n{said}").into());
        }
        Ok(())
    }

    fn wait_until_ready(&mut self, listen: SocketAddr) -> Result<()> {
        let started = Instant::now();
        while !answers(listen) {
            if let Some(status) = self.child.try_wait()? {
                return Err(
                    format!("the broker ended with {status}:\n{}", process::tail(&self.log, 40)).into()
                );
            }
            if started.elapsed() > START_LIMIT {
                return Err(format!("the broker does not answer:\n{}", process::tail(&self.log, 40)).into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// SIGTERM, then waits for a clean end. Kafka's JVM answers a signal with 143.
    pub(crate) fn stop(mut self) -> Result<()> {
        process::terminate(&self.child);
        let started = Instant::now();
        while started.elapsed() < STOP_LIMIT {
            if let Some(status) = self.child.try_wait()? {
                return match status.code() {
                    Some(0 | 143) => Ok(()),
                    other => {
                        Err(format!("the broker stopped with {other:?}:\n{}", process::tail(&self.log, 40))
                            .into())
                    }
                };
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("the broker did not stop within {} s", STOP_LIMIT.as_secs()).into())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            process::kill_group(&self.child);
            // Nothing is left to do about a failure here.
            let _ended = self.child.wait();
        }
    }
}

fn two_free_ports() -> Result<(SocketAddr, SocketAddr)> {
    let (one, two) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok((one.local_addr()?, two.local_addr()?))
}

/// Whether an ApiVersions request is answered.
fn answers(listen: SocketAddr) -> bool {
    let probe = || -> std::io::Result<()> {
        let mut socket = TcpStream::connect_timeout(&listen, Duration::from_secs(1))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.write_all(&PROBE)?;
        socket.read_exact(&mut [0; 8])
    };
    probe().is_ok()
}

fn format(node: &Node) -> Result<()> {
    let mut tool = java_command(ClassPath::Server, "kafka.tools.StorageTool")?;
    // Any 22 characters of a UUID do; a fixed one makes runs comparable.
    tool.args(["format", "--standalone", "-t", "3Db5QLSqSZieL3rJBUUegA", "-r", RELEASE, "-c"])
        .arg(&node.properties);
    process::succeed(&mut tool, START_LIMIT, &node.folder.join("format.log"))
}

fn kafka(node: &Node) -> Result<Command> {
    let mut java = Command::new("java");
    // The heap of Kafka's own start script.
    java.args([
        "-Xmx1G",
        "-Xms1G",
        "-server",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-XX:+ExplicitGCInvokesConcurrent",
    ]);
    java.args(["-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]);
    java.arg("-cp").arg(ClassPath::Server.value()?).arg("kafka.Kafka").arg(&node.properties);
    // Without a reporter that takes them, Kafka has no telemetry for its clients.
    java.args(["--override", "metric.reporters=org.apache.kafka.common.metrics.JmxReporter,TelemetryTaker"]);
    Ok(java)
}

/// The binary under test: `OTTLA_BIN`, else the one of the profile `checked`.
fn ottla_program() -> PathBuf {
    std::env::var_os("OTTLA_BIN").map_or_else(|| paths::target().join("checked/ottla"), PathBuf::from)
}

/// `cargo xtask kafka PORT DIR`: the oracle in the foreground, stopped by Ctrl-C.
pub(crate) fn foreground(port: &str, dir: &str) -> Result<()> {
    crate::toolchain::Language::Java.prepare()?;
    let folder = std::path::absolute(dir)?;
    std::fs::create_dir_all(&folder)?;
    let mut node = Node::new(&folder, 1)?;
    let text = std::fs::read_to_string(&node.properties)?
        .replace(&node.listen.to_string(), &format!("127.0.0.1:{port}"));
    std::fs::write(&node.properties, text)?;
    node.listen = format!("127.0.0.1:{port}").parse()?;
    format(&node)?;
    println!(
        "Apache Kafka 4.4.0 on {} (controller {}), directory {}",
        node.listen,
        node.controller,
        folder.display()
    );
    process::visible(&mut kafka(&node)?).map(drop)
}
