//! The bytes of a `.snapshot` (Kafka `ProducerSnapshot` version 1).
//!
//! ```text
//!  0 i16 version = 1
//!  2 u32 CRC-32C of everything from byte 6 on
//!  6 i32 count, then for each producer 46 bytes:
//!        i64 producer id, i16 epoch, i32 last sequence, i64 last offset, i32 offset delta,
//!        i64 timestamp, i32 coordinator epoch, i64 first offset of the open transaction or −1
//! ```
//!
//! Of the window only the newest batch is kept; last offset −1 says that there is none. Written in
//! the order of producer ids.

use std::fmt;

use bytes::{Buf, BufMut};
use ottla_model::{NO_SEQUENCE, ProducerId};
use ottla_record::crc32c;

use super::ProducerState;
use super::entry::{AppendedBatch, ProducerEntry};

const VERSION: i16 = 1;
/// Version and CRC.
const CRC_END: usize = 6;
const HEADER: usize = 10;
const ENTRY: usize = 46;

/// Why bytes are no snapshot: the file is deleted and the one before is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotDamage {
    /// Not the length that the count asks for.
    Length,
    /// Not version 1.
    Version(i16),
    /// The checksum is another.
    Crc,
    /// The checksum is right but an entry cannot be: Kafka did not write it.
    Entry,
}

impl fmt::Display for SnapshotDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("the file is shorter or longer than its entries"),
            Self::Version(version) => write!(f, "version {version} is unknown"),
            Self::Crc => f.write_str("the checksum is wrong"),
            Self::Entry => f.write_str("an entry holds values that cannot be"),
        }
    }
}

impl std::error::Error for SnapshotDamage {}

/// The snapshot of a state.
#[must_use]
pub fn encode(state: &ProducerState) -> Vec<u8> {
    // A state that does not fit is far beyond what memory holds.
    let count = i32::try_from(state.producer_count()).unwrap_or(i32::MAX);
    let mut bytes = Vec::with_capacity(HEADER.saturating_add(state.producer_count().saturating_mul(ENTRY)));
    bytes.put_i16(VERSION);
    bytes.put_u32(0);
    bytes.put_i32(count);
    for (producer_id, entry) in state.producers() {
        let newest = entry.newest();
        bytes.put_i64(producer_id);
        bytes.put_i16(entry.epoch);
        bytes.put_i32(entry.last_sequence());
        bytes.put_i64(newest.map_or(-1, |batch| batch.last_offset));
        bytes.put_i32(newest.map_or(0, |batch| batch.offset_delta));
        bytes.put_i64(entry.last_timestamp);
        bytes.put_i32(entry.coordinator_epoch);
        bytes.put_i64(entry.txn_first_offset().unwrap_or(-1));
    }
    let crc = crc32c(bytes.get(CRC_END..).unwrap_or_default());
    if let Some(mut field) = bytes.get_mut(2..CRC_END) {
        field.put_u32(crc);
    }
    bytes
}

/// The producers in a snapshot.
///
/// # Errors
/// When the bytes are not a snapshot that Kafka 4.4 writes.
pub fn decode(bytes: &[u8]) -> Result<Vec<(ProducerId, ProducerEntry)>, SnapshotDamage> {
    let Some((mut header, mut entries)) = bytes.split_at_checked(HEADER) else {
        return Err(SnapshotDamage::Length);
    };
    let version = header.get_i16();
    if version != VERSION {
        return Err(SnapshotDamage::Version(version));
    }
    let crc = header.get_u32();
    let count = usize::try_from(header.get_i32()).map_err(|_| SnapshotDamage::Length)?;
    if count.checked_mul(ENTRY) != Some(entries.len()) {
        return Err(SnapshotDamage::Length);
    }
    if crc32c(bytes.get(CRC_END..).unwrap_or_default()) != crc {
        return Err(SnapshotDamage::Crc);
    }
    let mut producers = Vec::with_capacity(count);
    while entries.has_remaining() {
        producers.push(decode_entry(&mut entries).ok_or(SnapshotDamage::Entry)?);
    }
    Ok(producers)
}

/// `None` when the values could not have come from a log.
fn decode_entry(bytes: &mut &[u8]) -> Option<(ProducerId, ProducerEntry)> {
    let producer_id = bytes.try_get_i64().ok()?;
    let mut entry = ProducerEntry::UNKNOWN;
    entry.epoch = bytes.try_get_i16().ok()?;
    let last_sequence = bytes.try_get_i32().ok()?;
    let last_offset = bytes.try_get_i64().ok()?;
    let offset_delta = bytes.try_get_i32().ok()?;
    let timestamp = bytes.try_get_i64().ok()?;
    if last_offset >= 0 {
        if last_sequence < NO_SEQUENCE || offset_delta < 0 {
            return None;
        }
        entry.push(AppendedBatch { last_sequence, offset_delta, last_offset, timestamp });
    }
    entry.last_timestamp = timestamp;
    entry.coordinator_epoch = bytes.try_get_i32().ok()?;
    entry.begin_txn(bytes.try_get_i64().ok()?.max(-1));
    Some((producer_id, entry))
}
