//! The topics, by id and by name (Kafka's `TopicsImage`).

use ottla_model::{TopicName, Uuid};
use ottla_wire::messages::{PartitionChangeRecord, PartitionRecord, TopicRecord};

use crate::error::ReplayError;
use crate::partition::Partition;
use crate::parts::{Map, Text};

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: TopicName,
    /// Its id, unique for ever.
    pub id: Uuid,
    /// Its partitions, by number.
    pub partitions: Map<i32, Partition>,
}

/// All topics. Each stands in both maps or in neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topics {
    by_id: Map<Uuid, Topic>,
    by_name: Map<TopicName, Uuid>,
    /// For names with `.` or `_`: the name with each `.` as `_`, and who has it, sorted. Metrics cannot tell these apart.
    folded: Map<Text, Vec<TopicName>>,
    partitions: usize,
}

impl Topics {
    /// The topic of an id.
    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<&Topic> {
        self.by_id.get(&id)
    }

    /// The topic of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Topic> {
        self.by_id.get(self.by_name.get(name)?)
    }

    /// The id of a name.
    #[must_use]
    pub fn id_of(&self, name: &str) -> Option<Uuid> {
        self.by_name.get(name).copied()
    }

    /// One partition.
    #[must_use]
    pub fn partition(&self, id: Uuid, partition: i32) -> Option<&Partition> {
        self.get(id)?.partitions.get(&partition)
    }

    /// All topics, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.by_id.values()
    }

    /// All topics, by name.
    pub fn iter_by_name(&self) -> impl Iterator<Item = &Topic> {
        self.by_name.values().filter_map(|id| self.by_id.get(id))
    }

    /// How many topics.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.size()
    }

    /// Whether there is no topic.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many partitions of all topics together.
    #[must_use]
    pub const fn partition_count(&self) -> usize {
        self.partitions
    }

    /// Another topic whose name differs from this one only in `.` and `_` (Kafka's `Topic.hasCollision`).
    #[must_use]
    pub fn colliding(&self, name: &str) -> Option<&TopicName> {
        let holders = self.folded.get(&*fold(name))?;
        holders.iter().find(|holder| holder.as_str() != name)
    }

    pub(crate) fn create(&mut self, record: &TopicRecord) -> Result<(), ReplayError> {
        let name = TopicName::new(&record.name).map_err(ReplayError::TopicName)?;
        if self.by_name.contains_key(&name) {
            return Err(ReplayError::DuplicateTopic(name.to_string()));
        }
        if self.by_id.contains_key(&record.topic_id) {
            return Err(ReplayError::DuplicateTopicId(record.topic_id));
        }
        self.by_name.insert_mut(name.clone(), record.topic_id);
        if has_folding_character(name.as_str()) {
            let folded = fold(name.as_str());
            let mut holders = self.folded.get(&folded).cloned().unwrap_or_default();
            holders.push(name.clone());
            holders.sort();
            self.folded.insert_mut(folded, holders);
        }
        let topic = Topic { name, id: record.topic_id, partitions: Map::default() };
        self.by_id.insert_mut(record.topic_id, topic);
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: Uuid) -> Result<Topic, ReplayError> {
        let topic = self.by_id.get(&id).cloned().ok_or(ReplayError::UnknownTopicId(id))?;
        self.by_id.remove_mut(&id);
        self.by_name.remove_mut(&topic.name);
        self.partitions = self.partitions.saturating_sub(topic.partitions.size());
        if has_folding_character(topic.name.as_str()) {
            let folded = fold(topic.name.as_str());
            let mut holders = self.folded.get(&folded).cloned().unwrap_or_default();
            holders.retain(|holder| *holder != topic.name);
            if holders.is_empty() {
                self.folded.remove_mut(&folded);
            } else {
                self.folded.insert_mut(folded, holders);
            }
        }
        Ok(topic)
    }

    pub(crate) fn set_partition(&mut self, record: &PartitionRecord) -> Result<(), ReplayError> {
        let topic =
            self.by_id.get_mut(&record.topic_id).ok_or(ReplayError::UnknownTopicId(record.topic_id))?;
        let before = topic.partitions.size();
        topic.partitions.insert_mut(record.partition_id, Partition::from_record(record)?);
        self.partitions += topic.partitions.size() - before;
        Ok(())
    }

    pub(crate) fn change_partition(&mut self, record: &PartitionChangeRecord) -> Result<(), ReplayError> {
        let PartitionChangeRecord { topic_id, partition_id, .. } = *record;
        let topic = self.by_id.get_mut(&topic_id).ok_or(ReplayError::UnknownTopicId(topic_id))?;
        let partition = topic
            .partitions
            .get_mut(&partition_id)
            .ok_or(ReplayError::UnknownPartition { topic: topic_id, partition: partition_id })?;
        *partition = partition.changed(record)?;
        Ok(())
    }

    /// Forgets the eligible leaders of a topic; gives the partitions that had some.
    pub(crate) fn clear_elr(&mut self, id: Uuid) -> Result<Vec<i32>, ReplayError> {
        let topic = self.by_id.get(&id).ok_or(ReplayError::UnknownTopicId(id))?;
        let cleared: Vec<(i32, Partition)> = topic
            .partitions
            .iter()
            .filter_map(|(number, partition)| Some((*number, partition.without_elr()?)))
            .collect();
        let numbers = cleared.iter().map(|(number, _)| *number).collect();
        if let Some(topic) = self.by_id.get_mut(&id) {
            for (number, partition) in cleared {
                topic.partitions.insert_mut(number, partition);
            }
        }
        Ok(numbers)
    }
}

fn has_folding_character(name: &str) -> bool {
    name.contains(['.', '_'])
}

fn fold(name: &str) -> Text {
    Text::from(name.replace('.', "_"))
}
