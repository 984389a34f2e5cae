//! The log: lines for people or for programs on the standard error, bounded in rate and length.
//!
//! Invariant: a repeated line costs a bounded share of the log, whatever a client does; level and format change while
//! running. Nobody logs what records hold; long values are cut all the same.

mod format;
mod repetition;

use format::{LineFormat, Style};
use ottla_config::{BrokerConfig, LogFormat};
use repetition::Repetition;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;

/// Changes the log while it runs.
#[derive(Clone)]
pub struct LogHandle {
    filter: reload::Handle<Targets, tracing_subscriber::Registry>,
    style: Arc<Style>,
}

impl LogHandle {
    /// Obeys `ottla.log.level` and `ottla.log.format`.
    pub fn apply(&self, config: &BrokerConfig) {
        self.set_level(&config.log_level);
        self.set_format(config.log_format);
    }

    /// Shows lines of this level and graver ones: off, error, warn, info, debug or trace. Whether the word is one.
    pub fn set_level(&self, level: &str) -> bool {
        let Ok(level) = level.parse::<LevelFilter>() else { return false };
        self.filter.reload(targets(level)).is_ok()
    }

    /// The level of the moment, as DescribeConfigs shows it for a broker's logger.
    pub fn level(&self) -> String {
        let level = self.filter.with_current(|targets| targets.iter().map(|(_, level)| level).max());
        level.ok().flatten().unwrap_or(LevelFilter::OFF).to_string().to_uppercase()
    }

    /// Writes lines so from here on.
    pub fn set_format(&self, format: LogFormat) {
        self.style.set(format);
    }
}

impl ottla_broker::LogControl for LogHandle {
    fn level(&self) -> String {
        Self::level(self)
    }

    fn set_level(&self, level: &str) -> bool {
        Self::set_level(self, level)
    }
}

/// Our own rooms at the level; libraries, which are chatty, at `warn` at the most.
fn targets(level: LevelFilter) -> Targets {
    Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("ottla", level)
}

/// Starts the log of this process on the standard error. The handle is `None` if the process has one already.
pub fn start(level: &str, format: LogFormat) -> Option<LogHandle> {
    let begin = Instant::now();
    let (subscriber, handle) = subscriber(level, format, std::io::stderr, move || begin.elapsed());
    tracing::subscriber::set_global_default(subscriber).ok().map(|()| handle)
}

/// The log as a value: written to `writer`, its windows of repetition measured by `elapsed`.
pub fn subscriber<W>(
    level: &str,
    format: LogFormat,
    writer: W,
    elapsed: impl Fn() -> Duration + Send + Sync + 'static,
) -> (impl tracing::Subscriber + Send + Sync, LogHandle)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = level.parse().unwrap_or(LevelFilter::INFO);
    let (filter, filter_handle) = reload::Layer::new(targets(level));
    let (style, repetition) = (Arc::new(Style::new(format)), Arc::new(Repetition::new(elapsed)));
    let lines = LineFormat::new(Arc::clone(&style), Arc::clone(&repetition));
    let writing = tracing_subscriber::fmt::layer().event_format(lines).with_writer(writer);
    let subscriber =
        tracing_subscriber::registry().with(filter).with(repetition::Limit(repetition)).with(writing);
    (subscriber, LogHandle { filter: filter_handle, style })
}
