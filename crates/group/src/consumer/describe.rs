//! What can be seen of a consumer group (ConsumerGroupDescribe 69), and what its members may read and commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use ottla_metadata::Image;
use ottla_model::{ErrorCode, Uuid};
use ottla_wire::Str;
use ottla_wire::messages::OffsetCommitRequest;
use ottla_wire::messages::consumer_group_describe_response::{
    Assignment, DescribedGroup, Member as DescribedMember, TopicPartitions,
};

use crate::Text;
use crate::settings::Settings;
use crate::state::consumer::ConsumerGroup;
use crate::state::member::Member;

/// The first version of OffsetCommit that knows member epochs.
const COMMIT_WITH_EPOCH: i16 = 9;
/// `MemberType` of one that speaks the classic protocol.
const CLASSIC: i8 = 0;
/// `MemberType` of one that speaks the new protocol.
const CONSUMER: i8 = 1;

impl ConsumerGroup {
    /// The group as ConsumerGroupDescribe tells it; topics that are gone are left out.
    #[must_use]
    pub fn describe(&self, id: &str, image: &Image, settings: &Settings) -> DescribedGroup {
        let default = settings.assignors.first().map_or("", |assignor| assignor.name());
        DescribedGroup {
            group_id: id.into(),
            group_state: self.state_name().into(),
            group_epoch: self.epoch,
            assignment_epoch: self.target_epoch,
            assignor_name: self.preferred_assignor().map_or(default, |name| name).into(),
            members: self.members.values().map(|member| self.describe_member(member, image)).collect(),
            ..Default::default()
        }
    }

    fn describe_member(&self, member: &Arc<Member>, image: &Image) -> DescribedMember {
        let text = |text: &Text| Str::from(&**text);
        let target = self.target(&member.id);
        let target =
            target.iter().flat_map(|(topic, numbers)| numbers.iter().map(|number| (*topic, *number)));
        DescribedMember {
            member_id: text(&member.id),
            instance_id: member.instance_id.as_ref().map(text),
            rack_id: member.rack.as_ref().map(text),
            member_epoch: member.epoch,
            client_id: text(&member.client.id),
            client_host: text(&member.client.host),
            subscribed_topic_names: member.topics.iter().map(text).collect(),
            subscribed_topic_regex: member.pattern.as_ref().map(text),
            // It answers for what it has to give back until it has.
            assignment: named(member.holds(), image),
            target_assignment: named(target, image),
            member_type: if member.is_classic() { CLASSIC } else { CONSUMER },
        }
    }

    /// Whether a member may read committed offsets; an administrator, who names none, always may.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION.
    pub(crate) fn admits_fetch(&self, member: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        let Some(id) = member else {
            return if epoch < 0 { Ok(()) } else { Err(ErrorCode::UnknownMemberId) };
        };
        let member = self.members.get(id).ok_or(ErrorCode::UnknownMemberId)?;
        if member.epoch == epoch { Ok(()) } else { Err(stale(member)) }
    }

    /// Whether a commit may be stored: its epoch is the member's present one, or not older than the epoch in which
    /// the member got each of the partitions. Everybody may commit to an empty group.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION, UNSUPPORTED_VERSION.
    pub(crate) fn admits_commit(
        &self,
        member: &str,
        _instance: Option<&str>,
        epoch: i32,
        version: i16,
        request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        if epoch < 0 && self.is_empty() {
            return Ok(());
        }
        let member = self.members.get(member).ok_or(ErrorCode::UnknownMemberId)?;
        if !member.is_classic() && version < COMMIT_WITH_EPOCH {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if epoch == member.epoch {
            return Ok(());
        }
        let got = |topic: Uuid, partition: i32| {
            member.assignment_epoch(topic, partition).is_some_and(|since| epoch >= since)
        };
        let all_got = request.topics.iter().all(|topic| {
            topic.partitions.iter().all(|partition| got(topic.topic_id, partition.partition_index))
        });
        if epoch < member.epoch && all_got { Ok(()) } else { Err(stale(member)) }
    }
}

const fn stale(member: &Member) -> ErrorCode {
    if member.is_classic() { ErrorCode::IllegalGeneration } else { ErrorCode::StaleMemberEpoch }
}

fn named(partitions: impl Iterator<Item = (Uuid, i32)>, image: &Image) -> Assignment {
    let mut topic_partitions: Vec<TopicPartitions> = Vec::new();
    for (topic, partition) in partitions.collect::<BTreeSet<_>>() {
        let Some(known) = image.topics.get(topic) else { continue };
        match topic_partitions.last_mut().filter(|last| last.topic_id == topic) {
            Some(last) => last.partitions.push(partition),
            None => topic_partitions.push(TopicPartitions {
                topic_id: topic,
                topic_name: known.name.as_str().into(),
                partitions: vec![partition],
            }),
        }
    }
    Assignment { topic_partitions }
}
