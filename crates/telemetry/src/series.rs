//! What one client has sent, as `/metrics` shows it: gauges with a name, labels and a value.
//!
//! Invariant: names and labels are of the format's alphabet and bounded in length, whatever a client writes. A sum
//! that is sent as a difference is added up; a series that three pushes did not name goes.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::otlp::{Sample, Samples};

/// Pushes without a series after which it goes.
const KEPT_PUSHES: u64 = 3;

#[derive(Clone, Copy, Debug)]
struct Value {
    number: f64,
    push: u64,
}

/// The series of one client, by name and labels.
#[derive(Debug, Default)]
pub(crate) struct Series {
    values: BTreeMap<(String, String), Value>,
    pushes: u64,
}

impl Series {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Takes a push; at most `room` series are kept. Answers how many were left out.
    pub(crate) fn take(&mut self, samples: Samples, room: usize) -> usize {
        let Samples { samples, mut left_out } = samples;
        self.pushes += 1;
        let push = self.pushes;
        // Those about to go make room for those that come.
        self.values.retain(|_, value| push - value.push < KEPT_PUSHES);
        for Sample { name, labels, number, is_difference } in samples {
            let key = (name, labels);
            let known = self.values.get(&key).map(|value| value.number);
            if known.is_none() && self.values.len() >= room {
                left_out += 1;
                continue;
            }
            let number = match is_difference {
                // One difference that is no number must not spoil the sum for good.
                true if number.is_finite() => known.unwrap_or_default() + number,
                true => known.unwrap_or_default(),
                false => number,
            };
            self.values.insert(key, Value { number, push });
        }
        left_out
    }

    /// Name, labels and value of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str, f64)> {
        self.values.iter().map(|((name, labels), value)| (name.as_str(), labels.as_str(), value.number))
    }
}

/// Writes all series of one name.
pub(crate) fn write_family(name: &str, family: &[(&str, f64)], text: &mut String) -> fmt::Result {
    writeln!(text, "# HELP {name} Sent by clients\n# TYPE {name} gauge")?;
    for (labels, number) in family {
        match *number {
            number if number.is_nan() => writeln!(text, "{name}{{{labels}}} NaN")?,
            f64::INFINITY => writeln!(text, "{name}{{{labels}}} +Inf")?,
            f64::NEG_INFINITY => writeln!(text, "{name}{{{labels}}} -Inf")?,
            number => writeln!(text, "{name}{{{labels}}} {number:?}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(all: &[(&str, f64, bool)]) -> Samples {
        let sample = |(name, number, is_difference): &(&str, f64, bool)| Sample {
            name: (*name).to_owned(),
            labels: String::new(),
            number: *number,
            is_difference: *is_difference,
        };
        Samples { samples: all.iter().map(sample).collect(), left_out: 0 }
    }

    fn values(series: &Series) -> Vec<(&str, f64)> {
        series.iter().map(|(name, _, number)| (name, number)).collect()
    }

    #[test]
    fn differences_add_up_and_levels_replace() {
        let mut series = Series::default();
        for _ in 0..3 {
            series.take(samples(&[("level", 2.0, false), ("sum", 2.0, true)]), 10);
        }
        series.take(samples(&[("sum", f64::NAN, true), ("sum", f64::INFINITY, true)]), 10);
        assert_eq!(values(&series), [("level", 2.0), ("sum", 6.0)]);
    }

    #[test]
    fn what_is_not_sent_any_more_goes() {
        let mut series = Series::default();
        series.take(samples(&[("a", 1.0, false)]), 10);
        for _ in 0..2 {
            series.take(samples(&[("b", 1.0, false)]), 10);
        }
        assert_eq!(values(&series), [("a", 1.0), ("b", 1.0)]);
        series.take(samples(&[("b", 1.0, false)]), 10);
        assert_eq!(values(&series), [("b", 1.0)]);
    }

    #[test]
    fn more_than_the_room_is_left_out_and_what_is_known_goes_on() {
        let mut series = Series::default();
        assert_eq!(series.take(samples(&[("a", 1.0, false), ("b", 1.0, false), ("c", 1.0, false)]), 2), 1);
        assert_eq!(series.take(samples(&[("d", 1.0, false), ("b", 5.0, false)]), 2), 1);
        assert_eq!(values(&series), [("a", 1.0), ("b", 5.0)]);
    }

    #[test]
    fn numbers_are_written_as_the_format_wants_them() {
        let mut text = String::new();
        let family = [("", f64::NAN), ("", f64::INFINITY), ("", f64::NEG_INFINITY), ("x=\"y\"", 1e300)];
        write_family("n", &family, &mut text).expect("a string");
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines, ["n{} NaN", "n{} +Inf", "n{} -Inf", "n{x=\"y\"} 1e300"]);
    }
}
