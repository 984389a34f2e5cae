//! The life of a node: directories, metadata log, logs, registration, listeners; and the way back.
//!
//! Start: take the directories (lock, identity, clean marks) → open the metadata log → open the logs → bind → register
//! → publish → unfence, which elects → serve. Stop: no more requests → leaderships go, the broker is fenced → logs
//! are closed → metadata log is closed → clean marks. Each step stands on the one before.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use ottla_config::BrokerConfig;
use ottla_config::listeners::Endpoint;
use ottla_controller::{NewBroker, Reply, Request};
use ottla_env::blocking::Blocking;
use ottla_env::disk::Disk;
use ottla_env::{Clock, Random};
use ottla_metadata::{Delta, Image, Listener, Recovery, SecurityProtocol, Touched};
use ottla_model::{BrokerEpoch, ErrorCode, Now, Uuid};
use ottla_net::{Bound, ConnectionInfo, NetCounters, Server, Service, Started};
use ottla_quorum::{Quorum, Segments};
use ottla_raft::Voters;
use ottla_storage::log_dirs::{Expected, LogDirs, OpenDirsError};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::context::Face;
use crate::coordination;
use crate::counters::Counters;
use crate::effects::Effects;
use crate::flush;
use crate::flush_demand::FlushDemand;
use crate::format::{self, FormatError};
use crate::gauges;
use crate::groups::Groups;
use crate::listening::{connection_limits, listener_settings, net_settings};
use crate::loading;
use crate::log_level::LogControl;
use crate::logs::Logs;
use crate::metadata_thread::{Asks, ControllerChannel, MetadataThread, Publisher};
use crate::parked::Parked;
use crate::partitions::Partitions;
use crate::producer_ids::ProducerIds;
use crate::publish::NodePublisher;
use crate::router;
use crate::sessions::SessionCache;
use crate::state::Broker;
use crate::stop::StopRequest;
use crate::telemetry::Telemetry;
use crate::upkeep;

/// How long a change of this node's own metadata may take.
const OWN_REQUEST_MS: i32 = 60_000;
/// How long what was started may take to answer when the node stops.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Descriptors that are not for logs: connections, libraries, and room.
const DESCRIPTORS_KEPT: u64 = 256;

/// What a node is started with.
pub struct Given {
    /// What it obeys.
    pub config: BrokerConfig,
    /// Whether directories that are all absent or empty may be formatted.
    pub may_format: bool,
    /// The id of a cluster that is formatted; drawn when nobody says.
    pub cluster_id: Option<Uuid>,
    /// Files.
    pub disk: Arc<dyn Disk>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Luck.
    pub random: Arc<dyn Random>,
    /// Descriptors this process may have.
    pub descriptors: u64,
    /// The program's log.
    pub log_control: Arc<dyn LogControl>,
}

/// Why a node does not start. Each text is one line that says what to do.
#[derive(Debug)]
#[allow(missing_docs)] // the text of each is its meaning
pub enum StartError {
    Directories(OpenDirsError),
    Format(FormatError),
    Quorum(ottla_quorum::OpenError),
    Log(ottla_storage::log::OpenError),
    Future(String),
    Bind(ottla_net::BindError),
    Serve(std::io::Error),
    Registration(String),
    ClusterId(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directories(error) => error.fmt(f),
            Self::Format(error) => error.fmt(f),
            Self::Quorum(error) => error.fmt(f),
            Self::Log(error) => error.fmt(f),
            Self::Future(path) => write!(
                f,
                "{path} is a move between log directories that Kafka has not finished: let Kafka finish it, or remove it"
            ),
            Self::Bind(error) => error.fmt(f),
            Self::Serve(error) => write!(f, "a socket cannot be served: {error}"),
            Self::Registration(why) => write!(f, "the node could not register: {why}"),
            Self::ClusterId(text) => {
                write!(f, "meta.properties: cluster.id={text} is no id of 22 characters")
            }
        }
    }
}

impl std::error::Error for StartError {}

/// What is worth printing at a start.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The cluster.
    pub cluster_id: String,
    /// Client listeners with the address bound.
    pub listeners: Vec<(String, SocketAddr)>,
    /// Controller listeners likewise.
    pub controllers: Vec<(String, SocketAddr)>,
    /// Topics.
    pub topics: usize,
    /// Partitions here.
    pub partitions: usize,
    /// Topics that are compacted, and not cleaned yet.
    pub compacted_topics: usize,
    /// Open transactions that Kafka left, by topic.
    pub open_transactions: BTreeMap<String, usize>,
    /// Descriptors for logs.
    pub log_descriptors: u64,
}

