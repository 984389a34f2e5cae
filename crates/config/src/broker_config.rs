//! What a broker obeys, typed: built from what was given, or every reason why it cannot be.
//!
//! Invariant: a `BrokerConfig` that exists can be served; what cannot be (SASL, TLS, other voters, split
//! roles: `swap.md` 16) stopped its making. Defaults of topics are in [`crate::LogSettings`].

use crate::given::{ConfigError, ConfigMap, Given, shown};
use crate::group_bounds;
use crate::groups_config::GroupsConfig;
use crate::listeners::{self, Endpoint, Protocol};
use crate::reader::Reader;
use std::collections::BTreeMap;

/// When an acknowledged record must be on disk (`ottla.ack.durable`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckDurable {
    /// While no other replica is in sync.
    Alone,
    /// Always.
    Always,
    /// Never: a crash of the machine may lose acknowledged records.
    Never,
}

/// How log lines are written (`ottla.log.format`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Sockets: times in milliseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// `num.network.threads`, if given; else one for each processor.
    pub threads: Option<usize>,
    /// `queued.max.requests`.
    pub queued_max_requests: usize,
    /// `queued.max.request.bytes`; `None` when not limited by itself.
    pub queued_max_request_bytes: Option<u64>,
    /// `socket.send.buffer.bytes`; `None` leaves it to the system.
    pub send_buffer_bytes: Option<usize>,
    /// `socket.receive.buffer.bytes`; `None` leaves it to the system.
    pub receive_buffer_bytes: Option<usize>,
    /// `socket.request.max.bytes`.
    pub request_max_bytes: usize,
    /// `socket.listen.backlog.size`.
    pub backlog: u32,
    /// `max.connections`.
    pub max_connections: usize,
    /// `max.connections.per.ip`.
    pub max_connections_per_ip: usize,
    /// `max.connections.per.ip.overrides`, by host as written.
    pub max_connections_per_ip_overrides: BTreeMap<String, u32>,
    /// `max.connection.creation.rate`, for each second.
    pub max_connection_creation_rate: u32,
    /// `connections.max.idle.ms`; `None` keeps idle connections.
    pub connections_max_idle_ms: Option<u64>,
}

/// Directories and the rhythm of their housekeeping: times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoriesConfig {
    /// `log.dirs`, else `log.dir`; at least one.
    pub log_dirs: Vec<String>,
    /// `metadata.log.dir`, else the first of `log_dirs`.
    pub metadata_log_dir: String,
    /// `num.recovery.threads.per.data.dir`.
    pub recovery_threads: usize,
    /// `num.io.threads`: blocking calls in flight for each directory.
    pub io_threads: usize,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval_ms: u64,
    /// `log.flush.scheduler.interval.ms`.
    pub flush_scheduler_interval_ms: u64,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub recovery_checkpoint_interval_ms: u64,
    /// `log.flush.start.offset.checkpoint.interval.ms`.
    pub start_offset_checkpoint_interval_ms: u64,
    /// `replica.high.watermark.checkpoint.interval.ms`.
    pub high_watermark_checkpoint_interval_ms: u64,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: u64,
}

/// The metadata log (`MetadataLogConfig`): times in milliseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataLogConfig {
    /// `metadata.log.segment.bytes`.
    pub segment_bytes: u64,
    /// `metadata.log.segment.ms`.
    pub segment_ms: u64,
    /// `metadata.log.max.record.bytes.between.snapshots`.
    pub snapshot_after_bytes: u64,
    /// `metadata.log.max.snapshot.interval.ms`; `None` when 0.
    pub snapshot_interval_ms: Option<u64>,
}

/// Topics and requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicsConfig {
    /// `num.partitions`.
    pub num_partitions: i32,
    /// `default.replication.factor`.
    pub default_replication_factor: i16,
    /// `auto.create.topics.enable`.
    pub auto_create: bool,
    /// `delete.topic.enable`.
    pub delete_enable: bool,
    /// `max.request.partition.size.limit`.
    pub max_request_partitions: usize,
    /// `fetch.max.bytes`.
    pub fetch_max_bytes: i32,
    /// `max.incremental.fetch.session.cache.slots`.
    pub fetch_session_slots: usize,
}

