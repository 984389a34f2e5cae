//! UpdateFeatures (57), versions 0 to 2: finalised levels, raised and lowered.
//!
//! A level is lowered only where no record of the level in between would be lost. `kraft.version`
//! is not a record of the metadata: changing it belongs to the quorum, and is not offered; naming the level that
//! it has is no change. With eligible leaders the minimum of in-sync replicas becomes the cluster's (KIP-966).

use std::collections::BTreeMap;

use ottla_machine::Outcome;
use ottla_metadata::features::{ELIGIBLE_LEADER_REPLICAS, Feature, KRAFT, check_level, supported_features};
use ottla_metadata::{ConfigKind, ConfigResource, Image, MetadataVersion};
use ottla_model::ErrorCode;
use ottla_wire::MetadataRecord;
use ottla_wire::messages::update_features_request::FeatureUpdateKey;
use ottla_wire::messages::update_features_response::UpdatableFeatureResult;
use ottla_wire::messages::{ConfigRecord, FeatureLevelRecord, UpdateFeaturesRequest, UpdateFeaturesResponse};

use crate::configs::MIN_ISR;
use crate::context::Context;
use crate::refusal::Refusal;
use crate::request::Reply;

/// What a request permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Upgrade,
    SafeDowngrade,
    UnsafeDowngrade,
}

pub(crate) fn decide(
    image: &Image,
    context: &Context<'_>,
    request: UpdateFeaturesRequest,
    version: i16,
) -> Outcome<MetadataRecord, Reply> {
    let UpdateFeaturesRequest { timeout_ms: _, feature_updates, validate_only } = request; // the host waits
    let mut levels: BTreeMap<String, i16> = BTreeMap::new();
    for (name, _) in supported_features() {
        levels.insert(name.to_owned(), level_now(image, context, name));
    }
    let mut seen = BTreeMap::new();
    for update in &feature_updates {
        levels.insert(update.feature.to_string(), update.max_version_level);
        *seen.entry(update.feature.to_string()).or_insert(0_u32) += 1;
    }
    let elr = feature_updates.iter().find(|update| *update.feature == *ELIGIBLE_LEADER_REPLICAS.name);
    let mut records = if elr.is_some_and(|update| update.max_version_level > 0) {
        minimum_of_the_cluster(image, context)
    } else {
        Vec::new()
    };
    let mut results = Vec::new();
    let mut first_error = None;
    for update in feature_updates {
        let FeatureUpdateKey { feature, max_version_level, allow_downgrade, upgrade_type } = update;
        let repeated = seen.get(&*feature).is_some_and(|times| *times > 1);
        let decided = if repeated {
            Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "The provided feature updates name this feature twice.",
            ))
        } else {
            way(version, allow_downgrade, upgrade_type)
                .and_then(|way| set_level(image, context, &feature, max_version_level, way, &levels))
        };
        let (code, message) = match decided {
            Ok(record) => {
                records.extend(record.map(MetadataRecord::from));
                (ErrorCode::None, None)
            }
            Err(refusal) => {
                let told = (refusal.code, refusal.text());
                first_error.get_or_insert((feature.clone(), refusal));
                told
            }
        };
        results.push(UpdatableFeatureResult { feature, error_code: code.code(), error_message: message });
    }
    let mut response = UpdateFeaturesResponse { results, ..Default::default() };
    if let Some((feature, refusal)) = first_error {
        // All or nothing; from version 2 on that is all that is told.
        records.clear();
        if version >= 2 {
            let reason = refusal.message.unwrap_or_default();
            let message = format!(
                "The update failed for all features since the following feature had an error: {feature}: {reason}"
            );
            response.error_code = refusal.code.code();
            response.error_message = Some(message.into());
            response.results.clear();
        }
    } else if version >= 2 {
        response.results.clear();
    }
    if validate_only {
        records.clear();
    }
    Outcome { records, reply: Reply::UpdateFeatures(response) }
}