/// A node that serves.
pub struct Node {
    broker: Arc<Broker>,
    server: Server,
    tasks: Vec<JoinHandle<()>>,
    /// Works with the logs, so that it is not cut off but told.
    upkeep: JoinHandle<()>,
    stop_upkeep: CancellationToken,
    epoch: BrokerEpoch,
    facts: Facts,
}

/// Starts a node within the current runtime.
///
/// # Errors
/// See [`StartError`]; nothing runs then.
pub async fn start(given: Given) -> Result<Node, StartError> {
    let prepared = prepare(&given)?;
    let Prepared { broker, quorum, asks, reconfigured, clean_since } = prepared;
    load_logs(&broker, quorum.image())?;
    let bound = bind(&given.config)?;
    let registration = registration(&broker, &bound, clean_since);
    let mut publisher = NodePublisher { broker: Arc::clone(&broker) };
    let image = quorum.image().clone();
    publisher.publish(&Delta { before: Image::default(), touched: everything(&image), after: image });
    let thread =
        MetadataThread { quorum, publisher, clock: Arc::clone(&given.clock), node_id: given.config.node_id };
    // The thread ends when it is told to close, or when everybody who could ask is gone.
    std::thread::Builder::new()
        .name("metadata".to_owned())
        .spawn(move || thread.run(asks))
        .map_err(StartError::Serve)?;
    let epoch = match register(&broker, registration).await {
        Ok(epoch) => epoch,
        Err(error) => {
            // The thread holds the directories.
            broker.controller.close().await;
            return Err(error);
        }
    };
    let tasks = background(&broker);
    let stop_upkeep = CancellationToken::new();
    let upkeep = tokio::spawn(upkeep::run(Arc::clone(&broker), stop_upkeep.clone()));
    let listeners = bound.addresses().map(|(name, address)| (name.to_owned(), address)).collect::<Vec<_>>();
    let server = serve(&broker, bound)?;
    let tasks = follow_config(tasks, reconfigured, &broker, &server);
    let facts = facts(&broker, &given, listeners);
    Ok(Node { broker, server, tasks, upkeep, stop_upkeep, epoch, facts })
}

/// Everything that is there before a socket or a thread is.
struct Prepared {
    broker: Arc<Broker>,
    quorum: Quorum,
    asks: Asks,
    reconfigured: watch::Receiver<Arc<BrokerConfig>>,
    clean_since: Option<BrokerEpoch>,
}

fn prepare(given: &Given) -> Result<Prepared, StartError> {
    let config = &given.config;
    let now = given.clock.now();
    let metadata_dir = PathBuf::from(&config.directories.metadata_log_dir);
    let mut dirs: Vec<PathBuf> = config.directories.log_dirs.iter().map(PathBuf::from).collect();
    if !dirs.contains(&metadata_dir) {
        dirs.push(metadata_dir.clone());
    }
    if given.may_format && format::all_empty(&*given.disk, &dirs).map_err(StartError::Format)? {
        let cluster_id = given.cluster_id.unwrap_or_else(|| given.random.uuid());
        format::format(&*given.disk, &*given.clock, &*given.random, config, &dirs, &metadata_dir, cluster_id)
            .map_err(StartError::Format)?;
    }
    let expected = Expected {
        node_id: config.node_id,
        file_budget: usize::try_from(log_descriptors(given)).unwrap_or(usize::MAX),
        producer_expiration_ms: i64::try_from(config.directories.producer_id_expiration_ms)
            .unwrap_or(i64::MAX),
    };
    let log_dirs = LogDirs::open(Arc::clone(&given.disk), &dirs, &expected, &*given.random)
        .map_err(StartError::Directories)?;
    let metadata_directory = dirs.iter().position(|dir| *dir == metadata_dir).unwrap_or(0);
    let directory_id =
        log_dirs.dir(metadata_directory).map_or(Uuid::ZERO, ottla_storage::log_dirs::LogDir::id);
    let clean_since = log_dirs
        .were_clean()
        .then(|| log_dirs.dir(0).and_then(ottla_storage::log_dirs::LogDir::last_broker_epoch))
        .flatten();
    let quorum = open_quorum(config, &log_dirs, metadata_dir, directory_id, now)?;
    for finding in quorum.findings() {
        tracing::warn!(partition = ottla_quorum::DIRECTORY, "{finding}");
    }
    let (controller, asks) = ControllerChannel::new();
    let (reconfigure, reconfigured) = watch::channel(Arc::new(config.clone()));
    let parked = Parked::new(Arc::clone(&given.clock));
    let flushes = FlushDemand::new(log_dirs.dirs().len());
    let groups = Groups::new(&Arc::new(config.clone()));
    let broker = Broker {
        node_id: config.node_id,
        cluster_id: Arc::from(log_dirs.cluster_id()),
        clock: Arc::clone(&given.clock),
        random: Arc::clone(&given.random),
        given: config.clone(),
        config: ArcSwap::from_pointee(config.clone()),
        reconfigured: reconfigure,
        image: ArcSwap::from_pointee(quorum.image().clone()),
        kraft_version: quorum.kraft_version(),
        published: AtomicI64::new(quorum.end_offset() - 1),
        partitions: Partitions::default(),
        producer_ids: ProducerIds::default(),
        controller,
        effects: Effects::new(Arc::clone(&parked), Arc::clone(&groups)),
        groups,
        telemetry: Telemetry::default(),
        parked,
        flushes,
        sessions: Mutex::new(SessionCache::new(config.topics.fetch_session_slots)),
        counters: Counters::new(
            router::served(Face::Broker).into_iter().chain(router::served(Face::Controller)),
        ),
        logs: Arc::new(Logs::new(log_dirs)),
        metadata_directory,
        blocking: Blocking::new(config.directories.io_threads.max(1)),
        stop: StopRequest::default(),
        log_control: Arc::clone(&given.log_control),
    };
    Ok(Prepared { broker: Arc::new(broker), quorum, asks, reconfigured, clean_since })
}

