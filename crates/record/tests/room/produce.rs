//! What a leader takes from a producer, and what it answers when it does not.

use super::{NOW, judge, read_all, sealed, three, written};
use bytes::Bytes;
use ottla_model::ErrorCode;
use ottla_record::validate::{Origin, RecordFault, Refusal, Rejected, Rules};
use ottla_record::*;

fn header_of(bytes: &[u8]) -> BatchHeader {
    *BatchView::parse(bytes).unwrap().header()
}

/// The plain batch of three with another header.
fn with_header(change: impl FnOnce(&mut BatchHeader)) -> Bytes {
    let bytes = three(Codec::None);
    let mut header = header_of(&bytes);
    change(&mut header);
    sealed(header, &bytes[HEADER_LEN..])
}

fn refusal(bytes: &Bytes, rules: &Rules) -> Refusal {
    judge(bytes, rules).unwrap_err().refusal
}

fn refused(change: impl FnOnce(&mut BatchHeader)) -> Refusal {
    refusal(&with_header(change), &Rules::default())
}

#[test]
fn a_good_batch_passes_untouched_with_every_codec() {
    for compression in Compression::ALL {
        let bytes = three(Codec::of(compression));
        let mut produced = judge(&bytes, &Rules::default()).unwrap();
        assert_eq!(produced.header, header_of(&bytes));
        assert_eq!(produced.body.as_ptr(), bytes[HEADER_LEN..].as_ptr());
        assert_eq!((produced.count, produced.max_timestamp), (3, NOW + 2));
        assert_eq!((produced.offset_delta_of_max_timestamp, produced.log_append_time), (2, None));
        assert!(!produced.rebuilt);
        produced.assign(1000, 4);
        let records = read_all(&written(&produced)).unwrap();
        assert_eq!(records.iter().map(|r| r.offset).collect::<Vec<_>>(), [1000, 1001, 1002]);
        assert_eq!(header_of(&written(&produced)).partition_leader_epoch, 4);
    }
}

#[test]
fn a_request_holds_exactly_one_batch() {
    let one = three(Codec::None);
    assert_eq!(refusal(&Bytes::new(), &Rules::default()), Refusal::InvalidRecord);
    let two = Bytes::from([one.as_ref(), one.as_ref()].concat());
    assert_eq!(refusal(&two, &Rules::default()), Refusal::InvalidRecord);
    let torn_tail = Bytes::from([one.as_ref(), &one[..40]].concat());
    assert_eq!(judge(&torn_tail, &Rules::default()).unwrap().size(), one.len());
    for cut in 0..one.len() {
        assert_eq!(refusal(&one.slice(..cut), &Rules::default()), Refusal::InvalidRecord, "cut at {cut}");
    }
}

#[test]
fn damage_is_corrupt_message() {
    let good = three(Codec::None);
    let with_length = |length: i32| {
        let mut bytes = good.to_vec();
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        refusal(&Bytes::from(bytes), &Rules::default())
    };
    assert_eq!(with_length(-1), Refusal::CorruptMessage);
    assert_eq!(with_length(48), Refusal::CorruptMessage);
    assert_eq!(with_length(60), Refusal::CorruptMessage, "the CRC is of another length");
    assert_eq!(with_length(i32::MAX), Refusal::InvalidRecord, "no whole batch");
    for at in CRC_START..good.len() {
        let mut bytes = good.to_vec();
        bytes[at] ^= 0x40;
        assert!(judge(&Bytes::from(bytes), &Rules::default()).is_err(), "byte {at}");
    }
    for (magic, expected) in
        [(0, Refusal::InvalidRecord), (1, Refusal::InvalidRecord), (3, Refusal::CorruptMessage)]
    {
        assert_eq!(refused(|header| header.magic = magic), expected);
    }
    assert_eq!(refused(|header| header.magic = -1), Refusal::CorruptMessage);
}

#[test]
fn the_count_goes_with_the_last_offset_delta_and_with_the_records() {
    for (count, delta) in
        [(-1, 2), (0, 2), (0, 0), (2, 2), (4, 2), (3, 3), (i32::MAX, 2), (3, -1), (1, 0), (9, 8)]
    {
        let answer = refused(|header| {
            header.record_count = count;
            header.last_offset_delta = delta;
        });
        assert_eq!(answer, Refusal::InvalidRecord, "count {count}, delta {delta}");
    }
}

