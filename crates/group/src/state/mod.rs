//! The state of one partition of `__consumer_offsets`, as values: groups of each kind, offsets, deadlines. What decides
//! about them stands in the rooms around.

pub mod classic;
pub mod consumer;
mod group;
pub mod member;
mod offsets;

use std::collections::BTreeMap;

pub use group::{ForeignGroup, ForeignKind, Group};
pub use offsets::Committed;
pub(crate) use offsets::Offsets;

use crate::Text;
use crate::timers::Timers;

/// Groups and offsets of one partition of `__consumer_offsets`.
#[derive(Clone, Debug, Default)]
pub struct Shard {
    /// By id.
    pub(crate) groups: BTreeMap<Text, Group>,
    pub(crate) offsets: Offsets,
    pub(crate) timers: Timers,
}
