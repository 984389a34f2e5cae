//! What a decision may know besides the state and the request.

use std::sync::Arc;

use ottla_metadata::Image;
use ottla_model::{Now, Tick, Uuid};

use crate::settings::{ConsumerSettings, Settings};

/// A coordinator's surroundings at one moment.
#[derive(Clone, Debug)]
pub struct Context {
    /// The time.
    pub now: Now,
    /// The metadata of the cluster.
    pub image: Arc<Image>,
    /// The broker's settings.
    pub settings: Arc<Settings>,
    /// Drawn for this decision: the part of a member id that nobody can guess.
    pub fresh: Uuid,
}

impl Context {
    /// What a consumer group obeys: its own settings over the broker's.
    pub(crate) fn consumer_settings(&self, _group: &str) -> ConsumerSettings {
        self.settings.consumer
    }

    /// The moment so many milliseconds from now; negative counts as none.
    pub(crate) fn after_millis(&self, millis: i32) -> Tick {
        self.now.tick.plus_millis(u64::try_from(millis).unwrap_or(0))
    }
}
