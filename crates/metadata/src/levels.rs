//! `metadata.version`: its levels, and what each one lets a record say (Kafka's `MetadataVersion`).
//!
//! A record is never written at a version above what the finalised level allows; every level from
//! [`MetadataVersion::MIN`] to [`MetadataVersion::LATEST`] is read.

use std::fmt;

use ottla_wire::MetadataRecord;

/// A finalised level of `metadata.version`; always one that Kafka 4.4 knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetadataVersion(i16);

/// Level, release, sub-version; in the order of levels, without a gap.
const TABLE: [(i16, &str, &str); 27] = [
    (7, "3.3", "IV3"),
    (8, "3.4", "IV0"),
    (9, "3.5", "IV0"),
    (10, "3.5", "IV1"),
    (11, "3.5", "IV2"),
    (12, "3.6", "IV0"),
    (13, "3.6", "IV1"),
    (14, "3.6", "IV2"),
    (15, "3.7", "IV0"),
    (16, "3.7", "IV1"),
    (17, "3.7", "IV2"),
    (18, "3.7", "IV3"),
    (19, "3.7", "IV4"),
    (20, "3.8", "IV0"),
    (21, "3.9", "IV0"),
    (22, "4.0", "IV0"),
    (23, "4.0", "IV1"),
    (24, "4.0", "IV2"),
    (25, "4.0", "IV3"),
    (26, "4.1", "IV0"),
    (27, "4.1", "IV1"),
    (28, "4.2", "IV0"),
    (29, "4.2", "IV1"),
    (30, "4.3", "IV0"),
    (31, "4.4", "IV0"),
    (32, "4.4", "IV1"),
    (33, "4.4", "IV2"),
];

impl MetadataVersion {
    /// The feature's name.
    pub const FEATURE: &'static str = "metadata.version";
    /// The lowest level that Kafka 4 opens: 3.3-IV3.
    pub const MIN: Self = Self(7);
    /// The highest production level of Kafka 4.4.0: 4.4-IV2.
    pub const LATEST: Self = Self(33);
    /// What we format: the level of Kafka 4.3, so that 4.3, 4.4 and the 4.3.1 tools take the directory.
    pub const DEFAULT: Self = Self(30);

    /// The level of a number.
    #[must_use]
    pub const fn from_level(level: i16) -> Option<Self> {
        if level >= Self::MIN.0 && level <= Self::LATEST.0 { Some(Self(level)) } else { None }
    }