fn way(version: i16, allow_downgrade: bool, upgrade_type: i8) -> Result<Way, Refusal> {
    match (version, upgrade_type) {
        (0, _) if allow_downgrade => Ok(Way::SafeDowngrade),
        (0, _) | (_, 1) => Ok(Way::Upgrade),
        (_, 2) => Ok(Way::SafeDowngrade),
        (_, 3) => Ok(Way::UnsafeDowngrade),
        _ => Err(Refusal::new(
            ErrorCode::InvalidUpdateVersion,
            "The controller does not support the given upgrade type.",
        )),
    }
}

/// The finalised level of a feature, that of the quorum among them.
fn level_now(image: &Image, context: &Context<'_>, name: &str) -> i16 {
    if name == KRAFT.name { context.kraft_version } else { image.features.level(name) }
}

/// Where eligible leaders are counted, `min.insync.replicas` is one number for the whole cluster: what this node was
/// given becomes it, and what single brokers were given goes. No records where that is so.
fn minimum_of_the_cluster(image: &Image, context: &Context<'_>) -> Vec<MetadataRecord> {
    let record = |broker: &str, value: Option<&str>| {
        MetadataRecord::from(ConfigRecord {
            resource_type: ConfigKind::Broker.code(),
            resource_name: broker.into(),
            name: MIN_ISR.into(),
            value: value.map(Into::into),
        })
    };
    let mut records = Vec::new();
    if image.configs.value(&ConfigResource::all_brokers(), MIN_ISR).is_none() {
        let given = context.config.given.get(MIN_ISR).map_or("1", |given| given.text.trim());
        records.push(record("", Some(given)));
    }
    let of_one_broker = image.configs.iter().filter(|(resource, values)| {
        resource.kind == ConfigKind::Broker && !resource.name.is_empty() && values.contains_key(MIN_ISR)
    });
    records.extend(of_one_broker.map(|(resource, _)| record(&resource.name, None)));
    records
}

fn set_level(
    image: &Image,
    context: &Context<'_>,
    name: &str,
    level: i16,
    way: Way,
    proposed: &BTreeMap<String, i16>,
) -> Result<Option<FeatureLevelRecord>, Refusal> {
    let refuse = |why: String| {
        let message = format!("Invalid update version {level} for feature {name}. {why}");
        Err(Refusal::new(ErrorCode::InvalidUpdateVersion, message))
    };
    let Some((_, range)) = supported_features().find(|(supported, _)| *supported == name) else {
        return refuse("The controller does not know a feature of this name.".into());
    };
    if !range.contains(level) {
        return refuse(format!("Nodes support levels {} to {}.", range.min, range.max));
    }
    let now = level_now(image, context, name);
    if name == KRAFT.name {
        if level == now {
            return Ok(None);
        }
        return refuse("The version of the quorum is set when its directory is formatted.".into());
    }
    if level < now && way == Way::Upgrade {
        return refuse(
            "Can't downgrade the version of this feature without a safe or unsafe downgrade.".into(),
        );
    }
    if level > now && way != Way::Upgrade {
        return refuse("Can't downgrade to a newer version.".into());
    }
    if name == MetadataVersion::FEATURE {
        check_metadata_version(image, level, refuse)?;
    } else if let Some(feature) = Feature::named(name) {
        let version = proposed.get(MetadataVersion::FEATURE).copied().and_then(MetadataVersion::from_level);
        let version = version.unwrap_or_else(|| image.metadata_version());
        if let Err(bad) = check_level(feature, level, version) {
            return refuse(bad.to_string());
        }
    }
    Ok(Some(FeatureLevelRecord { name: name.into(), feature_level: level }))
}

/// Every level from 8 on may have written records that the one below cannot read; which of them
/// did is not known here, so nothing but the same level, or one that changed no record, goes down.
fn check_metadata_version(
    image: &Image,
    level: i16,
    refuse: impl Fn(String) -> Result<Option<FeatureLevelRecord>, Refusal>,
) -> Result<(), Refusal> {
    let now = image.metadata_version().level();
    let mut between = (level + 1..=now).filter_map(MetadataVersion::from_level);
    if between.any(MetadataVersion::changed_records) {
        refuse(
            "Refusing to perform the requested downgrade because it might delete metadata information."
                .into(),
        )?;
    }
    Ok(())
}