#[test]
fn what_only_a_broker_writes_is_refused() {
    assert_eq!(refused(|header| header.base_offset = 5), Refusal::InvalidRecord);
    assert_eq!(refused(|header| header.set_control(true)), Refusal::InvalidRecord);
    let appended = with_header(|header| header.set_timestamp_type(TimestampType::LogAppendTime));
    let by_leader = Rules { timestamp_type: TimestampType::LogAppendTime, ..Rules::default() };
    assert_eq!(refusal(&appended, &by_leader), Refusal::InvalidTimestamp);
    let epoch = with_header(|header| header.partition_leader_epoch = 99);
    assert_eq!(judge(&epoch, &Rules::default()).unwrap().header.partition_leader_epoch, -1);
    let control = with_header(|header| header.set_control(true));
    assert!(judge(&control, &Rules { origin: Origin::Coordinator, ..Rules::default() }).is_ok());
}

#[test]
fn idempotent_fields_make_sense_together() {
    let with = |id, epoch, sequence| {
        with_header(|header| {
            (header.producer_id, header.producer_epoch, header.base_sequence) = (id, epoch, sequence)
        })
    };
    assert_eq!(refusal(&with(7, 0, -1), &Rules::default()), Refusal::InvalidRecord);
    assert_eq!(refusal(&with(7, -1, 0), &Rules::default()), Refusal::InvalidRecord);
    assert_eq!(judge(&with(7, 0, i32::MAX), &Rules::default()).unwrap().header.last_sequence(), 1);
    assert_eq!(refused(|header| header.set_transactional(true)), Refusal::InvalidRecord);
}

#[test]
fn codecs_must_be_known_and_allowed() {
    for id in [5, 6, 7] {
        assert_eq!(refused(|header| header.attributes |= id), Refusal::UnsupportedCompressionType);
    }
    let zstd = three(Codec::Zstd(3));
    let old = Rules { zstd_allowed: false, ..Rules::default() };
    assert_eq!(refusal(&zstd, &old), Refusal::UnsupportedCompressionType);
    assert!(judge(&three(Codec::Gzip(1)), &old).is_ok());
    assert!(
        judge(&with_header(|header| header.attributes |= 0x80), &Rules::default()).is_ok(),
        "reserved bits"
    );
}

#[test]
fn garbage_behind_a_codec_is_corrupt_message() {
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        assert_eq!(refused(|header| header.set_compression(codec)), Refusal::CorruptMessage, "{codec:?}");
        let good = three(Codec::of(codec));
        let header = header_of(&good);
        for cut in HEADER_LEN..good.len() {
            assert!(
                judge(&sealed(header, &good[HEADER_LEN..cut]), &Rules::default()).is_err(),
                "{codec:?} {cut}"
            );
        }
    }
}

#[test]
fn keyless_records_of_a_compacted_topic_are_named() {
    let mut builder = Builder::new(0, Codec::Lz4(9));
    builder.push(NOW, Some(b""), None, &[]).push(NOW, None, Some(b"v"), &[]);
    builder.push(NOW, Some(b"k"), None, &[]).push(NOW, None, None, &[]);
    let bytes = builder.finish().unwrap();
    let rejected = judge(&bytes, &Rules { compacted: true, ..Rules::default() }).unwrap_err();
    assert_eq!(
        (rejected.refusal, rejected.refusal.code()),
        (Refusal::InvalidRecord, ErrorCode::InvalidRecord)
    );
    assert_eq!(rejected.record_errors.iter().map(|fault| fault.index).collect::<Vec<_>>(), [1, 3]);
    assert!(rejected.message.starts_with("2 records"), "{}", rejected.message);
    assert!(judge(&bytes, &Rules::default()).is_ok());
}

#[test]
fn named_faults_are_bounded() {
    let mut builder = Builder::new(0, Codec::None);
    for _ in 0..5000 {
        builder.push(NOW, None, None, &[]);
    }
    let rejected =
        judge(&builder.finish().unwrap(), &Rules { compacted: true, ..Rules::default() }).unwrap_err();
    assert_eq!(rejected.record_errors.len(), limits::RECORD_ERRORS);
    assert!(rejected.message.starts_with("5000 records"));
}

#[test]
fn timestamps_outside_the_limits_are_named() {
    let judge_at = |timestamp: i64, rules: &Rules| {
        let mut builder = Builder::new(0, Codec::None);
        builder.push(NOW, None, None, &[]).push(timestamp, None, None, &[]);
        judge(&builder.finish().unwrap(), rules)
    };
    let limits = Rules { before_max_ms: 1000, after_max_ms: 500, ..Rules::default() };
    for fine in [NOW - 1000, NOW + 500, -1] {
        assert!(judge_at(fine, &limits).is_ok(), "{fine}");
    }
    for bad in [NOW - 1001, NOW + 501, 0, i64::MIN, i64::MAX] {
        let rejected = judge_at(bad, &limits).unwrap_err();
        assert_eq!(rejected.refusal.code(), ErrorCode::InvalidTimestamp, "{bad}");
        assert!(matches!(rejected.record_errors.as_slice(), [RecordFault { index: 1, .. }]));
    }
    assert_eq!(judge_at(NOW + 3_600_001, &Rules::default()).unwrap_err().refusal, Refusal::InvalidTimestamp);
    assert_eq!(judge_at(5, &Rules::default()).unwrap().max_timestamp, NOW);
}