/// Takes the metadata log over: this node votes, alone.
fn open_quorum(
    config: &BrokerConfig,
    log_dirs: &LogDirs,
    dir: PathBuf,
    directory_id: Uuid,
    now: Now,
) -> Result<Quorum, StartError> {
    let me = format::own_voter(config, directory_id);
    let metadata = &config.metadata_log;
    let options = ottla_quorum::Options {
        cache: Arc::clone(log_dirs.cache()),
        dir,
        configured_voters: Voters::new(config.static_voter.as_ref().map(|_| me.clone())),
        me,
        segments: Segments {
            bytes: i32::try_from(metadata.segment_bytes).unwrap_or(i32::MAX),
            ms: i64::try_from(metadata.segment_ms).unwrap_or(i64::MAX),
        },
        snapshot_after_bytes: metadata.snapshot_after_bytes,
        snapshot_after_ms: metadata.snapshot_interval_ms.unwrap_or(u64::MAX),
        min_insync_replicas: min_insync_replicas(config),
    };
    Quorum::open(options, now).map_err(StartError::Quorum)
}

fn log_descriptors(given: &Given) -> u64 {
    given.descriptors.saturating_sub(DESCRIPTORS_KEPT) / 2
}

fn min_insync_replicas(config: &BrokerConfig) -> i32 {
    let none = ottla_config::ConfigMap::new();
    let layers = ottla_config::Layers { broker: &none, cluster: &none, given: &config.given };
    ottla_config::LogSettings::resolve(&none, &layers).min_insync_replicas
}

fn load_logs(broker: &Broker, image: &Image) -> Result<(), StartError> {
    let loaded = loading::load(broker, image).map_err(StartError::Log)?;
    if let Some(future) = loaded.futures.into_iter().next() {
        return Err(StartError::Future(future));
    }
    for remark in loaded.remarks {
        tracing::warn!("{remark}");
    }
    broker.partitions.insert(loaded.partitions);
    Ok(())
}

/// A delta that touches all there is, so that a start is a step like any other.
fn everything(image: &Image) -> Touched {
    let topics = image.topics.iter().map(|topic| (topic.id, topic.partitions.keys().copied().collect()));
    Touched {
        features: true,
        topics: topics.collect(),
        configs: image.configs.iter().map(|(resource, _)| resource.clone()).collect(),
        ..Touched::default()
    }
}

fn bind(config: &BrokerConfig) -> Result<Bound, StartError> {
    ottla_net::bind(&listener_settings(config), &net_settings(config)).map_err(StartError::Bind)
}

