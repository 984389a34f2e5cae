//! Records go into a batch and come out of it, through every codec.

use super::{NOW, Owned, push_all, read_all};
use ottla_record::*;
use proptest::prelude::*;

fn codecs() -> Vec<Codec> {
    let mut all: Vec<_> = Compression::ALL.into_iter().map(Codec::of).collect();
    all.extend([Codec::Gzip(1), Codec::Gzip(9), Codec::Lz4(17), Codec::Zstd(-5), Codec::Zstd(12)]);
    all
}

fn field() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        Just(None),
        Just(Some(Vec::new())),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Some),
        (any::<u8>(), 0_usize..100_000).prop_map(|(byte, length)| Some(vec![byte; length])),
    ]
}

fn record() -> impl Strategy<Value = Owned> {
    let name = prop_oneof![Just("k".to_owned()), "[a-zé]{0,12}"];
    let headers = prop::collection::vec((name, field()), 0..4);
    (any::<i32>(), field(), field(), headers).prop_map(|(timestamp, key, value, headers)| Owned {
        offset: 0,
        timestamp: i64::from(timestamp),
        key,
        value,
        headers,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_goes_in_comes_out(
        mut records in prop::collection::vec(record(), 1..12),
        base_offset in 0_i64..1 << 40,
        codec in prop::sample::select(codecs()),
    ) {
        for (record, offset) in records.iter_mut().zip(base_offset..) {
            record.offset = offset;
        }
        let mut builder = Builder::new(base_offset, codec).leader_epoch(7).producer(9, 1, 5).transactional();
        push_all(&mut builder, &records);
        let bytes = builder.finish().unwrap();
        let view = BatchView::parse(&bytes).unwrap();
        view.check_crc().unwrap();
        let header = view.header();
        prop_assert_eq!(header.size_in_bytes(), bytes.len());
        prop_assert_eq!(header.compression(), Ok(codec.compression()));
        prop_assert_eq!(header.base_timestamp, records[0].timestamp);
        prop_assert_eq!(header.max_timestamp, records.iter().map(|r| r.timestamp).max().unwrap().max(-1));
        prop_assert_eq!(header.next_offset(), base_offset + records.len() as i64);
        prop_assert_eq!((header.partition_leader_epoch, header.producer_id, header.producer_epoch), (7, 9, 1));
        prop_assert_eq!(header.last_sequence(), 5 + records.len() as i32 - 1);
        prop_assert!(header.is_transactional() && !header.is_control());
        prop_assert_eq!(read_all(&bytes).unwrap(), records);
    }

    #[test]
    fn every_codec_gives_back_any_bytes(
        pieces in prop::collection::vec((any::<u8>(), 1_usize..40_000), 0..8), noise in prop::collection::vec(any::<u8>(), 0..70_000),
    ) {
        let mut plain: Vec<u8> = pieces.into_iter().flat_map(|(byte, length)| vec![byte; length]).collect();
        plain.extend(noise);
        for codec in codecs() {
            let mut packed = Vec::new();
            compress(codec, &plain, &mut packed).unwrap();
            let limits = Limits { unfolded: plain.len() as u64, ..Limits::TRUSTED };
            let compression = codec.compression();
            let back = with_scratch(|scratch| decompress(compression, &packed, limits, scratch));
            prop_assert_eq!(back.as_deref(), Ok(plain.as_slice()));
            if compression != Compression::None && !plain.is_empty() {
                let limits = Limits { unfolded: plain.len() as u64 - 1, ..limits };
                let back = with_scratch(|scratch| decompress(compression, &packed, limits, scratch));
                prop_assert_eq!(back, Err(DecompressError::TooLarge { compression, limit: limits.unfolded }));
            }
        }
    }
}

#[test]
fn our_frames_are_what_other_decoders_read() {
    use std::io::Read as _;
    let plain: Vec<u8> = (0..200_000_u32).flat_map(|n| (n / 7).to_be_bytes()).collect();
    let pack = |codec| {
        let mut packed = Vec::new();
        compress(codec, &plain, &mut packed).unwrap();
        packed
    };
    let mut back = Vec::new();
    flate2::read::GzDecoder::new(pack(Codec::Gzip(-1)).as_slice()).read_to_end(&mut back).unwrap();
    assert!(back == plain);
    back.clear();
    lz4_flex::frame::FrameDecoder::new(pack(Codec::Lz4(9)).as_slice()).read_to_end(&mut back).unwrap();
    assert!(back == plain);
    assert!(zstd::decode_all(pack(Codec::Zstd(3)).as_slice()).unwrap() == plain);
    assert_eq!(pack(Codec::Lz4(9))[..7], [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
    assert_eq!(pack(Codec::Snappy)[..16], *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01");
}

fn unpack(compression: Compression, packed: &[u8]) -> Result<Vec<u8>, DecompressError> {
    with_scratch(|scratch| decompress(compression, packed, Limits::for_body(packed.len()), scratch))
}

#[test]
fn snappy_comes_raw_or_framed_or_in_joined_streams() {
    let raw = snap::raw::Encoder::new().compress_vec(b"hello hello hello").unwrap();
    assert_eq!(unpack(Compression::Snappy, &raw).unwrap(), b"hello hello hello");
    let mut framed = Vec::new();
    compress(Codec::Snappy, b"one", &mut framed).unwrap();
    compress(Codec::Snappy, b"two", &mut framed).unwrap();
    assert_eq!(unpack(Compression::Snappy, &framed).unwrap(), b"onetwo");
    for cut in 17..framed.len() {
        assert_ne!(unpack(Compression::Snappy, &framed[..cut]).as_deref(), Ok(b"onetwo".as_slice()));
    }
}

#[test]
fn gzip_members_are_joined_and_their_headers_read() {
    let plain = vec![b"one".as_slice(), b"", b"two"];
    let mut joined = Vec::new();
    for piece in plain {
        let mut member = flate2::GzBuilder::new()
            .filename("name")
            .comment("comment")
            .extra(vec![1, 2, 3])
            .buf_read(piece, flate2::Compression::best());
        std::io::copy(&mut member, &mut joined).unwrap();
    }
    assert_eq!(unpack(Compression::Gzip, &joined).unwrap(), b"onetwo");
    let end = joined.len();
    joined[end - 1] ^= 1;
    assert!(matches!(unpack(Compression::Gzip, &joined), Err(DecompressError::Corrupt(..))));
    joined[end - 1] ^= 1;
    joined[end - 5] ^= 1;
    assert!(matches!(unpack(Compression::Gzip, &joined), Err(DecompressError::Corrupt(..))));
}

#[test]
fn lz4_frames_are_read_as_kafka_reads_them() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write as _;
    let plain: Vec<u8> = (0..300_000_u32).map(|n| (n / 100) as u8).collect();
    let pack = |info: FrameInfo| {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(&plain).unwrap();
        encoder.finish().unwrap()
    };
    let independent = || FrameInfo::new().block_mode(BlockMode::Independent);
    for block_size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB] {
        let packed = pack(independent().block_size(block_size).block_checksums(true).content_checksum(true));
        assert!(unpack(Compression::Lz4, &packed).unwrap() == plain);
    }
    let sized = pack(independent().content_size(Some(plain.len() as u64)));
    assert!(unpack(Compression::Lz4, &sized).unwrap() == plain);
    let mut with_checksum = pack(independent().content_checksum(true));
    *with_checksum.last_mut().unwrap() ^= 1;
    assert!(unpack(Compression::Lz4, &with_checksum).is_ok(), "Kafka does not look at the content checksum");
    let mut followed = pack(independent());
    followed.extend(b"whatever");
    assert!(unpack(Compression::Lz4, &followed).is_ok(), "nor at what follows the end mark");
    let mut bad_header = pack(independent());
    bad_header[6] ^= 1;
    assert!(matches!(unpack(Compression::Lz4, &bad_header), Err(DecompressError::Corrupt(..))));
    let stored = |size: u32| {
        let head = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
        [&head[..], &(size | 1 << 31).to_le_bytes(), &vec![1; size as usize], &[0; 4]].concat()
    };
    assert_eq!(unpack(Compression::Lz4, &stored(65_536)).unwrap().len(), 65_536);
    let error = unpack(Compression::Lz4, &stored(65_537)).unwrap_err();
    assert!(matches!(error, DecompressError::Corrupt(..)), "no block is larger than the header says");
    let linked = pack(FrameInfo::new().block_mode(BlockMode::Linked));
    assert!(matches!(unpack(Compression::Lz4, &linked), Err(DecompressError::Corrupt(..))));
    let endless = pack(independent());
    assert_eq!(
        unpack(Compression::Lz4, &endless[..endless.len() - 4]),
        Err(DecompressError::Truncated(Compression::Lz4))
    );
}

#[test]
fn zstd_frames_are_joined_and_windows_bounded() {
    let one = zstd::encode_all(b"one".as_slice(), 3).unwrap();
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let joined = [one.as_slice(), &skippable, &one].concat();
    assert_eq!(unpack(Compression::Zstd, &joined).unwrap(), b"oneone");
    let pack = |window_log| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(window_log).unwrap();
        std::io::Write::write_all(&mut encoder, &vec![7; 300_000]).unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(unpack(Compression::Zstd, &pack(27)).unwrap().len(), 300_000);
    assert!(matches!(unpack(Compression::Zstd, &pack(28)), Err(DecompressError::Corrupt(..))));
    let limits = Limits { zstd_window_log: 23, ..Limits::TRUSTED };
    let narrow = with_scratch(|scratch| decompress(Compression::Zstd, &pack(24), limits, scratch));
    assert!(matches!(narrow, Err(DecompressError::Corrupt(..))));
}

#[test]
fn duplicate_header_names_keep_their_order() {
    let mut builder = Builder::new(0, Codec::Zstd(3));
    builder.push(NOW, None, None, &[("k", Some(b"1")), ("k", None), ("", Some(b"")), ("k", Some(b"2"))]);
    let headers = read_all(&builder.finish().unwrap()).unwrap().remove(0).headers;
    let expected =
        [("k", Some(b"1".to_vec())), ("k", None), ("", Some(Vec::new())), ("k", Some(b"2".to_vec()))];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn offsets_may_leave_gaps_but_never_fall() {
    let mut builder = Builder::new(10, Codec::None);
    builder.push_at(12, NOW, None, Some(b"x"), &[]).push_at(15, NOW, None, Some(b"y"), &[]);
    let bytes = builder.clone().last_offset(20).finish().unwrap();
    assert_eq!(BatchView::parse(&bytes).unwrap().header().last_offset(), 20);
    assert_eq!(read_all(&bytes).unwrap().iter().map(|r| r.offset).collect::<Vec<_>>(), [12, 15]);
    assert_eq!(builder.clone().last_offset(14).finish(), Err(BuildError::Offset(14)));
    builder.push_at(15, NOW, None, None, &[]);
    assert_eq!(builder.finish(), Err(BuildError::Offset(15)));
    let mut far = Builder::new(0, Codec::None);
    far.push_at(1 << 31, NOW, None, None, &[]);
    assert_eq!(far.finish(), Err(BuildError::Offset(1 << 31)));
}

#[test]
fn a_batch_without_records_is_not_built() {
    assert_eq!(Builder::new(0, Codec::None).finish(), Err(BuildError::Empty));
}

#[test]
fn what_stays_of_a_compacted_batch_keeps_its_place_and_its_producer() {
    for compression in Compression::ALL {
        let mut builder =
            Builder::new(70, Codec::of(compression)).leader_epoch(3).producer(5, 2, 8).transactional();
        builder.push(NOW, Some(b"a"), None, &[]).push(NOW + 9, Some(b"b"), None, &[]).push(
            NOW + 5,
            None,
            None,
            &[],
        );
        let old = *BatchView::parse(&builder.finish().unwrap()).unwrap().header();
        let mut kept = Builder::replacing(&old, Codec::of(compression)).delete_horizon(NOW + 1_000_000);
        kept.push_at(71, NOW + 9, Some(b"b"), None, &[]);
        let bytes = kept.finish().unwrap();
        let header = *BatchView::parse(&bytes).unwrap().header();
        assert_eq!((header.base_offset, header.last_offset(), header.record_count), (70, 72, 1));
        assert_eq!((header.producer_id, header.producer_epoch, header.last_sequence()), (5, 2, 10));
        assert_eq!((header.delete_horizon(), header.max_timestamp), (Some(NOW + 1_000_000), NOW + 9));
        assert_eq!((header.partition_leader_epoch, header.attributes), (3, old.attributes | 0x40));
        let records = read_all(&bytes).unwrap();
        assert_eq!(records.iter().map(|r| (r.offset, r.timestamp)).collect::<Vec<_>>(), [(71, NOW + 9)]);
    }
    let mut appended = Builder::new(0, Codec::None).log_append_time(NOW);
    appended.push(1, None, None, &[]).push(2, None, None, &[]);
    let old = *BatchView::parse(&appended.finish().unwrap()).unwrap().header();
    let mut kept = Builder::replacing(&old, Codec::None);
    kept.push_at(0, NOW, None, None, &[]);
    assert_eq!(read_all(&kept.finish().unwrap()).unwrap()[0].timestamp, NOW);
}

#[test]
fn an_emptied_batch_keeps_its_producer_and_its_offsets() {
    let mut builder = Builder::new(100, Codec::Zstd(3)).producer(5, 2, 8).transactional();
    builder.push(NOW, None, None, &[]).push(NOW, None, None, &[]);
    let full = *BatchView::parse(&builder.finish().unwrap()).unwrap().header();
    let bytes = empty_batch(&full);
    let empty = BatchView::parse(&bytes).unwrap();
    empty.check_crc().unwrap();
    assert_eq!((empty.header().next_offset(), empty.header().last_sequence()), (102, 9));
    assert_eq!((empty.header().record_count, empty.header().compression()), (0, Ok(Compression::None)));
    assert!(empty.header().is_transactional());
    assert_eq!(read_all(&bytes).unwrap(), []);
}
