//! What a leader asks of a produced batch (`LogValidator` and the part of `UnifiedLog` before it), and
//! what becomes of the batch.
//!
//! Every record is walked, compressed ones as they unfold; none is materialised. A batch that passes
//! leaves as a patched header and an untouched body, rebuilt only when the topic's codec is not the producer's. Its
//! offsets are for the log to assign ([`Produced::assign`]): they and the leader epoch are outside
//! the CRC. What needs the log's state (sequences, epochs, segment size) belongs to `storage`.

mod refusal;

pub use refusal::{RecordFault, Refusal, Rejected};

use crate::codec::Codec;
use crate::compression::{Limits, Scratch, Stream, compress, decompress};
use crate::header::{BatchHeader, Compression, Frame, HEADER_LEN, HeaderError, LENGTH_PREFIX, TimestampType};
use crate::input::{Input, RecordError, Slice, Unfolding};
use crate::limits;
use crate::view::{BatchView, crc_of};
use bytes::Bytes;
use ottla_model::{LeaderEpoch, Millis, NO_LEADER_EPOCH, Offset};

/// Who appends (`AppendOrigin`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A produce request: nothing is believed.
    #[default]
    Client,
    /// A coordinator of this broker: it may write control batches.
    Coordinator,
}

/// What a topic and a request ask of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Who appends.
    pub origin: Origin,
    /// `max.message.bytes`: of the whole batch, before and after recompression.
    pub max_message_bytes: usize,
    /// `compression.type`; `None` is `producer`: as it comes.
    pub codec: Option<Codec>,
    /// `cleanup.policy` holds `compact`: every record needs a key.
    pub compacted: bool,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub after_max_ms: i64,
    /// Produce version 7 or above.
    pub zstd_allowed: bool,
    /// `max.decompressed.message.bytes`: a batch may not unfold further, whatever its size allows.
    pub max_unfolded: u64,
    /// How far a compressed batch may unfold; `None`: by its size ([`Limits::for_body`]).
    pub limits: Option<Limits>,
}

impl Default for Rules {
    /// A client's batch for a topic with Kafka's defaults.
    fn default() -> Self {
        Self {
            origin: Origin::Client,
            max_message_bytes: 1_048_588,
            codec: None,
            compacted: false,
            timestamp_type: TimestampType::CreateTime,
            before_max_ms: i64::MAX,
            after_max_ms: 3_600_000,
            zstd_allowed: true,
            max_unfolded: u64::MAX,
            limits: None,
        }
    }
}

/// A batch that passed, ready to be given its offsets.
#[derive(Clone, Debug)]
pub struct Produced {
    /// As it will be written; base offset 0 and no leader epoch until [`Produced::assign`].
    pub header: BatchHeader,
    /// The records: a slice of what came, or rebuilt.
    pub body: Bytes,
    /// Records, at least 1 for a client's batch.
    pub count: i32,
    /// Of all records, or the time of the append; −1 when no record has one.
    pub max_timestamp: Millis,
    /// Which record, counted from 0, is the first with that timestamp.
    pub offset_delta_of_max_timestamp: i32,
    /// What the produce response tells as LogAppendTimeMs: `None` (−1) for create time.
    pub log_append_time: Option<Millis>,
    /// Bytes of the records before compression.
    pub unfolded: u64,
    /// The body was compressed anew.
    pub rebuilt: bool,
}

impl Produced {
    /// Gives the batch its place. The CRC stands: neither field is under it.
    pub const fn assign(&mut self, base_offset: Offset, leader_epoch: LeaderEpoch) {
        self.header.base_offset = base_offset;
        self.header.partition_leader_epoch = leader_epoch;
    }

    /// Bytes of the whole batch.
    #[must_use]
    pub const fn size(&self) -> usize {
        HEADER_LEN + self.body.len()
    }
}

