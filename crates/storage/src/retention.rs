//! Which old segments go? A decision on numbers (Kafka `UnifiedLog.deleteOldSegments`).
//!
//! What goes is always a run of the oldest segments, whole ones, below the high watermark. The
//! rules are asked in Kafka's order, each of what the one before has left. Rolling, renaming and
//! moving the log start are left to the log.

use ottla_config::LogSettings;
use ottla_model::{Millis, Offset};

/// A segment, as far as the question needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFacts {
    /// Its base offset.
    pub base_offset: Offset,
    /// Bytes in its log file.
    pub size: u64,
    /// Its largest timestamp; where records have none, the file's last change.
    pub largest_timestamp: Millis,
}

/// Where a log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Log start offset.
    pub log_start: Offset,
    /// Log end offset.
    pub log_end: Offset,
    /// High watermark: what is not below it stays.
    pub high_watermark: Offset,
}

/// Why a segment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionReason {
    /// The log starts after it (DeleteRecords).
    LogStart,
    /// `retention.bytes`.
    Size,
    /// `retention.ms`.
    Time,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Base offsets of the segments that go, oldest first, each with the reason.
    pub delete: Vec<(Offset, RetentionReason)>,
    /// The active segment is among them: a new one has to be rolled first.
    pub roll: bool,
}

/// Decides for a log with these segments, oldest first, the last one active.
#[must_use]
pub fn retention(
    segments: &[SegmentFacts],
    log: &Standing,
    settings: &LogSettings,
    now: Millis,
) -> Retention {
    let mut pass = Pass { segments, log, gone: Vec::new() };
    pass.delete_while(RetentionReason::LogStart, |_, next| next.is_some_and(|next| next <= log.log_start));
    if settings.cleanup_policy.delete {
        if let Ok(limit) = u64::try_from(settings.retention_bytes) {
            let size: u64 = pass.left().iter().map(|segment| segment.size).sum();
            // Only segments without which the limit is still reached.
            let mut surplus = size.saturating_sub(limit);
            let reached = size >= limit;
            pass.delete_while(RetentionReason::Size, |segment, _| {
                let goes = reached && surplus >= segment.size;
                surplus = surplus.saturating_sub(segment.size);
                goes
            });
        }
        if settings.retention_ms >= 0 {
            pass.delete_while(RetentionReason::Time, |segment, _| {
                now.saturating_sub(segment.largest_timestamp) > settings.retention_ms
            });
        }
    }
    let roll = !segments.is_empty() && pass.gone.len() == segments.len();
    Retention { delete: pass.gone, roll }
}

struct Pass<'a> {
    segments: &'a [SegmentFacts],
    log: &'a Standing,
    gone: Vec<(Offset, RetentionReason)>,
}

