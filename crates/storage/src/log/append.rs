//! Appending: as a leader, who assigns offsets, and as a follower, who takes them.
//!
//! ```text
//! check producers -> make room (roll) -> one write -> index -> visible -> producers, epochs
//! ```
//! Everything that can refuse comes before the write; a write that fails is taken back. The body of a batch is
//! never copied: patched headers and untouched bodies leave in one call. A batch that was appended before
//! (same producer, epoch, sequences) is answered with its old offsets and not written again.

use std::fmt;
use std::io::{self, IoSlice};

use ottla_model::{LeaderEpoch, Millis, Now, Offset};
use ottla_record::control::EndMarker;
use ottla_record::{
    BatchHeader, BatchView, CheckError, Checked, HEADER_LEN, Limits, Records, TimestampType, with_scratch,
};

use super::Log;
use crate::producer_state::{Duplicate, Marker, Origin, ProducerError, Update, Verdict};
use crate::roll::Incoming;
use crate::segment::{Found, WriteError};

/// A batch to append as leader.
#[derive(Clone, Copy, Debug)]
pub struct NewBatch<'a> {
    /// As it shall stand in the log, but for base offset and leader epoch, which the log fills in.
    pub header: BatchHeader,
    /// What follows the header; as long as the header says.
    pub body: &'a [u8],
    /// What a control batch says, when it ends a transaction.
    pub marker: Option<Marker>,
}

/// What an append has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Offset of the last record.
    pub last_offset: Offset,
    /// The log's end now.
    pub end_offset: Offset,
    /// The log's start.
    pub start_offset: Offset,
    /// Largest timestamp of the batches.
    pub max_timestamp: Millis,
    /// When the leader's clock is the records' (`LogAppendTime`); −1 otherwise.
    pub log_append_time: Millis,
    /// The batch was there already; nothing was written.
    pub duplicate: bool,
    /// Bytes written.
    pub bytes: u64,
}

/// Why nothing was appended.
#[derive(Debug)]
pub enum AppendError {
    /// The batches of one append do not fit into a segment.
    TooLarge {
        /// Bytes of the append.
        bytes: u64,
        /// `segment.bytes`.
        segment_bytes: u64,
    },
    /// The producer's epoch, sequence or transaction does not allow it.
    Producer(ProducerError),
    /// What a leader sent is damaged or out of order.
    Batch(CheckError),
    /// A header that does not fit its body, or no batch at all: a mistake of the caller.
    Malformed,
    /// The disk (or a quota, or the table of descriptors) is full; the log is as before and takes more when there is room.
    Full(io::Error),
    /// The disk failed: the log directory has to go offline.
    Storage(io::Error),
    /// The log has failed before and takes nothing any more.
    Offline,
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, segment_bytes } => {
                write!(f, "{bytes} bytes do not fit into a segment of {segment_bytes} bytes (segment.bytes)")
            }
            Self::Producer(error) => error.fmt(f),
            Self::Batch(error) => error.fmt(f),
            Self::Malformed => f.write_str("the header does not belong to the body, or there is no batch"),
            Self::Full(error) => write!(f, "no room, free some space or descriptors: {error}"),
            Self::Storage(error) => write!(f, "the disk failed, the log directory goes offline: {error}"),
            Self::Offline => f.write_str("the log directory is offline since an error of its disk"),
        }
    }
}

impl std::error::Error for AppendError {}

impl From<ProducerError> for AppendError {
    fn from(error: ProducerError) -> Self {
        Self::Producer(error)
    }
}

impl From<CheckError> for AppendError {
    fn from(error: CheckError) -> Self {
        Self::Batch(error)
    }
}

/// All batches of one append.
struct Coming {
    first_offset: Offset,
    last_offset: Offset,
    max_timestamp: Millis,
    bytes: u64,
}

/// `ENFILE` and `EMFILE`, which have no name in `std`; the same numbers on every Unix we know.
const TOO_MANY_FILES: [i32; 2] = [23, 24];

/// What is known before the write.
enum Decided {
    Write(Update),
    There(Duplicate),
}

