//! The first records of a cluster: what the format command leaves for the first activation, and what an activation
//! writes (Kafka's `BootstrapMetadata`, `Formatter`, `ActivationRecordsGenerator`; KIP-1170).

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use ottla_model::{Millis, Offset};
use ottla_wire::MetadataRecord;
use ottla_wire::messages::{
    AbortTransactionRecord, BeginTransactionRecord, ConfigRecord, EndTransactionRecord, VotersRecord,
};

use crate::batch::WriteError;
use crate::checkpoint::{Preamble, Writer};
use crate::configs::ConfigKind;
use crate::features::{ELIGIBLE_LEADER_REPLICAS, KRAFT};
use crate::image::Image;
use crate::levels::MetadataVersion;
use crate::snapshot::feature_record;

/// What the metadata directory of a fresh node holds beside `meta.properties`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// The content of `bootstrap.checkpoint`: the bootstrap records, where every Kafka 4 looks for them.
    pub bootstrap: Bytes,
    /// The content of `__cluster_metadata-0/` 0-0: control records only; `None` with `kraft.version` 0, whose voters
    /// are configuration.
    pub zero: Option<Bytes>,
}

/// The files of a fresh metadata directory. `levels` are all features but `metadata.version`
/// ([`crate::features::levels_at_format`]); `voters` is who votes where `kraft.version` is 1.
///
/// # Errors
/// When the records cannot be encoded.
pub fn fresh(
    version: MetadataVersion,
    levels: &BTreeMap<&'static str, i16>,
    voters: VotersRecord,
    now: Millis,
) -> Result<Fresh, WriteError> {
    let kraft_version = levels.get(KRAFT.name).copied().unwrap_or(0);
    let records = bootstrap_records(version, levels);
    let bootstrap = file(now, Preamble::default(), version, records)?;
    let preamble = Preamble { last_contained_timestamp: now, kraft_version, voters: Some(voters) };
    let zero = (kraft_version > 0).then(|| file(now, preamble, version, Vec::new())).transpose()?;
    Ok(Fresh { bootstrap, zero })
}

fn file(
    now: Millis,
    preamble: Preamble,
    version: MetadataVersion,
    records: Vec<MetadataRecord>,
) -> Result<Bytes, WriteError> {
    let batches: Vec<Bytes> = Writer::new(0, now, preamble, version, records).collect::<Result<_, _>>()?;
    Ok(Bytes::from(batches.concat()))
}

/// The records that give a fresh cluster its levels; level 0 goes without saying, `kraft.version` is a control record.
#[must_use]
pub fn bootstrap_records(
    version: MetadataVersion,
    levels: &BTreeMap<&'static str, i16>,
) -> Vec<MetadataRecord> {
    let others = levels.iter().filter(|(name, level)| **level > 0 && **name != KRAFT.name);
    std::iter::once(feature_record(MetadataVersion::FEATURE, version.level()))
        .chain(others.map(|(name, level)| feature_record(name, *level)))
        .collect()
}

/// What a controller writes when it becomes active: after an aborted transaction, the bootstrap records when the log
/// has no `metadata.version` yet. Empty when there is nothing to do.
///
/// # Errors
/// When the bootstrap records lack a `metadata.version`, or a transaction is open at a level without transactions.
pub fn activation_records(
    image: &Image,
    open_transaction: Option<Offset>,
    bootstrap: &[MetadataRecord],
    min_insync_replicas: i32,
) -> Result<Vec<MetadataRecord>, ActivationError> {
    let mut records = Vec::new();
    let finalised = image.features.metadata_version;
    let version = match finalised {
        Some(version) => version,
        None => bootstrap_version(bootstrap)?,
    };
    if let Some(start) = open_transaction {
        if !version.has_transactions() {
            return Err(ActivationError::OpenTransaction { start, version });
        }
        records.push(AbortTransactionRecord { reason: Some("Controller failover".into()) }.into());
    }
    if finalised.is_some() {
        return Ok(records);
    }
    if version.has_transactions() {
        records.push(BeginTransactionRecord { name: Some("Bootstrap records".into()) }.into());
    }
    records.extend_from_slice(bootstrap);
    if level_of(bootstrap, ELIGIBLE_LEADER_REPLICAS.name).unwrap_or(0) > 0 {
        records.push(cluster_min_insync(min_insync_replicas));
    }
    if version.has_transactions() {
        records.push(EndTransactionRecord::default().into());
    }
    Ok(records)
}

/// With eligible leader replicas on, brokers may not differ in `min.insync.replicas`: it becomes the cluster's.
fn cluster_min_insync(replicas: i32) -> MetadataRecord {
    ConfigRecord {
        resource_type: ConfigKind::Broker.code(),
        resource_name: "".into(),
        name: "min.insync.replicas".into(),
        value: Some(replicas.to_string().into()),
    }
    .into()
}

fn bootstrap_version(records: &[MetadataRecord]) -> Result<MetadataVersion, ActivationError> {
    let level = level_of(records, MetadataVersion::FEATURE).ok_or(ActivationError::NoMetadataVersion)?;
    MetadataVersion::from_level(level).ok_or(ActivationError::UnknownMetadataVersion(level))
}

fn level_of(records: &[MetadataRecord], name: &str) -> Option<i16> {
    records.iter().rev().find_map(|record| {
        let MetadataRecord::FeatureLevel(level) = record else { return None };
        (&*level.name == name).then_some(level.feature_level)
    })
}

/// The metadata log cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActivationError {
    /// The bootstrap records do not say which level the cluster has.
    NoMetadataVersion,
    /// They say one that Kafka 4.4 does not know.
    UnknownMetadataVersion(i16),
    /// A transaction was begun at a level that has none.
    OpenTransaction {
        /// Where it begins.
        start: Offset,
        /// The finalised level.
        version: MetadataVersion,
    },
}

impl fmt::Display for ActivationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMetadataVersion => {
                f.write_str("the bootstrap records name no metadata.version: format again")
            }
            Self::UnknownMetadataVersion(level) => {
                write!(
                    f,
                    "the bootstrap records have metadata.version {level}, known are 7 to 33: use a newer release"
                )
            }
            Self::OpenTransaction { start, version } => {
                write!(
                    f,
                    "a transaction is open since offset {start}, and metadata.version {version} has none"
                )
            }
        }
    }
}

impl std::error::Error for ActivationError {}