impl<'a> Pass<'a> {
    fn left(&self) -> &'a [SegmentFacts] {
        self.segments.get(self.gone.len()..).unwrap_or_default()
    }

    /// Lets the oldest segments go as long as the rule, which is shown a segment and the base
    /// offset of the next, says so; never an empty active one, nor one not below the high watermark.
    fn delete_while(
        &mut self,
        reason: RetentionReason,
        mut rule: impl FnMut(&SegmentFacts, Option<Offset>) -> bool,
    ) {
        while let [segment, rest @ ..] = self.left() {
            let next = rest.first().map(|next| next.base_offset);
            let committed = self.log.high_watermark >= next.unwrap_or(self.log.log_end);
            let empty_active = next.is_none() && segment.size == 0;
            if !committed || empty_active || !rule(segment, next) {
                return;
            }
            self.gone.push((segment.base_offset, reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RetentionReason::{LogStart, Size, Time};
    use ottla_config::CleanupPolicy;
    use proptest::prelude::*;

    const LOG: Standing = Standing { log_start: 0, log_end: 40, high_watermark: 40 };

    /// Four segments of ten offsets and 100 bytes; the n-th has timestamps up to 100 n.
    fn segments() -> Vec<SegmentFacts> {
        (0..4).map(|n| SegmentFacts { base_offset: n * 10, size: 100, largest_timestamp: n * 100 }).collect()
    }

    fn settings(retention_ms: i64, retention_bytes: i64) -> LogSettings {
        LogSettings { retention_ms, retention_bytes, ..LogSettings::default() }
    }

    #[test]
    fn whole_segments_go_while_the_limit_is_still_reached() {
        let delete = |bytes| retention(&segments(), &LOG, &settings(-1, bytes), 0).delete;
        assert_eq!(delete(-1), []);
        assert_eq!(delete(400), []);
        assert_eq!(delete(301), []);
        assert_eq!(delete(300), [(0, Size)]);
        assert_eq!(delete(199), [(0, Size), (10, Size)]);
    }

    #[test]
    fn what_is_older_than_the_limit_goes_in_order() {
        let delete = |now| retention(&segments(), &LOG, &settings(100, -1), now).delete;
        assert_eq!(delete(200), [(0, Time)]);
        assert_eq!(delete(201), [(0, Time), (10, Time)]);
    }

    #[test]
    fn a_timestamp_in_the_future_keeps_what_follows() {
        let mut segments = segments();
        segments[1].largest_timestamp = i64::MAX;
        assert_eq!(retention(&segments, &LOG, &settings(100, -1), 1_000).delete, [(0, Time)]);
    }

    #[test]
    fn the_active_segment_is_rolled_before_it_goes_but_not_an_empty_one() {
        let all = retention(&segments(), &LOG, &settings(0, -1), 10_000);
        assert_eq!((all.delete.len(), all.roll), (4, true));
        let mut segments = segments();
        segments[3].size = 0;
        let most = retention(&segments, &LOG, &settings(0, -1), 10_000);
        assert_eq!((most.delete.len(), most.roll), (3, false));
    }

    #[test]
    fn nothing_at_or_above_the_high_watermark_goes() {
        let log = Standing { high_watermark: 19, ..LOG };
        assert_eq!(retention(&segments(), &log, &settings(0, -1), 10_000).delete, [(0, Time)]);
    }

    #[test]
    fn without_the_delete_policy_only_the_log_start_counts() {
        let none = CleanupPolicy { delete: false, compact: true };
        let settings = LogSettings { cleanup_policy: none, ..settings(0, 0) };
        let log = Standing { log_start: 20, ..LOG };
        assert_eq!(retention(&segments(), &log, &settings, 10_000).delete, [(0, LogStart), (10, LogStart)]);
    }

    #[test]
    fn each_rule_sees_what_the_one_before_has_left() {
        let log = Standing { log_start: 15, ..LOG };
        let delete = retention(&segments(), &log, &settings(150, 200), 351).delete;
        assert_eq!(delete, [(0, LogStart), (10, Size), (20, Time)]);
    }

    proptest! {
        #[test]
        fn what_goes_is_a_run_of_the_oldest(
            sizes in proptest::collection::vec((0_u64..300, 0_i64..1_000), 0..8),
            retention_ms in -1_i64..1_000, retention_bytes in -1_i64..1_500, now in 0_i64..2_000,
            log_start in 0_i64..80, high_watermark in 0_i64..80,
        ) {
            let segments: Vec<_> = (0..).zip(sizes).map(|(n, (size, largest_timestamp))| {
                SegmentFacts { base_offset: n * 10, size, largest_timestamp }
            }).collect();
            let log_end = 10 * i64::try_from(segments.len()).unwrap();
            let log = Standing { log_start, log_end, high_watermark: high_watermark.min(log_end) };
            let plan = retention(&segments, &log, &settings(retention_ms, retention_bytes), now);
            let bases: Vec<_> = plan.delete.iter().map(|(base, _)| *base).collect();
            let oldest: Vec<_> = segments.iter().take(bases.len()).map(|segment| segment.base_offset).collect();
            prop_assert_eq!(&bases, &oldest);
            prop_assert!(bases.last().is_none_or(|last| last + 10 <= log.high_watermark));
            prop_assert_eq!(plan.roll, !segments.is_empty() && bases.len() == segments.len());
        }
    }
}
