//! Input that wants to hurt: bombs, lies about lengths, random damage. Nothing may panic, and memory
//! stays bounded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)] // a test may fail loudly
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)] // small numbers of our own
#![allow(clippy::disallowed_methods)] // the fuzz round is bounded by a clock

use bytes::Bytes;
use ottla_record::validate::{Refusal, Rules, validate};
use ottla_record::*;

const NOW: i64 = 1_700_000_000_000;

fn sealed(header: BatchHeader, body: &[u8]) -> Bytes {
    let mut header = BatchHeader { batch_length: (49 + body.len()) as i32, ..header };
    header.crc = crc_of(&header, body);
    Bytes::from([&header.write(), body].concat())
}

fn pack(codec: Codec, plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    compress(codec, plain, &mut packed).unwrap();
    packed
}

/// A batch that declares `count` records over a compressed body.
fn bomb(compression: Compression, count: i32, body: &[u8]) -> Bytes {
    let mut header =
        BatchHeader { record_count: count, last_offset_delta: count - 1, ..BatchHeader::default() };
    header.set_compression(compression);
    sealed(header, body)
}

fn judge(bytes: &Bytes) -> Result<(), Refusal> {
    let rules = Rules { max_message_bytes: 64 << 20, ..Rules::default() };
    with_scratch(|scratch| validate(bytes, &rules, NOW, scratch)).map(|_| ()).map_err(|no| no.refusal)
}

/// The most memory this process has held, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// The records of these bombs: one that declares to be very long, then zeros without end.
fn endless_record() -> Vec<u8> {
    let mut plain = Vec::new();
    varint::put(&mut plain, i64::from(i32::MAX));
    plain.extend([0, 0, 0, 1]); // attributes, timestamp, offset, null key
    varint::put(&mut plain, i64::from(i32::MAX) - 100);
    plain
}

#[test]
fn bombs_cost_neither_memory_nor_much_time() {
    let before = peak();
    let zeros = vec![0; 1 << 20];
    let repeat = |codec: Codec, times: usize| {
        let mut body = pack(codec, &endless_record());
        body.extend(pack(codec, &zeros).repeat(times));
        body
    };
    let gzip = bomb(Compression::Gzip, 1, &repeat(Codec::Gzip(9), 1000));
    let zstd = bomb(Compression::Zstd, 1, &repeat(Codec::Zstd(3), 4000));
    let snappy = bomb(Compression::Snappy, 1, &repeat(Codec::Snappy, 200));
    let one_block = pack(Codec::Lz4(9), &zeros[..64 << 10]);
    let mut lz4 = pack(Codec::Lz4(9), &endless_record());
    lz4.truncate(lz4.len() - 4);
    lz4.extend(one_block[7..one_block.len() - 4].repeat(10_000));
    let lz4 = bomb(Compression::Lz4, 1, &lz4);
    let built = peak();
    for (bytes, name) in [(&gzip, "gzip"), (&zstd, "zstd"), (&lz4, "lz4")] {
        assert_eq!(judge(bytes), Err(Refusal::MessageTooLarge), "{name}");
    }
    assert_eq!(judge(&snappy), Err(Refusal::InvalidRecord), "snappy cannot grow enough: it just ends");
    let grown = peak() - built;
    assert!(grown < 24 << 10, "{grown} KiB of memory for bombs (and {} to make them)", built - before);
}

#[test]
fn declared_lengths_are_not_believed() {
    let snappy_4g = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0];
    assert_eq!(judge(&bomb(Compression::Snappy, 1, &snappy_4g)), Err(Refusal::CorruptMessage));
    let framed = |length: i32| {
        [b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".as_slice(), &length.to_be_bytes(), b"abc"].concat()
    };
    for length in [-1, i32::MIN, i32::MAX, 4, 0] {
        assert_eq!(
            judge(&bomb(Compression::Snappy, 1, &framed(length))),
            Err(Refusal::CorruptMessage),
            "{length}"
        );
    }
    let before = peak();
    // A record that declares 2 GiB, in a few bytes, through the reader that does materialise.
    let mut plain = Vec::new();
    varint::put(&mut plain, i64::from(i32::MAX));
    plain.extend([0; 1000]);
    for codec in Compression::ALL {
        let bytes = bomb(codec, 1, &pack(Codec::of(codec), &plain));
        assert_eq!(judge(&bytes), Err(Refusal::InvalidRecord));
        let view = BatchView::parse(&bytes).unwrap();
        let error = with_scratch(|scratch| {
            Records::new(&view, Limits::TRUSTED, scratch).unwrap().next_record().map(|_| ())
        });
        assert_eq!(error, Err(RecordError::Truncated));
    }
    assert!(peak() - before < 24 << 10);
}

