//! Identifiers and the randomness they are made of, both passed in.
//!
//! Ids are UUIDs of version 7 (RFC 9562 section 5.7): opaque to callers, and in the order of their making, so that
//! indexes grow at one end. Clippy forbids global randomness everywhere but here.

use std::sync::Arc;
use std::sync::Mutex;

use crate::clock::SharedClock;

/// Where random bytes come from.
pub trait Entropy: Send + Sync + std::fmt::Debug {
    /// Fills `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// A source of randomness shared by everything in one process.
pub type SharedEntropy = Arc<dyn Entropy>;

/// The operating system's randomness, fit for keys and tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        clippy::expect_used,
        reason = "a system without randomness cannot keep secrets"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Repeatable bytes from a seed, for tests and replays; never for keys.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64 (Steele, Lea, Flood 2014).
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            chunk.copy_from_slice(z.to_le_bytes().get(..chunk.len()).unwrap_or(&[]));
        }
    }
}

/// Makes ids.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: SharedClock,
    entropy: SharedEntropy,
}

impl Ids {
    /// Ids from this time and this randomness.
    pub fn new(clock: SharedClock, entropy: SharedEntropy) -> Self {
        Self { clock, entropy }
    }

    /// A new id, as text.
    pub fn next(&self) -> String {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        let ms = u64::try_from(self.clock.now().as_ms()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().to_string()
    }

    /// A new id with a short word before it that says what it names: `job_…`.
    pub fn next_with_prefix(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.next().replace('-', ""))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    #[test]
    fn ids_are_version_7_in_order_of_time_and_repeatable_from_a_seed() {
        let clock = ManualClock::at(Timestamp::from_ms(1_800_000_000_000));
        let ids = Ids::new(clock.clone(), SeededEntropy::new(7));
        let first = ids.next();
        clock.advance(std::time::Duration::from_millis(1));
        let second = ids.next();
        assert!(first < second, "{first} {second}");
        assert_eq!(Uuid::try_parse(&first).unwrap().get_version_num(), 7);
        assert_eq!(
            first,
            Ids::new(ManualClock::at(Timestamp::from_ms(1_800_000_000_000)), SeededEntropy::new(7)).next()
        );
    }
}