/// Checks a partition's records of a produce request, and makes of them what is written.
///
/// `records` holds exactly one batch; `now` is the append time; whoever holds a 0-byte or null field
/// passes empty bytes.
///
/// Errors: [`Rejected`], with Kafka's code. Nothing is changed then.
pub fn validate(
    records: &Bytes,
    rules: &Rules,
    now: Millis,
    scratch: &mut Scratch,
) -> Result<Produced, Rejected> {
    let batch = only_batch(records)?;
    let header = *batch.header();
    let compression = check_header(&batch, rules)?;
    let limits = rules.limits.unwrap_or_else(|| Limits::for_body(batch.body().len()));
    let limits = Limits { unfolded: limits.unfolded.min(rules.max_unfolded), ..limits };
    let mut walker = Walker::new(&header, rules, now);
    let unfolded = match Stream::new(compression, batch.body(), limits, scratch) {
        Some(stream) => {
            let mut input = Unfolding::new(stream);
            walker.walk_all(&mut input)?;
            input.produced()
        }
        None => {
            walker.walk_all(&mut Slice::new(batch.body()))?;
            batch.body().len() as u64
        }
    };
    let found = walker.finish()?;
    let mut produced = Produced {
        header: BatchHeader { base_offset: 0, partition_leader_epoch: NO_LEADER_EPOCH, ..header },
        body: records.slice(HEADER_LEN..batch.bytes().len()),
        count: header.record_count,
        max_timestamp: found.max_timestamp,
        offset_delta_of_max_timestamp: found.index_of_max,
        log_append_time: None,
        unfolded,
        rebuilt: false,
    };
    if rules.timestamp_type == TimestampType::LogAppendTime {
        produced.max_timestamp = now;
        produced.offset_delta_of_max_timestamp = 0;
        produced.log_append_time = Some(now);
    }
    produced.header.max_timestamp = produced.max_timestamp;
    produced.header.set_timestamp_type(rules.timestamp_type);
    recompress(&mut produced, compression, rules, limits, scratch)?;
    if produced.rebuilt
        || produced.header.max_timestamp != header.max_timestamp
        || produced.header.attributes != header.attributes
    {
        produced.header.crc = crc_of(&produced.header, &produced.body);
    }
    Ok(produced)
}

/// The batch, when there is exactly one. What follows it without being a whole batch is dropped, as
/// Kafka drops it.
fn only_batch(records: &Bytes) -> Result<BatchView<'_>, Rejected> {
    let batch = BatchView::parse(records).map_err(Rejected::header)?;
    let rest = records.get(batch.bytes().len()..).unwrap_or_default();
    match Frame::parse(rest) {
        Err(HeaderError::Incomplete { .. }) => Ok(batch),
        Ok(next) if next.size > rest.len() => Ok(batch),
        Ok(_) => {
            Err(Rejected::invalid("a produce request must hold exactly one record batch for each partition"))
        }
        Err(error) => Err(Rejected::header(error)),
    }
}

/// What the header alone tells. The order is Kafka's.
fn check_header(batch: &BatchView<'_>, rules: &Rules) -> Result<Compression, Rejected> {
    let header = batch.header();
    let compression = header.compression().map_err(|id| {
        Rejected::new(Refusal::UnsupportedCompressionType, RecordError::Codec(id).to_string())
    })?;
    if compression == Compression::Zstd && !rules.zstd_allowed {
        let message = "zstd needs Produce version 7 or above: use a newer client or another compression.type";
        return Err(Rejected::new(Refusal::UnsupportedCompressionType, message.to_owned()));
    }
    let client = rules.origin == Origin::Client;
    if client && header.base_offset != 0 {
        return Err(Rejected::invalid(&format!("base offset must be 0, not {}", header.base_offset)));
    }
    check_size(batch.bytes().len(), rules)?;
    batch.check_crc().map_err(|error| Rejected::new(Refusal::CorruptMessage, error.to_string()))?;
    if client {
        check_client_fields(header)?;
    }
    Ok(compression)
}

fn check_size(size: usize, rules: &Rules) -> Result<(), Rejected> {
    if size <= rules.max_message_bytes {
        return Ok(());
    }
    let message =
        format!("the record batch has {size} bytes, max.message.bytes is {}", rules.max_message_bytes);
    Err(Rejected::new(Refusal::MessageTooLarge, message))
}

fn check_client_fields(header: &BatchHeader) -> Result<(), Rejected> {
    let count = header.record_count;
    if count <= 0 || header.last_offset_delta != count - 1 {
        let delta = header.last_offset_delta;
        return Err(Rejected::invalid(&format!(
            "record count {count} does not go with last offset delta {delta}"
        )));
    }
    if header.is_control() {
        return Err(Rejected::invalid("clients are not allowed to write control records"));
    }
    if header.has_producer_id() && (header.base_sequence < 0 || header.producer_epoch < 0) {
        let (id, epoch, sequence) = (header.producer_id, header.producer_epoch, header.base_sequence);
        return Err(Rejected::invalid(&format!(
            "producer id {id} needs an epoch and a sequence, not {epoch} and {sequence}"
        )));
    }
    if header.is_transactional() && !header.has_producer_id() {
        return Err(Rejected::invalid("a transactional batch needs a producer id"));
    }
    Ok(())
}

