//! OffsetFetch (9).

use std::collections::BTreeSet;

use ottla_metadata::Image;
use ottla_model::{ErrorCode, Uuid};
use ottla_wire::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use ottla_wire::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};

use super::Committed;
use crate::state::Group;
use crate::state::Shard;

impl Shard {
    /// The offsets of one group: those asked for, or all. With `require_stable` an offset that a transaction may
    /// still change is UNSTABLE_OFFSET_COMMIT. Ids are resolved to names by the caller. An offset of an earlier topic of
    /// the same name does not count. What is asked for twice is answered once.
    #[must_use]
    pub fn fetch_offsets(
        &self,
        request: &OffsetFetchRequestGroup,
        require_stable: bool,
        image: &Image,
    ) -> OffsetFetchResponseGroup {
        let id = &*request.group_id;
        let mut response =
            OffsetFetchResponseGroup { group_id: request.group_id.clone(), ..Default::default() };
        let known = match self.admits_fetch(request) {
            Ok(known) => known,
            Err(code) => {
                response.error_code = code.code();
                return response;
            }
        };
        let unstable =
            |topic: &str, partition| require_stable && self.offsets.is_pending(id, topic, partition);
        let answer = |topic: &str, partition: i32, committed: Option<&Committed>| match committed {
            _ if unstable(topic, partition) => nothing(partition, ErrorCode::UnstableOffsetCommit),
            Some(committed) => found(partition, committed),
            None => nothing(partition, ErrorCode::None),
        };
        let Some(asked) = &request.topics else {
            let all = self.offsets.of_group(id).filter(|_| known).map(|(topic, partitions)| {
                let present = image.topics.id_of(topic).unwrap_or_default();
                let of_present = partitions.iter().filter(|(_, at)| same_topic(at.topic_id, present));
                let partitions = of_present.map(|(number, at)| answer(topic, *number, Some(at)));
                let partitions = partitions.collect();
                OffsetFetchResponseTopics { name: (&**topic).into(), topic_id: Uuid::ZERO, partitions }
            });
            response.topics = all.collect();
            return response;
        };
        let mut seen = BTreeSet::new();
        let topics = asked.iter().map(|topic: &OffsetFetchRequestTopics| {
            let present = if topic.topic_id.is_zero() {
                image.topics.id_of(&topic.name).unwrap_or_default()
            } else {
                topic.topic_id
            };
            let numbers =
                topic.partition_indexes.iter().filter(|number| seen.insert((&topic.name, **number)));
            let partitions = numbers.map(|number| {
                let committed = self.offsets.get(id, &topic.name, *number).filter(|_| known);
                answer(&topic.name, *number, committed.filter(|at| same_topic(at.topic_id, present)))
            });
            let partitions = partitions.collect();
            OffsetFetchResponseTopics { name: topic.name.clone(), topic_id: topic.topic_id, partitions }
        });
        response.topics = topics.collect();
        response
    }

    /// Whether the group is there; a member of a consumer group has to be the one it says.
    fn admits_fetch(&self, request: &OffsetFetchRequestGroup) -> Result<bool, ErrorCode> {
        match self.groups.get(&*request.group_id) {
            None | Some(Group::Foreign(_)) => Ok(false),
            Some(Group::Classic(_)) => Ok(true),
            Some(Group::Consumer(group)) => {
                group.admits_fetch(request.member_id.as_deref(), request.member_epoch).map(|()| true)
            }
        }
    }
}

/// An id that is not known fits any.
fn same_topic(committed: Uuid, asked: Uuid) -> bool {
    committed.is_zero() || asked.is_zero() || committed == asked
}

fn found(partition: i32, committed: &Committed) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index: partition,
        committed_offset: committed.offset,
        committed_leader_epoch: committed.leader_epoch,
        metadata: Some((&*committed.metadata).into()),
        error_code: ErrorCode::None.code(),
    }
}

fn nothing(partition: i32, code: ErrorCode) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index: partition,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some("".into()),
        error_code: code.code(),
    }
}
