//! The doors to the outside: clock, randomness, disk, network.
//!
//! No other room reads a clock, draws a random number or opens a file. Each door is a trait with
//! a contract in prose; real ones for the program, and in [`testing`] memory and faulty ones for
//! tests and one suite of tests that every implementation passes.

pub mod blocking;
mod clock;
pub mod disk;
pub mod net;
mod random;
pub mod testing;

pub use clock::{Clock, RealClock};
pub use random::{Random, RealRandom};