/// What this process registers. A port that the system chose is told as it is.
fn registration(broker: &Broker, bound: &Bound, clean_since: Option<BrokerEpoch>) -> NewBroker {
    let config = &broker.given;
    let told = |endpoint: &Endpoint| {
        let port =
            if endpoint.port == 0 { bound.port(&endpoint.listener).unwrap_or(0) } else { endpoint.port };
        let host = if endpoint.is_wildcard() { "localhost" } else { endpoint.host.as_str() };
        let name = endpoint.listener.as_str();
        Listener { name: name.into(), host: host.into(), port, security: SecurityProtocol::Plaintext }
    };
    let advertised = config.advertised.as_ref().unwrap_or(&config.listeners);
    let controllers = if config.advertised_controllers.is_empty() {
        &config.controller_listeners
    } else {
        &config.advertised_controllers
    };
    NewBroker {
        incarnation: broker.fresh_id(),
        listeners: advertised.iter().map(told).collect(),
        controller_listeners: controllers.iter().map(told).collect(),
        rack: config.rack.clone(),
        directories: broker.logs.dirs.online_ids(),
        clean_since,
    }
}

/// Registers, then serves: the election that follows makes this node the leader of what waits for it.
async fn register(broker: &Arc<Broker>, new: NewBroker) -> Result<BrokerEpoch, StartError> {
    let failed = |why: ErrorCode| StartError::Registration(why.to_string());
    let epoch = match broker.controller.ask(Request::Register(new), OWN_REQUEST_MS).await.map_err(failed)? {
        Reply::Registered(Ok(epoch)) => epoch,
        Reply::Registered(Err(refusal)) => return Err(StartError::Registration(format!("{refusal:?}"))),
        other => return Err(StartError::Registration(format!("{other:?}"))),
    };
    broker.controller.ask(Request::Unfence(epoch), OWN_REQUEST_MS).await.map_err(failed)?;
    let recovering =
        broker.image.load().topics.iter().any(|topic| {
            topic.partitions.values().any(|partition| partition.recovery == Recovery::Recovering)
        });
    if recovering {
        broker.controller.ask(Request::Recovered, OWN_REQUEST_MS).await.map_err(failed)?;
    }
    Ok(epoch)
}

fn background(broker: &Arc<Broker>) -> Vec<JoinHandle<()>> {
    let directories = 0..broker.logs.dirs.dirs().len();
    let mut tasks: Vec<_> =
        directories.map(|directory| tokio::spawn(flush::run_rounds(Arc::clone(broker), directory))).collect();
    tasks.push(tokio::spawn(Arc::clone(&broker.parked).run_deadlines()));
    tasks.push(tokio::spawn(coordination::run(Arc::clone(broker))));
    tasks
}

/// Hands requests from the listeners to the router.
struct Front {
    broker: Arc<Broker>,
    controllers: Vec<Arc<str>>,
}

impl Service for Front {
    fn start(&self, connection: &Arc<ConnectionInfo>, frame: Bytes) -> Started {
        let controller = self.controllers.iter().any(|name| **name == *connection.listener);
        let face = if controller { Face::Controller } else { Face::Broker };
        router::start(&self.broker, face, connection, frame)
    }

    fn closed(&self, connection: &Arc<ConnectionInfo>) {
        self.broker.telemetry.closed(connection.id);
    }
}

fn serve(broker: &Arc<Broker>, bound: Bound) -> Result<Server, StartError> {
    let config = &broker.given;
    let controllers =
        config.controller_listeners.iter().map(|endpoint| Arc::from(endpoint.listener.as_str()));
    let front = Front { broker: Arc::clone(broker), controllers: controllers.collect() };
    let limits = connection_limits(&broker.config());
    ottla_net::serve(bound, net_settings(config), limits, broker.blocking.clone(), Arc::new(front))
        .map_err(StartError::Serve)
}

/// Connection limits follow the dynamic configuration.
fn follow_config(
    mut tasks: Vec<JoinHandle<()>>,
    mut reconfigured: watch::Receiver<Arc<BrokerConfig>>,
    broker: &Arc<Broker>,
    server: &Server,
) -> Vec<JoinHandle<()>> {
    let limits = server.limits_handle();
    let broker = Arc::clone(broker);
    tasks.push(tokio::spawn(async move {
        while reconfigured.changed().await.is_ok() {
            let config = reconfigured.borrow_and_update().clone();
            // Host names of overrides may have to be looked up.
            if let Ok(resolved) = broker.blocking.run(move || connection_limits(&config)).await {
                limits.set(resolved);
            }
        }
    }));
    tasks
}

