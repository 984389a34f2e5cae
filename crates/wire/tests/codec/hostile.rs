//! Bytes that a client sends to do harm: each is refused or read as Kafka reads it. The numbers are those of the
//! project's catalogue of hostile input.

use crate::model::dice::Dice;
use crate::model::{any_struct, spec, typed, uvarint, write};
use bytes::Bytes;
use ottla_wire::header::{HeaderError, RequestHeader, response_header_version};
use ottla_wire::messages::*;
use ottla_wire::{ApiKey, DecodeError, Message, Reader, varint};

fn header(bytes: &[u8]) -> Result<RequestHeader, HeaderError> {
    RequestHeader::decode(&mut Reader::for_frame(Bytes::copy_from_slice(bytes)))
}

fn decode<M: Message>(bytes: &[u8], version: i16) -> Result<M, DecodeError> {
    M::from_bytes(Bytes::copy_from_slice(bytes), version)
}

#[test]
fn h5_a_frame_shorter_than_a_header_is_refused() {
    let whole = b"\0\x03\0\x0c\0\0\0\x07\0\x01a\0";
    for len in 0..whole.len() {
        assert!(matches!(header(&whole[..len]), Err(HeaderError::Malformed(_))), "{len}");
    }
    assert_eq!(header(whole).unwrap().client_id.as_deref(), Some("a"));
}

#[test]
fn h23_h24_h25_unknown_apis_and_versions_are_refused() {
    for key in [999i16, -1, 32_767, 4, 5, 6, 7, 95] {
        let mut bytes = key.to_be_bytes().to_vec();
        bytes.extend([0; 12]);
        assert_eq!(header(&bytes), Err(HeaderError::UnknownKey(key)));
    }
    for (key, version) in [(0i16, 2i16), (0, 14), (1, 3), (1, 99), (3, -1), (3, 14)] {
        let mut bytes = key.to_be_bytes().to_vec();
        bytes.extend(version.to_be_bytes());
        bytes.extend([0; 12]);
        let key = ApiKey::from_code(key).unwrap();
        assert_eq!(header(&bytes), Err(HeaderError::Version { key, version }));
    }
}

#[test]
fn h26_api_versions_of_the_future_still_has_a_header() {
    let header = header(b"\0\x12\0\x63\0\0\0\x07\0\x01a\0anything").unwrap();
    assert_eq!((header.key, header.version, header.correlation_id), (ApiKey::ApiVersions, 99, 7));
    assert_eq!(response_header_version(ApiKey::ApiVersions, 99), 0);
    assert_eq!(response_header_version(ApiKey::ApiVersions, 3), 0);
    assert_eq!(response_header_version(ApiKey::Metadata, 12), 1);
}

#[test]
fn h28_client_ids_are_any_text_or_null_and_never_longer_than_the_frame() {
    let with = |len: i16, text: &[u8]| {
        let mut bytes = b"\0\x03\0\x01\0\0\0\x07".to_vec();
        bytes.extend(len.to_be_bytes());
        bytes.extend(text);
        header(&bytes)
    };
    assert_eq!(with(-1, b"").unwrap().client_id, None);
    assert_eq!(with(5, b"a\n\0%n").unwrap().client_id.as_deref(), Some("a\n\0%n"));
    assert_eq!(with(3, b"a\xff\xfe").unwrap().client_id.as_deref(), Some("a\u{fffd}\u{fffd}"));
    assert!(with(-2, b"abc").is_err());
    assert!(with(i16::MIN, b"abc").is_err());
    assert!(with(32_767, b"abc").is_err());
    let longest = vec![b'x'; 32_767];
    assert_eq!(with(32_767, &longest).unwrap().client_id.unwrap().len(), 32_767);
}

#[test]
fn h29_tags_of_a_header_are_skipped_in_any_order_and_refused_when_they_lie() {
    let with = |tags: &[u8]| {
        let mut bytes = b"\0\x03\0\x0c\0\0\0\x07\0\x01a".to_vec();
        bytes.extend(tags);
        header(&bytes)
    };
    assert!(with(b"\x02\x09\x01x\x01\x02yz").is_ok());
    assert!(with(b"\x02\x09\x01x\x09\x02yz").is_ok());
    assert!(with(b"\xff\xff\xff\xff\x0f").is_err());
    assert!(with(b"\x01\x09\x7fx").is_err());
    assert!(with(b"\x01\x09\xff\xff\xff\xff\x0fx").is_err());
    assert!(with(b"\x80\x80\x80\x80\x80\x00").is_err());
}

