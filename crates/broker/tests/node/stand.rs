//! A node in this process, what it stands on, and how it goes down.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ottla_broker::{Facts, Given, LogControl, Node, StartError};
use ottla_config::{BrokerConfig, Given as Settings, Origin};
use ottla_env::disk::Disk;
use ottla_env::testing::{MemDisk, SeededRandom};
use ottla_env::{Clock, RealClock};
use ottla_model::Now;

use crate::client::Client;

/// Where the only log directory is, unless a test says otherwise.
pub const DIR: &str = "/data";

/// Real time, with a wall clock that can be moved.
#[derive(Default)]
pub struct MovableClock {
    real: RealClock,
    ahead: AtomicI64,
}

impl MovableClock {
    /// Puts the wall clock so much further ahead.
    pub fn move_ahead(&self, millis: i64) {
        self.ahead.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Now {
        let now = self.real.now();
        Now { wall: now.wall + self.ahead.load(Ordering::SeqCst), ..now }
    }
}

struct NoLog;

impl LogControl for NoLog {
    fn level(&self) -> String {
        "INFO".into()
    }

    fn set_level(&self, _level: &str) -> bool {
        true
    }
}

/// What a node is started on; outlives it.
#[derive(Clone)]
pub struct Ground {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<MovableClock>,
    settings: BTreeMap<String, String>,
    seed: u64,
}

impl Ground {
    pub fn on(disk: impl Disk) -> Self {
        let settings = [
            ("node.id", "1"),
            ("process.roles", "broker,controller"),
            ("listeners", "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0"),
            ("controller.listener.names", "CONTROLLER"),
            ("log.dirs", DIR),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let clock = Arc::new(MovableClock::default());
        Self { disk: Arc::new(disk), clock, settings: settings.into(), seed: 7 }
    }

    /// With another setting.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same on another disk.
    pub fn moved_to(&self, disk: impl Disk) -> Self {
        Self { disk: Arc::new(disk), seed: self.seed + 1, ..self.clone() }
    }

    pub async fn try_start(&self) -> Result<Stand, StartError> {
        let mut settings = Settings::default();
        for (name, value) in &self.settings {
            settings.set(name, value, Origin::Flag("test".into()));
        }
        let given = Given {
            config: BrokerConfig::load(settings).unwrap(),
            may_format: true,
            cluster_id: None,
            disk: Arc::clone(&self.disk),
            clock: Arc::<MovableClock>::clone(&self.clock),
            random: Arc::new(SeededRandom::new(self.seed)),
            descriptors: 4096,
            log_control: Arc::new(NoLog),
        };
        Ok(Stand { node: ottla_broker::start(given).await? })
    }

    pub async fn start(&self) -> Stand {
        self.try_start().await.unwrap()
    }
}

/// A node that serves.
pub struct Stand {
    pub node: Node,
}

impl Stand {
    /// On an empty disk in memory.
    pub async fn new() -> Self {
        Ground::on(MemDisk::new()).start().await
    }

    pub fn facts(&self) -> &Facts {
        self.node.facts()
    }

    pub fn address(&self) -> SocketAddr {
        self.facts().listeners[0].1
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.address()).await
    }

    /// A client at the controller's listener.
    pub async fn controller(&self) -> Client {
        Client::connect(self.facts().controllers[0].1).await
    }

    /// A clean stop.
    pub async fn stop(self) {
        self.node.stop().await;
    }
}
