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

/// A fetch response with these records.
fn fetched(records: Records) -> FetchResponse {
    let partition = fetch_response::PartitionData { records: Some(records), ..Default::default() };
    let topic = fetch_response::FetchableTopicResponse { partitions: vec![partition], ..Default::default() };
    FetchResponse { responses: vec![topic], ..Default::default() }
}

#[test]
fn a_hole_stands_where_the_bytes_of_its_length_would() {
    let batch = Bytes::from(vec![7; 10_000]);
    let bytes = fetched(Records::Bytes(batch.clone())).to_bytes(13).unwrap();
    let parts = header::encode_response(&fetched(Records::Hole { len: 10_000, id: 3 }), ApiKey::Fetch, 13, 9)
        .unwrap();
    let [Part::Bytes(before), Part::Hole { len: 10_000, id: 3 }, Part::Bytes(after)] = &parts[..] else {
        panic!("{parts:?}")
    };
    assert_eq!(&before[..5], [0, 0, 0, 9, 0]);
    assert_eq!([&before[5..], &batch, after].concat(), bytes);
    assert_eq!(fetched(Records::Hole { len: 1, id: 0 }).to_bytes(13), Err(EncodeError::Holes));
}

#[test]
fn large_records_are_neither_copied_in_nor_out() {
    let batch = Bytes::from(vec![7; 10_000]);
    let mut writer = Writer::new();
    fetched(Records::Bytes(batch.clone())).encode(&mut writer, 13).unwrap();
    let parts = writer.into_parts();
    assert!(matches!(&parts[1], Part::Bytes(part) if part.as_ptr() == batch.as_ptr()));

    let frame = fetched(Records::Bytes(batch)).to_bytes(13).unwrap();
    let read = FetchResponse::from_bytes(frame.clone(), 13).unwrap();
    let Some(Records::Bytes(records)) = &read.responses[0].partitions[0].records else { panic!("{read:?}") };
    assert!(frame.as_ptr_range().contains(&records.as_ptr()));
}

#[test]
fn a_request_is_framed_with_its_header() {
    let parts = header::encode_request(&MetadataRequest::default(), 12, 5, Some("me".into())).unwrap();
    let [Part::Bytes(frame)] = &parts[..] else { panic!("{parts:?}") };
    let mut reader = Reader::for_frame(frame.clone());
    let header = header::RequestHeader::decode(&mut reader).unwrap();
    assert_eq!((header.key, header.version, header.correlation_id), (ApiKey::Metadata, 12, 5));
    assert_eq!(header.client_id.as_deref(), Some("me"));
    assert_eq!(MetadataRequest::decode(&mut reader, 12), Ok(MetadataRequest::default()));
    assert_eq!(reader.remaining(), 0);
}

#[test]
fn the_answer_to_api_versions_has_no_tags_in_its_header() {
    let parts = header::encode_response(&ApiVersionsResponse::default(), ApiKey::ApiVersions, 3, 5).unwrap();
    assert_eq!(parts, [Part::Bytes(Bytes::from_static(b"\0\0\0\x05\0\0\x01\0\0\0\0\0"))]);
}

#[test]
fn a_field_that_may_not_be_dropped_is_refused_and_named() {
    let request = MetadataRequest { allow_auto_topic_creation: false, ..Default::default() };
    let error = request.to_bytes(3).unwrap_err();
    assert_eq!(error.to_string(), "MetadataRequest has no AllowAutoTopicCreation in version 3");
    let error = MetadataRequest { topics: None, ..Default::default() }.to_bytes(0).unwrap_err();
    assert_eq!(error.to_string(), "Topics of MetadataRequest cannot be null in version 0");
    let long = SaslHandshakeRequest { mechanism: "x".repeat(40_000).into() };
    assert_eq!(
        long.to_bytes(1).unwrap_err().to_string(),
        "Mechanism of SaslHandshakeRequest is too long to be written"
    );
}

#[test]
fn an_offset_commit_has_its_type_before_the_key_and_its_version_before_the_value() {
    let key = ConsumerOffsetsKey::OffsetCommit(OffsetCommitKey {
        group: "g".into(),
        topic: "t".into(),
        partition: 2,
    });
    let bytes = key.encode().unwrap();
    assert_eq!(bytes, Bytes::from_static(b"\0\x01\0\x01g\0\x01t\0\0\0\x02"));
    assert_eq!(ConsumerOffsetsKey::decode(bytes), Ok(key.clone()));
    let value = ConsumerOffsetsValue::OffsetCommit(OffsetCommitValue { offset: 7, ..Default::default() });
    let bytes = value.encode(3).unwrap();
    assert_eq!(bytes.get(..10).unwrap(), [0, 3, 0, 0, 0, 0, 0, 0, 0, 7]);
    assert_eq!(key.decode_value(bytes), Ok((value, 3)));
}

#[test]
fn records_of_a_later_kafka_are_told_from_damaged_ones() {
    let unknown = ConsumerOffsetsKey::decode(Bytes::from_static(b"\0\x63anything"));
    assert_eq!(unknown, Err(CoordinatorRecordError::UnknownType(99)));
    let key = ConsumerOffsetsKey::OffsetCommit(OffsetCommitKey::default());
    let unknown = key.decode_value(Bytes::from_static(b"\0\x63anything"));
    assert_eq!(
        unknown,
        Err(CoordinatorRecordError::UnknownVersion { name: "OffsetCommitValue", version: 99 })
    );
    let damaged = ConsumerOffsetsKey::decode(Bytes::from_static(b"\0\x01\0\x05g"));
    assert!(matches!(damaged, Err(CoordinatorRecordError::Malformed(_))));

    assert_eq!(MetadataRecord::decode(Bytes::from_static(b"\x02\x0c\0")), Err(MetadataRecordError::Frame(2)));
    assert_eq!(
        MetadataRecord::decode(Bytes::from_static(b"\x01\x63\0")),
        Err(MetadataRecordError::UnknownKey(99))
    );
    let late = MetadataRecord::decode(Bytes::from_static(b"\x01\x02\x07"));
    assert_eq!(late, Err(MetadataRecordError::Version { key: 2, version: 7 }));
    let end = MetadataRecord::decode(Bytes::from_static(b"\x01\x18\0\0xyz"));
    assert_eq!(end, Err(MetadataRecordError::Trailing(3)));
    assert_eq!(MetadataRecord::ALL.len(), 27);
}
