//! The streaming validator against a naive one, which unfolds with other code, materialises every
//! record and then thinks.

use super::{NOW, judge, sealed};
use ottla_record::validate::{Refusal, Rules};
use ottla_record::*;
use proptest::prelude::*;

/// Varint, the plain way.
fn number(bytes: &[u8], at: &mut usize, most: usize) -> Option<i64> {
    let mut raw = 0_u128;
    for index in 0..most {
        let byte = *bytes.get(*at)?;
        *at += 1;
        raw |= u128::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            let raw = if most == 5 { u64::from(raw as u32) } else { raw as u64 };
            return Some((raw >> 1) as i64 ^ -((raw & 1) as i64));
        }
    }
    None
}

/// A field's bytes; `Some(None)` is null.
fn field(bytes: &[u8], at: &mut usize) -> Option<Option<Vec<u8>>> {
    match number(bytes, at, 5)? {
        -1 => Some(None),
        length => {
            let end = at.checked_add(usize::try_from(length).ok()?)?;
            let found = bytes.get(*at..end)?.to_vec();
            *at = end;
            Some(Some(found))
        }
    }
}

struct Naive {
    timestamp_delta: i64,
    offset_delta: i64,
    key: Option<Vec<u8>>,
}

fn parse(bytes: &[u8]) -> Option<Naive> {
    let mut at = 1;
    bytes.first()?;
    let timestamp_delta = number(bytes, &mut at, 10)?;
    let offset_delta = number(bytes, &mut at, 5)?;
    let key = field(bytes, &mut at)?;
    field(bytes, &mut at)?;
    let headers = number(bytes, &mut at, 5)?;
    if headers < 0 {
        return None;
    }
    for _ in 0..headers {
        field(bytes, &mut at)??;
        field(bytes, &mut at)?;
    }
    (at == bytes.len()).then_some(Naive { timestamp_delta, offset_delta, key })
}

/// What the answer must be for these records under this header.
fn expected(header: &BatchHeader, plain: &[u8], rules: &Rules) -> Result<(i64, i32), Refusal> {
    let mut records = Vec::new();
    let mut at = 0;
    for _ in 0..header.record_count {
        let length = number(plain, &mut at, 5).ok_or(Refusal::InvalidRecord)?;
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| at.checked_add(length))
            .ok_or(Refusal::InvalidRecord)?;
        let bytes = plain.get(at..end).ok_or(Refusal::InvalidRecord)?;
        records.push(parse(bytes).ok_or(Refusal::InvalidRecord)?);
        at = end;
    }
    if at != plain.len() || records.iter().zip(0..).any(|(record, delta)| record.offset_delta != delta) {
        return Err(Refusal::InvalidRecord);
    }
    let mut worst = None;
    let mut best = (-1, 0);
    for (record, index) in records.iter().zip(0..) {
        if rules.compacted && record.key.is_none() {
            worst = worst.or(Some(Refusal::InvalidRecord));
            continue;
        }
        let timestamp = i128::from(header.base_timestamp) + i128::from(record.timestamp_delta);
        let late = timestamp - i128::from(NOW) > i128::from(rules.after_max_ms);
        let early =
            rules.before_max_ms < i64::MAX && i128::from(NOW) - timestamp > i128::from(rules.before_max_ms);
        if i64::try_from(timestamp).is_err() || (timestamp != -1 && (late || early)) {
            worst = Some(Refusal::InvalidTimestamp);
        } else if timestamp > i128::from(best.0) {
            best = (timestamp as i64, index);
        }
    }
    worst.map_or(Ok(best), Err)
}

fn agree(header: BatchHeader, plain: &[u8], codec: Codec, rules: &Rules) {
    let mut header = header;
    header.set_compression(codec.compression());
    let mut body = Vec::new();
    compress(codec, plain, &mut body).unwrap();
    let answer = judge(&sealed(header, &body), rules);
    let answer =
        answer.map(|ok| (ok.max_timestamp, ok.offset_delta_of_max_timestamp)).map_err(|no| no.refusal);
    assert_eq!(answer, expected(&header, plain, rules), "{codec:?} {plain:02x?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_streaming_validator_agrees_with_the_naive_one(
        records in prop::collection::vec((-2000_i64..2000, prop::option::of(0_usize..40), 0_usize..300, 0_usize..3), 1..20),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in prop::option::of(any::<prop::sample::Index>()),
        compacted: bool,
    ) {
        let mut builder = Builder::new(0, Codec::None);
        for (delta, key, value, headers) in &records {
            let key = key.map(|length| vec![b'k'; length]);
            builder.push(NOW + delta, key.as_deref(), Some(&vec![b'v'; *value]), &vec![("h", Some(b"x".as_slice())); *headers]);
        }
        let bytes = builder.finish().unwrap();
        let header = *BatchView::parse(&bytes).unwrap().header();
        let mut plain = bytes[HEADER_LEN..].to_vec();
        for (place, byte) in damage {
            let at = place.index(plain.len());
            plain[at] = byte;
        }
        if let Some(cut) = cut {
            plain.truncate(cut.index(plain.len()));
        }
        let rules = Rules { compacted, before_max_ms: 1500, after_max_ms: 1800, ..Rules::default() };
        for compression in Compression::ALL {
            agree(header, &plain, Codec::of(compression), &rules);
        }
    }
}

#[test]
fn records_across_the_edges_of_the_window_are_walked() {
    for length in [65_400, 65_480, 65_520, 65_530, 65_536, 65_540, 131_000, 200_000] {
        let mut builder = Builder::new(0, Codec::None);
        for _ in 0..5 {
            builder.push(NOW, Some(b"key"), Some(&vec![9; length]), &[("name", Some(&[1; 100]))]);
        }
        let bytes = builder.finish().unwrap();
        for compression in Compression::ALL {
            let rules = Rules { max_message_bytes: 10 << 20, ..Rules::default() };
            agree(
                *BatchView::parse(&bytes).unwrap().header(),
                &bytes[HEADER_LEN..],
                Codec::of(compression),
                &rules,
            );
        }
    }
}
