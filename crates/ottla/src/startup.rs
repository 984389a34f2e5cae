//! What the start prints: a few lines that tell where everything is, and the next command to paste.
//!
//! Text only; whoever starts the broker fills in the facts and writes it.

use ottla_config::AckDurable;
use ottla_config::listeners::Endpoint;
use std::fmt;
use std::net::SocketAddr;

/// The facts of a start that succeeded.
#[derive(Clone, Debug)]
pub struct Startup {
    /// Of this cluster.
    pub cluster_id: String,
    /// Of this node.
    pub node_id: i32,
    /// Listeners for clients with the address that each was bound to.
    pub listeners: Vec<(String, SocketAddr)>,
    /// Listeners of the controller, likewise.
    pub controllers: Vec<(String, SocketAddr)>,
    /// What clients are told, if it was set.
    pub advertised: Option<Vec<Endpoint>>,
    /// Where metrics are, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// The data directories.
    pub log_dirs: Vec<String>,
    /// Topics that exist.
    pub topics: usize,
    /// Partitions that live here.
    pub partitions: usize,
    /// Compacted topics among them, which are not cleaned so far.
    pub compacted_topics: usize,
    /// What an acknowledgement means.
    pub ack_durable: AckDurable,
    /// File descriptors that the process may have, and how many of them logs may.
    pub descriptors: (u64, u64),
    /// Whether this runs in a container, where the address that a client sees is often another.
    pub in_container: bool,
    /// From the start of the process.
    pub ready_ms: u128,
}

impl Startup {
    /// The address to type on this machine: the first listener's, a wildcard as `localhost`.
    fn local_address(&self) -> Option<String> {
        let (_, address) = self.listeners.first()?;
        let wildcard = address.ip().is_unspecified();
        Some(if wildcard { format!("localhost:{}", address.port()) } else { address.to_string() })
    }

    /// The flag to set when clients may not reach the address that they came in by.
    fn advice(&self) -> Option<String> {
        let wildcard = self.listeners.iter().find(|(_, address)| address.ip().is_unspecified());
        let (name, address) = wildcard.or(self.listeners.first().filter(|_| self.in_container))?;
        let flag = format!("--set advertised.listeners={name}://HOST:{}", address.port());
        self.advertised.is_none().then_some(flag)
    }
}

const fn meaning(ack: AckDurable) -> &'static str {
    match ack {
        AckDurable::Alone => "on disk, while this node holds the only copy in sync (ottla.ack.durable=alone)",
        AckDurable::Always => "on disk, always (ottla.ack.durable=always)",
        AckDurable::Never => "in memory: a crash of the machine may lose it (ottla.ack.durable=never)",
    }
}

fn bound(listeners: &[(String, SocketAddr)]) -> String {
    listeners.iter().map(|(name, address)| format!("{name}://{address}")).collect::<Vec<_>>().join(", ")
}

fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

impl fmt::Display for Startup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Ottla {}, cluster {}, node {}",
            env!("CARGO_PKG_VERSION"),
            self.cluster_id,
            self.node_id
        )?;
        writeln!(f, "  clients       {}", bound(&self.listeners))?;
        if let Some(told) = &self.advertised {
            let told: Vec<String> = told.iter().map(ToString::to_string).collect();
            writeln!(f, "  advertised    {}", told.join(", "))?;
        }
        if !self.controllers.is_empty() {
            writeln!(f, "  controller    {}", bound(&self.controllers))?;
        }
        if let Some(address) = self.metrics {
            writeln!(f, "  metrics       http://{address}/metrics")?;
        }
        let (topics, partitions) = (counted(self.topics, "topic"), counted(self.partitions, "partition"));
        writeln!(f, "  data          {} ({topics}, {partitions})", self.log_dirs.join(", "))?;
        if self.compacted_topics > 0 {
            let compacted = counted(self.compacted_topics, "compacted topic");
            writeln!(f, "                {compacted}: kept whole, cleaning is not built yet")?;
        }
        writeln!(f, "  acknowledged  {}", meaning(self.ack_durable))?;
        let (all, logs) = self.descriptors;
        writeln!(f, "  descriptors   {all}, {logs} of them for logs")?;
        if let Some(flag) = self.advice() {
            writeln!(
                f,
                "  Clients are told the address that they came in by. If others cannot reach it: {flag}"
            )?;
        }
        write!(f, "Ready in {} ms.", self.ready_ms)?;
        if let Some(address) = self.local_address() {
            write!(f, " Try: echo hello | kcat -b {address} -P -t greetings")?;
        }
        writeln!(f)
    }
}

/// Whether files or variables that container engines leave say that this is a container. `exists` looks for a path,
/// `has_variable` for a variable of the environment.
pub fn in_container(exists: impl Fn(&str) -> bool, has_variable: impl Fn(&str) -> bool) -> bool {
    ["/.dockerenv", "/run/.containerenv"].into_iter().any(exists)
        || ["KUBERNETES_SERVICE_HOST", "container"].into_iter().any(has_variable)
}