/// Everything that one broker obeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerConfig {
    /// `node.id`; 1 when nobody gave one ([`Given::has`] tells).
    pub node_id: i32,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Listeners for clients, to bind.
    pub listeners: Vec<Endpoint>,
    /// Listeners that speak as controller, to bind; may be none.
    pub controller_listeners: Vec<Endpoint>,
    /// What clients are told, by listener; `None`: each the address that it came in by.
    pub advertised: Option<Vec<Endpoint>>,
    /// What other controllers would be told, by listener; may be none.
    pub advertised_controllers: Vec<Endpoint>,
    /// The name of the listener that brokers use.
    pub inter_broker_listener: String,
    /// `controller.quorum.voters`, if given: this node's own address there. A cluster so set up has kraft.version 0.
    pub static_voter: Option<(String, u16)>,
    /// Sockets.
    pub network: NetworkConfig,
    /// Directories.
    pub directories: DirectoriesConfig,
    /// The metadata log.
    pub metadata_log: MetadataLogConfig,
    /// Topics and requests.
    pub topics: TopicsConfig,
    /// Groups and committed offsets.
    pub groups: GroupsConfig,
    /// `ottla.ack.durable`.
    pub ack_durable: AckDurable,
    /// `ottla.metrics.listener`; `None` when switched off.
    pub metrics_listener: Option<(String, u16)>,
    /// `ottla.log.level`, in lower case.
    pub log_level: String,
    /// `ottla.log.format`.
    pub log_format: LogFormat,
    /// What all this was made of: for DescribeConfigs, and to make it anew after a change.
    pub given: Given,
}

impl BrokerConfig {
    /// Reads everything, or tells every reason why not.
    pub fn load(given: Given) -> Result<Self, ConfigError> {
        let mut reader = Reader { problems: given.problems(), given: &given };
        reader.check_roles();
        reader.check_relations();
        let endpoints = reader.endpoints();
        let node_id = reader.node_id();
        let static_voter = reader.static_voter(node_id);
        reader.check_bootstrap_servers();
        let metrics_listener = reader.metrics_listener();
        let network = reader.network();
        let directories = reader.directories();
        let groups = GroupsConfig::read(&mut reader);
        let problems = std::mem::take(&mut reader.problems);
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        Ok(Self {
            node_id,
            rack: reader.optional("broker.rack"),
            listeners: endpoints.clients,
            controller_listeners: endpoints.controllers,
            advertised: endpoints.advertised,
            advertised_controllers: endpoints.advertised_controllers,
            inter_broker_listener: endpoints.inter_broker,
            static_voter,
            network,
            directories,
            metadata_log: reader.metadata_log(),
            topics: reader.topics(),
            groups,
            ack_durable: match reader.text("ottla.ack.durable").as_str() {
                "always" => AckDurable::Always,
                "never" => AckDurable::Never,
                _ => AckDurable::Alone,
            },
            metrics_listener,
            log_level: reader.text("ottla.log.level").to_lowercase(),
            log_format: match reader.text("ottla.log.format").eq_ignore_ascii_case("json") {
                true => LogFormat::Json,
                false => LogFormat::Text,
            },
            given,
        })
    }

    /// This configuration with the changes made while running over it. A change that cannot be obeyed
    /// as a whole leaves everything as it was.
    pub fn with_dynamic(&self, cluster: &ConfigMap, broker: &ConfigMap) -> Self {
        match Self::load(group_bounds::clamped(self.given.overlaid(cluster, broker))) {
            Ok(config) => Self { given: self.given.clone(), ..config },
            Err(_) => self.clone(),
        }
    }
}

/// The addresses, sorted by what they are for.
#[derive(Default)]
struct Endpoints {
    clients: Vec<Endpoint>,
    controllers: Vec<Endpoint>,
    advertised: Option<Vec<Endpoint>>,
    advertised_controllers: Vec<Endpoint>,
    inter_broker: String,
}

