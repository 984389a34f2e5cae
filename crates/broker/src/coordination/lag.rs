//! Groups as `/metrics` shows them: how many, in which states, and how far behind each is, in records and in seconds.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use ottla_env::disk::read_exact_at;
use ottla_model::{Millis, Offset};
use ottla_partition::{Isolation, Partition, ReadRequest};
use ottla_record::{BatchHeader, HEADER_LEN};

use crate::limits::{MAX_GROUP_LABEL, MAX_LAG_SERIES};
use crate::state::Broker;

/// One group's place in one partition.
struct Place {
    group: String,
    topic: String,
    partition: i32,
    committed: Offset,
}

/// Writes the series of all groups.
pub(crate) fn write_metrics(broker: &Broker, text: &mut String) -> fmt::Result {
    let mut states: BTreeMap<(&'static str, &'static str), i64> = BTreeMap::new();
    let (mut members, mut offsets) = (0_usize, 0_usize);
    let mut places = Vec::new();
    for shard in broker.groups.shards() {
        // A shard that is loading shows when it is loaded.
        let _ = shard.read(|shard| {
            for (_, group) in shard.groups() {
                *states.entry((group.kind(), group.state())).or_default() += 1;
            }
            let counts = shard.counts();
            members += counts.members;
            offsets += counts.offsets;
            for (group, topic, partition, committed) in shard.offsets() {
                // A name of that length is nobody's who looks at graphs.
                if places.len() < MAX_LAG_SERIES && group.len() <= MAX_GROUP_LABEL {
                    let (group, topic) = (group.to_string(), topic.to_string());
                    places.push(Place { group, topic, partition, committed: committed.offset });
                }
            }
        });
    }
    writeln!(text, "# HELP ottla_groups Groups by kind and state\n# TYPE ottla_groups gauge")?;
    for ((kind, state), count) in states {
        writeln!(text, "ottla_groups{{kind=\"{kind}\",state=\"{state}\"}} {count}")?;
    }
    let gauges = [
        ("ottla_group_members", "Members of all groups", members),
        ("ottla_group_offsets", "Committed offsets", offsets),
        (
            "ottla_group_requests_waiting",
            "Requests that wait for a group or its log",
            broker.groups.waiting(),
        ),
        (
            "ottla_group_lag_left_out",
            "Committed offsets whose lag is not shown, there are too many",
            offsets.saturating_sub(places.len()),
        ),
    ];
    for (name, help, value) in gauges {
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}")?;
    }
    write_lag(broker, &places, text)
}

fn write_lag(broker: &Broker, places: &[Place], text: &mut String) -> fmt::Result {
    let now = broker.clock.now().wall;
    let mut seconds = String::new();
    writeln!(text, "# HELP ottla_group_lag_records Records that a group has not committed")?;
    writeln!(text, "# TYPE ottla_group_lag_records gauge")?;
    for place in places {
        let Ok(partition) = broker.partition_by_name(&place.topic, place.partition) else { continue };
        let offsets = partition.offsets();
        let next = place.committed.max(offsets.start);
        let lag = offsets.high_watermark.saturating_sub(next).max(0);
        let labels = Labels(place);
        writeln!(text, "ottla_group_lag_records{{{labels}}} {lag}")?;
        let written = if lag == 0 { None } else { written_at(&partition, next) };
        let behind = written.map_or(0, |written| now.saturating_sub(written).max(0));
        writeln!(seconds, "ottla_group_lag_seconds{{{labels}}} {}.{:03}", behind / 1000, behind % 1000)?;
    }
    writeln!(text, "# HELP ottla_group_lag_seconds Age of the oldest batch that a group has not committed")?;
    writeln!(text, "# TYPE ottla_group_lag_seconds gauge")?;
    text.push_str(&seconds);
    Ok(())
}

/// When the batch at an offset was written, by its largest timestamp; `None` when it cannot be read.
fn written_at(partition: &Partition, offset: Offset) -> Option<Millis> {
    let request = ReadRequest {
        offset,
        max_bytes: 1,
        min_one: true,
        isolation: Isolation::Uncommitted,
        current_leader_epoch: -1,
        last_fetched_epoch: -1,
    };
    let read = partition.read(&request).ok()?;
    let region = read.regions.first()?;
    let mut head = [0; HEADER_LEN];
    read_exact_at(&*region.file, &mut head, region.position).ok()?;
    BatchHeader::parse(&head).ok().map(|header| header.max_timestamp)
}

/// The labels of a place, escaped as the format wants it.
struct Labels<'a>(&'a Place);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { group, topic, partition, committed: _ } = self.0;
        write!(f, "group=\"{}\",topic=\"{}\",partition=\"{partition}\"", escaped(group), escaped(topic))
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
