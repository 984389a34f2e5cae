//! The doors to the outside: clock, randomness, disk, network.
//!
//! No other room reads a clock, draws a random number or opens a file. Each door is a trait with
//! a contract in prose; real ones for the program, memory and faulty ones for tests, and one
//! suite of tests that every implementation passes.

mod clock;
pub mod disk;
mod random;

pub use clock::Clock;
pub use random::Random;
