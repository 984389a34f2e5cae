//! The partitions that this node serves: a map that is read without a lock and replaced when
//! partitions come or go.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ottla_model::Uuid;
use ottla_partition::{Partition, PartitionId};

type Map = rpds::HashTrieMapSync<PartitionId, Arc<Partition>>;

/// The registry. Only the metadata thread changes it.
#[derive(Default)]
pub(crate) struct Partitions {
    map: ArcSwap<Map>,
}

impl Partitions {
    /// One partition.
    pub(crate) fn get(&self, topic: Uuid, partition: i32) -> Option<Arc<Partition>> {
        self.map.load().get(&PartitionId { topic, partition }).cloned()
    }

    /// All of them, as they are in this moment.
    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        self.map.load().values().cloned().collect()
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.map.load().size()
    }

    /// Partitions that come.
    pub(crate) fn insert(&self, partitions: impl IntoIterator<Item = Arc<Partition>>) {
        let mut map = Map::clone(&self.map.load());
        for partition in partitions {
            map.insert_mut(partition.id(), partition);
        }
        self.map.store(Arc::new(map));
    }

    /// Partitions that go.
    pub(crate) fn remove(&self, partitions: impl IntoIterator<Item = PartitionId>) {
        let mut map = Map::clone(&self.map.load());
        for partition in partitions {
            map.remove_mut(&partition);
        }
        self.map.store(Arc::new(map));
    }
}
