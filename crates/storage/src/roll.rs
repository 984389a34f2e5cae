//! Does this append need a new segment? A decision on numbers (Kafka `LogSegment.shouldRoll`).
//!
//! Making the segment is left to the log.

use ottla_config::LogSettings;
use ottla_model::{Millis, Offset};

use crate::index::relative_offset;

/// The active segment, as far as the question needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveSegment {
    /// Its base offset.
    pub base_offset: Offset,
    /// Bytes in its log file.
    pub size: u64,
    /// Largest timestamp of its first batch; `None` for an empty segment or a batch without.
    pub first_timestamp: Option<Millis>,
    /// Wall clock when it was made: its age when there is no first timestamp.
    pub created: Millis,
    /// The offset index or the time index takes no more entries.
    pub index_full: bool,
    /// Drawn once for this segment, below `segment.jitter.ms`: it rolls that much earlier.
    pub jitter_ms: i64,
}

/// What is to be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Bytes.
    pub size: u64,
    /// Largest timestamp.
    pub max_timestamp: Millis,
    /// Offset of the last record.
    pub last_offset: Offset,
}

/// Why a new segment is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollReason {
    /// `segment.bytes` would be exceeded.
    Size,
    /// `segment.ms` have passed: on the records' clock from the first batch on, else on ours.
    Age,
    /// `segment.index.bytes` are used up.
    Index,
    /// The last offset is more than 31 bits above the base offset.
    Offset,
}

/// Why the append goes into a new segment; `None` when it fits the active one. An empty segment is
/// rolled neither by age (nothing ages) nor by size (a new one would have no more room).
#[must_use]
pub fn roll(
    segment: &ActiveSegment,
    incoming: &Incoming,
    settings: &LogSettings,
    now: Millis,
) -> Option<RollReason> {
    let empty = segment.size == 0;
    let limit = u64::try_from(settings.segment_bytes).unwrap_or(0);
    if !empty && segment.size.saturating_add(incoming.size) > limit {
        return Some(RollReason::Size);
    }
    let age = match segment.first_timestamp.filter(|first| *first >= 0) {
        Some(first) => incoming.max_timestamp.saturating_sub(first),
        None => now.saturating_sub(segment.created),
    };
    if !empty && age > settings.segment_ms.saturating_sub(segment.jitter_ms) {
        return Some(RollReason::Age);
    }
    if segment.index_full {
        return Some(RollReason::Index);
    }
    relative_offset(segment.base_offset, incoming.last_offset).is_err().then_some(RollReason::Offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: ActiveSegment = ActiveSegment {
        base_offset: 100,
        size: 500,
        first_timestamp: Some(1_000),
        created: 0,
        index_full: false,
        jitter_ms: 0,
    };
    const INCOMING: Incoming = Incoming { size: 500, max_timestamp: 1_500, last_offset: 120 };

    fn settings() -> LogSettings {
        LogSettings { segment_bytes: 1_000, segment_ms: 500, ..LogSettings::default() }
    }

    #[test]
    fn a_segment_is_filled_to_the_byte() {
        assert_eq!(roll(&SEGMENT, &INCOMING, &settings(), 0), None);
        let one_more = Incoming { size: 501, ..INCOMING };
        assert_eq!(roll(&SEGMENT, &one_more, &settings(), 0), Some(RollReason::Size));
        let empty = ActiveSegment { size: 0, ..SEGMENT };
        assert_eq!(roll(&empty, &Incoming { size: 5_000, ..INCOMING }, &settings(), 0), None);
    }

    #[test]
    fn age_is_measured_on_the_clock_of_the_records() {
        let later = Incoming { max_timestamp: 1_501, ..INCOMING };
        assert_eq!(roll(&SEGMENT, &later, &settings(), 0), Some(RollReason::Age));
        assert_eq!(roll(&SEGMENT, &INCOMING, &settings(), 1_000_000), None);
        let jittered = ActiveSegment { jitter_ms: 1, ..SEGMENT };
        assert_eq!(roll(&jittered, &INCOMING, &settings(), 0), Some(RollReason::Age));
    }

    #[test]
    fn without_timestamps_age_is_measured_on_ours() {
        let silent = ActiveSegment { first_timestamp: Some(-1), created: 1_000, ..SEGMENT };
        assert_eq!(roll(&silent, &INCOMING, &settings(), 1_500), None);
        assert_eq!(roll(&silent, &INCOMING, &settings(), 1_501), Some(RollReason::Age));
    }

    #[test]
    fn an_empty_segment_does_not_age() {
        let empty = ActiveSegment { size: 0, first_timestamp: None, ..SEGMENT };
        assert_eq!(roll(&empty, &INCOMING, &settings(), 1_000_000), None);
    }

    #[test]
    fn full_indexes_and_far_offsets_roll() {
        let full = ActiveSegment { index_full: true, ..SEGMENT };
        assert_eq!(roll(&full, &INCOMING, &settings(), 0), Some(RollReason::Index));
        let last = Incoming { last_offset: 100 + i64::from(i32::MAX), ..INCOMING };
        assert_eq!(roll(&SEGMENT, &last, &settings(), 0), None);
        let beyond = Incoming { last_offset: last.last_offset + 1, ..INCOMING };
        assert_eq!(roll(&SEGMENT, &beyond, &settings(), 0), Some(RollReason::Offset));
    }
}
