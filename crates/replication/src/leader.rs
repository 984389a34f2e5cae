//! What a leader may tell the world, computed from what it knows of its in-sync replicas.

use ottla_model::Offset;

use crate::Acks;

/// When an acknowledgement waits for this node's disk (`ottla.ack.durable`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AckDurable {
    /// While this node is the only in-sync replica.
    #[default]
    Alone,
    /// Always.
    Always,
    /// Never: as Kafka, whose acknowledgement is in memory.
    Never,
}

/// A leader's partition at one moment. Always `durable_offset <= end_offset` and every follower's
/// end offset is at most the leader's.
#[derive(Clone, Copy, Debug)]
pub struct LeaderView<'a> {
    /// One past the last record appended here.
    pub end_offset: Offset,
    /// Everything below is on this node's disk.
    pub durable_offset: Offset,
    /// The end offsets of the in-sync replicas other than the leader.
    pub in_sync_followers: &'a [Offset],
    /// `min.insync.replicas` of the topic.
    pub min_insync_replicas: i32,
}

/// The in-sync replicas are fewer than the topic demands: NOT_ENOUGH_REPLICAS before an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotEnoughReplicas {
    /// How many are in sync, the leader included.
    pub in_sync: usize,
    /// `min.insync.replicas`.
    pub wanted: i32,
}

impl LeaderView<'_> {
    fn in_sync(&self) -> usize {
        self.in_sync_followers.len() + 1
    }

    fn enough_in_sync(&self) -> bool {
        i64::try_from(self.in_sync()).is_ok_and(|count| count >= i64::from(self.min_insync_replicas))
    }

    /// Whether a batch may be appended at all (`Partition.appendRecordsToLeader`).
    pub fn admits(&self, acks: Acks) -> Result<(), NotEnoughReplicas> {
        if acks == Acks::All && !self.enough_in_sync() {
            return Err(NotEnoughReplicas { in_sync: self.in_sync(), wanted: self.min_insync_replicas });
        }
        Ok(())
    }

    /// The high watermark after this moment, given the one before: it never goes back, and stands
    /// still while too few replicas are in sync (`Partition.maybeIncrementLeaderHW`).
    #[must_use]
    pub fn high_watermark(&self, before: Offset) -> Offset {
        if !self.enough_in_sync() {
            return before;
        }
        let lowest = self.in_sync_followers.iter().copied().fold(self.end_offset, Offset::min);
        before.max(lowest)
    }

    /// The offset below which appends are acknowledged: the high watermark, held back by this
    /// node's own disk where the answer rests on it.
    #[must_use]
    pub fn acknowledged_offset(&self, high_watermark: Offset, rule: AckDurable) -> Offset {
        let rests_on_this_disk = match rule {
            AckDurable::Always => true,
            AckDurable::Never => false,
            AckDurable::Alone => self.in_sync_followers.is_empty(),
        };
        if rests_on_this_disk { high_watermark.min(self.durable_offset) } else { high_watermark }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alone(end_offset: Offset, durable_offset: Offset) -> LeaderView<'static> {
        LeaderView { end_offset, durable_offset, in_sync_followers: &[], min_insync_replicas: 1 }
    }

    #[test]
    fn a_lone_replica_shows_at_once_and_acknowledges_when_durable() {
        let view = alone(10, 4);
        assert_eq!(view.high_watermark(0), 10);
        assert_eq!(view.acknowledged_offset(10, AckDurable::Alone), 4);
        assert_eq!(view.acknowledged_offset(10, AckDurable::Never), 10);
    }

    #[test]
    fn too_few_in_sync_refuse_acks_all_only_and_hold_the_high_watermark() {
        let view = LeaderView { min_insync_replicas: 2, ..alone(10, 10) };
        assert_eq!(view.admits(Acks::All), Err(NotEnoughReplicas { in_sync: 1, wanted: 2 }));
        assert_eq!(view.admits(Acks::Leader), Ok(()));
        assert_eq!(view.high_watermark(3), 3);
    }

    proptest! {
        #[test]
        fn the_high_watermark_never_passes_an_in_sync_replica_and_never_goes_back(
            end in 0..1000_i64, durable in 0..1000_i64, followers in prop::collection::vec(0..1000_i64, 0..4),
            before in 0..1000_i64, wanted in 0..5_i32,
        ) {
            let followers: Vec<_> = followers.into_iter().map(|offset| offset.min(end)).collect();
            let view = LeaderView {
                end_offset: end,
                durable_offset: durable.min(end),
                in_sync_followers: &followers,
                min_insync_replicas: wanted,
            };
            let after = view.high_watermark(before);
            prop_assert!(after >= before);
            prop_assert!(after == before || followers.iter().all(|follower| after <= *follower));
            for rule in [AckDurable::Alone, AckDurable::Always, AckDurable::Never] {
                prop_assert!(view.acknowledged_offset(after, rule) <= after);
            }
        }
    }
}
