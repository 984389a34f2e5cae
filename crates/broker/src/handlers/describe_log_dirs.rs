//! DescribeLogDirs (35), versions 1 to 5: the node's log directories, the logs in them with their sizes, and the
//! room that is left (KIP-113, KIP-827).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use ottla_model::{ErrorCode, TopicPartition};
use ottla_partition::Partition;
use ottla_storage::log_dirs::{DirIndex, LogDir};
use ottla_wire::messages::describe_log_dirs_request::DescribableLogDirTopic;
use ottla_wire::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use ottla_wire::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};

use crate::answer::{Answer, End, Handled};
use crate::context::RequestContext;
use crate::state::Broker;

pub(crate) fn handle(
    broker: &Arc<Broker>,
    _context: &RequestContext,
    request: DescribeLogDirsRequest,
) -> Handled<DescribeLogDirsResponse> {
    let DescribeLogDirsRequest { topics } = request;
    let broker = Arc::clone(broker);
    Handled::Later(Box::pin(async move {
        let blocking = broker.blocking.clone();
        match blocking.run(move || describe(&broker, topics)).await {
            Ok(response) => End::Answer(Answer::from(response)),
            // The node stops.
            Err(_) => End::Close,
        }
    }))
}

/// Topics with their partitions, in one directory.
type Contents = BTreeMap<String, Vec<DescribeLogDirsPartition>>;

fn describe(broker: &Broker, asked: Option<Vec<DescribableLogDirTopic>>) -> DescribeLogDirsResponse {
    let asked = asked.map(|topics| {
        let names = |DescribableLogDirTopic { topic, partitions }: DescribableLogDirTopic| {
            partitions.into_iter().map(move |number| (topic.clone(), number))
        };
        topics.into_iter().flat_map(names).collect::<HashSet<_>>()
    });
    let wanted = |name: &TopicPartition| {
        asked.as_ref().is_none_or(|asked| asked.contains(&(name.topic.as_str().into(), name.partition)))
    };
    let mut contents: BTreeMap<DirIndex, Contents> = BTreeMap::new();
    for partition in broker.partitions.all().iter().filter(|partition| wanted(partition.name())) {
        if let Some(directory) = broker.logs.dir_of(partition) {
            let topics = contents.entry(directory).or_default();
            topics.entry(partition.name().topic.to_string()).or_default().push(of_partition(partition));
        }
    }
    let directories = broker.logs.dirs.dirs().iter().enumerate();
    let result = |(index, directory): (DirIndex, &LogDir)| {
        of_directory(broker, index, directory, contents.remove(&index).unwrap_or_default())
    };
    DescribeLogDirsResponse {
        throttle_time_ms: 0,
        error_code: ErrorCode::None.code(),
        results: directories.map(result).collect(),
    }
}

/// A lone replica leads, or nobody does: it lags behind nothing.
fn of_partition(partition: &Partition) -> DescribeLogDirsPartition {
    DescribeLogDirsPartition {
        partition_index: partition.name().partition,
        partition_size: i64::try_from(partition.with_log(|log| log.size())).unwrap_or(i64::MAX),
        offset_lag: 0,
        is_future_key: false,
    }
}

fn of_directory(
    broker: &Broker,
    index: DirIndex,
    directory: &LogDir,
    contents: Contents,
) -> DescribeLogDirsResult {
    let log_dir = directory.path().display().to_string().into();
    let Ok(space) = broker.logs.dirs.check_space(index) else {
        let error_code = ErrorCode::KafkaStorageError.code();
        return DescribeLogDirsResult { error_code, log_dir, ..Default::default() };
    };
    let topic = |(name, mut partitions): (String, Vec<DescribeLogDirsPartition>)| {
        partitions.sort_by_key(|partition| partition.partition_index);
        DescribeLogDirsTopic { name: name.into(), partitions }
    };
    DescribeLogDirsResult {
        error_code: ErrorCode::None.code(),
        log_dir,
        topics: contents.into_iter().map(topic).collect(),
        total_bytes: i64::try_from(space.total).unwrap_or(i64::MAX),
        usable_bytes: i64::try_from(space.free).unwrap_or(i64::MAX),
        is_cordoned: false,
    }
}