impl Log {
    /// Appends batches at the end of the log, in the order given; all of them or none.
    pub fn append_as_leader(
        &mut self,
        batches: &[NewBatch<'_>],
        epoch: LeaderEpoch,
        origin: Origin,
        now: Now,
    ) -> Result<Appended, AppendError> {
        // One batch is what a produce request has: nothing is allocated for it.
        if let [only] = batches {
            let header = self.placed(only, epoch, self.end_offset)?;
            let head = header.write();
            let slices = &mut [IoSlice::new(&head), IoSlice::new(only.body)];
            return self.commit(&[found(&header)], &[only.marker], slices, origin, now);
        }
        let mut headers = Vec::with_capacity(batches.len());
        let mut next = self.end_offset;
        for batch in batches {
            let header = self.placed(batch, epoch, next)?;
            next = header.next_offset();
            headers.push(header);
        }
        let heads: Vec<[u8; HEADER_LEN]> = headers.iter().map(BatchHeader::write).collect();
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(batches.len() * 2);
        for (head, batch) in heads.iter().zip(batches) {
            slices.push(IoSlice::new(head));
            slices.push(IoSlice::new(batch.body));
        }
        let markers: Vec<Option<Marker>> = batches.iter().map(|batch| batch.marker).collect();
        let found: Vec<Found> = headers.iter().map(found).collect();
        self.commit(&found, &markers, &mut slices, origin, now)
    }

    /// Appends what a leader sent, offsets and epochs as they are; all of it or nothing. A cut-off last batch is left out; batches
    /// that end below the log's end are refused as out of order.
    pub fn append_as_follower(&mut self, bytes: &[u8], now: Now) -> Result<Appended, AppendError> {
        let mut batches = Vec::new();
        let mut markers = Vec::new();
        let mut next = self.end_offset;
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let batch = match Checked::first(rest) {
                Err(CheckError::Header(ottla_record::HeaderError::Incomplete { .. })) if taken > 0 => break,
                other => other?,
            };
            if batch.base_offset < next {
                return Err(CheckError::Order { found: batch.base_offset, expected: next }.into());
            }
            next = batch.last_offset.saturating_add(1);
            taken += batch.bytes.len();
            markers.push(marker_of(batch.bytes));
            batches.push(found_in(&batch));
        }
        let whole = bytes.get(..taken).unwrap_or_default();
        self.commit(&batches, &markers, &mut [IoSlice::new(whole)], Origin::Replication, now)
    }

    /// The header as it will stand in the log.
    fn placed(
        &self,
        batch: &NewBatch<'_>,
        epoch: LeaderEpoch,
        offset: Offset,
    ) -> Result<BatchHeader, AppendError> {
        let mut header = batch.header;
        header.base_offset = offset;
        header.partition_leader_epoch = epoch;
        let fits = header.size_in_bytes() == HEADER_LEN + batch.body.len() && header.last_offset_delta >= 0;
        if fits && header.next_offset() < Offset::MAX { Ok(header) } else { Err(AppendError::Malformed) }
    }