fn facts(broker: &Broker, given: &Given, listeners: Vec<(String, SocketAddr)>) -> Facts {
    let image = broker.image.load();
    let is_controller =
        |name: &str| given.config.controller_listeners.iter().any(|endpoint| endpoint.listener == name);
    let (controllers, listeners) = listeners.into_iter().partition(|(name, _)| is_controller(name));
    let compacted =
        |topic: &&ottla_metadata::Topic| broker.log_settings(&image, topic).cleanup_policy.compact;
    let mut open_transactions = BTreeMap::new();
    for partition in broker.partitions.all() {
        let open = partition.with_log(|log| log.producers().open_transactions());
        if open > 0 {
            *open_transactions.entry(partition.name().topic.to_string()).or_insert(0) += open;
        }
    }
    Facts {
        cluster_id: broker.cluster_id.to_string(),
        listeners,
        controllers,
        topics: image.topics.len(),
        partitions: broker.partitions.len(),
        compacted_topics: image.topics.iter().filter(compacted).count(),
        open_transactions,
        log_descriptors: log_descriptors(given),
    }
}

impl Node {
    /// What is worth printing.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The network's counters.
    #[must_use]
    pub fn net_counters(&self) -> Arc<NetCounters> {
        self.server.counters()
    }

    /// Names every counter of the broker.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.broker.counters.register(registry);
        self.broker.groups.counters.register(registry);
    }

    /// Gauges as they are now: partitions, topics, parked requests, fetch sessions, offline directories.
    pub fn gauges(&self) -> impl Fn() -> Vec<(&'static str, &'static str, i64)> + Send + Sync + 'static {
        let broker = Arc::clone(&self.broker);
        move || gauges::gauges(&broker)
    }

    /// Writes the series that have labels: groups and how far behind they are, and what clients send of themselves.
    pub fn labelled_gauges(&self) -> impl Fn(&mut String) -> fmt::Result + Send + Sync + 'static {
        let broker = Arc::clone(&self.broker);
        move |text| {
            coordination::write_metrics(&broker, text)?;
            broker.telemetry.write_metrics(text)
        }
    }

    /// Told of each new configuration.
    #[must_use]
    pub fn reconfigured(&self) -> watch::Receiver<Arc<BrokerConfig>> {
        self.broker.reconfigured.subscribe()
    }

    /// Log directories that failed, by path.
    pub fn offline(&self) -> impl Fn() -> Vec<String> + Send + Sync + 'static {
        let broker = Arc::clone(&self.broker);
        move || {
            let dirs = broker.logs.dirs.dirs().iter().filter(|dir| !dir.is_online());
            dirs.map(|dir| dir.path().display().to_string()).collect()
        }
    }

    /// Waits until the node itself wishes to stop; answers why.
    pub async fn wishes_to_stop(&self) -> String {
        self.broker.stop.requested().await
    }

    /// Stops in order: nothing acknowledged is left in memory, and whoever starts next finds a clean mark.
    pub async fn stop(self) {
        let Self { broker, server, tasks, upkeep, stop_upkeep, epoch, facts: _ } = self;
        // Members may wait for each other far longer than a stop may take.
        broker.groups.close();
        let cut = server.stop(STOP_GRACE).await;
        if cut > 0 {
            tracing::warn!(connections = cut, "connections were cut: their requests did not end in time");
        }
        stop_upkeep.cancel();
        for task in &tasks {
            task.abort();
        }
        // What is left of a task holds the directories; one that hangs on its disk is not waited for.
        for task in tasks.into_iter().chain([upkeep]) {
            let _ = tokio::time::timeout(STOP_GRACE, task).await;
        }
        if let Err(error) = broker.controller.ask(Request::ShutDown(epoch), OWN_REQUEST_MS).await {
            tracing::error!(%error, "the broker could not be fenced; the next start has to recover");
        }
        let closing = Arc::clone(&broker);
        let closed = tokio::task::spawn_blocking(move || close_logs(&closing)).await;
        broker.controller.close().await;
        if matches!(closed, Ok(true)) {
            mark_clean(&broker, epoch);
        }
    }
}

/// Closes every log; false when one could not be.
fn close_logs(broker: &Broker) -> bool {
    let now = broker.clock.now();
    let mut all = true;
    for partition in broker.partitions.all() {
        if let Err(error) = partition.with_log(|log| log.close(now)) {
            tracing::error!(partition = %partition.name(), %error, "the log could not be closed in order");
            all = false;
        }
    }
    all
}

fn mark_clean(broker: &Broker, epoch: BrokerEpoch) {
    for (directory, logs) in upkeep::offsets_by_directory(broker).into_iter().enumerate() {
        if let Err(error) = broker.logs.dirs.close_dir(directory, &logs, epoch) {
            tracing::error!(directory, %error, "a directory has no clean mark; the next start recovers it");
        }
    }
}
