//! Accept loops and their connections: each loop owns the tasks it started, and ends with them.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ottla_env::blocking::Blocking;
use parking_lot::Mutex;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::SocketFlags;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::budget::Budget;
use crate::connection::{Connection, Node};
use crate::counters::{NetCounters, add};
use crate::limits;
use crate::listener::Bound;
use crate::log_gate::LogGate;
use crate::quota::{Quota, Slot};
use crate::service::{ConnectionInfo, Service};
use crate::settings::{ConnectionLimits, ListenerSettings, NetSettings};

/// The running listeners and connections. Dropping it closes all of them at once.
pub struct Server {
    node: Arc<Node>,
    quota: Arc<Quota>,
    grace: Arc<Mutex<Duration>>,
    loops: Vec<JoinHandle<usize>>,
}

/// Accepts on every bound socket, within the current tokio runtime. Cold regions of replies are
/// read through `blocking`.
///
/// # Errors
/// A socket cannot be registered with the runtime.
pub fn serve(
    bound: Bound,
    settings: NetSettings,
    connection_limits: ConnectionLimits,
    blocking: Blocking,
    service: Arc<dyn Service>,
) -> io::Result<Server> {
    let counters = Arc::new(NetCounters::default());
    let most_bytes = settings.queued_max_request_bytes.unwrap_or(limits::REQUEST_BYTES_PER_NODE);
    let budget = Budget::new(Arc::clone(&counters), limits::REQUESTS_PER_NODE as u64, most_bytes.max(1));
    let node = Arc::new(Node {
        service,
        settings,
        counters,
        budget: Arc::new(budget),
        blocking,
        stopping: AtomicBool::new(false),
        stop: CancellationToken::new(),
        bad_frames: LogGate::new(),
        not_kafka: LogGate::new(),
        bad_regions: LogGate::new(),
    });
    let quota = Arc::new(Quota::new(connection_limits));
    let grace = Arc::new(Mutex::new(Duration::ZERO));
    let ids = Arc::new(AtomicU64::new(1));
    let mut loops = Vec::new();
    for (listener, socket, _) in bound.sockets {
        let acceptor = Acceptor::new(listener, socket, &node, &quota, &grace, &ids)?;
        loops.push(tokio::spawn(acceptor.run()));
    }
    Ok(Server { node, quota, grace, loops })
}

impl Server {
    /// What is counted.
    #[must_use]
    pub fn counters(&self) -> Arc<NetCounters> {
        Arc::clone(&self.node.counters)
    }

    /// Changes how many connections are let in. Those that are open stay.
    pub fn set_limits(&self, connection_limits: ConnectionLimits) {
        self.quota.set_limits(connection_limits);
    }

    /// A way to change the limits from elsewhere.
    #[must_use]
    pub fn limits_handle(&self) -> LimitsHandle {
        LimitsHandle(Arc::clone(&self.quota))
    }

    /// Stops: no more is accepted, read or started; what was started may answer within `grace`.
    /// Answers how many connections had to be cut.
    pub async fn stop(mut self, grace: Duration) -> usize {
        *self.grace.lock() = grace;
        self.node.stopping.store(true, Ordering::Relaxed);
        self.node.stop.cancel();
        let mut cut = 0;
        for accepting in self.loops.drain(..) {
            cut += accepting.await.unwrap_or(0);
        }
        cut
    }
}

/// Changes how many connections are let in, for as long as it is kept.
pub struct LimitsHandle(Arc<Quota>);

impl LimitsHandle {
    /// As [`Server::set_limits`].
    pub fn set(&self, connection_limits: ConnectionLimits) {
        self.0.set_limits(connection_limits);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for accepting in &self.loops {
            accepting.abort();
        }
    }
}

struct Acceptor {
    listener: ListenerSettings,
    name: Arc<str>,
    socket: TcpListener,
    node: Arc<Node>,
    quota: Arc<Quota>,
    grace: Arc<Mutex<Duration>>,
    ids: Arc<AtomicU64>,
    /// Given up when descriptors run out, so that one caller at a time can be told by closing.
    reserve: Option<OwnedFd>,
    not_before: Instant,
    refusals: LogGate,
    failures: LogGate,
}

