//! What can be seen of a shard: lists and descriptions (ListGroups 16, DescribeGroups 15, ConsumerGroupDescribe 69).

use std::collections::BTreeSet;
use std::sync::Arc;

use ottla_metadata::Image;
use ottla_model::ErrorCode;
use ottla_wire::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use ottla_wire::messages::list_groups_response::ListedGroup;
use ottla_wire::messages::{consumer_group_describe_response, describe_groups_response};

use crate::Text;
use crate::settings::Settings;
use crate::state::Committed;
use crate::state::Group;
use crate::state::Shard;
use crate::state::classic::{ClassicGroup, Member, State};

/// Which groups a list is asked for. Empty filters let everything pass; what they name is compared without regard to
/// case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    states: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Filter {
    /// From a request.
    #[must_use]
    pub fn new<'a>(states: impl Iterator<Item = &'a str>, kinds: impl Iterator<Item = &'a str>) -> Self {
        let lower = |name: &str| name.trim().to_lowercase();
        Self { states: states.map(lower).collect(), kinds: kinds.map(lower).collect() }
    }

    fn passes(&self, group: &Group) -> bool {
        let named =
            |names: &BTreeSet<String>, name: &str| names.is_empty() || names.contains(&name.to_lowercase());
        named(&self.states, group.state()) && named(&self.kinds, group.kind())
    }
}

/// How many groups, members and offsets a shard has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the name of each is its meaning
pub struct Counts {
    pub groups: usize,
    pub members: usize,
    pub offsets: usize,
    pub deadlines: usize,
}

impl Shard {
    /// The groups that pass a filter.
    #[must_use]
    pub fn list(&self, filter: &Filter) -> Vec<ListedGroup> {
        let listed = |(id, group): (&Text, &Group)| ListedGroup {
            group_id: (&**id).into(),
            protocol_type: group.protocol_type().into(),
            group_state: group.state().into(),
            group_type: group.kind().into(),
        };
        self.groups.iter().filter(|(_, group)| filter.passes(group)).map(listed).collect()
    }

    /// A classic group; others are not found, which version 6 says with an error and earlier ones with the state.
    #[must_use]
    pub fn describe_classic(&self, id: &str, version: i16) -> DescribedGroup {
        let Some(Group::Classic(group)) = self.groups.get(id) else {
            let what = if self.groups.contains_key(id) { "is not a classic group" } else { "not found" };
            let found = version < 6;
            return DescribedGroup {
                group_id: id.into(),
                group_state: "Dead".into(),
                error_code: if found { ErrorCode::None } else { ErrorCode::GroupIdNotFound }.code(),
                error_message: (!found).then(|| format!("Group {id} {what}.").into()),
                ..Default::default()
            };
        };
        describe(id, group)
    }

    /// A consumer group; others are GROUP_ID_NOT_FOUND.
    #[must_use]
    pub fn describe_consumer(
        &self,
        id: &str,
        image: &Image,
        settings: &Settings,
    ) -> consumer_group_describe_response::DescribedGroup {
        if let Some(Group::Consumer(group)) = self.groups.get(id) {
            return group.describe(id, image, settings);
        }
        let what = if self.groups.contains_key(id) { "is not a consumer group" } else { "not found" };
        consumer_group_describe_response::DescribedGroup {
            group_id: id.into(),
            error_code: ErrorCode::GroupIdNotFound.code(),
            error_message: Some(format!("Group {id} {what}.").into()),
            ..Default::default()
        }
    }

    /// Every committed offset: group, topic, partition.
    pub fn offsets(&self) -> impl Iterator<Item = (&Text, &Text, i32, &Committed)> {
        self.offsets.iter()
    }

    /// Every group.
    pub fn groups(&self) -> impl Iterator<Item = (&Text, &Group)> {
        self.groups.iter()
    }

    /// How much there is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            groups: self.groups.len(),
            members: self.groups.values().map(Group::members).sum(),
            offsets: self.offsets.len(),
            deadlines: self.timers.len(),
        }
    }
}

fn describe(id: &str, group: &ClassicGroup) -> DescribedGroup {
    let protocol = group.protocol.as_deref().filter(|_| group.state == State::Stable);
    let member = |member: &Arc<Member>| DescribedGroupMember {
        member_id: (&*member.id).into(),
        group_instance_id: member.instance_id.as_deref().map(Into::into),
        client_id: (&*member.client.id).into(),
        client_host: (&*member.client.host).into(),
        member_metadata: protocol.and_then(|name| member.metadata(name)).cloned().unwrap_or_default(),
        member_assignment: member.assignment.clone(),
    };
    describe_groups_response::DescribedGroup {
        group_id: id.into(),
        group_state: group.state.name().into(),
        protocol_type: group.protocol_type.as_deref().unwrap_or_default().into(),
        protocol_data: protocol.unwrap_or_default().into(),
        members: group.members.values().map(member).collect(),
        ..Default::default()
    }
}