#[test]
fn a_timestamp_that_overflows_is_refused() {
    let bytes = with_header(|header| header.base_timestamp = i64::MAX);
    let open = Rules { after_max_ms: i64::MAX, ..Rules::default() };
    assert_eq!(refusal(&bytes, &open), Refusal::InvalidTimestamp);
}

#[test]
fn a_timestamp_fault_decides_the_code_of_a_mixed_batch() {
    let mut builder = Builder::new(0, Codec::None);
    builder.push(NOW, None, None, &[]).push(NOW + 9_999_999, Some(b"k"), None, &[]);
    let rejected: Rejected =
        judge(&builder.finish().unwrap(), &Rules { compacted: true, ..Rules::default() }).unwrap_err();
    assert_eq!((rejected.refusal, rejected.record_errors.len()), (Refusal::InvalidTimestamp, 2));
}

#[test]
fn a_lying_max_timestamp_is_corrected() {
    for lie in [i64::MAX, -1, NOW + 1, i64::MIN] {
        let bytes = with_header(|header| header.max_timestamp = lie);
        let produced = judge(&bytes, &Rules::default()).unwrap();
        assert_eq!(produced.header.max_timestamp, NOW + 2);
        assert_eq!(header_of(&written(&produced)).max_timestamp, NOW + 2);
        assert!(!produced.rebuilt);
    }
}

#[test]
fn log_append_time_changes_the_header_only() {
    for compression in Compression::ALL {
        let bytes = three(Codec::of(compression));
        let rules =
            Rules { timestamp_type: TimestampType::LogAppendTime, after_max_ms: 0, ..Rules::default() };
        let produced = judge(&bytes, &rules).unwrap();
        assert_eq!((produced.max_timestamp, produced.log_append_time), (NOW, Some(NOW)));
        assert_eq!(produced.offset_delta_of_max_timestamp, 0);
        assert_eq!(produced.body, bytes[HEADER_LEN..]);
        assert!(read_all(&written(&produced)).unwrap().iter().all(|record| record.timestamp == NOW));
    }
}

#[test]
fn a_log_append_bit_where_it_has_no_effect_goes() {
    let bytes = with_header(|header| header.set_timestamp_type(TimestampType::LogAppendTime));
    let produced = judge(&bytes, &Rules::default()).unwrap();
    assert_eq!(produced.header.timestamp_type(), TimestampType::CreateTime);
    assert_eq!((produced.max_timestamp, produced.log_append_time), (NOW + 2, None));
}

#[test]
fn the_topics_codec_wins() {
    for from in Compression::ALL {
        for to in Compression::ALL {
            let bytes = three(Codec::of(from));
            let produced = judge(&bytes, &Rules { codec: Some(Codec::of(to)), ..Rules::default() }).unwrap();
            assert_eq!(produced.rebuilt, from != to);
            assert_eq!(produced.header.compression(), Ok(to));
            assert_eq!(read_all(&written(&produced)).unwrap(), read_all(&bytes).unwrap());
        }
    }
}

#[test]
fn a_topic_may_bound_how_far_a_batch_unfolds() {
    let mut builder = Builder::new(0, Codec::Zstd(3));
    builder.push(NOW, None, Some(&[b'x'; 5000]), &[]);
    let bytes = builder.finish().unwrap();
    assert!(judge(&bytes, &Rules { max_unfolded: 6000, ..Rules::default() }).is_ok());
    assert_eq!(refusal(&bytes, &Rules { max_unfolded: 4000, ..Rules::default() }), Refusal::MessageTooLarge);
}

#[test]
fn size_is_checked_before_and_after_recompression() {
    let mut builder = Builder::new(0, Codec::Zstd(3));
    builder.push(NOW, None, Some(&[b'x'; 5000]), &[]);
    let small = builder.finish().unwrap();
    let exact = Rules { max_message_bytes: small.len(), ..Rules::default() };
    assert!(judge(&small, &exact).is_ok());
    let below = Rules { max_message_bytes: small.len() - 1, ..Rules::default() };
    assert_eq!(refusal(&small, &below).code(), ErrorCode::MessageTooLarge);
    let unpacked = Rules { codec: Some(Codec::None), ..exact };
    assert_eq!(refusal(&small, &unpacked), Refusal::MessageTooLarge);
}
