//! The header and the checksums, byte by byte.

use ottla_record::*;
use proptest::prelude::*;

fn sample() -> BatchHeader {
    BatchHeader {
        base_offset: 0x0102_0304_0506_0708,
        batch_length: 49,
        partition_leader_epoch: 0x1112_1314,
        magic: 2,
        crc: 0x2122_2324,
        attributes: 0x0074,
        last_offset_delta: 0x3132_3334,
        base_timestamp: 0x4142_4344_4546_4748,
        max_timestamp: 0x5152_5354_5556_5758,
        producer_id: 0x6162_6364_6566_6768,
        producer_epoch: 0x7172,
        base_sequence: i32::MAX,
        record_count: 0x0182_8384,
    }
}

#[test]
fn every_header_field_stands_at_its_place() {
    let bytes = sample().write();
    assert_eq!(bytes[..17], [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 49, 0x11, 0x12, 0x13, 0x14, 2]);
    assert_eq!(bytes[17..27], [0x21, 0x22, 0x23, 0x24, 0, 0x74, 0x31, 0x32, 0x33, 0x34]);
    assert_eq!(bytes[27..35], 0x4142_4344_4546_4748_u64.to_be_bytes());
    assert_eq!(bytes[35..43], 0x5152_5354_5556_5758_u64.to_be_bytes());
    assert_eq!(bytes[43..51], 0x6162_6364_6566_6768_u64.to_be_bytes());
    assert_eq!(bytes[51..], [0x71, 0x72, 0x7f, 0xff, 0xff, 0xff, 1, 0x82, 0x83, 0x84]);
    assert_eq!(BatchHeader::parse(&bytes), Ok(sample()));
}

#[test]
fn attribute_bits_are_kafkas() {
    let mut header = sample();
    assert_eq!(header.compression(), Ok(Compression::Zstd));
    assert_eq!(header.timestamp_type(), TimestampType::CreateTime);
    assert!(header.is_transactional() && header.is_control());
    assert_eq!(header.delete_horizon(), Some(header.base_timestamp));
    header.set_timestamp_type(TimestampType::LogAppendTime);
    header.set_transactional(false);
    header.set_control(false);
    header.set_compression(Compression::Lz4);
    assert_eq!(header.attributes, 0x4b);
    header.attributes = 6;
    assert_eq!(header.compression(), Err(6));
}

#[test]
fn sequences_wrap_from_the_largest_to_zero() {
    let header = BatchHeader { base_sequence: i32::MAX - 1, last_offset_delta: 3, ..BatchHeader::default() };
    assert_eq!(header.last_sequence(), 1);
    assert_eq!(sequence_minus(1, 3), i32::MAX - 1);
    assert_eq!(BatchHeader { last_offset_delta: 3, ..BatchHeader::default() }.last_sequence(), -1);
}

#[test]
fn impossible_headers_are_refused() {
    let parse = |header: BatchHeader| BatchHeader::parse(&header.write());
    for length in [48, 0, -1, i32::MIN] {
        assert_eq!(parse(BatchHeader { batch_length: length, ..sample() }), Err(HeaderError::Length(length)));
    }
    for magic in [-1, 3, 127, 0, 1] {
        assert_eq!(parse(BatchHeader { magic, ..sample() }), Err(HeaderError::Magic(magic)));
    }
    for (base_offset, last_offset_delta) in
        [(-1, 0), (0, -1), (i64::MAX, 0), (i64::MAX - 1, 1), (i64::MAX, 1)]
    {
        let error = parse(BatchHeader { base_offset, last_offset_delta, ..sample() });
        assert_eq!(error, Err(HeaderError::Offsets { base_offset, last_offset_delta }));
    }
    for cut in 0..HEADER_LEN {
        let error = BatchHeader::parse(&sample().write()[..cut]);
        let need = if cut < FRAME_LEN { FRAME_LEN } else { HEADER_LEN };
        assert_eq!(error, Err(HeaderError::Incomplete { have: cut, need }));
    }
}

#[test]
fn batches_are_handed_out_until_the_torn_one() {
    let one = BatchHeader::default();
    let two = BatchHeader { base_offset: 7, batch_length: 51, ..one };
    let mut bytes = one.write().to_vec();
    bytes.extend(two.write());
    bytes.extend([8, 9]);
    bytes.extend(&one.write()[..30]);
    let found: Vec<_> = batches(&bytes).collect();
    assert_eq!(found.len(), 3);
    assert_eq!(found[1].unwrap().body(), [8, 9]);
    assert_eq!(found[1].unwrap().header().base_offset, 7);
    assert_eq!(found[2].unwrap_err(), HeaderError::Incomplete { have: 30, need: 61 });
}

#[test]
fn a_flipped_bit_is_seen_by_the_crc_except_in_the_leaders_own_fields() {
    let body = b"records";
    let mut header = BatchHeader { batch_length: 49 + 7, ..sample() };
    header.crc = crc_of(&header, body);
    let mut bytes = header.write().to_vec();
    bytes.extend(body);
    assert_eq!(BatchView::parse(&bytes).unwrap().check_crc(), Ok(()));
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        if let Ok(view) = BatchView::parse(&bytes) {
            let outside = at < 8 || (12..16).contains(&at);
            assert_eq!(view.check_crc().is_ok(), outside, "byte {at}");
        }
        bytes[at] ^= 1;
    }
}

proptest! {
    #[test]
    fn crc32c_agrees_with_another_implementation(
        bytes in prop::collection::vec(any::<u8>(), 0..5000), start in 0_usize..64, cut in 0_usize..5000,
    ) {
        let bytes = &bytes[start.min(bytes.len())..];
        let (left, right) = bytes.split_at(cut.min(bytes.len()));
        prop_assert_eq!(crc32c(bytes), ::crc32c::crc32c(bytes));
        prop_assert_eq!(crc32c_of(&[left, right]), ::crc32c::crc32c(bytes));
    }
}

#[test]
fn checksums_of_the_standard_word() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