#[test]
fn lies_inside_a_record_are_refused() {
    let record = |fields: &[i64]| {
        let mut inner = vec![0];
        for field in fields {
            varint::put(&mut inner, *field);
        }
        let mut plain = Vec::new();
        varint::put(&mut plain, inner.len() as i64);
        plain.extend(inner);
        plain
    };
    let good = record(&[0, 0, -1, -1, 0]);
    assert_eq!(judge(&bomb(Compression::None, 1, &good)), Ok(()));
    let lies: [&[i64]; 9] = [
        &[0, 0, -2, -1, 0],                  // key length
        &[0, 0, i64::from(i32::MAX), -1, 0], // key longer than the record
        &[0, 0, -1, i64::from(i32::MIN), 0], // value length
        &[0, 0, -1, 1, 0],                   // value takes the header count
        &[0, 0, -1, -1, -1],                 // header count
        &[0, 0, -1, -1, 10_000_000],         // more headers than bytes
        &[0, 0, -1, -1, 1, -1, -1],          // null header name
        &[0, 0, -1, -1, 1, 0],               // no header value
        &[0, 1, -1, -1, 0],                  // offset delta
    ];
    for fields in lies {
        for codec in Compression::ALL {
            let body = pack(Codec::of(codec), &record(fields));
            assert_eq!(judge(&bomb(codec, 1, &body)), Err(Refusal::InvalidRecord), "{fields:?} {codec:?}");
        }
    }
    for plain in
        [[good.clone(), vec![0]].concat(), good[..good.len() - 1].to_vec(), vec![], vec![1], vec![0x80; 12]]
    {
        for codec in Compression::ALL {
            assert_eq!(
                judge(&bomb(codec, 1, &pack(Codec::of(codec), &plain))),
                Err(Refusal::InvalidRecord),
                "{plain:?} {codec:?}"
            );
        }
    }
    assert_eq!(judge(&bomb(Compression::None, i32::MAX, &good)), Err(Refusal::InvalidRecord));
}

/// xorshift64*, for a trace that repeats.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Seeded) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at.max(1)),
            1 => bytes.insert(at, random.next() as u8),
            2 => bytes[at] = [0, 0xff, 0x7f, 0x80, 0x01][random.below(5)],
            3 => {
                let piece = bytes[at..(at + random.below(40)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => bytes[at] ^= 1 << random.below(8),
        }
    }
}

/// Everything that reads a batch reads this one; the CRC is right, so that they get far.
fn read_everything(bytes: &Bytes, scratch: &mut Scratch) -> bool {
    let rules = Rules { codec: Some(Codec::Lz4(9)), ..Rules::default() };
    let judged = validate(bytes, &rules, NOW, scratch).is_ok();
    let _ = checked(bytes, 0).count();
    let _ = LegacyMessage::first_at_or_after(bytes, 0, 0, Limits::for_body(bytes.len()), scratch);
    if let Ok(view) = BatchView::parse(bytes) {
        let limits = Limits::for_body(bytes.len());
        let _ = first_at_or_after(&view, NOW, 0, limits, scratch);
        if let Ok(mut records) = Records::new(&view, limits, scratch) {
            while let Ok(Some(record)) = records.next_record() {
                assert_eq!(record.headers.count(), record.headers.len());
            }
        }
    }
    judged
}

#[test]
fn random_damage_never_panics() {
    let seconds = std::env::var("OTTLA_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4.0);
    let started = std::time::Instant::now();
    let mut random = Seeded(0x0777_1a05);
    let mut scratch = Scratch::default();
    let mut old = vec![0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 26, 0, 0, 0, 0, 1, 0];
    old.extend(NOW.to_be_bytes());
    old.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4, 1, 2, 3, 4]);
    let seeds: Vec<Bytes> = Compression::ALL
        .into_iter()
        .map(|compression| {
            let mut builder = Builder::new(0, Codec::of(compression)).producer(1, 0, 0);
            for index in 0..20_u8 {
                let value: Vec<u8> = (0..200).map(|n| index ^ (n / 9)).collect();
                builder.push(NOW, Some(&[index]), Some(&value), &[("trace", Some(b"abc")), ("trace", None)]);
            }
            builder.finish().unwrap()
        })
        .collect();
    let (mut rounds, mut passed) = (0_u64, 0_u64);
    while started.elapsed().as_secs_f64() < seconds {
        for seed in &seeds {
            let header = *BatchView::parse(seed).unwrap().header();
            let mut body = seed[HEADER_LEN..].to_vec();
            mutate(&mut body, &mut random);
            passed += u64::from(read_everything(&sealed(header, &body), &mut scratch));
            let mut whole = seed.to_vec();
            mutate(&mut whole, &mut random);
            read_everything(&Bytes::from(whole), &mut scratch);
            let mut inner = old.repeat(3);
            mutate(&mut inner, &mut random);
            let mut wrapper = old[..22 + 4].to_vec();
            wrapper[17] = header.attributes as u8;
            let packed = pack(Codec::of(header.compression().unwrap()), &inner);
            wrapper.extend([0xff, 0xff, 0xff, 0xff]);
            wrapper.extend((packed.len() as u32).to_be_bytes());
            wrapper.extend(packed);
            let size = (wrapper.len() - LENGTH_PREFIX) as u32;
            wrapper[8..12].copy_from_slice(&size.to_be_bytes());
            mutate(&mut wrapper, &mut random);
            read_everything(&Bytes::from(wrapper), &mut scratch);
            rounds += 1;
        }
    }
    assert!(rounds > 100 && passed < rounds, "{passed} of {rounds} damaged batches passed");
}
