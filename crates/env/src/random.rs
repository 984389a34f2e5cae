//! Randomness.

use ottla_model::Uuid;
use rustix::rand::{GetRandomFlags, getrandom};

/// Draws random bytes: unpredictable in the program, from a seed in tests.
pub trait Random: Send + Sync + 'static {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);

    /// A fresh id that Kafka would hand out.
    fn uuid(&self) -> Uuid {
        loop {
            let mut bytes = [0; 16];
            self.fill(&mut bytes);
            if let Some(id) = Uuid::from_random(bytes) {
                return id;
            }
        }
    }
}

/// The kernel's generator, `getrandom(2)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealRandom;

impl Random for RealRandom {
    /// # Panics
    /// When the kernel refuses for another reason than an interruption: ids and salts that can be
    /// guessed are worse than a stopped process.
    fn fill(&self, buffer: &mut [u8]) {
        let mut rest = buffer;
        while !rest.is_empty() {
            match getrandom(&mut *rest, GetRandomFlags::empty()) {
                Ok(filled) => rest = rest.get_mut(filled..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => assert!(rest.is_empty(), "the kernel gives no random bytes: {error}"),
            }
        }
    }
}
