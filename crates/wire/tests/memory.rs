//! What decoding allocates, counted by the allocator: never more than the budget of the frame, whatever its bytes claim.
//!
//! One test in a process of its own, so that nobody else's memory is counted.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs)] // a test may panic

use bytes::Bytes;
use ottla_wire::{Message, Reader, limits};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The frame's own reference count, and what the harness does meanwhile.
const SLACK: usize = 4096;

/// All that decoding allocates, freed or not.
fn allocated<M: Message>(frame: Bytes, version: i16) -> usize {
    let region = Region::new(COUNTED);
    drop(M::decode(&mut Reader::for_frame(frame), version));
    let change = region.change();
    change.bytes_allocated + usize::try_from(change.bytes_reallocated).unwrap_or(0)
}

fn check<M: Message>(frames: &[Bytes]) {
    for version in M::VERSIONS.min..=M::VERSIONS.max {
        for frame in frames {
            let bound = limits::decode_budget(frame.len()) + SLACK;
            let allocated = allocated::<M>(frame.clone(), version);
            assert!(allocated <= bound, "{} {version}: {allocated} for {} bytes", M::NAME, frame.len());
        }
    }
}

macro_rules! checks {
    ($($message:path,)*) => { [$(check::<$message> as fn(&[Bytes])),*] };
}

#[test]
fn a_frame_costs_its_budget_at_most() {
    let mut frames = Vec::new();
    for byte in [0u8, 1, 2, 3, 9, 0x20, 0x7f, 0x80, 0xff] {
        for len in [1, 5, 12, 64, 1000, 100_000] {
            frames.push(Bytes::from(vec![byte; len]));
        }
    }
    // Lengths and counts of each form at each of the first places, before plenty of bytes.
    for count in [
        &i32::MAX.to_be_bytes()[..],
        &999_999i32.to_be_bytes(),
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0xc0, 0x84, 0x3d],
    ] {
        for at in 0..24 {
            let mut frame = vec![0; at];
            frame.extend(count);
            frame.extend(vec![0; 2_000]);
            frames.push(frame.into());
        }
    }
    let mut state = 1u64;
    for len in 0..150 {
        let mut frame = Vec::new();
        for _ in 0..len * 3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            frame.push((state >> 60) as u8 * if state & 1 == 0 { 1 } else { 17 });
        }
        frames.push(frame.into());
    }
    for check in ottla_wire::every_message!(checks) {
        check(&frames);
    }
}
