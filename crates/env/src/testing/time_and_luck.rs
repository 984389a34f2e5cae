//! Time that moves when told to, and luck that a seed repeats.

use ottla_model::{Millis, Now};
use parking_lot::Mutex;

use crate::{Clock, Random};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Now>,
}

impl ManualClock {
    /// Starts at tick zero and at `wall`.
    #[must_use]
    pub fn new(wall: Millis) -> Self {
        Self { now: Mutex::new(Now { wall, ..Now::default() }) }
    }

    /// Lets `millis` pass on both clocks.
    pub fn advance(&self, millis: u64) {
        let mut now = self.now.lock();
        now.tick = now.tick.plus_millis(millis);
        now.wall = now.wall.saturating_add_unsigned(millis);
    }

    /// Steps the wall clock, either way, without time passing.
    pub fn set_wall(&self, wall: Millis) {
        self.now.lock().wall = wall;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        *self.now.lock()
    }
}

/// A sequence of numbers from a seed (SplitMix64): the same seed gives the same numbers.
#[derive(Clone, Debug)]
pub struct Sequence {
    state: u64,
}

impl Sequence {
    /// The sequence of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; zero when the bound is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number().checked_rem(bound).unwrap_or(0)
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// Randomness from a seed.
#[derive(Debug)]
pub struct SeededRandom {
    sequence: Mutex<Sequence>,
}

impl SeededRandom {
    /// The randomness of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { sequence: Mutex::new(Sequence::new(seed)) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        let mut sequence = self.sequence.lock();
        for chunk in buffer.chunks_mut(8) {
            let bytes = sequence.number().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}
