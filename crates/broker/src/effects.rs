//! What happened to partitions, told to whoever waits, and to the coordinator that lives in one: the one way up from
//! the log.
//!
//! Handlers, the flush loop and the publisher hand the effects here after they have dropped every
//! lock. An effect carries new values, never differences, and the waits keep thresholds, so the
//! order in which effects arrive does not matter.

use std::sync::Arc;

use ottla_partition::Effect;

use crate::groups::Groups;
use crate::parked::{Mark, Parked};

/// Hands effects on.
pub(crate) struct Effects {
    parked: Arc<Parked>,
    groups: Arc<Groups>,
}

impl Effects {
    pub(crate) fn new(parked: Arc<Parked>, groups: Arc<Groups>) -> Self {
        Self { parked, groups }
    }

    /// Wakes what waits for these values.
    pub(crate) fn apply(&self, effects: &[Effect]) {
        for effect in effects {
            self.groups.effect(effect);
            if effect.failed {
                self.parked.gone(effect.partition);
                continue;
            }
            let marks = [
                (Mark::Acknowledged, effect.acknowledged_offset),
                (Mark::HighWatermark, effect.high_watermark),
                (Mark::LastStable, effect.last_stable_offset),
                (Mark::Durable, effect.durable_offset),
            ];
            self.parked.reached(effect.partition, marks);
        }
    }
}