    /// The one way into the log: `slices` are exactly the bytes of `batches`.
    fn commit(
        &mut self,
        batches: &[Found],
        markers: &[Option<Marker>],
        slices: &mut [IoSlice<'_>],
        origin: Origin,
        now: Now,
    ) -> Result<Appended, AppendError> {
        if self.failed {
            return Err(AppendError::Offline);
        }
        let coming = coming(batches).ok_or(AppendError::Malformed)?;
        let segment_bytes = self.segment_bytes();
        if coming.bytes > segment_bytes && origin != Origin::Replication {
            return Err(AppendError::TooLarge { bytes: coming.bytes, segment_bytes });
        }
        let update = match self.decide(batches, markers, origin)? {
            Decided::Write(update) => update,
            Decided::There(old) => return Ok(self.duplicate(batches, old)),
        };
        let incoming = Incoming {
            size: coming.bytes,
            max_timestamp: coming.max_timestamp,
            last_offset: coming.last_offset,
        };
        self.changed = true;
        self.make_room(coming.first_offset, &incoming, now).map_err(|error| self.disk_error(error))?;
        self.write(slices, &coming, now)?;
        self.index(batches);
        self.take_over(batches, update, &coming)?;
        Ok(Appended {
            base_offset: coming.first_offset,
            last_offset: coming.last_offset,
            end_offset: self.end_offset,
            start_offset: self.start_offset,
            max_timestamp: coming.max_timestamp,
            log_append_time: log_append_time(batches),
            duplicate: false,
            bytes: coming.bytes,
        })
    }

    fn decide(
        &self,
        batches: &[Found],
        markers: &[Option<Marker>],
        origin: Origin,
    ) -> Result<Decided, ProducerError> {
        let mut update = Update::default();
        for (batch, marker) in batches.iter().zip(markers) {
            let Some(header) = &batch.header else { continue };
            match self.producers.check(&mut update, header, *marker, origin)? {
                Verdict::Append => {}
                Verdict::Duplicate(old) => return Ok(Decided::There(old)),
            }
        }
        Ok(Decided::Write(update))
    }

    fn duplicate(&self, batches: &[Found], old: Duplicate) -> Appended {
        let log_append_time = if log_append_time(batches) >= 0 { old.timestamp } else { -1 };
        Appended {
            base_offset: old.base_offset,
            last_offset: old.last_offset,
            end_offset: self.end_offset,
            start_offset: self.start_offset,
            max_timestamp: old.timestamp,
            log_append_time,
            duplicate: true,
            bytes: 0,
        }
    }

    fn write(&mut self, slices: &mut [IoSlice<'_>], coming: &Coming, now: Now) -> Result<(), AppendError> {
        let active = self.active().clone();
        let segment_bytes = self.segment_bytes();
        self.tail.reserve.whole = self.settings.preallocate;
        match active.file() {
            Ok(file) => self.tail.reserve.ahead(&*file, active.size(), coming.bytes, segment_bytes, now.tick),
            Err(error) => return Err(self.disk_error(error)),
        }
        match active.write(slices) {
            Ok(()) => Ok(()),
            Err(WriteError::Undone(error)) => Err(self.disk_error(error)),
            Err(WriteError::Stuck(error)) => {
                self.failed = true;
                Err(AppendError::Storage(error))
            }
        }
    }

    /// Index entries for what was written. One that cannot be written is left out, or still waits in memory:
    /// look-ups are as right without it.
    fn index(&mut self, batches: &[Found]) {
        let active = self.segments.active();
        let mut position = active.size();
        for batch in batches {
            let placed = Found { position, ..*batch };
            let _left_out = self.tail.index(active.indexes(), &placed);
            position = placed.end();
        }
        active.indexes().set_max(self.tail.max());
    }

    /// The batches count from here on: visible to readers, known to producers, epochs and flush.
    fn take_over(&mut self, batches: &[Found], update: Update, coming: &Coming) -> Result<(), AppendError> {
        let active = self.active().clone();
        active.publish(coming.bytes);
        for batch in batches {
            let epoch = batch.header.map_or(-1, |header| header.partition_leader_epoch);
            if self.epochs.latest().is_none_or(|latest| epoch > latest.epoch) {
                self.epochs_unwritten |= self.epochs.assign(epoch, batch.base_offset);
            }
        }
        self.end_offset = coming.last_offset.saturating_add(1);
        self.flush.wrote(active.log(), self.end_offset);
        if update.is_empty() {
            self.producers.advance(self.end_offset);
            return Ok(());
        }
        for txn in self.producers.apply(update, self.end_offset) {
            // Without its entry readers would be shown aborted records: nothing may be served from here on.
            if let Err(error) = active.append_aborted(txn) {
                self.failed = true;
                return Err(AppendError::Storage(error));
            }
            self.flush.wrote(active.indexes().txn_file(), self.end_offset);
        }
        Ok(())
    }

    /// A full disk or table of descriptors can be waited for; any other error ends the log.
    fn disk_error(&mut self, error: io::Error) -> AppendError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                AppendError::Full(error)
            }
            _ if error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) => {
                AppendError::Full(error)
            }
            _ => {
                self.failed = true;
                AppendError::Storage(error)
            }
        }
    }
}

fn coming(batches: &[Found]) -> Option<Coming> {
    let (first, last) = (batches.first()?, batches.last()?);
    Some(Coming {
        first_offset: first.base_offset,
        last_offset: last.last_offset,
        max_timestamp: batches.iter().map(|batch| batch.max_timestamp).max().unwrap_or(-1),
        bytes: batches.iter().map(|batch| batch.size).sum(),
    })
}

fn log_append_time(batches: &[Found]) -> Millis {
    let header = batches.first().and_then(|batch| batch.header);
    header
        .filter(|header| header.timestamp_type() == TimestampType::LogAppendTime)
        .map_or(-1, |header| header.max_timestamp)
}

fn found(header: &BatchHeader) -> Found {
    Found {
        position: 0,
        size: u64::try_from(header.size_in_bytes()).unwrap_or(u64::MAX),
        base_offset: header.base_offset,
        last_offset: header.last_offset(),
        max_timestamp: header.max_timestamp,
        header: Some(*header),
    }
}

pub(super) fn found_in(batch: &Checked<'_>) -> Found {
    Found {
        position: 0,
        size: u64::try_from(batch.bytes.len()).unwrap_or(u64::MAX),
        base_offset: batch.base_offset,
        last_offset: batch.last_offset,
        max_timestamp: batch.max_timestamp,
        header: batch.header,
    }
}

/// What a control batch says, read again from its bytes; `None` for everything else.
pub(crate) fn marker_of(bytes: &[u8]) -> Option<Marker> {
    let view = BatchView::parse(bytes).ok()?;
    if !view.header().is_control() || !view.header().has_producer_id() {
        return None;
    }
    with_scratch(|scratch| {
        let mut records = Records::new(&view, Limits::for_body(bytes.len()), scratch).ok()?;
        let record = records.next_record().ok()??;
        let end = EndMarker::read(record.key?, record.value?)?;
        Some(Marker {
            abort: !end.commit,
            coordinator_epoch: end.coordinator_epoch,
            timestamp: record.timestamp,
            transaction_version: 0,
        })
    })
}
