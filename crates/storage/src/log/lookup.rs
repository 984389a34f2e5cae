//! From a time to an offset (ListOffsets): first record at or after a timestamp, record with the
//! largest timestamp.
//!
//! The segment is chosen by its largest timestamp, the batch by the time index and a scan of headers, the record by
//! walking that one batch. Which answers a client may see (high watermark, isolation) is for `partition`.

use std::io;

use ottla_env::disk::read_exact_at;
use ottla_model::{Millis, Offset};
use ottla_record::{BatchView, Limits, first_at_or_after, with_scratch};

use super::view::{LogView, TimestampAt};
use crate::limits::MAX_BATCH_BYTES;
use crate::segment::{Found, Segment};

impl LogView {
    /// The first record whose timestamp is `target` or later and that lies at or after the start;
    /// `None` when all are earlier.
    pub fn offset_for_timestamp(&self, target: Millis) -> io::Result<Option<TimestampAt>> {
        for (place, segment) in self.segments.iter().enumerate() {
            if segment.max_timestamp()?.timestamp < target {
                continue;
            }
            let end = self.size_of(place, segment);
            let mut from = self.start_offset;
            // The batch that holds the start may have nothing at or after it: then the next one has.
            while let Some(batch) = segment.find_timestamp(target, from, end)? {
                if let Some(found) = record_at(segment, &batch, target, from)? {
                    return Ok(Some(found));
                }
                from = batch.last_offset.saturating_add(1);
            }
        }
        Ok(None)
    }

    /// The first record that has the largest timestamp of the log; `None` in an empty log.
    pub fn max_timestamp(&self) -> io::Result<Option<TimestampAt>> {
        let mut newest: Option<(&Segment, Millis, Offset, u64)> = None;
        for (place, segment) in self.segments.iter().enumerate() {
            let max = segment.max_timestamp()?;
            let later = newest.is_none_or(|(_, timestamp, _, _)| max.timestamp > timestamp);
            if later && max.timestamp >= 0 {
                newest = Some((segment, max.timestamp, max.offset, self.size_of(place, segment)));
            }
        }
        let Some((segment, timestamp, offset, end)) = newest else { return Ok(None) };
        match segment.find(offset, end)? {
            Some(batch) => record_at(segment, &batch, timestamp, self.start_offset),
            None => Ok(None),
        }
    }
}

/// The first record of a batch at or after `target` and offset `from`. Of formats 0 and 1 the
/// message itself.
fn record_at(
    segment: &Segment,
    batch: &Found,
    target: Millis,
    from: Offset,
) -> io::Result<Option<TimestampAt>> {
    let Some(header) = batch.header else {
        let offset = batch.base_offset;
        return Ok(Some(TimestampAt { timestamp: batch.max_timestamp, offset, leader_epoch: -1 }));
    };
    let size = usize::try_from(batch.size).ok().filter(|size| *size <= MAX_BATCH_BYTES);
    let mut bytes = vec![0; size.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?];
    read_exact_at(&*segment.file()?, &mut bytes, batch.position)?;
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    let view = BatchView::parse(&bytes).map_err(|error| invalid(error.to_string()))?;
    let limits = Limits::for_body(bytes.len());
    let found = with_scratch(|scratch| first_at_or_after(&view, target, from, limits, scratch));
    let found = found.map_err(|error| invalid(error.to_string()))?;
    let leader_epoch = header.partition_leader_epoch;
    Ok(found.map(|(offset, timestamp)| TimestampAt { timestamp, offset, leader_epoch }))
}