#[test]
fn h32_a_count_beyond_the_frame_is_refused() {
    let body = [0x7f, 0xff, 0xff, 0xff];
    assert!(matches!(decode::<MetadataRequest>(&body, 1), Err(DecodeError::TooLong { .. })));
    assert!(decode::<MetadataRequest>(&[0, 0, 0, 200, 0, 0], 1).is_err());
    assert!(decode::<MetadataRequest>(&[0xff, 0xff, 0xff, 0xff, 0x0f], 12).is_err());
    assert!(decode::<ProduceRequest>(b"\xff\xff\0\x01\0\0\0\x01\x7f\xff\xff\xff", 3).is_err());
    assert!(decode::<ProduceRequest>(&[0xff; 10], 9).is_err());
}

/// An ElectLeaders request in version 0 with one topic and this many partitions.
fn partitions(count: i32) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x01\0\x01t".to_vec();
    bytes.extend(count.to_be_bytes());
    bytes.extend(vec![0; 4 * usize::try_from(count).unwrap_or(0) + 4]);
    bytes
}

#[test]
fn h32_an_array_has_at_most_a_million_elements() {
    let request: ElectLeadersRequest = decode(&partitions(1_000_000), 0).unwrap();
    assert_eq!(request.topic_partitions.unwrap()[0].partitions.len(), 1_000_000);
    assert!(matches!(
        decode::<ElectLeadersRequest>(&partitions(1_000_001), 0),
        Err(DecodeError::TooLong { .. })
    ));
}

#[test]
fn h33_h34_a_null_array_is_read_only_where_null_is_allowed() {
    let null = [0xff; 4];
    assert_eq!(decode::<MetadataRequest>(&null, 1).unwrap().topics, None);
    assert!(matches!(decode::<MetadataRequest>(&null, 0), Err(DecodeError::Length { .. })));
    assert!(matches!(
        decode::<MetadataRequest>(&[0xff, 0xff, 0xff, 0xfe], 1),
        Err(DecodeError::Length { .. })
    ));
    assert_eq!(decode::<MetadataRequest>(b"\0\x01\0\0", 12).unwrap().topics, None);
    assert!(matches!(decode::<ElectLeadersRequest>(&partitions(-1), 0), Err(DecodeError::Length { .. })));
    assert!(matches!(decode::<CreateTopicsRequest>(&[0; 8], 5), Err(DecodeError::Length { .. })));
}

#[test]
fn h35_elements_that_cost_more_than_the_frame_allows_are_refused() {
    // Offset commits of 100,000 topics with nothing in them: the frame is paid for, not the claim.
    let mut bytes = b"\0\x01g\0\0\0\0\0\x01m".to_vec();
    bytes.extend(100_000i32.to_be_bytes());
    bytes.extend(vec![0; 600_000]);
    let message = OffsetCommitRequest::decode(&mut Reader::new(bytes.clone().into(), 1_000_000), 5);
    assert!(matches!(message, Err(DecodeError::OverBudget { .. })), "{message:?}");
    assert_eq!(decode::<OffsetCommitRequest>(&bytes, 5).unwrap().topics.len(), 100_000);
}

#[test]
fn h37_a_string_is_no_longer_than_the_frame_nor_than_kafka_allows() {
    assert!(matches!(decode::<ProduceRequest>(b"\0\x09abc", 3), Err(DecodeError::Truncated { .. })));
    assert!(matches!(decode::<ProduceRequest>(b"\xff\xfeabc", 3), Err(DecodeError::Length { .. })));
    let mut bytes = Vec::new();
    uvarint(32_768 + 1, &mut bytes);
    bytes.extend(vec![b'x'; 40_000]);
    assert!(matches!(decode::<ProduceRequest>(&bytes, 9), Err(DecodeError::TooLong { .. })));
}

