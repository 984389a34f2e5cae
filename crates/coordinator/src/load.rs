//! Loading a shard: its log from beginning to end, replayed.

use std::fmt;

use ottla_env::disk::{FileRegion, read_exact_at};
use ottla_group::{ReplayError, Shard};
use ottla_machine::Position;
use ottla_model::{NO_PRODUCER_ID, Offset};
use ottla_partition::{Isolation, Partition, ReadError, ReadRequest};
use ottla_record::batches;

use crate::batch::{self, Read};

/// Bytes read at once; a batch that is larger is read whole.
const CHUNK: u64 = 4 << 20;

/// Why a shard cannot be served.
#[derive(Debug)]
pub enum LoadError {
    /// The partition is not led here any more.
    Moved,
    /// The disk failed.
    Storage(std::io::Error),
    /// What the log holds at this offset is no record of a coordinator.
    Damaged {
        /// Where.
        offset: Offset,
        /// What is wrong.
        why: String,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved => f.write_str("the partition is not led here any more"),
            Self::Storage(error) => write!(f, "the log cannot be read: {error}"),
            Self::Damaged { offset, why } => write!(f, "the record at offset {offset} cannot be read: {why}"),
        }
    }
}

impl std::error::Error for LoadError {}

/// What a log holds.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    pub(crate) shard: Shard,
    pub(crate) end: Offset,
    pub(crate) records: u64,
    pub(crate) unknown: u64,
}

/// Replays the partition's log for as long as it is wanted.
pub(crate) fn replay(partition: &Partition, is_wanted: impl Fn() -> bool) -> Result<Replayed, LoadError> {
    let mut replayed = Replayed { end: partition.offsets().start, ..Replayed::default() };
    loop {
        if !is_wanted() {
            return Err(LoadError::Moved);
        }
        let request = ReadRequest {
            offset: replayed.end,
            max_bytes: CHUNK,
            min_one: true,
            isolation: Isolation::LogEnd,
            current_leader_epoch: -1,
            last_fetched_epoch: -1,
        };
        let read = match partition.read(&request) {
            Ok(read) => read,
            // Its start has moved on meanwhile.
            Err(ReadError::OutOfRange { start, offset, .. }) if start > offset => {
                replayed.end = start;
                continue;
            }
            Err(ReadError::Storage(error)) => return Err(LoadError::Storage(error)),
            Err(ReadError::NotLeader(_) | ReadError::OutOfRange { .. }) => return Err(LoadError::Moved),
        };
        if read.bytes == 0 {
            return Ok(replayed);
        }
        for region in &read.regions {
            let bytes = bytes_of(region).map_err(LoadError::Storage)?;
            apply(&bytes, &mut replayed)?;
        }
    }
}

fn bytes_of(region: &FileRegion) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(region.len).unwrap_or(usize::MAX)];
    read_exact_at(&*region.file, &mut bytes, region.position)?;
    Ok(bytes)
}

fn apply(bytes: &[u8], replayed: &mut Replayed) -> Result<(), LoadError> {
    for batch in batches(bytes) {
        let damaged = |why: String| LoadError::Damaged { offset: replayed.end, why };
        let batch = batch.map_err(|error| damaged(error.to_string()))?;
        batch.check_crc().map_err(|error| damaged(error.to_string()))?;
        let header = *batch.header();
        let producer = if header.is_transactional() { header.producer_id } else { NO_PRODUCER_ID };
        let mut refused: Option<ReplayError> = None;
        let (mut records, mut unknown) = (0, 0);
        let shard = &mut replayed.shard;
        let read = batch::read(&batch, |offset, read| {
            records += 1;
            match read {
                Read::Known(record) => {
                    let at = Position { offset, epoch: header.partition_leader_epoch };
                    if let Err(error) = shard.replay(&record, producer, at) {
                        refused.get_or_insert(error);
                    }
                }
                Read::Marker { commit } => shard.end_transaction(header.producer_id, commit),
                Read::Unknown => unknown += 1,
            }
        });
        let damaged = |why: String| LoadError::Damaged { offset: header.base_offset, why };
        read.map_err(|error| damaged(error.to_string()))?;
        if let Some(error) = refused {
            return Err(damaged(error.to_string()));
        }
        replayed.records += records;
        replayed.unknown += unknown;
        replayed.end = header.next_offset();
    }
    Ok(())
}
