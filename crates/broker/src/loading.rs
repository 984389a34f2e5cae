//! The logs of this node at start: opened by a few threads for each directory, and matched with the metadata.
//!
//! A log belongs to a partition when the metadata has that topic, with that id, and a replica here. A log without an id
//! is adopted by the one topic of its name; any other becomes a stray and stays for the operator.

use std::sync::Arc;

use ottla_metadata::{Image, Topic};
use ottla_model::{TopicPartition, Uuid};
use ottla_partition::{Partition, PartitionId};
use ottla_storage::log::{Log, OpenError};
use ottla_storage::log_dirs::LoadJob;
use ottla_storage::partition_metadata;
use parking_lot::Mutex;

use crate::state::Broker;

/// What loading has brought.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) partitions: Vec<Arc<Partition>>,
    /// Names that are none of Kafka's forms, strays and unfinished moves, for the log.
    pub(crate) remarks: Vec<String>,
    /// Moves between directories that Kafka has begun: nothing here continues them.
    pub(crate) futures: Vec<String>,
}

/// Opens every log of every directory; blocks as long as recovery takes.
pub(crate) fn load(broker: &Broker, image: &Image) -> Result<Loaded, OpenError> {
    let mut loaded = Loaded::default();
    for index in 0..broker.logs.dirs.dirs().len() {
        let found = match broker.logs.dirs.load(index) {
            Ok(found) => found,
            Err(error) => {
                let dir = broker.logs.dirs.dir(index).map(|dir| dir.path().to_owned()).unwrap_or_default();
                return Err(OpenError { dir, error: error.into() });
            }
        };
        let path = |path: &std::path::PathBuf| path.display().to_string();
        loaded.futures.extend(found.futures.iter().map(path));
        loaded.remarks.extend(found.strays.iter().map(|stray| format!("{} is a stray", stray.display())));
        let foreign =
            |name: &std::path::PathBuf| format!("{} is no name of Kafka's; left alone", name.display());
        loaded.remarks.extend(found.foreign.iter().map(foreign));
        loaded.remarks.extend(found.damaged.iter().map(|damaged| format!("{damaged}; counts as empty")));
        open_all(broker, image, found.jobs, &mut loaded)?;
    }
    Ok(loaded)
}

/// Opens the logs of one directory with `num.recovery.threads.per.data.dir` threads.
fn open_all(
    broker: &Broker,
    image: &Image,
    jobs: Vec<LoadJob>,
    loaded: &mut Loaded,
) -> Result<(), OpenError> {
    let threads = broker.given.directories.recovery_threads.max(1).min(jobs.len().max(1));
    let queue = Mutex::new(jobs.into_iter());
    let opened = Mutex::new(Vec::new());
    let failed: Mutex<Option<OpenError>> = Mutex::new(None);
    let work = || loop {
        if failed.lock().is_some() {
            return;
        }
        let Some(job) = queue.lock().next() else { return };
        let settings = match image.topics.named(job.partition.topic.as_str()) {
            Some(topic) => broker.log_settings(image, topic),
            None => ottla_config::LogSettings::default(),
        };
        match job.run(settings, broker.clock.now()) {
            Ok(log) => opened.lock().push(log),
            Err(error) => *failed.lock() = Some(error),
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    for opened in opened.into_inner() {
        let name = opened.log.partition().clone();
        for finding in &opened.findings {
            tracing::warn!(partition = %name, "{finding}");
        }
        match owner(image, broker.node_id, &opened.log) {
            Some((topic, adopt)) => {
                let mut log = opened.log;
                if adopt {
                    adopt_log(broker, &log, topic)?;
                    log.set_topic_id(topic.id);
                }
                let id = PartitionId { topic: topic.id, partition: name.partition };
                loaded.partitions.push(Arc::new(Partition::new(id, log, broker.ack_durable())));
            }
            None => put_away(broker, opened.log, &name, loaded),
        }
    }
    Ok(())
}

/// The topic that a log belongs to, and whether its id has yet to be written down.
fn owner<'a>(image: &'a Image, node_id: i32, log: &Log) -> Option<(&'a Topic, bool)> {
    let TopicPartition { topic, partition } = log.partition();
    let topic = image.topics.named(topic.as_str())?;
    let replica = topic.partitions.get(partition)?;
    let same: Option<Uuid> = log.topic_id();
    let ours = replica.has_replica(node_id) && same.is_none_or(|id| id == topic.id);
    ours.then_some((topic, same.is_none()))
}

fn adopt_log(broker: &Broker, log: &Log, topic: &Topic) -> Result<(), OpenError> {
    let disk = broker.logs.dirs.cache().disk();
    partition_metadata::write(&**disk, log.dir(), topic.id)
        .map_err(|error| OpenError { dir: log.dir().to_owned(), error: error.into() })
}

fn put_away(broker: &Broker, mut log: Log, name: &TopicPartition, loaded: &mut Loaded) {
    match broker.logs.dirs.put_away(&mut log, broker.fresh_id(), broker.clock.now()) {
        Ok(path) => loaded.remarks.push(format!("{name} is not in the metadata; kept as {}", path.display())),
        Err(error) => {
            loaded.remarks.push(format!("{name} is not in the metadata and cannot be renamed: {error}"))
        }
    }
}