#[test]
fn h38_strings_that_are_not_utf8_are_read_with_replacement_characters() {
    for (bytes, text) in [
        (&b"a\xffb"[..], "a\u{fffd}b"),
        (b"\xc0\x80", "\u{fffd}\u{fffd}"),
        (b"\xed\xa0\x80", "\u{fffd}"),
        (b"a\xed\xbfb\xed", "a\u{fffd}b\u{fffd}"),
        (b"\xf0\x9f\x92", "\u{fffd}"),
        (b"\0\n", "\0\n"),
        ("\u{202e}x".as_bytes(), "\u{202e}x"),
    ] {
        let mut body = vec![0, 0, 0, 1, 0, u8::try_from(bytes.len()).unwrap()];
        body.extend(bytes);
        let request: MetadataRequest = decode(&body, 1).unwrap();
        assert_eq!(request.topics.unwrap()[0].name.as_deref(), Some(text));
    }
}

#[test]
fn h39_bytes_of_negative_length_are_refused() {
    assert!(matches!(decode::<SaslAuthenticateRequest>(&[0xff; 4], 1), Err(DecodeError::Length { .. })));
    assert!(matches!(
        decode::<SaslAuthenticateRequest>(b"\xff\xff\xff\xfe", 1),
        Err(DecodeError::Length { .. })
    ));
    assert!(matches!(decode::<SaslAuthenticateRequest>(b"\0\0", 2), Err(DecodeError::Length { .. })));
    assert!(matches!(
        decode::<SaslAuthenticateRequest>(b"\x7f\xff\xff\xff", 1),
        Err(DecodeError::Truncated { .. })
    ));
}

