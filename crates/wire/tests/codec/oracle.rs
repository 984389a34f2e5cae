//! Differential against the crate kafka-protocol (Kafka 4.1's level), in both directions, wherever the versions overlap.

use crate::model::definition::Kind;
use crate::model::dice::Dice;
use crate::model::{any_struct, spec, typed, write};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as TheirKey, RequestKind, ResponseKind};

const ROUNDS: u64 = 15;
/// Versions that the other crate counts as valid and then refuses.
const CLAIMED: &[(&str, i16)] =
    &[("OffsetCommitRequest", 10), ("OffsetFetchRequest", 10), ("InitProducerIdRequest", 6)];

/// Decoded and encoded again by the other crate; an error text when it refuses.
fn theirs(key: TheirKey, request: bool, bytes: &Bytes, version: i16) -> Result<Bytes, String> {
    let mut from = bytes.clone();
    let mut to = BytesMut::new();
    if request {
        let message = RequestKind::decode(key, &mut from, version).map_err(|error| format!("{error:#}"))?;
        message.encode(&mut to, version).map_err(|error| format!("{error:#}"))?;
    } else {
        let message = ResponseKind::decode(key, &mut from, version).map_err(|error| format!("{error:#}"))?;
        message.encode(&mut to, version).map_err(|error| format!("{error:#}"))?;
    }
    assert!(from.is_empty());
    Ok(to.freeze())
}

#[test]
fn both_codecs_read_and_write_the_same_bytes() {
    let typed = typed::messages();
    let mut compared = 0;
    for definition in &spec().definitions {
        let (key, request) = match definition.kind {
            Kind::Request(key) => (key, true),
            Kind::Response(key) => (key, false),
            _ => continue,
        };
        let Ok(key) = TheirKey::try_from(key) else { continue };
        let range = key.valid_versions();
        for version in definition.versions.each() {
            if !(range.min..=range.max).contains(&version)
                || CLAIMED.contains(&(definition.name.as_str(), version))
            {
                continue;
            }
            for seed in 0..ROUNDS {
                let at = format!("{} {version} seed {seed}", definition.name);
                let tree = any_struct(definition, &definition.structs[0], version, &mut Dice(seed), 0);
                let bytes = Bytes::from(write(definition, &tree, version).unwrap());
                let theirs = theirs(key, request, &bytes, version).expect(&at);
                assert_eq!(theirs, bytes, "{at}");
                let (ours, _) =
                    (typed[definition.name.as_str()].transcode)(theirs, version, version).expect(&at);
                assert_eq!(ours.expect(&at), bytes, "{at}");
                compared += 1;
            }
        }
    }
    assert!(compared > 8_000, "{compared}");
}
