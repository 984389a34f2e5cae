//! Names that are not rows: those that Kafka 4 took away, those that belong to a listener or a plugin,
//! and the nearest row to a name that nobody knows.

use crate::setting::Setting;
use crate::table;

/// Settings that Kafka 4 no longer has (`kafka.md` 5.7): name or beginning, and what to do.
const GONE: &[(&str, &str)] = &[
    ("zookeeper.", "the cluster keeps its metadata itself; remove the line"),
    ("password.encoder.", "passwords are no longer kept in ZooKeeper; remove the line"),
    ("inter.broker.protocol.version", "the metadata.version feature took its place; remove the line"),
    ("log.message.format.version", "there is one record format; remove the line"),
    ("message.format.version", "there is one record format; remove the line"),
    ("log.message.downconversion.enable", "old fetch versions are gone; remove the line"),
    ("message.downconversion.enable", "old fetch versions are gone; remove the line"),
    ("log.message.timestamp.difference.max.ms", "use log.message.timestamp.before.max.ms and .after.max.ms"),
    ("message.timestamp.difference.max.ms", "use message.timestamp.before.max.ms and .after.max.ms"),
    ("leader.imbalance.per.broker.percentage", "leaders are balanced whatever the share; remove the line"),
    ("offsets.commit.required.acks", "offsets are always committed with acks=all; remove the line"),
    ("reserved.broker.max.id", "give node.id; remove the line"),
    ("broker.id.generation.enable", "give node.id; remove the line"),
    ("control.plane.listener.name", "name the listener in controller.listener.names; remove the line"),
    ("delegation.token.master.key", "use delegation.token.secret.key"),
    ("log.cleaner.delete.retention.hours", "use log.cleaner.delete.retention.ms"),
];

/// Beginnings that belong to plugins or contexts; Kafka hands such names on unread.
const PASSED_ON: &[&str] =
    &["rsm.config.", "rlmm.config.", "metrics.context.", "metrics.jmx.", "config.providers."];

/// Read by Kafka's own authorizer, which has no definition of them (`StandardAuthorizer`).
const AUTHORIZER: &[&str] = &["super.users", "allow.everyone.if.no.acl.found"];

/// Dynamic in Kafka; here sockets are bound, threads and their bounds set and logs recovered once.
const BOUND_ONCE: &[&str] = &[
    "listeners",
    "listener.security.protocol.map",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
];

/// Whether a setting that changes while Kafka runs waits for a new start here.
pub fn is_bound_once(name: &str) -> bool {
    BOUND_ONCE.contains(&name)
}

/// What became of a name that Kafka 4 no longer has.
pub fn gone(name: &str) -> Option<&'static str> {
    let matches = |known: &str| if known.ends_with('.') { name.starts_with(known) } else { name == known };
    GONE.iter().find(|(known, _)| matches(known)).map(|(_, remedy)| *remedy)
}

/// Whether a name is no row of the table and still nothing to warn of.
pub fn is_passed_on(name: &str) -> bool {
    AUTHORIZER.contains(&name) || PASSED_ON.iter().any(|start| name.starts_with(start))
}

/// The broker setting that `listener.name.LISTENER.SETTING` sets for one listener, or
/// `listener.name.LISTENER.MECHANISM.SETTING` for one SASL mechanism of it (Kafka's `ListenerName.configPrefix`).
pub fn of_listener(name: &str) -> Option<&'static Setting> {
    let (_, rest) = name.strip_prefix("listener.name.")?.split_once('.')?;
    table::broker(rest).or_else(|| rest.split_once('.').and_then(|(_, setting)| table::broker(setting)))
}

/// The known broker setting that looks most like `name`, if one looks like it at all.
pub fn nearest(name: &str) -> Option<&'static str> {
    let (least, known) =
        table::broker_settings().map(|row| (distance(name, row.name), row.name)).min_by_key(|(d, _)| *d)?;
    (least <= 2 + name.len() / 8).then_some(known)
}

/// How many letters must be put in, taken out or replaced to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, left) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut last = above + 1;
        next.push(last);
        for (pair, right) in row.windows(2).zip(&b) {
            let &[diagonal, up] = pair else { continue };
            last = (last + 1).min(up + 1).min(diagonal + usize::from(left != *right));
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}