#[test]
fn h40_a_varint_may_be_longer_than_it_must_but_not_than_its_type() {
    assert_eq!(varint::read_u32(&[0x80, 0x00]), Some((0, 2)));
    assert_eq!(varint::read_u32(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Some((u32::MAX, 5)));
    assert_eq!(varint::read_u32(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), None);
    assert_eq!(varint::read_u32(&[0x80]), None);
    assert_eq!(varint::read_u64(&[0xff; 10]), None);
    assert_eq!(
        varint::read_u64(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        Some((u64::MAX, 10))
    );
    let request: MetadataRequest = decode(&[0x81, 0x00, 1, 0, 0x80, 0x00], 12).unwrap();
    assert_eq!(request.topics, Some(Vec::new()));
    for value in (0..32).map(|bit| 1u32 << bit).chain([0, u32::MAX]) {
        let (bytes, used) = varint::write_u32(value);
        assert_eq!(varint::read_u32(&bytes[..used]), Some((value, used)));
    }
}

#[test]
fn h41_unknown_tagged_fields_are_passed_over_up_to_ten_thousand() {
    let with = |count: usize| {
        let mut bytes = b"\x01\x01\0".to_vec();
        uvarint(count, &mut bytes);
        for tag in 0..count {
            uvarint(tag + 100, &mut bytes);
            bytes.extend(b"\x03\x01\x01\x01");
        }
        decode::<MetadataRequest>(&bytes, 12)
    };
    assert!(with(0).is_ok());
    assert!(with(1).is_ok());
    assert!(with(10_000).is_ok());
    assert!(matches!(with(10_001), Err(DecodeError::TooManyTags { .. })));
}

#[test]
fn h41_of_a_known_tagged_field_that_comes_twice_the_last_is_taken() {
    let record: BeginTransactionRecord = decode(b"\x02\0\x02\x02a\0\x02\x02b", 0).unwrap();
    assert_eq!(record.name.as_deref(), Some("b"));
}

#[test]
fn h41_a_tagged_field_has_the_size_it_says_and_a_version_that_has_it() {
    assert!(matches!(
        decode::<BeginTransactionRecord>(b"\x01\0\x03\x02ab", 0),
        Err(DecodeError::Tag { tag: 0, .. })
    ));
    assert!(matches!(
        decode::<BeginTransactionRecord>(b"\x01\0\x01\x02a", 0),
        Err(DecodeError::Tag { tag: 0, .. })
    ));
    // CordonedLogDirs came with version 4.
    let record = RegisterBrokerRecord { cordoned_log_dirs: Some(Vec::new()), ..Default::default() };
    let bytes = record.to_bytes(4).unwrap();
    assert!(decode::<RegisterBrokerRecord>(&bytes, 4).is_ok());
    assert!(matches!(decode::<RegisterBrokerRecord>(&bytes, 3), Err(DecodeError::Tag { tag: 1, .. })));
}

#[test]
fn h43_every_byte_but_zero_is_true() {
    for byte in [0u8, 1, 2, 255] {
        let request: MetadataRequest = decode(&[1, byte, 0, 0], 12).unwrap();
        assert_eq!(request.allow_auto_topic_creation, byte != 0);
    }
}

#[test]
fn h45_h46_extremes_and_nan_come_through() {
    let op = alter_client_quotas_request::OpData { key: "k".into(), value: f64::NAN, remove: false };
    let entry = alter_client_quotas_request::EntryData { ops: vec![op], ..Default::default() };
    let request = AlterClientQuotasRequest { entries: vec![entry], validate_only: false };
    let read: AlterClientQuotasRequest = decode(&request.to_bytes(1).unwrap(), 1).unwrap();
    assert!(read.entries[0].ops[0].value.is_nan());
    let read: ListOffsetsRequest = decode(b"\x80\0\0\0\x01\0\0\0\0\0\0\0", 4).unwrap();
    assert_eq!((read.replica_id, read.isolation_level), (i32::MIN, 1));
}

#[test]
fn h48_uniform_bodies_are_read_or_refused_in_every_message_and_version() {
    for (name, typed) in typed::messages() {
        for version in typed.versions.0..=typed.versions.1 {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                for len in [0, 1, 2, 3, 4, 5, 10, 60, 1000] {
                    let bytes = Bytes::from(vec![byte; len]);
                    if let Ok((Ok(written), _)) = (typed.transcode)(bytes, version, version) {
                        assert!(
                            (typed.transcode)(written, version, version).is_ok(),
                            "{name} {version} {byte} {len}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn h48_a_message_cut_anywhere_is_refused() {
    let typed = typed::messages();
    for definition in &spec().definitions {
        for version in definition.versions.each() {
            let tree = any_struct(definition, &definition.structs[0], version, &mut Dice(3), 0);
            let bytes = Bytes::from(write(definition, &tree, version).unwrap());
            for len in 0..bytes.len().min(400) {
                let cut = (typed[definition.name.as_str()].decode)(bytes.slice(..len), version, usize::MAX);
                assert!(cut.is_err(), "{} {version} cut at {len} of {}", definition.name, bytes.len());
            }
        }
    }
}

#[test]
fn the_eight_frames_that_made_another_codec_abort_are_refused() {
    assert!(decode::<MetadataRequest>(&i32::MAX.to_be_bytes(), 1).is_err());
    assert!(decode::<MetadataRequest>(b"\xff\xff\xff\xff\x0f", 12).is_err());
    assert!(decode::<ProduceRequest>(b"\xff\xff\0\x01\0\0\0\x01\x7f\xff\xff\xff", 3).is_err());
    assert!(decode::<ProduceRequest>(&[0xff; 10], 9).is_err());
    let fetch = b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\x0f";
    assert!(decode::<FetchRequest>(fetch, 12).is_err());
    let produce = b"\xff\xff\0\x01\0\0\0\x01\0\0\0\x01\0\x01t\x05\xf5\xe1\0";
    assert!(decode::<ProduceRequest>(produce, 3).is_err());
    let join = b"\0\x01g\0\0\0\x01\0\0\0\x01\0\0\xff\xff\0\x01c\x02\xfa\xf0\x80";
    assert!(decode::<JoinGroupRequest>(join, 5).is_err());
    let mut dice = Dice(64);
    for _ in 0..20_000 {
        let bytes = dice.bytes(64);
        let _ = decode::<ProduceRequest>(&bytes, 9);
        let _ = decode::<FetchRequest>(&bytes, 12);
        let _ = decode::<JoinGroupRequest>(&bytes, 5);
    }
}
