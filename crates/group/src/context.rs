//! What a decision may know besides the state and the request.

use std::sync::Arc;

use ottla_config::ConfigMap;
use ottla_metadata::{ConfigKind, ConfigResource, Image};
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
    pub(crate) fn consumer_settings(&self, group: &str) -> ConsumerSettings {
        let Some(broker) = &self.settings.broker else { return self.settings.consumer };
        let resource = ConfigResource { kind: ConfigKind::Group, name: group.into() };
        let Some(own) = self.image.configs.of(&resource) else { return self.settings.consumer };
        let own: ConfigMap = own.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        ConsumerSettings::resolve(&own, broker)
    }

    /// The moment so many milliseconds from now; negative counts as none.
    pub(crate) fn after_millis(&self, millis: i32) -> Tick {
        self.now.tick.plus_millis(u64::try_from(millis).unwrap_or(0))
    }
}
