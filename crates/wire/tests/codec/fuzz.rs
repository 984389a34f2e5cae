//! Random and mutated frames for every message and version, from a seed; whatever is read must be written and read again.
//!
//! Half a second for each kind of frame, or as many seconds as `OTTLA_FUZZ_SECONDS` says for each. A failure prints the seed.

use crate::model::definition::Definition;
use crate::model::dice::Dice;
use crate::model::notation::Spec;
use crate::model::typed::Typed;
use crate::model::{any_struct, spec, typed, write};
use bytes::Bytes;
use ottla_wire::header::{RequestHeader, ResponseHeader};
use ottla_wire::{
    ApiKey, ConsumerOffsetsKey, MetadataRecord, Reader, ShareGroupStateKey, TransactionStateKey, limits,
};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Runs `round` with one seed after another until the time is over, and at least a few hundred times.
#[allow(clippy::disallowed_methods)] // how long to go on is no part of what is tested
fn for_a_while(mut round: impl FnMut(&mut Dice, u64)) {
    let seconds = std::env::var("OTTLA_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0.5);
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut seed = 0;
    while seed < 300 || Instant::now() < end {
        round(&mut Dice(seed), seed);
        seed += 1;
    }
}

/// What is read is written, and then read as the same.
fn check(name: &str, typed: &Typed, bytes: Bytes, version: i16, seed: u64) {
    let Ok((written, _)) = (typed.transcode)(bytes, version, version) else { return };
    let written = written.unwrap_or_else(|error| panic!("{name} {version} seed {seed}: {error}"));
    let (again, left) = (typed.transcode)(written.clone(), version, version).unwrap();
    assert_eq!((again, left), (Ok(written), 0), "{name} {version} seed {seed}");
}

fn each_message<'a>(spec: &'a Spec, mut visit: impl FnMut(&'a Definition, Typed, i16)) {
    let typed: BTreeMap<_, _> = typed::messages();
    for definition in &spec.definitions {
        for version in definition.versions.each() {
            visit(definition, typed[definition.name.as_str()], version);
        }
    }
}

#[test]
fn random_bytes_are_read_or_refused() {
    let mut cases = Vec::new();
    each_message(&spec(), |definition, typed, version| cases.push((definition.name.clone(), typed, version)));
    for_a_while(|dice, seed| {
        for _ in 0..20 {
            let (name, typed, version) = &cases[dice.below(cases.len())];
            let len = dice.below(200);
            let bytes = (0..len)
                .map(|_| if dice.one_in(2) { dice.below(4) as u8 } else { dice.next() as u8 })
                .collect();
            check(name, typed, bytes, *version, seed);
        }
    });
}

/// One to four changes: a bit, a byte, a length-like byte, a piece cut out, a piece doubled.
fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        if bytes.is_empty() {
            return;
        }
        let at = dice.below(bytes.len());
        match dice.below(5) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = dice.next() as u8,
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            3 => drop(bytes.drain(at..(at + dice.below(8)).min(bytes.len()))),
            _ => {
                let piece = bytes[at..(at + dice.below(16)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}

#[test]
fn mutated_messages_are_read_or_refused() {
    let spec = spec();
    let mut cases = Vec::new();
    each_message(&spec, |definition, typed, version| cases.push((definition, typed, version)));
    for_a_while(|dice, seed| {
        for _ in 0..5 {
            let (definition, typed, version) = cases[dice.below(cases.len())];
            let tree = any_struct(definition, &definition.structs[0], version, dice, 0);
            let mut bytes = write(definition, &tree, version).unwrap();
            mutate(&mut bytes, dice);
            check(&definition.name, &typed, bytes.into(), version, seed);
        }
    });
}

#[test]
fn every_bit_of_a_message_may_flip() {
    let spec = spec();
    let mut cases = Vec::new();
    each_message(&spec, |definition, typed, version| cases.push((definition, typed, version)));
    for_a_while(|dice, seed| {
        let (definition, typed, version) = cases[dice.below(cases.len())];
        let tree = any_struct(definition, &definition.structs[0], version, dice, 0);
        let bytes = write(definition, &tree, version).unwrap();
        for bit in 0..(8 * bytes.len()).min(2_000) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            check(&definition.name, &typed, flipped.into(), version, seed);
        }
    });
}

#[test]
fn headers_of_random_bytes_are_read_or_refused() {
    for_a_while(|dice, _| {
        for _ in 0..50 {
            let mut bytes = dice.bytes(dice.clone().below(40));
            if let Some(key) = bytes.first_chunk_mut::<4>()
                && !dice.one_in(4)
            {
                let api = ApiKey::ALL[dice.below(ApiKey::ALL.len())];
                *key = [0, api.code() as u8, 0, dice.below(20) as u8];
            }
            let bytes = Bytes::from(bytes);
            let _ = RequestHeader::decode(&mut Reader::for_frame(bytes.clone()));
            let api = ApiKey::ALL[dice.below(ApiKey::ALL.len())];
            let _ = ResponseHeader::decode(&mut Reader::for_frame(bytes), api, dice.below(20) as i16);
        }
    });
}

#[test]
fn records_of_random_bytes_are_read_or_refused() {
    for_a_while(|dice, _| {
        for _ in 0..50 {
            let mut bytes = dice.bytes(dice.clone().below(60));
            if let Some(start) = bytes.first_chunk_mut::<3>() {
                *start = [u8::from(!dice.one_in(9)), dice.below(32) as u8, dice.below(5) as u8];
            }
            if let Ok((record, version)) = MetadataRecord::decode(bytes.clone().into()) {
                let written = record.encode(version).unwrap();
                assert_eq!(MetadataRecord::decode(written.clone()).unwrap().0.encode(version), Ok(written));
            }
            if let Some(start) = bytes.first_chunk_mut::<2>() {
                *start = [0, dice.below(26) as u8];
            }
            let bytes = Bytes::from(bytes);
            let value = Bytes::from(dice.bytes(dice.clone().below(60)));
            if let Ok(key) = ConsumerOffsetsKey::decode(bytes.clone()) {
                let _ = key.decode_value(value.clone());
            }
            if let Ok(key) = TransactionStateKey::decode(bytes.clone()) {
                let _ = key.decode_value(value.clone());
            }
            if let Ok(key) = ShareGroupStateKey::decode(bytes) {
                let _ = key.decode_value(value);
            }
        }
    });
}

#[test]
fn the_budget_lets_every_message_through_that_is_full_of_small_elements() {
    let spec = spec();
    each_message(&spec, |definition, typed, version| {
        for (outer, inner) in [(3_000, 0), (100, 30)] {
            let tree = crate::model::crowded(definition, &definition.structs[0], version, outer, inner);
            let bytes = Bytes::from(write(definition, &tree, version).unwrap());
            let budget = limits::decode_budget(bytes.len());
            let read = (typed.decode)(bytes, version, budget);
            assert_eq!(read, Ok(()), "{} {version} {outer} {inner}", definition.name);
        }
    });
}
