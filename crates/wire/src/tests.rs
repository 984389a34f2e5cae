//! A few bytes checked by hand; the rest is in `tests`.

use super::messages::*;
use super::*;
use bytes::Bytes;

#[test]
fn a_metadata_request_has_kafkas_bytes() {
    let request = MetadataRequest {
        topics: Some(vec![metadata_request::MetadataRequestTopic {
            name: Some("abc".into()),
            ..Default::default()
        }]),
        ..Default::default()
    };
    assert_eq!(request.to_bytes(1).unwrap(), Bytes::from_static(b"\0\0\0\x01\0\x03abc"));
    let flexible = request.to_bytes(9).unwrap();
    assert_eq!(flexible, Bytes::from_static(b"\x02\x04abc\0\x01\0\0\0"));
    assert_eq!(MetadataRequest::from_bytes(flexible, 9).unwrap(), request);
}

#[test]
fn there_are_as_many_apis_as_in_kafka_4_4() {
    assert_eq!(ApiKey::ALL.len(), 91);
    assert_eq!(ApiKey::ALL.iter().filter(|key| key.on_broker()).count(), 79);
    assert_eq!(ApiKey::ALL.iter().filter(|key| key.on_controller()).count(), 42);
    assert_eq!(ApiKey::InitProducerId.versions(), Versions { min: 0, max: 5 });
    assert_eq!(ApiKey::Produce.advertised_versions(), Versions { min: 0, max: 13 });
    assert_eq!(ApiKey::from_code(4), None);
}

#[test]
fn a_tagged_field_longer_than_127_bytes_has_a_longer_size() {
    let record = BeginTransactionRecord { name: Some("x".repeat(300).into()) };
    let bytes = record.to_bytes(0).unwrap();
    assert_eq!(bytes.get(..6).unwrap(), [1, 0, 0xae, 2, 0xad, 2]);
    assert_eq!(BeginTransactionRecord::from_bytes(bytes, 0).unwrap(), record);
}

#[test]
fn a_metadata_record_is_framed_with_its_key_and_version() {
    let record =
        MetadataRecord::from(FeatureLevelRecord { name: "metadata.version".into(), feature_level: 30 });
    let bytes = record.encode(0).unwrap();
    assert_eq!(bytes.get(..4).unwrap(), [1, 12, 0, 17]);
    assert_eq!(MetadataRecord::decode(bytes), Ok((record, 0)));
}
