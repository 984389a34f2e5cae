//! Bugs that are planted around the shard, to see that the checker finds them.

use ottla_group::{Ask, Change, Replies, Reply, Request, Shard};
use ottla_machine::Outcome;
use ottla_wire::ConsumerOffsetsKey;

use crate::stand::Entry;

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The leader's assignment is answered and not in the log.
    UnloggedAssignment,
    /// A commit of an old generation is taken for one of the present.
    OldGeneration,
    /// Two members are told the same assignment.
    TwoOwners,
    /// Loading passes over the last offset.
    LostOffset,
    /// The reply to a heartbeat is forgotten.
    Unanswered,
}

/// A bug and what it remembers.
pub(crate) struct Plant {
    bug: Bug,
    assignment: bytes::Bytes,
}

impl Plant {
    pub(crate) fn new(bug: Bug) -> Self {
        Self { bug, assignment: bytes::Bytes::new() }
    }

    /// Changes what is asked.
    pub(crate) fn before(&mut self, ask: &mut Ask, shard: &Shard) {
        if let (Bug::OldGeneration, Request::Commit(commit)) = (self.bug, &mut ask.request) {
            let group = shard.groups().find(|(id, _)| ***id == *commit.group_id);
            if let Some((_, ottla_group::Group::Classic(group))) = group
                && group.members.contains_key(&*commit.member_id)
            {
                commit.generation_id_or_member_epoch = group.generation;
            }
        }
    }

    /// Changes what is decided.
    pub(crate) fn after(&mut self, ask: &Ask, outcome: &mut Outcome<Change, Replies>) {
        match self.bug {
            Bug::UnloggedAssignment if matches!(ask.request, Request::Sync(_)) => {
                outcome.records.retain(|change| !is_of_group(change));
            }
            Bug::TwoOwners => {
                for (_, reply) in &mut outcome.reply.replies {
                    let Reply::Sync(sync) = reply else { continue };
                    if sync.error_code == 0 && self.assignment.is_empty() {
                        self.assignment = sync.assignment.clone();
                    } else if sync.error_code == 0 {
                        sync.assignment = std::mem::take(&mut self.assignment);
                    }
                }
            }
            Bug::Unanswered if matches!(ask.request, Request::Heartbeat(_)) => outcome.reply.replies.clear(),
            Bug::UnloggedAssignment | Bug::OldGeneration | Bug::LostOffset | Bug::Unanswered => {}
        }
    }

    /// Changes what is loaded.
    pub(crate) fn seen_at_load(&mut self, log: &[Entry]) -> Vec<Entry> {
        let mut log = log.to_vec();
        if self.bug == Bug::LostOffset
            && let Some(last) = log.iter().rposition(is_offset)
        {
            log.remove(last);
        }
        log
    }
}

fn is_of_group(change: &Change) -> bool {
    matches!(change, Change::Append(record) if matches!(record.key, ConsumerOffsetsKey::GroupMetadata(_)))
}

fn is_offset(entry: &Entry) -> bool {
    matches!(entry, Entry::Record(record, _) if matches!(record.key, ConsumerOffsetsKey::OffsetCommit(_)) && record.value.is_some())
}
