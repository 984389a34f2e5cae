//! What clients have sent, as `/metrics` shows it: gauges with a name, labels and a value.
//!
//! Invariant: names and labels are of the format's alphabet and bounded in length, whatever a client writes. A sum
//! that is sent as a difference is added up; a series that three pushes did not name goes. Texts are shared, so that
//! a copy of all series to write takes no longer than their number.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use crate::otlp::{Sample, Samples};

/// Pushes without a series after which it goes.
const KEPT_PUSHES: u64 = 3;

#[derive(Clone, Copy, Debug)]
struct Value {
    number: f64,
    push: u64,
}

/// How much there is, or may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) series: usize,
    /// Of their names and labels.
    pub(crate) bytes: usize,
}

impl Amount {
    /// Of one series.
    fn of(name: &str, labels: &str) -> Self {
        Self { series: 1, bytes: name.len() + labels.len() }
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { series: self.series + other.series, bytes: self.bytes + other.bytes }
    }

    /// What is left when `other` is taken away.
    pub(crate) const fn minus(self, other: Self) -> Self {
        let series = self.series.saturating_sub(other.series);
        Self { series, bytes: self.bytes.saturating_sub(other.bytes) }
    }

    const fn fits(self, room: Self) -> bool {
        self.series <= room.series && self.bytes <= room.bytes
    }
}

/// The series of one client, by name and labels.
#[derive(Debug, Default)]
pub(crate) struct Series {
    values: BTreeMap<(Arc<str>, Arc<str>), Value>,
    /// Of `values`.
    amount: Amount,
    pushes: u64,
}

impl Series {
    pub(crate) const fn amount(&self) -> Amount {
        self.amount
    }

    /// Takes a push; what is kept fits in `room`. Answers how many were left out.
    pub(crate) fn take(&mut self, samples: Samples, room: Amount) -> usize {
        let Samples { samples, mut left_out } = samples;
        self.pushes += 1;
        let push = self.pushes;
        // Those about to go make room for those that come.
        let mut gone = Amount::default();
        self.values.retain(|(name, labels), value| {
            let stays = push - value.push < KEPT_PUSHES;
            if !stays {
                gone = gone.plus(Amount::of(name, labels));
            }
            stays
        });
        self.amount = self.amount.minus(gone);
        for Sample { name, labels, number, is_difference } in samples {
            let key = (name, labels);
            let known = self.values.get(&key).map(|value| value.number);
            if known.is_none() {
                let amount = self.amount.plus(Amount::of(&key.0, &key.1));
                if !amount.fits(room) {
                    left_out += 1;
                    continue;
                }
                self.amount = amount;
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

    /// Each as it is shown.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Shown> {
        self.values.iter().map(|((name, labels), value)| Shown {
            name: Arc::clone(name),
            labels: Arc::clone(labels),
            number: value.number,
        })
    }
}

/// One series to write.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) name: Arc<str>,
    pub(crate) labels: Arc<str>,
    pub(crate) number: f64,
}

/// Every client's series as they were at one time, to be written without holding anybody up.
#[derive(Clone, Debug, Default)]
pub struct Exposition(Vec<Shown>);

impl Exposition {
    pub(crate) fn with_capacity(series: usize) -> Self {
        Self(Vec::with_capacity(series))
    }

    pub(crate) fn add(&mut self, series: &Series) {
        self.0.extend(series.iter());
    }

    /// Writes every series, those of one name together.
    pub fn write(mut self, text: &mut String) -> fmt::Result {
        self.0.sort_by(|one, other| one.name.cmp(&other.name));
        self.0.chunk_by(|one, other| one.name == other.name).try_for_each(|family| write_family(family, text))
    }
}

/// Writes all series of one name.
fn write_family(family: &[Shown], text: &mut String) -> fmt::Result {
    if let Some(Shown { name, .. }) = family.first() {
        writeln!(text, "# HELP {name} Sent by clients\n# TYPE {name} gauge")?;
    }
    for Shown { name, labels, number } in family {
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
            name: (*name).into(),
            labels: "".into(),
            number: *number,
            is_difference: *is_difference,
        };
        Samples { samples: all.iter().map(sample).collect(), left_out: 0 }
    }

    fn room(series: usize) -> Amount {
        Amount { series, bytes: 1_000 }
    }

    fn values(series: &Series) -> Vec<(&str, f64)> {
        let kept: usize = series.values.keys().map(|(name, labels)| name.len() + labels.len()).sum();
        assert_eq!(series.amount(), Amount { series: series.values.len(), bytes: kept });
        series.values.iter().map(|((name, _), value)| (&**name, value.number)).collect()
    }

    #[test]
    fn differences_add_up_and_levels_replace() {
        let mut series = Series::default();
        for _ in 0..3 {
            series.take(samples(&[("level", 2.0, false), ("sum", 2.0, true)]), room(10));
        }
        series.take(samples(&[("sum", f64::NAN, true), ("sum", f64::INFINITY, true)]), room(10));
        assert_eq!(values(&series), [("level", 2.0), ("sum", 6.0)]);
    }

    #[test]
    fn what_is_not_sent_any_more_goes() {
        let mut series = Series::default();
        series.take(samples(&[("a", 1.0, false)]), room(10));
        for _ in 0..2 {
            series.take(samples(&[("b", 1.0, false)]), room(10));
        }
        assert_eq!(values(&series), [("a", 1.0), ("b", 1.0)]);
        series.take(samples(&[("b", 1.0, false)]), room(10));
        assert_eq!(values(&series), [("b", 1.0)]);
    }

    #[test]
    fn more_than_the_room_is_left_out_and_what_is_known_goes_on() {
        let mut series = Series::default();
        assert_eq!(
            series.take(samples(&[("a", 1.0, false), ("b", 1.0, false), ("c", 1.0, false)]), room(2)),
            1
        );
        assert_eq!(series.take(samples(&[("d", 1.0, false), ("b", 5.0, false)]), room(2)), 1);
        assert_eq!(values(&series), [("a", 1.0), ("b", 5.0)]);
    }

    #[test]
    fn names_and_labels_count_by_their_bytes() {
        let mut series = Series::default();
        let room = Amount { series: 10, bytes: 7 };
        let pushed = [("long", 1.0, false), ("longer", 1.0, false), ("abc", 1.0, false), ("d", 1.0, false)];
        assert_eq!(series.take(samples(&pushed), room), 2);
        assert_eq!(values(&series), [("abc", 1.0), ("long", 1.0)]);
        for _ in 0..3 {
            series.take(samples(&[("abc", 2.0, false)]), room);
        }
        assert_eq!(series.take(samples(&[("abcd", 1.0, false)]), room), 0);
        assert_eq!(values(&series), [("abc", 2.0), ("abcd", 1.0)]);
    }

    #[test]
    fn numbers_are_written_as_the_format_wants_them() {
        let mut text = String::new();
        let all = [("", f64::NAN), ("", f64::INFINITY), ("", f64::NEG_INFINITY), ("x=\"y\"", 1e300)];
        let shown = all.map(|(labels, number)| Shown { name: "n".into(), labels: labels.into(), number });
        Exposition(shown.into()).write(&mut text).expect("a string");
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines, ["n{} NaN", "n{} +Inf", "n{} -Inf", "n{x=\"y\"} 1e300"]);
    }
}
