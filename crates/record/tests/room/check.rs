//! Batches of leaders and files, old formats, control records, search by time.

use super::{NOW, read_all, three};
use ottla_record::control::{ControlType, EndMarker, raft_batch};
use ottla_record::*;

fn batch(base_offset: i64, epoch: i32, count: usize) -> Vec<u8> {
    let mut builder = Builder::new(base_offset, Codec::None).leader_epoch(epoch);
    for _ in 0..count {
        builder.push(NOW, None, Some(b"v"), &[]);
    }
    builder.finish().unwrap().to_vec()
}

#[test]
fn batches_follow_each_other_with_or_without_gaps() {
    let bytes = [batch(5, 1, 2), batch(7, 1, 1), batch(20, 3, 4)].concat();
    let mut checks = checked(&bytes, 5);
    let found: Vec<_> =
        checks.by_ref().map(|b| b.map(|b| (b.base_offset, b.last_offset, b.leader_epoch))).collect();
    assert_eq!(found, [Ok((5, 6, 1)), Ok((7, 7, 1)), Ok((20, 23, 3))]);
    assert_eq!((checks.valid_bytes(), checks.next_offset()), (bytes.len(), 24));
    assert_eq!(checked(&bytes, 6).next().unwrap().unwrap_err(), CheckError::Order { found: 5, expected: 6 });
}

#[test]
fn the_first_bad_batch_ends_the_good_ones() {
    let good = batch(0, 1, 2);
    let torn = &batch(2, 1, 2)[..70];
    let mut flipped = batch(2, 1, 2);
    flipped[65] ^= 1;
    for bad in [torn, &flipped, &batch(1, 1, 1), &batch(2, 0, 1), &[0; 100]] {
        let bytes = [good.as_slice(), bad, &batch(9, 1, 1)].concat();
        let mut checks = checked(&bytes, 0);
        assert!(checks.next().unwrap().is_ok());
        assert!(checks.next().unwrap().is_err());
        assert!(checks.next().is_none());
        assert_eq!(checks.valid_bytes(), good.len());
    }
}

/// A message of magic 0 or 1.
fn legacy(offset: i64, timestamp: Option<i64>, value: &[u8]) -> Vec<u8> {
    let mut rest = vec![u8::from(timestamp.is_some()), 0];
    rest.extend(timestamp.map(i64::to_be_bytes).into_iter().flatten());
    rest.extend((-1_i32).to_be_bytes());
    rest.extend((value.len() as i32).to_be_bytes());
    rest.extend(value);
    let mut bytes = offset.to_be_bytes().to_vec();
    bytes.extend((rest.len() as i32 + 4).to_be_bytes());
    bytes.extend(crc32(&rest).to_be_bytes());
    bytes.extend(rest);
    bytes
}

#[test]
fn old_formats_are_sized_and_checked() {
    let bytes = [legacy(3, None, b"zero"), legacy(9, Some(77), b""), batch(10, 0, 1)].concat();
    let found: Vec<_> = checked(&bytes, 0).map(|b| b.map(|b| (b.last_offset, b.max_timestamp))).collect();
    assert_eq!(found, [Ok((3, -1)), Ok((9, 77)), Ok((10, NOW))]);
    let mut damaged = legacy(3, None, b"zero");
    damaged[28] ^= 1;
    assert!(matches!(Checked::first(&damaged).unwrap_err(), CheckError::Crc(_)));
    let one = legacy(1, Some(5), b"v");
    for cut in 0..one.len() {
        assert!(matches!(LegacyMessage::parse(&one[..cut]), Err(HeaderError::Incomplete { .. })));
    }
    let mut short = legacy(1, Some(5), b"v");
    short[11] = 21;
    assert_eq!(LegacyMessage::parse(&short), Err(HeaderError::Length(21)));
}

/// A wrapper of magic 1 around three messages at offsets 40, 41, 42.
fn wrapped(codec: Codec, attributes: u8) -> Vec<u8> {
    let inner =
        [legacy(0, Some(10), b"a"), legacy(1, Some(30), &[7; 70_000]), legacy(2, Some(20), b"c")].concat();
    let mut packed = Vec::new();
    compress(codec, &inner, &mut packed).unwrap();
    let mut bytes = legacy(42, Some(30), &packed);
    bytes[17] = attributes | codec.compression().id();
    bytes
}