impl Reader<'_> {
    fn check_roles(&mut self) {
        if self.given.has("process.roles") {
            let roles = self.items("process.roles");
            let both = ["broker", "controller"].iter().all(|role| roles.iter().any(|given| given == role));
            if !both && !roles.is_empty() {
                let roles = shown(&roles.join(","));
                self.problem("process.roles", format!(
                    "process.roles={roles}: a node of one role alone is not built yet; use process.roles=broker,controller"
                ));
            }
        }
    }

    /// Rules between several settings (`KafkaConfig.validateValues`).
    fn check_relations(&mut self) {
        for (name, least) in [("log.roll.ms", 1), ("log.roll.jitter.ms", 0)] {
            if self.optional_number(name).is_some_and(|value| value < least) {
                self.problem(name, format!("{name} must be at least {least}"));
            }
        }
        for name in ["log.retention.ms", "log.retention.minutes", "log.retention.hours"] {
            if self.optional_number(name) == Some(0) {
                self.problem(name, format!("{name} must be at least 1, or -1 for no limit"));
            }
        }
        let (queue, request) =
            (self.number("queued.max.request.bytes"), self.number("socket.request.max.bytes"));
        if queue > 0 && queue < request {
            self.problem(
                "queued.max.request.bytes",
                format!(
                    "queued.max.request.bytes={queue} must be at least socket.request.max.bytes={request}"
                ),
            );
        }
        if self.number("max.connections.per.ip") == 0
            && self.text("max.connections.per.ip.overrides").is_empty()
        {
            let text = "max.connections.per.ip can be 0 only if max.connections.per.ip.overrides is set";
            self.problem("max.connections.per.ip", text.into());
        }
        if !(1..=i64::from(i16::MAX)).contains(&self.number("default.replication.factor")) {
            let text = "default.replication.factor must be from 1 to 32767";
            self.problem("default.replication.factor", text.into());
        }
    }

    fn node_id(&mut self) -> i32 {
        let (node, broker) = (self.optional_number("node.id"), self.number("broker.id"));
        if self.given.has("broker.id") && node.is_some_and(|node| node != broker) {
            let text = "node.id and broker.id differ; remove broker.id, which is the old name";
            self.problem("broker.id", text.into());
        }
        let old = Some(broker).filter(|id| *id >= 0);
        node.or(old).and_then(|id| i32::try_from(id).ok()).unwrap_or(1)
    }

    /// This node's address in `controller.quorum.voters`; other voters are a problem.
    fn static_voter(&mut self, node_id: i32) -> Option<(String, u16)> {
        const NAME: &str = "controller.quorum.voters";
        let voters = self.items(NAME);
        let [voter] = voters.as_slice() else {
            if !voters.is_empty() {
                let text =
                    "other voters cannot be served yet; name this node alone, or leave the cluster to Kafka";
                self.problem(NAME, format!("{NAME}={}: {text}", shown(&voters.join(","))));
            }
            return None;
        };
        let parsed = voter
            .split_once('@')
            .and_then(|(id, address)| Some((id.parse::<i32>().ok()?, listeners::host_and_port(address)?)));
        match parsed {
            Some((id, address)) if id == node_id => return Some(address),
            Some((id, _)) => self.problem(
                NAME,
                format!(
                    "{NAME} names node {id}, and this is node {node_id}; other voters cannot be served yet"
                ),
            ),
            None => self.problem(NAME, format!("{NAME}={}: expected ID@HOST:PORT", shown(voter))),
        }
        None
    }

    fn check_bootstrap_servers(&mut self) {
        const NAME: &str = "controller.quorum.bootstrap.servers";
        let servers = self.items(NAME);
        if let Some(bad) = servers.iter().find(|server| listeners::host_and_port(server).is_none()) {
            self.problem(NAME, format!("{NAME}={}: expected HOST:PORT", shown(bad)));
        } else if servers.len() > 1 {
            let text =
                "other voters cannot be served yet; name this node alone, or leave the cluster to Kafka";
            self.problem(NAME, format!("{NAME}={}: {text}", shown(&servers.join(","))));
        }
    }

    fn metrics_listener(&mut self) -> Option<(String, u16)> {
        let text = self.optional("ottla.metrics.listener")?;
        let address = listeners::host_and_port(&text);
        if address.is_none() {
            let name = "ottla.metrics.listener";
            self.problem(
                name,
                format!("{name}={}: expected HOST:PORT, or nothing to switch it off", shown(&text)),
            );
        }
        address
    }

    /// A list of endpoints, or none and a problem.
    fn endpoint_list(&mut self, name: &str, distinct_ports: bool) -> Vec<Endpoint> {
        listeners::endpoints(&self.text(name), distinct_ports).unwrap_or_else(|why| {
            self.problem(name, format!("{name}: {}", shown(&why)));
            Vec::new()
        })
    }

    fn endpoints(&mut self) -> Endpoints {
        let controller_names: Vec<String> =
            self.items("controller.listener.names").iter().map(|name| name.to_uppercase()).collect();
        let is_controller = |endpoint: &Endpoint| controller_names.contains(&endpoint.listener);
        let all = self.endpoint_list("listeners", true);
        self.check_protocols(&all, &controller_names);
        let (controllers, clients): (Vec<Endpoint>, Vec<Endpoint>) = all.into_iter().partition(is_controller);
        for name in controller_names.iter().filter(|_| self.given.has("listeners")) {
            if !controllers.iter().any(|endpoint| endpoint.listener == *name) {
                let text = format!("controller.listener.names has {name}, which listeners does not bind");
                self.problem("controller.listener.names", text);
            }
        }
        if clients.is_empty() && self.problems.is_empty() {
            self.problem("listeners", "listeners has none for clients; add PLAINTEXT://:9092".into());
        }
        let told = self.endpoint_list("advertised.listeners", false);
        self.check_advertised(&told, &clients, &controllers);
        let (advertised_controllers, told): (Vec<Endpoint>, Vec<Endpoint>) =
            told.into_iter().partition(is_controller);
        let inter_broker = self.inter_broker(&told, &clients);
        Endpoints {
            advertised: Some(told).filter(|told| !told.is_empty()),
            clients,
            controllers,
            advertised_controllers,
            inter_broker,
        }
    }

    fn check_protocols(&mut self, endpoints: &[Endpoint], controllers: &[String]) {
        const NAME: &str = "listener.security.protocol.map";
        let map = match listeners::protocol_map(&self.text(NAME), self.given.has(NAME), controllers) {
            Ok(map) => map,
            Err(why) => return self.problem(NAME, format!("{NAME}: {}", shown(&why))),
        };
        for endpoint in endpoints {
            let listener = &endpoint.listener;
            match map.get(listener) {
                Some(Protocol::Plaintext) => {}
                Some(protocol) => self.problem("listeners", format!(
                    "the listener {listener} speaks {}, which is not built yet; bind PLAINTEXT behind a trusted network, \
                     or leave the cluster to Kafka",
                    protocol.name()
                )),
                None => self.problem("listeners", format!("the listener {listener} is missing in {NAME}; add {listener}:PLAINTEXT")),
            }
        }
    }

    fn check_advertised(&mut self, told: &[Endpoint], clients: &[Endpoint], controllers: &[Endpoint]) {
        const NAME: &str = "advertised.listeners";
        for endpoint in told {
            if !endpoint.host.is_empty() && endpoint.is_wildcard() {
                self.problem(
                    NAME,
                    format!(
                        "{NAME}: nobody can connect to {endpoint}; give a name or address that clients reach"
                    ),
                );
            }
            if endpoint.port == 0 {
                self.problem(NAME, format!("{NAME}: {endpoint} needs a port"));
            }
            if !clients.iter().chain(controllers).any(|bound| bound.listener == endpoint.listener) {
                self.problem(NAME, format!("{NAME}: {} is not in listeners", endpoint.listener));
            }
        }
        if !told.is_empty() && told.iter().all(|t| controllers.iter().any(|c| c.listener == t.listener)) {
            self.problem(NAME, format!("{NAME}: there must be one for clients"));
        }
    }

    fn inter_broker(&mut self, told: &[Endpoint], clients: &[Endpoint]) -> String {
        let named = self.optional("inter.broker.listener.name");
        if named.is_some() && self.given.has("security.inter.broker.protocol") {
            let text = "give inter.broker.listener.name or security.inter.broker.protocol, not both";
            self.problem("inter.broker.listener.name", text.into());
        }
        let known = if told.is_empty() { clients } else { told };
        let wanted =
            named.clone().unwrap_or_else(|| self.text("security.inter.broker.protocol")).to_uppercase();
        let explicit = named.is_some() || self.given.has("security.inter.broker.protocol");
        if known.iter().any(|endpoint| endpoint.listener == wanted) {
            return wanted;
        }
        if explicit && !known.is_empty() {
            let names: Vec<&str> = known.iter().map(|endpoint| endpoint.listener.as_str()).collect();
            let name =
                if named.is_some() { "inter.broker.listener.name" } else { "security.inter.broker.protocol" };
            self.problem(
                name,
                format!("{name}={wanted} is no listener that is advertised: use {}", names.join(" or ")),
            );
        }
        known.first().map(|endpoint| endpoint.listener.clone()).unwrap_or(wanted)
    }

    fn network(&mut self) -> NetworkConfig {
        let overrides = listeners::counts_by_host(&self.text("max.connections.per.ip.overrides"));
        let overrides = overrides.unwrap_or_else(|why| {
            let name = "max.connections.per.ip.overrides";
            self.problem(name, format!("{name}: {}", shown(&why)));
            BTreeMap::new()
        });
        NetworkConfig {
            threads: self.given.has("num.network.threads").then(|| self.count("num.network.threads")),
            queued_max_requests: self.count("queued.max.requests"),
            queued_max_request_bytes: self.limit("queued.max.request.bytes").filter(|bytes| *bytes > 0),
            send_buffer_bytes: self.buffer("socket.send.buffer.bytes"),
            receive_buffer_bytes: self.buffer("socket.receive.buffer.bytes"),
            request_max_bytes: self.count("socket.request.max.bytes"),
            backlog: u32::try_from(self.number("socket.listen.backlog.size")).unwrap_or(u32::MAX),
            max_connections: self.count("max.connections"),
            max_connections_per_ip: self.count("max.connections.per.ip"),
            max_connections_per_ip_overrides: overrides,
            max_connection_creation_rate: u32::try_from(self.number("max.connection.creation.rate"))
                .unwrap_or(u32::MAX),
            connections_max_idle_ms: self.limit("connections.max.idle.ms"),
        }
    }

    fn directories(&mut self) -> DirectoriesConfig {
        let log_dirs = self.items(if self.given.has("log.dirs") { "log.dirs" } else { "log.dir" });
        let first = log_dirs.first().cloned().unwrap_or_default();
        DirectoriesConfig {
            metadata_log_dir: self.optional("metadata.log.dir").unwrap_or(first),
            log_dirs,
            recovery_threads: self.count("num.recovery.threads.per.data.dir"),
            io_threads: self.count("num.io.threads"),
            retention_check_interval_ms: self.unsigned("log.retention.check.interval.ms"),
            flush_scheduler_interval_ms: self.unsigned("log.flush.scheduler.interval.ms"),
            recovery_checkpoint_interval_ms: self.unsigned("log.flush.offset.checkpoint.interval.ms"),
            start_offset_checkpoint_interval_ms: self
                .unsigned("log.flush.start.offset.checkpoint.interval.ms"),
            high_watermark_checkpoint_interval_ms: self
                .unsigned("replica.high.watermark.checkpoint.interval.ms"),
            producer_id_expiration_ms: self.unsigned("producer.id.expiration.ms"),
        }
    }

    fn metadata_log(&self) -> MetadataLogConfig {
        MetadataLogConfig {
            segment_bytes: self.unsigned("metadata.log.segment.bytes"),
            segment_ms: self.unsigned("metadata.log.segment.ms"),
            snapshot_after_bytes: self.unsigned("metadata.log.max.record.bytes.between.snapshots"),
            snapshot_interval_ms: self.limit("metadata.log.max.snapshot.interval.ms").filter(|ms| *ms > 0),
        }
    }

    fn topics(&self) -> TopicsConfig {
        TopicsConfig {
            num_partitions: i32::try_from(self.number("num.partitions")).unwrap_or(1),
            default_replication_factor: i16::try_from(self.number("default.replication.factor")).unwrap_or(1),
            auto_create: self.flag("auto.create.topics.enable"),
            delete_enable: self.flag("delete.topic.enable"),
            max_request_partitions: self.count("max.request.partition.size.limit"),
            fetch_max_bytes: i32::try_from(self.number("fetch.max.bytes")).unwrap_or(i32::MAX),
            fetch_session_slots: self.count("max.incremental.fetch.session.cache.slots"),
        }
    }
}