impl Acceptor {
    fn new(
        listener: ListenerSettings,
        socket: StdListener,
        node: &Arc<Node>,
        quota: &Arc<Quota>,
        grace: &Arc<Mutex<Duration>>,
        ids: &Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let socket = TcpListener::from_std(socket)?;
        let reserve = fcntl_dupfd_cloexec(&socket, 0).ok();
        Ok(Self {
            name: listener.name.as_str().into(),
            listener,
            socket,
            node: Arc::clone(node),
            quota: Arc::clone(quota),
            grace: Arc::clone(grace),
            ids: Arc::clone(ids),
            reserve,
            not_before: Instant::now(),
            refusals: LogGate::new(),
            failures: LogGate::new(),
        })
    }

    /// Answers how many connections were cut in the end.
    async fn run(mut self) -> usize {
        let mut connections = JoinSet::new();
        let stop = self.node.stop.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = connections.join_next() => self.reap(ended),
                accepted = self.accept() => {
                    if let Some((socket, peer)) = accepted {
                        self.admit(socket, peer, &mut connections);
                    }
                }
            }
        }
        let grace = *self.grace.lock();
        // No more callers: the socket closes before the last replies are waited for.
        let Self { socket, reserve, node, .. } = self;
        drop((socket, reserve));
        let all = async {
            while let Some(ended) = connections.join_next().await {
                count_panic(&node, &ended);
            }
        };
        let _ = timeout(grace, all).await;
        let cut = connections.len();
        connections.shutdown().await;
        cut
    }

    /// The next caller. Safe to drop and call again.
    async fn accept(&mut self) -> Option<(TcpStream, SocketAddr)> {
        sleep_until(self.not_before).await;
        self.quota.wait(&self.listener).await;
        match self.socket.accept().await {
            Ok(accepted) => {
                self.not_before = Instant::now() + self.quota.pace();
                Some(accepted)
            }
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    /// The caller is gone already, or something has run out: then a pause instead of a spin.
    fn failed(&mut self, error: &io::Error) {
        add(&self.node.counters.accept_errors, 1);
        let gone = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset];
        if gone.contains(&error.kind()) {
            return;
        }
        if let Some(held) = self.failures.pass() {
            tracing::warn!(listener = %self.name, %error, held, "cannot accept connections; the limit of \
                 open files may be too low (ulimit -n)");
        }
        let full = [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
        if full.contains(&error.raw_os_error()) {
            self.turn_one_away();
        }
        self.not_before = Instant::now() + limits::ACCEPT_PAUSE;
    }

    /// With the reserve descriptor takes one caller and closes, so that it need not wait for a
    /// time-out.
    fn turn_one_away(&mut self) {
        drop(self.reserve.take());
        if let Ok(caller) = rustix::net::accept_with(&self.socket, SocketFlags::CLOEXEC) {
            drop(caller);
        }
        self.reserve = fcntl_dupfd_cloexec(&self.socket, 0).ok();
    }

    fn admit(&self, socket: TcpStream, peer: SocketAddr, connections: &mut JoinSet<()>) {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let Some(slot) = self.quota.take(&self.name, peer.ip()) else {
            add(&self.node.counters.refused, 1);
            if let Some(held) = self.refusals.pass() {
                let address = peer.ip();
                tracing::warn!(listener = %self.name, %address, held, "connection refused: the address has \
                     max.connections.per.ip open");
            }
            return;
        };
        // A caller that has gone again is no error of ours.
        if let Ok(connection) = self.open(socket, peer, slot) {
            add(&self.node.counters.accepted, 1);
            connections.spawn(connection.run());
        }
    }

    fn open(&self, socket: TcpStream, peer: SocketAddr, slot: Slot) -> io::Result<Connection> {
        socket.set_nodelay(true)?;
        socket2::SockRef::from(&socket).set_keepalive(true)?;
        let local = socket.local_addr()?;
        let info = ConnectionInfo {
            id: self.ids.fetch_add(1, Ordering::Relaxed),
            peer,
            local: SocketAddr::new(local.ip().to_canonical(), local.port()),
            listener: Arc::clone(&self.name),
            software: std::sync::OnceLock::new(),
        };
        Ok(Connection::new(socket, info, Arc::clone(&self.node), slot))
    }

    fn reap(&self, ended: Result<(), JoinError>) {
        count_panic(&self.node, &ended);
    }
}

/// A panic has closed its connection; what it said is on standard error already.
fn count_panic(node: &Node, ended: &Result<(), JoinError>) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        add(&node.counters.panics, 1);
        tracing::error!("a handler panicked; its connection is closed");
    }
}
