//! What one group obeys: its own values over those of the broker.
//!
//! Only the consumer protocol's; what a group has for share and Streams is stored and shown. Invariant: a value is
//! within what the broker allows at this moment, whenever it was set (`GroupConfig.evaluate`).

use crate::broker_config::BrokerConfig;
use crate::given::ConfigMap;
use crate::group_bounds::Bounded;
use crate::reader::Reader;
use crate::table;
use crate::value::{self, Value};

/// The settings of one group: times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// Silence after which a member is taken out.
    pub consumer_session_timeout_ms: i32,
    /// Time between two heartbeats of a member.
    pub consumer_heartbeat_interval_ms: i32,
    /// Least time between two assignments; 0: none.
    pub consumer_assignment_interval_ms: i32,
}

impl GroupSettings {
    /// Of a group with `dynamic` as its own values, on a broker that runs with `broker` (changes made while
    /// running included). A stored value that its row does not take is passed over; one that the broker no longer allows
    /// is cut to what it allows.
    pub fn resolve(dynamic: &ConfigMap, broker: &BrokerConfig) -> Self {
        let reader = Reader::of(&broker.given);
        let own = |name: &str| {
            let row = table::group(name)?;
            let Ok(Value::Number(number)) = value::parse(row, dynamic.get(name)?) else { return None };
            let (least, most) = Bounded::of(name)?.range(&reader);
            i32::try_from(if number < least { least } else { number.min(most) }).ok()
        };
        let groups = &broker.groups;
        Self {
            consumer_session_timeout_ms: own("consumer.session.timeout.ms")
                .unwrap_or(groups.consumer_session_timeout_ms),
            consumer_heartbeat_interval_ms: own("consumer.heartbeat.interval.ms")
                .unwrap_or(groups.consumer_heartbeat_interval_ms),
            consumer_assignment_interval_ms: own("consumer.assignment.interval.ms")
                .unwrap_or(groups.consumer_assignment_interval_ms),
        }
    }
}
