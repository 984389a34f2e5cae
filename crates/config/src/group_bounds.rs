//! Which broker settings bound what: the broker's own value of a group setting and the value that a group has of
//! its own (`GroupCoordinatorConfig.checkConstraints`, `ShareGroupConfig.validate`, `GroupConfig.validateValues`).
//!
//! One row for each bounded setting. Invariant: every name in the table is a row of the settings table (a test
//! walks it).

use crate::given::{Given, Origin};
use crate::reader::Reader;

/// A setting of a group, the broker setting that stands behind it, and the broker settings that bound both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounded {
    pub(crate) group: &'static str,
    pub(crate) broker: &'static str,
    pub(crate) least: Option<&'static str>,
    pub(crate) most: Option<&'static str>,
}

const fn between(
    group: &'static str,
    broker: &'static str,
    least: &'static str,
    most: &'static str,
) -> Bounded {
    Bounded { group, broker, least: Some(least), most: Some(most) }
}

#[rustfmt::skip]
pub(crate) const BOUNDED: &[Bounded] = &[
    between("consumer.heartbeat.interval.ms", "group.consumer.heartbeat.interval.ms",
        "group.consumer.min.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"),
    between("consumer.session.timeout.ms", "group.consumer.session.timeout.ms",
        "group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"),
    between("consumer.assignment.interval.ms", "group.consumer.assignment.interval.ms",
        "group.consumer.min.assignment.interval.ms", "group.consumer.max.assignment.interval.ms"),
    between("share.heartbeat.interval.ms", "group.share.heartbeat.interval.ms",
        "group.share.min.heartbeat.interval.ms", "group.share.max.heartbeat.interval.ms"),
    between("share.session.timeout.ms", "group.share.session.timeout.ms",
        "group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"),
    between("share.record.lock.duration.ms", "group.share.record.lock.duration.ms",
        "group.share.min.record.lock.duration.ms", "group.share.max.record.lock.duration.ms"),
    between("share.delivery.count.limit", "group.share.delivery.count.limit",
        "group.share.min.delivery.count.limit", "group.share.max.delivery.count.limit"),
    between("share.partition.max.record.locks", "group.share.partition.max.record.locks",
        "group.share.min.partition.max.record.locks", "group.share.max.partition.max.record.locks"),
    between("share.assignment.interval.ms", "group.share.assignment.interval.ms",
        "group.share.min.assignment.interval.ms", "group.share.max.assignment.interval.ms"),
    between("streams.heartbeat.interval.ms", "group.streams.heartbeat.interval.ms",
        "group.streams.min.heartbeat.interval.ms", "group.streams.max.heartbeat.interval.ms"),
    between("streams.session.timeout.ms", "group.streams.session.timeout.ms",
        "group.streams.min.session.timeout.ms", "group.streams.max.session.timeout.ms"),
    between("streams.assignment.interval.ms", "group.streams.assignment.interval.ms",
        "group.streams.min.assignment.interval.ms", "group.streams.max.assignment.interval.ms"),
    Bounded { group: "streams.num.standby.replicas", broker: "group.streams.num.standby.replicas",
        least: None, most: Some("group.streams.max.standby.replicas") },
    Bounded { group: "streams.task.offset.interval.ms", broker: "group.streams.task.offset.interval.ms",
        least: Some("group.streams.min.task.offset.interval.ms"), most: None },
    Bounded { group: "streams.num.warmup.replicas", broker: "group.streams.num.warmup.replicas",
        least: None, most: Some("group.streams.max.warmup.replicas") },
];

/// A heartbeat interval and the session that must be longer: (session, heartbeat) of a group.
pub(crate) const SESSIONS: &[(&str, &str)] = &[
    ("consumer.session.timeout.ms", "consumer.heartbeat.interval.ms"),
    ("share.session.timeout.ms", "share.heartbeat.interval.ms"),
    ("streams.session.timeout.ms", "streams.heartbeat.interval.ms"),
];

impl Bounded {
    /// The row of a group's setting.
    pub(crate) fn of(group: &str) -> Option<&'static Self> {
        BOUNDED.iter().find(|row| row.group == group)
    }

    /// The least and the most that the broker allows now.
    pub(crate) fn range(&self, reader: &Reader<'_>) -> (i64, i64) {
        let least = self.least.map_or(i64::MIN, |name| reader.number(name));
        (least, self.most.map_or(i64::MAX, |name| reader.number(name)))
    }
}

/// These values with what changed while running cut to its bounds, which may have moved since
/// (`GroupCoordinatorConfig.clampDynamicConfigs`). What was given at the start stops the start instead.
pub(crate) fn clamped(mut given: Given) -> Given {
    let reader = Reader::of(&given);
    let cut = |bounded: &Bounded| {
        let (least, most) = bounded.range(&reader);
        let value = reader.number(bounded.broker);
        let changed = given.get(bounded.broker).is_some_and(|given| given.origin == Origin::Record);
        (changed && least <= most && !(least..=most).contains(&value))
            .then(|| (bounded.broker, value.clamp(least, most).to_string()))
    };
    let cuts: Vec<(&str, String)> = BOUNDED.iter().filter_map(cut).collect();
    for (name, text) in cuts {
        given.set(name, &text, Origin::Record);
    }
    given
}

/// Every bound that the broker's own values cross.
pub(crate) fn check_broker(reader: &mut Reader<'_>) {
    for bounded in BOUNDED {
        check_one(reader, bounded);
    }
    for (session, heartbeat) in SESSIONS {
        let (Some(session), Some(heartbeat)) = (Bounded::of(session), Bounded::of(heartbeat)) else {
            continue;
        };
        if reader.number(heartbeat.broker) >= reader.number(session.broker) {
            let (heartbeat, session) = (heartbeat.broker, session.broker);
            let text = format!("{heartbeat} must be less than {session}");
            reader.problem(if reader.given.has(heartbeat) { heartbeat } else { session }, text);
        }
    }
}

fn check_one(reader: &mut Reader<'_>, bounded: &Bounded) {
    let Bounded { group: _, broker, least, most } = *bounded;
    let (low, high) = bounded.range(reader);
    let value = reader.number(broker);
    let mut crossed = Vec::new();
    if let (Some(least), Some(most)) = (least, most)
        && low > high
    {
        crossed.push((most, format!("{most}={high} must be at least {least}={low}")));
    }
    if let Some(least) = least.filter(|_| value < low) {
        crossed.push((broker, format!("{broker}={value} must be at least {least}={low}")));
    }
    if let Some(most) = most.filter(|_| value > high) {
        crossed.push((broker, format!("{broker}={value} must be at most {most}={high}")));
    }
    for (name, text) in crossed {
        let names = [Some(name), least, most, Some(broker)];
        let given = names.into_iter().flatten().find(|name| reader.given.has(name));
        reader.problem(given.unwrap_or(name), text);
    }
}
