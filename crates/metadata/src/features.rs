//! The features beside `metadata.version`: their levels, what a release implies, what depends on what (Kafka's
//! `Feature` and its enums, `QuorumFeatures`).

use std::collections::BTreeMap;
use std::fmt;

use crate::levels::MetadataVersion;

/// A range of levels, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelRange {
    /// The lowest.
    pub min: i16,
    /// The highest.
    pub max: i16,
}

impl LevelRange {
    /// Whether a level lies within.
    #[must_use]
    pub const fn contains(self, level: i16) -> bool {
        self.min <= level && level <= self.max
    }
}

/// A feature whose lowest level is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name in FeatureLevel records.
    pub name: &'static str,
    /// For level 1, 2, …: the `metadata.version` from which a fresh cluster gets it.
    from: &'static [i16],
    /// The least `metadata.version` on which a level above 0 works.
    needs: i16,
}

/// `kraft.version` (KIP-853); written as a control record, never as a FeatureLevel record.
pub const KRAFT: Feature = Feature { name: "kraft.version", from: &[21], needs: 7 };
/// `transaction.version` (KIP-890).
pub const TRANSACTION: Feature = Feature { name: "transaction.version", from: &[24, 24], needs: 7 };
/// `group.version` (KIP-848).
pub const GROUP: Feature = Feature { name: "group.version", from: &[22], needs: 7 };
/// `eligible.leader.replicas.version` (KIP-966).
pub const ELIGIBLE_LEADER_REPLICAS: Feature =
    Feature { name: "eligible.leader.replicas.version", from: &[26], needs: 23 };
/// `share.version` (KIP-932, KIP-1191).
pub const SHARE: Feature = Feature { name: "share.version", from: &[28, 31], needs: 7 };
/// `streams.version` (KIP-1071).
pub const STREAMS: Feature = Feature { name: "streams.version", from: &[29], needs: 7 };

/// All features but `metadata.version`.
pub const FEATURES: [Feature; 6] = [KRAFT, TRANSACTION, GROUP, ELIGIBLE_LEADER_REPLICAS, SHARE, STREAMS];

impl Feature {
    /// The feature of a name; `metadata.version` is not among them.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        FEATURES.into_iter().find(|feature| feature.name == name)
    }

    /// The levels that Kafka 4.4 supports.
    #[must_use]
    pub fn range(self) -> LevelRange {
        LevelRange { min: 0, max: i16::try_from(self.from.len()).unwrap_or(i16::MAX) }
    }

    /// The level that a cluster formatted at a `metadata.version` gets.
    #[must_use]
    pub fn default_level(self, version: MetadataVersion) -> i16 {
        let reached = self.from.iter().take_while(|from| **from <= version.level()).count();
        i16::try_from(reached).unwrap_or(i16::MAX)
    }
}

/// Every supported feature with its range, `metadata.version` first: what brokers and controllers register.
pub fn supported_features() -> impl Iterator<Item = (&'static str, LevelRange)> {
    let metadata = LevelRange { min: MetadataVersion::MIN.level(), max: MetadataVersion::LATEST.level() };
    std::iter::once((MetadataVersion::FEATURE, metadata))
        .chain(FEATURES.into_iter().map(|feature| (feature.name, feature.range())))
}

/// The levels of a fresh cluster, by name: the release's defaults under what was asked for by name.
///
/// # Errors
/// When a feature is unknown, out of range, or needs a higher `metadata.version`.
pub fn levels_at_format(
    version: MetadataVersion,
    asked: &BTreeMap<String, i16>,
) -> Result<BTreeMap<&'static str, i16>, BadLevel> {
    let mut levels = BTreeMap::new();
    for feature in FEATURES {
        levels.insert(feature.name, feature.default_level(version));
    }
    for (name, level) in asked {
        let feature = Feature::named(name).ok_or_else(|| BadLevel::Unknown(name.clone()))?;
        check_level(feature, *level, version)?;
        levels.insert(feature.name, *level);
    }
    Ok(levels)
}

/// Whether a feature can have a level while `metadata.version` has one.
///
/// # Errors
/// Why it cannot.
pub fn check_level(feature: Feature, level: i16, version: MetadataVersion) -> Result<(), BadLevel> {
    if !feature.range().contains(level) {
        return Err(BadLevel::OutOfRange { name: feature.name, level, range: feature.range() });
    }
    if level > 0 && version.level() < feature.needs {
        return Err(BadLevel::Needs { name: feature.name, level, needs: feature.needs });
    }
    Ok(())
}

/// A feature cannot have a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadLevel {
    /// Kafka 4.4 has no feature of this name.
    Unknown(String),
    /// Not one of its levels.
    OutOfRange {
        /// The feature.
        name: &'static str,
        /// What was asked for.
        level: i16,
        /// What there is.
        range: LevelRange,
    },
    /// It depends on a higher `metadata.version`.
    Needs {
        /// The feature.
        name: &'static str,
        /// What was asked for.
        level: i16,
        /// The least `metadata.version`.
        needs: i16,
    },
}

impl fmt::Display for BadLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(f, "there is no feature {name}; the features are metadata.version")?;
                FEATURES.iter().try_for_each(|feature| write!(f, ", {}", feature.name))
            }
            Self::OutOfRange { name, level, range } => {
                write!(f, "{name} has no level {level}; its levels are {} to {}", range.min, range.max)
            }
            Self::Needs { name, level, needs } => {
                write!(
                    f,
                    "{name} could not be set to {level} because it depends on metadata.version level {needs}"
                )
            }
        }
    }
}

impl std::error::Error for BadLevel {}
