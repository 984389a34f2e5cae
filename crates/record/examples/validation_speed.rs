//! How long the produce path looks at a batch: `cargo run --release -p ottla-record --example validation_speed`.
//!
//! Batches of about 16 KiB of 100-byte values, as clients send them, for each codec; best of several rounds.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods)] // a tool to run by hand

use ottla_record::validate::{Rules, validate};
use ottla_record::{BatchView, Builder, Codec, Compression, Limits, Records, Scratch};
use std::hint::black_box;
use std::time::Instant;

const NOW: i64 = 1_700_000_000_000;
const RECORDS: u32 = 150;
const ROUNDS: u32 = 2000;

/// Nanoseconds for one call, the best of ten series.
fn measure(mut call: impl FnMut()) -> u128 {
    (0..10)
        .map(|_| {
            let start = Instant::now();
            (0..ROUNDS).for_each(|_| call());
            start.elapsed().as_nanos() / u128::from(ROUNDS)
        })
        .min()
        .unwrap_or(0)
}

fn main() {
    let mut scratch = Scratch::default();
    for compression in Compression::ALL {
        let mut builder = Builder::new(0, Codec::of(compression));
        for index in 0..RECORDS {
            let value = format!(
                "{{\"user\":{},\"item\":\"{:x}\",\"text\":\"{:<60}\"}}",
                index * 7919,
                index * 104_729,
                index
            );
            builder.push(NOW, Some(&index.to_be_bytes()), Some(value.as_bytes()), &[]);
        }
        let bytes = builder.finish().unwrap();
        let rules = Rules::default();
        let validated = measure(|| {
            black_box(validate(black_box(&bytes), &rules, NOW, &mut scratch)).unwrap();
        });
        let read = measure(|| {
            let view = BatchView::parse(black_box(&bytes)).unwrap();
            let mut records = Records::new(&view, Limits::TRUSTED, &mut scratch).unwrap();
            while let Some(record) = records.next_record().unwrap() {
                black_box(record);
            }
        });
        let crc = measure(|| black_box(BatchView::parse(black_box(&bytes)).unwrap().check_crc()).unwrap());
        let each = |total: u128| total / u128::from(RECORDS);
        println!(
            "{:6} {:6} bytes: validate {validated} ns ({} a record), read {read} ns ({} a record), CRC {crc} ns",
            compression.name(),
            bytes.len(),
            each(validated),
            each(read),
        );
    }
}
