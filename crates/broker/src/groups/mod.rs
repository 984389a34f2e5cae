//! The groups of this node: which shards are here, who waits for their replies, and what is to be done for them.
//!
//! Lock order: a shard's lock stands outside of its partition's; the lists here are leaves. How requests come to a
//! shard, and who looks after it, stands in `coordination`.

mod notes;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use ottla_config::BrokerConfig;
use ottla_coordinator::{GroupShard, partition_for};
use ottla_group::{Reply, Settings, Text, Waiter};
use ottla_model::{Tick, Uuid};
use ottla_partition::Effect;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

pub(crate) use notes::GroupCounters;

/// The shards of this node.
#[derive(Default)]
struct Hosted {
    /// The topic's id; zero while there is no such topic.
    topic: Uuid,
    /// How many partitions the topic has, here and elsewhere.
    partitions: i32,
    /// By partition number.
    shards: BTreeMap<i32, Arc<GroupShard>>,
}

/// What the task has to do next.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) to_load: Vec<Arc<GroupShard>>,
    pub(crate) deleted_topics: Vec<(Text, Uuid)>,
    pub(crate) topics_changed: bool,
}

/// The coordinator.
pub(crate) struct Groups {
    hosted: ArcSwap<Hosted>,
    /// Held by whoever makes the topic.
    pub(crate) creating: tokio::sync::Mutex<()>,
    /// Held by whoever changes `hosted`: a partition may leave while others are taken up.
    changing: Mutex<()>,
    waiters: Mutex<HashMap<Waiter, oneshot::Sender<Reply>>>,
    last_waiter: AtomicU64,
    settings: ArcSwap<Settings>,
    work: Mutex<Work>,
    wake: Notify,
    /// When the task looks again; `u64::MAX` for never.
    planned: AtomicU64,
    pub(crate) counters: GroupCounters,
}

impl Groups {
    pub(crate) fn new(config: &Arc<BrokerConfig>) -> Arc<Self> {
        Arc::new(Self {
            hosted: ArcSwap::default(),
            creating: tokio::sync::Mutex::default(),
            changing: Mutex::default(),
            waiters: Mutex::default(),
            last_waiter: AtomicU64::new(Waiter::NOBODY.0),
            settings: ArcSwap::from_pointee(Settings::of(config)),
            work: Mutex::default(),
            wake: Notify::new(),
            planned: AtomicU64::new(u64::MAX),
            counters: GroupCounters::default(),
        })
    }

    /// The configuration has changed.
    pub(crate) fn configure(&self, config: &Arc<BrokerConfig>) {
        self.settings.store(Arc::new(Settings::of(config)));
    }

    /// The settings as they are now.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// The shard that keeps a group.
    pub(crate) fn shard_of(&self, group: &str) -> Option<Arc<GroupShard>> {
        let hosted = self.hosted.load();
        hosted.shards.get(&partition_for(group, hosted.partitions)).cloned()
    }

    /// Somebody waits from now on.
    pub(crate) fn wait(&self) -> (Waiter, oneshot::Receiver<Reply>) {
        let waiter = Waiter(self.last_waiter.fetch_add(1, Ordering::Relaxed) + 1);
        let (sender, receiver) = oneshot::channel();
        self.waiters.lock().insert(waiter, sender);
        (waiter, receiver)
    }

    /// Nobody answers whoever waits.
    pub(crate) fn give_up(&self, waiter: Waiter) {
        self.waiters.lock().remove(&waiter);
    }

    /// What has gathered to be done.
    pub(crate) fn take_work(&self) -> Work {
        std::mem::take(&mut *self.work.lock())
    }

    /// The task looks again at this tick, or when [`Groups::woken`] ends.
    pub(crate) fn plan(&self, at: Option<Tick>) {
        self.planned.store(at.map_or(u64::MAX, |Tick(at)| at), Ordering::Release);
    }

    /// Ends when there is something to do before the planned tick.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Every shard of this node.
    pub(crate) fn shards(&self) -> Vec<Arc<GroupShard>> {
        self.hosted.load().shards.values().cloned().collect()
    }

    /// How many requests wait for a shard's answer.
    pub(crate) fn waiting(&self) -> usize {
        self.waiters.lock().len()
    }

    /// A partition of the topic is led here from now on: its shard is loaded by the task.
    pub(crate) fn lead(&self, topic: Uuid, partitions: i32, shards: Vec<Arc<GroupShard>>) {
        let _changing = self.changing.lock();
        let before = self.hosted.load();
        // The partitions are counted once: another number would look for every group in another place.
        let (mut hosted, partitions) = match before.topic == topic {
            true => (before.shards.clone(), before.partitions),
            false => (BTreeMap::new(), partitions),
        };
        let mut to_load = Vec::new();
        for shard in shards {
            if let std::collections::btree_map::Entry::Vacant(place) = hosted.entry(shard.number()) {
                place.insert(Arc::clone(&shard));
                if shard.is_loading() {
                    to_load.push(shard);
                }
            }
        }
        self.hosted.store(Arc::new(Hosted { topic, partitions, shards: hosted }));
        self.work.lock().to_load.append(&mut to_load);
        self.wake.notify_one();
    }

    /// Topics that are gone, and whether others came or grew.
    pub(crate) fn topics(&self, mut deleted: Vec<(Text, Uuid)>, changed: bool) {
        let mut work = self.work.lock();
        work.deleted_topics.append(&mut deleted);
        work.topics_changed |= changed;
        drop(work);
        self.wake.notify_one();
    }

    /// What happened to a partition, if it keeps groups: replies that waited for it leave.
    pub(crate) fn effect(&self, effect: &Effect) {
        let hosted = self.hosted.load();
        if hosted.topic != effect.partition.topic || hosted.topic.is_zero() {
            return;
        }
        let number = effect.partition.partition;
        let Some(shard) = hosted.shards.get(&number).map(Arc::clone) else { return };
        if effect.failed {
            self.resign(number);
            self.deliver(shard.leave());
        } else {
            self.deliver(shard.committed(effect.acknowledged_offset));
        }
    }

    fn resign(&self, number: i32) {
        let _changing = self.changing.lock();
        let before = self.hosted.load();
        let mut shards = before.shards.clone();
        shards.remove(&number);
        let (topic, partitions) = (before.topic, before.partitions);
        self.hosted.store(Arc::new(Hosted { topic, partitions, shards }));
    }

    /// The node stops: whoever waits is sent away, and nothing is decided any more.
    pub(crate) fn close(&self) {
        for shard in self.shards() {
            self.deliver(shard.leave());
        }
    }

    /// Hands replies to those who wait for them.
    pub(crate) fn deliver(&self, replies: Vec<(Waiter, Reply)>) {
        if replies.is_empty() {
            return;
        }
        let mut waiters = self.waiters.lock();
        let due: Vec<_> =
            replies.into_iter().filter_map(|(who, reply)| Some((waiters.remove(&who)?, reply))).collect();
        drop(waiters);
        for (waiter, reply) in due {
            // Its connection may be gone; then nobody is to be told.
            let _ = waiter.send(reply);
        }
    }

    /// Sees to it that the task looks at a deadline in time.
    pub(crate) fn look_at(&self, deadline: Option<Tick>) {
        if let Some(Tick(deadline)) = deadline
            && deadline < self.planned.load(Ordering::Acquire)
        {
            self.wake.notify_one();
        }
    }
}
