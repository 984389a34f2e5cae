//! What looks after the groups of this node: loads shards, meets deadlines, follows topics.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ottla_coordinator::{GroupShard, LoadError};
use ottla_group::Request;
use ottla_metadata::Delta;
use ottla_model::{Tick, Uuid};
use ottla_partition::Partition;
use ottla_record::Codec;
use tokio::task::JoinSet;

use super::OFFSETS_TOPIC;
use crate::groups::Work;
use crate::offline;
use crate::state::Broker;

/// Deadlines are met this much late at most, so that many of them cost one wake-up.
const GRAIN_MS: u64 = 5;

/// Works for as long as it is polled. A bug that ends the work is counted, and the work begins anew.
pub(crate) async fn run(broker: Arc<Broker>) {
    loop {
        // It ends with this, when the node stops.
        let mut work = JoinSet::new();
        work.spawn(look_after(Arc::clone(&broker)));
        match work.join_next().await {
            Some(Err(ended)) if ended.is_panic() => broker.counters.bug(),
            Some(_) | None => return,
        }
    }
}

async fn look_after(broker: Arc<Broker>) {
    let mut loads: JoinSet<()> = JoinSet::new();
    loop {
        let Work { to_load, deleted_topics, topics_changed } = broker.groups.take_work();
        for shard in to_load {
            loads.spawn(load(Arc::clone(&broker), shard));
        }
        if !deleted_topics.is_empty() || topics_changed {
            follow_topics(&broker, deleted_topics, topics_changed).await;
        }
        // From here on a deadline that is set asks for another look, wherever the look that begins now has got to.
        broker.groups.plan(None);
        let now = broker.clock.now();
        let context = broker.group_context(now, Uuid::ZERO);
        let mut next: Option<Tick> = None;
        for shard in broker.groups.shards() {
            for submitted in shard.expire(&context) {
                broker.settle_group(&shard, submitted);
            }
            next = [next, shard.next_deadline()].into_iter().flatten().min();
        }
        let planned = next.map(|next| next.max(now.tick.plus_millis(GRAIN_MS)));
        broker.groups.plan(planned);
        let sleep = planned.map(|at| Duration::from_millis(at.millis_since(now.tick) + 1));
        let sleep = async {
            match sleep {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = broker.groups.woken() => {}
            Some(_) = loads.join_next() => {}
            () = sleep => {}
        }
    }
}

async fn load(broker: Arc<Broker>, shard: Arc<GroupShard>) {
    let loader = Arc::clone(&broker);
    let work = move || {
        let context = loader.group_context(loader.clock.now(), Uuid::ZERO);
        let loaded = shard.load(&context);
        (shard, loaded)
    };
    // A runtime that stops loses the work, and the shard with it.
    let Ok((shard, loaded)) = broker.blocking.run(work).await else { return };
    let partition = shard.partition().name();
    match loaded {
        Ok((loaded, submitted)) => {
            if loaded.records > 0 {
                tracing::info!(%partition, records = loaded.records, groups = loaded.groups, "groups are loaded");
            }
            if loaded.unknown > 0 {
                tracing::warn!(%partition, records = loaded.unknown, "records that are not known were passed over");
            }
            broker.settle_group(&shard, submitted);
        }
        Err(LoadError::Moved) => {}
        Err(LoadError::Storage(error)) => {
            tracing::error!(%partition, %error, "the groups of a partition cannot be loaded");
            if let Some(directory) = broker.logs.dir_of(shard.partition()) {
                offline::take_offline(&broker, directory, &error);
            }
        }
        Err(error) => {
            tracing::error!(%partition, %error, "the groups of a partition cannot be served");
        }
    }
}

/// Offsets of deleted topics go; groups that subscribe look at what has changed.
async fn follow_topics(broker: &Arc<Broker>, deleted: Vec<(ottla_group::Text, Uuid)>, changed: bool) {
    let worker = Arc::clone(broker);
    let work = move || {
        let context = worker.group_context(worker.clock.now(), Uuid::ZERO);
        let mut wrote = false;
        for shard in worker.groups.shards() {
            let mut all = Vec::new();
            if !deleted.is_empty() {
                all.extend(shard.repeat(&Request::TopicsDeleted(deleted.clone()), &context));
            }
            if changed {
                all.extend(shard.repeat(&Request::TopicsChanged, &context));
            }
            for submitted in all {
                wrote |= submitted.records > 0;
                worker.settle_group(&shard, submitted);
            }
        }
        if wrote {
            // Nobody waits for it, and yet what goes should not be there again when the power was lost.
            worker.flushes.demand();
        }
    };
    // The runtime stops: what is left over is done when the shard is loaded again, or expires.
    let _ = broker.blocking.run(work).await;
}

/// Lets go what nobody has used for long. Blocks.
pub(crate) fn expire_offsets(broker: &Arc<Broker>) {
    let context = broker.group_context(broker.clock.now(), Uuid::ZERO);
    for shard in broker.groups.shards() {
        for submitted in shard.repeat(&Request::ExpireOffsets, &context) {
            broker.settle_group(&shard, submitted);
        }
    }
}

/// A step of the metadata: partitions of the offsets topic that are led here, and topics that came or went. The
/// image is visible already.
pub(crate) fn published(broker: &Broker, delta: &Delta) {
    let mut led = Vec::new();
    let mut topic = None;
    let mut changed = BTreeSet::new();
    for step in delta.partitions() {
        if step.topic.name.as_str() != OFFSETS_TOPIC {
            if step.before.is_none() || step.after.is_none() {
                changed.insert(step.topic.id);
            }
            continue;
        }
        let Some(after) = step.after else { continue };
        topic = Some((step.topic.id, i32::try_from(step.topic.partitions.size()).unwrap_or(0)));
        if after.leader == Some(broker.node_id)
            && let Some(partition) = broker.partitions.get(step.topic.id, step.number)
        {
            led.push(new_shard(broker, step.number, partition));
        }
    }
    if let Some((id, partitions)) = topic {
        broker.groups.lead(id, partitions, led);
    }
    let deleted: Vec<_> =
        delta.deleted_topics().map(|topic| (topic.name.as_str().into(), topic.id)).collect();
    if !deleted.is_empty() || !changed.is_empty() {
        broker.groups.topics(deleted, !changed.is_empty());
    }
}

/// A shard that is to be loaded. One without records is loaded at once, so that it can be used the moment its topic's
/// creation is answered.
fn new_shard(broker: &Broker, number: i32, partition: Arc<Partition>) -> Arc<GroupShard> {
    let offsets = partition.offsets();
    let shard = Arc::new(GroupShard::new(number, partition, codec(broker)));
    if offsets.start == offsets.end {
        let context = broker.group_context(broker.clock.now(), Uuid::ZERO);
        if let Err(error) = shard.load(&context) {
            tracing::error!(partition = %shard.partition().name(), %error, "the groups of a partition cannot be served");
        }
    }
    shard
}

/// `offsets.topic.compression.codec`.
fn codec(broker: &Broker) -> Codec {
    match broker.given.groups.offsets_topic_compression_codec {
        1 => Codec::Gzip(-1),
        2 => Codec::Snappy,
        3 => Codec::Lz4(9),
        4 => Codec::Zstd(3),
        _ => Codec::None,
    }
}
