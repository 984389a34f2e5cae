//! What a decision may know besides the image and the request.

use ottla_config::BrokerConfig;
use ottla_model::{NodeId, Offset};

/// The controller's surroundings at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Where the next record will stand: a new broker's epoch.
    pub next_offset: Offset,
    /// This controller.
    pub node_id: NodeId,
    /// The level of `kraft.version`, which the quorum keeps and no image.
    pub kraft_version: i16,
    /// This node's settings as given: what stands behind the dynamic ones.
    pub config: &'a BrokerConfig,
}