/// Compresses the body with the topic's codec when the producer used another. Control batches stay
/// uncompressed.
fn recompress(
    produced: &mut Produced,
    compression: Compression,
    rules: &Rules,
    limits: Limits,
    scratch: &mut Scratch,
) -> Result<(), Rejected> {
    let Some(codec) = rules.codec.filter(|codec| codec.compression() != compression) else { return Ok(()) };
    if produced.header.is_control() {
        return Ok(());
    }
    let unfolded = decompress(compression, &produced.body, limits, scratch)
        .map_err(|error| Rejected::records(RecordError::Decompress(error)))?;
    let mut body = Vec::new();
    compress(codec, &unfolded, &mut body)
        .map_err(|error| Rejected::new(Refusal::InvalidRecord, error.to_string()))?;
    check_size(HEADER_LEN + body.len(), rules)?;
    let length = HEADER_LEN - LENGTH_PREFIX + body.len();
    produced.header.batch_length = i32::try_from(length).unwrap_or(i32::MAX);
    produced.header.set_compression(codec.compression());
    produced.body = Bytes::from(body);
    produced.rebuilt = true;
    Ok(())
}

/// What the walk found.
struct Found {
    max_timestamp: Millis,
    index_of_max: i32,
}

/// Judges the records as they pass.
struct Walker<'a> {
    header: &'a BatchHeader,
    rules: &'a Rules,
    now: Millis,
    found: Found,
    faults: Vec<RecordFault>,
    fault_count: usize,
    bad_timestamp: bool,
}

impl<'a> Walker<'a> {
    const fn new(header: &'a BatchHeader, rules: &'a Rules, now: Millis) -> Self {
        let found = Found { max_timestamp: -1, index_of_max: 0 };
        Self { header, rules, now, found, faults: Vec::new(), fault_count: 0, bad_timestamp: false }
    }

    fn walk_all<I: Input>(&mut self, input: &mut I) -> Result<(), Rejected> {
        for index in 0..self.header.record_count {
            let record = input.record().map_err(Rejected::records)?;
            if record.offset_delta != index {
                let found = record.offset_delta;
                return Err(Rejected::invalid(&format!(
                    "record {index} has offset delta {found}: deltas must count from 0"
                )));
            }
            if self.rules.compacted && !record.has_key {
                self.fault(index, false, || "a compacted topic cannot take a record without key".to_owned());
            } else {
                self.judge_timestamp(index, record.timestamp_delta);
            }
        }
        if input.at_end().map_err(Rejected::records)? {
            Ok(())
        } else {
            Err(Rejected::records(RecordError::Trailing))
        }
    }

    #[inline]
    fn judge_timestamp(&mut self, index: i32, delta: i64) {
        let by_batch = self.header.timestamp_type() == TimestampType::LogAppendTime;
        if by_batch && self.rules.timestamp_type == TimestampType::LogAppendTime {
            self.fault(index, true, || {
                "a producer must not set the timestamp type to LogAppendTime".to_owned()
            });
            return;
        }
        // Where the topic's timestamps are the producer's, the bit says that all records have the batch's; it goes.
        let timestamp = if by_batch {
            Some(self.header.max_timestamp)
        } else {
            self.header.base_timestamp.checked_add(delta)
        };
        let Some(timestamp) = timestamp else {
            self.fault(index, true, || "the timestamp is out of range: it overflows 64 bits".to_owned());
            return;
        };
        let (now, rules) = (self.now, self.rules);
        if rules.timestamp_type == TimestampType::CreateTime
            && timestamp != -1
            && (now.saturating_sub(timestamp) > rules.before_max_ms
                || timestamp.saturating_sub(now) > rules.after_max_ms)
        {
            self.fault(index, true, || {
                let earliest = now.saturating_sub(rules.before_max_ms);
                let latest = now.saturating_add(rules.after_max_ms);
                format!("timestamp {timestamp} is out of range: it should be within [{earliest}, {latest}]")
            });
        } else if timestamp > self.found.max_timestamp {
            self.found = Found { max_timestamp: timestamp, index_of_max: index };
        }
    }

    #[cold]
    fn fault(&mut self, index: i32, timestamp: bool, message: impl FnOnce() -> String) {
        self.fault_count += 1;
        self.bad_timestamp |= timestamp;
        if self.faults.len() < limits::RECORD_ERRORS {
            self.faults.push(RecordFault { index, message: message() });
        }
    }

    fn finish(self) -> Result<Found, Rejected> {
        if self.fault_count == 0 {
            return Ok(self.found);
        }
        let refusal = if self.bad_timestamp { Refusal::InvalidTimestamp } else { Refusal::InvalidRecord };
        Err(Rejected::of_faults(refusal, self.fault_count, self.faults))
    }
}