#[test]
fn old_messages_are_searched_by_time() {
    let find = |bytes: &[u8], target, from| {
        with_scratch(|scratch| {
            LegacyMessage::first_at_or_after(bytes, target, from, Limits::TRUSTED, scratch)
        })
    };
    for compression in [Compression::Gzip, Compression::Snappy, Compression::Lz4] {
        let bytes = wrapped(Codec::of(compression), 0);
        assert_eq!(find(&bytes, 5, 0), Ok(Some((40, 10))));
        assert_eq!(find(&bytes, 11, 0), Ok(Some((41, 30))));
        assert_eq!(find(&bytes, 11, 42), Ok(Some((42, 20))));
        assert_eq!(find(&bytes, 31, 0), Ok(None));
        assert_eq!(find(&wrapped(Codec::of(compression), 8), 11, 0), Ok(Some((40, 30))), "log append time");
        let torn = find(&legacy_with(compression, b"garbage"), 5, 0);
        assert!(matches!(torn, Err(RecordError::Decompress(_))), "{torn:?}");
    }
    assert_eq!(find(&legacy(7, Some(100), b"v"), 100, 7), Ok(Some((7, 100))));
    assert_eq!(find(&legacy(7, Some(100), b"v"), 100, 8), Ok(None));
    assert_eq!(find(&legacy(7, None, b"v"), -5, 0), Ok(None));
}

fn legacy_with(compression: Compression, value: &[u8]) -> Vec<u8> {
    let mut bytes = legacy(42, Some(30), value);
    bytes[17] = compression.id();
    bytes
}

#[test]
fn a_marker_is_one_control_record() {
    for commit in [true, false] {
        let marker = EndMarker { commit, coordinator_epoch: 12 };
        let bytes = marker.batch(30, 2, NOW, (77, 3)).unwrap();
        let view = BatchView::parse(&bytes).unwrap();
        view.check_crc().unwrap();
        let header = view.header();
        assert!(header.is_control() && header.is_transactional());
        assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (77, 3, -1));
        assert_eq!((header.base_offset, header.partition_leader_epoch, header.record_count), (30, 2, 1));
        let record = read_all(&bytes).unwrap().remove(0);
        assert_eq!(record.key.as_deref(), Some([0, 0, 0, u8::from(commit)].as_slice()));
        assert_eq!(record.value.as_deref(), Some([0, 0, 0, 0, 0, 12].as_slice()));
        assert_eq!(EndMarker::read(&record.key.unwrap(), &record.value.unwrap()), Some(marker));
    }
}

#[test]
fn control_keys_are_kafkas() {
    for (id, kind) in (0_i16..).zip(ControlType::ALL) {
        assert_eq!(kind.key(), [0, 0, 0, id as u8]);
        assert_eq!(ControlType::from_key(&kind.key()), Some(kind));
    }
    assert_eq!(ControlType::from_key(&[0, 0, 0, 7]), None);
    assert_eq!(ControlType::from_key(&[0xff, 0xff, 0, 0]), None);
    assert_eq!(ControlType::from_key(&[0, 0, 0]), None);
    assert_eq!(EndMarker::read(&ControlType::LeaderChange.key(), &[0; 6]), None);
    assert_eq!(EndMarker::read(&ControlType::Commit.key(), &[0; 5]), None);
    let bytes =
        raft_batch(4, 9, NOW, &[(ControlType::LeaderChange, b"x"), (ControlType::KraftVersion, b"y")])
            .unwrap();
    let header = *BatchView::parse(&bytes).unwrap().header();
    assert!(header.is_control() && !header.is_transactional() && !header.has_producer_id());
    assert_eq!(read_all(&bytes).unwrap()[1].key, Some(vec![0, 0, 0, 5]));
}

fn find(bytes: &[u8], target: i64) -> Option<(i64, i64)> {
    let view = BatchView::parse(bytes).unwrap();
    with_scratch(|scratch| first_at_or_after(&view, target, 0, Limits::TRUSTED, scratch)).unwrap()
}

#[test]
fn the_first_record_at_or_after_a_time_is_found() {
    for compression in Compression::ALL {
        let mut builder = Builder::new(50, Codec::of(compression));
        for timestamp in [100, 90, 300, 200, 300] {
            builder.push(timestamp, None, Some(&[0; 5000]), &[]);
        }
        let bytes = builder.finish().unwrap();
        assert_eq!(find(&bytes, 0), Some((50, 100)));
        assert_eq!(find(&bytes, 101), Some((52, 300)));
        assert_eq!(find(&bytes, 301), None);
        let view = BatchView::parse(&bytes).unwrap();
        let from = with_scratch(|scratch| first_at_or_after(&view, 101, 53, Limits::TRUSTED, scratch));
        assert_eq!(from, Ok(Some((53, 200))), "records before the start of the log do not count");
        let max = with_scratch(|scratch| offset_of_max_timestamp(&view, Limits::TRUSTED, scratch));
        assert_eq!(max, Ok(Some((52, 300))));
    }
    let mut builder = Builder::new(50, Codec::None).log_append_time(777);
    builder.push(1, None, None, &[]).push(2, None, None, &[]);
    let appended = builder.finish().unwrap();
    assert_eq!((find(&appended, 777), find(&appended, 778)), (Some((50, 777)), None));
    assert_eq!(find(&three(Codec::None), NOW + 1), Some((1, NOW + 1)));
}
