//! `ottla serve`: puts the node, its log and its pages together, and takes them down again.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ottla::exit::Exit;
use ottla::logging::{self, LogHandle};
use ottla::options::{self, ServeOptions};
use ottla::startup::{self, Startup};
use ottla_admin::{Admin, Health, Probes};
use ottla_broker::{Facts, Given, Node, StartError};
use ottla_config::BrokerConfig;
use ottla_env::disk::RealDisk;
use ottla_env::{RealClock, RealRandom};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::complain;
use crate::metrics::Metrics;

/// A stop that takes longer is cut off.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// Threads that may wait for disks, for all directories together.
const BLOCKING_THREADS: usize = 64;

/// Serves until it is told to stop.
pub(crate) fn run(options: &ServeOptions) -> Exit {
    let begin = Instant::now();
    let start = match options::configure(options, std::env::vars()) {
        Ok(start) => start,
        Err(error) => return complain(&error.to_string(), error.exit()),
    };
    let Some(log) = logging::start(&start.config.log_level, start.config.log_format) else {
        return complain("the log of the process is taken", Exit::Failed);
    };
    for warning in &start.warnings {
        tracing::warn!("{warning}");
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().max_blocking_threads(BLOCKING_THREADS);
    if let Some(threads) = start.config.network.threads {
        builder.worker_threads(threads.max(1));
    }
    match builder.build() {
        Ok(runtime) => runtime.block_on(serve(start, log, begin)),
        Err(error) => complain(&format!("no threads can be started: {error}"), Exit::Failed),
    }
}

async fn serve(start: options::Start, log: LogHandle, begin: Instant) -> Exit {
    let descriptors = raise_descriptors();
    let config = start.config.clone();
    let given = Given {
        config: start.config,
        may_format: start.may_format,
        cluster_id: start.cluster_id,
        disk: Arc::new(RealDisk),
        clock: Arc::new(RealClock::default()),
        random: Arc::new(RealRandom),
        descriptors,
        log_control: Arc::new(log.clone()),
    };
    // From here on a signal asks for a stop; before, it ends the process, which has nothing to lose.
    let (mut term, mut interrupt) = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(term), Ok(interrupt)) => (term, interrupt),
        (Err(error), _) | (_, Err(error)) => return complain(&format!("no signals: {error}"), Exit::Failed),
    };
    let node = match ottla_broker::start(given).await {
        Ok(node) => node,
        Err(error) => return complain(&error.to_string(), exit_of(&error)),
    };
    let stop_pages = CancellationToken::new();
    let metrics = match pages(&config, &node, &stop_pages).await {
        Ok(metrics) => metrics,
        Err(text) => {
            node.stop().await;
            return complain(&text, Exit::Address);
        }
    };
    follow_log_settings(&node, log);
    announce(&config, node.facts(), metrics, descriptors, begin);
    let why = tokio::select! {
        biased;
        why = node.wishes_to_stop() => Some(why),
        _ = term.recv() => None,
        _ = interrupt.recv() => None,
    };
    match &why {
        Some(why) => tracing::error!("stopping: {why}"),
        None => tracing::info!("stopping, as asked"),
    }
    let stopped = tokio::time::timeout(STOP_TIMEOUT, node.stop()).await;
    stop_pages.cancel();
    match (why, stopped) {
        (None, Ok(())) => Exit::Stopped,
        (Some(_), Ok(())) => Exit::Failed,
        (_, Err(_)) => complain("the stop took too long and was cut off", Exit::Failed),
    }
}

fn exit_of(error: &StartError) -> Exit {
    match error {
        StartError::Bind(_) | StartError::Serve(_) => Exit::Address,
        StartError::Directories(_)
        | StartError::Format(_)
        | StartError::Quorum(_)
        | StartError::Log(_)
        | StartError::Future(_)
        | StartError::ClusterId(_) => Exit::Directory,
        StartError::Registration(_) => Exit::Failed,
    }
}

/// Raises the limit of open files as far as it goes; answers what it is.
fn raise_descriptors() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let highest = limit.maximum.unwrap_or(1 << 20);
    if limit.current.is_some_and(|current| current < highest) {
        let before = limit.current;
        limit.current = Some(highest);
        if setrlimit(Resource::Nofile, limit).is_err() {
            return before.unwrap_or(highest);
        }
    }
    highest
}

/// Metrics and health over HTTP. A taken address stops the start only when somebody chose it.
async fn pages(
    config: &BrokerConfig,
    node: &Node,
    stop: &CancellationToken,
) -> Result<Option<SocketAddr>, String> {
    let Some((host, port)) = &config.metrics_listener else { return Ok(None) };
    let metrics = Metrics::new(node);
    let offline = node.offline();
    let probes = Probes {
        metrics: Arc::new(move |text: &mut String| metrics.write(text)),
        health: Arc::new(move || match offline().as_slice() {
            [] => Health::Good,
            failed => Health::Bad(format!("log directories offline: {}\n", failed.join(", "))),
        }),
        ready: Arc::new(|| true),
    };
    let every_address = "0.0.0.0";
    let host = if host.is_empty() { every_address } else { host.as_str() };
    match Admin::bind(host, *port, probes).await {
        Ok(admin) => {
            let address = admin.local_addr();
            let stop = stop.clone();
            tokio::spawn(async move {
                if let Err(error) = admin.serve(stop).await {
                    tracing::error!(%error, "metrics are no longer served");
                }
            });
            Ok(Some(address))
        }
        Err(error) if config.given.has("ottla.metrics.listener") => {
            Err(format!("ottla.metrics.listener={host}:{port} cannot be bound: {error}"))
        }
        Err(error) => {
            tracing::warn!(
                "no metrics: {host}:{port} cannot be bound ({error}); choose another ottla.metrics.listener"
            );
            Ok(None)
        }
    }
}

/// The log's level and format follow the dynamic configuration.
fn follow_log_settings(node: &Node, log: LogHandle) {
    let mut reconfigured = node.reconfigured();
    tokio::spawn(async move {
        let mut before = reconfigured.borrow().clone();
        while reconfigured.changed().await.is_ok() {
            let config = reconfigured.borrow_and_update().clone();
            if (&config.log_level, config.log_format) != (&before.log_level, before.log_format) {
                log.apply(&config);
            }
            before = config;
        }
    });
}

fn announce(
    config: &BrokerConfig,
    facts: &Facts,
    metrics: Option<SocketAddr>,
    descriptors: u64,
    begin: Instant,
) {
    for (topic, open) in &facts.open_transactions {
        tracing::warn!(
            topic,
            open,
            "open transactions that Kafka left; they stay open, transactions are not served yet"
        );
    }
    let has = |path: &str| std::path::Path::new(path).exists();
    let startup = Startup {
        cluster_id: facts.cluster_id.clone(),
        node_id: config.node_id,
        listeners: facts.listeners.clone(),
        controllers: facts.controllers.clone(),
        advertised: config.advertised.clone(),
        metrics,
        log_dirs: config.directories.log_dirs.clone(),
        topics: facts.topics,
        partitions: facts.partitions,
        compacted_topics: facts.compacted_topics,
        ack_durable: config.ack_durable,
        descriptors: (descriptors, facts.log_descriptors),
        in_container: startup::in_container(has, |name| std::env::var_os(name).is_some()),
        ready_ms: begin.elapsed().as_millis(),
    };
    let mut out = std::io::stdout().lock();
    // Nobody may be reading; the broker serves all the same.
    let _ = write!(out, "{startup}").and_then(|()| out.flush());
}