    /// The level of a name: a full one (`4.3-IV0`), or a release (`4.3`, `4.3.1`), which means its highest.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut parts = name.splitn(3, '.');
        let (major, minor) = (parts.next()?, parts.next()?);
        let key = if parts.next().is_some() { &name[..major.len() + 1 + minor.len()] } else { name };
        let full = |row: &&(i16, &str, &str)| {
            key.strip_prefix(row.1).and_then(|rest| rest.strip_prefix('-')) == Some(row.2)
        };
        let release = |row: &&(i16, &str, &str)| key == row.1;
        let row = TABLE.iter().rev().find(|row| full(row) || release(row))?;
        Some(Self(row.0))
    }

    /// Every level, ascending.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| Self(row.0))
    }

    /// The number in a FeatureLevel record.
    #[must_use]
    pub const fn level(self) -> i16 {
        self.0
    }

    /// The release it came with, such as `4.3`.
    #[must_use]
    pub fn release(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self.0).map_or("", |row| row.1)
    }

    /// Whether this level brought records or fields that the level below it cannot read.
    #[must_use]
    pub const fn changed_records(self) -> bool {
        matches!(self.0, 7 | 8 | 11 | 13 | 14 | 15 | 17 | 23 | 30 | 32 | 33)
    }

    /// Whether a change of the ISR that only shrinks it raises the leader epoch (below 3.6-IV0, KAFKA-15021).
    #[must_use]
    pub const fn shrinking_isr_raises_leader_epoch(self) -> bool {
        self.0 < 12
    }

    /// Whether SCRAM credentials may stand in the log (3.5-IV2).
    #[must_use]
    pub const fn has_scram(self) -> bool {
        self.0 >= 11
    }

    /// Whether Begin-, End- and AbortTransaction records may be written (3.6-IV1, KIP-868).
    #[must_use]
    pub const fn has_transactions(self) -> bool {
        self.0 >= 13
    }

    /// Whether delegation tokens may stand in the log (3.6-IV2).
    #[must_use]
    pub const fn has_delegation_tokens(self) -> bool {
        self.0 >= 14
    }

    /// Whether controllers register (3.7-IV0, KIP-919).
    #[must_use]
    pub const fn has_controller_registration(self) -> bool {
        self.0 >= 15
    }

    /// Whether replicas name their directories (3.7-IV2, KIP-858).
    #[must_use]
    pub const fn has_directories(self) -> bool {
        self.0 >= 17
    }

    /// Whether partition records may carry eligible leader replicas (4.0-IV1, KIP-966).
    #[must_use]
    pub const fn has_elr(self) -> bool {
        self.0 >= 23
    }

    /// Whether log directories can be cordoned (4.3-IV0, KIP-1066).
    #[must_use]
    pub const fn has_cordoned_directories(self) -> bool {
        self.0 >= 30
    }

    /// Whether an ACL's host may be a CIDR block (4.4-IV1, KIP-1276).
    #[must_use]
    pub const fn has_cidr_acls(self) -> bool {
        self.0 >= 32
    }

    /// Whether controllers can be unregistered (4.4-IV2, KIP-1312).
    #[must_use]
    pub const fn has_controller_unregistration(self) -> bool {
        self.0 >= 33
    }

    /// The version at which Kafka writes a record at this level.
    #[must_use]
    pub const fn record_version(self, record: &MetadataRecord) -> i16 {
        match record {
            MetadataRecord::RegisterBroker(_) => match self.0 {
                ..8 => 1,
                8..17 => 2,
                17..30 => 3,
                30.. => 4,
            },
            MetadataRecord::Partition(_) | MetadataRecord::PartitionChange(_) => match self.0 {
                ..17 => 0,
                17..23 => 1,
                23.. => 2,
            },
            MetadataRecord::BrokerRegistrationChange(change) => {
                if change.cordoned_log_dirs.is_some() {
                    3
                } else if !change.log_dirs.is_empty() {
                    2
                } else if change.in_controlled_shutdown != 0 {
                    1
                } else {
                    0
                }
            }
            MetadataRecord::UnregisterBroker(_)
            | MetadataRecord::Topic(_)
            | MetadataRecord::Config(_)
            | MetadataRecord::FenceBroker(_)
            | MetadataRecord::UnfenceBroker(_)
            | MetadataRecord::RemoveTopic(_)
            | MetadataRecord::DelegationToken(_)
            | MetadataRecord::UserScramCredential(_)
            | MetadataRecord::FeatureLevel(_)
            | MetadataRecord::ClientQuota(_)
            | MetadataRecord::ProducerIds(_)
            | MetadataRecord::AccessControlEntry(_)
            | MetadataRecord::RemoveAccessControlEntry(_)
            | MetadataRecord::NoOp(_)
            | MetadataRecord::ZkMigrationState(_)
            | MetadataRecord::RemoveUserScramCredential(_)
            | MetadataRecord::BeginTransaction(_)
            | MetadataRecord::EndTransaction(_)
            | MetadataRecord::AbortTransaction(_)
            | MetadataRecord::RemoveDelegationToken(_)
            | MetadataRecord::RegisterController(_)
            | MetadataRecord::ClearElr(_)
            | MetadataRecord::UnregisterController(_) => 0,
        }
    }
}

impl fmt::Display for MetadataVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TABLE.iter().find(|row| row.0 == self.0) {
            Some((_, release, sub)) => write!(f, "{release}-{sub}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for MetadataVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
