//! Waiting for what only time brings: a one-time code that stays valid long enough and was not used yet (RFC 6238).

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::step::Step;

/// How long a one-time code holds.
const WINDOW_MS: i64 = 30_000;
/// With less left than that, the next code is awaited.
const LEAST_MS: i64 = 5_000;

/// The one-time codes that a service account used: an app takes each only once (RFC 6238 section 5.2), and most keep to
/// that. One for all sessions of an account.
#[derive(Debug)]
pub struct UsedCodes {
    /// The window of the last code.
    window: AtomicI64,
}

impl Default for UsedCodes {
    fn default() -> Self {
        Self { window: AtomicI64::new(i64::MIN) }
    }
}

impl UsedCodes {
    /// How long to wait, so that a code made then is a new one, and still good when it arrives. It counts as used.
    pub(super) fn until_a_good_code(&self, now: Timestamp) -> Duration {
        let window = now.as_ms().div_euclid(WINDOW_MS);
        let left = WINDOW_MS - now.as_ms().rem_euclid(WINDOW_MS);
        let next = if left >= LEAST_MS { window } else { window + 1 };
        let use_next = |last: i64| Some(next.max(last.saturating_add(1)));
        let last = self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, use_next);
        let good = next.max(last.unwrap_or(i64::MIN).saturating_add(1));
        let wait = good.saturating_mul(WINDOW_MS).saturating_sub(now.as_ms()).max(0);
        Duration::from_millis(u64::try_from(wait).unwrap_or(0))
    }
}

/// Whether the step types a one-time code.
pub(super) fn types_a_code(step: &Step) -> bool {
    let mut found = false;
    step.effect.texts(&mut |_, template| {
        found |= template.names().iter().any(|(name, _)| name == "credentials.totp");
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_seconds_of_a_code_are_waited_out() {
        for (at, expected) in
            [(0, 0), (24_999, 0), (25_000, 0), (25_001, 4_999), (29_999, 1), (30_000, 0), (59_000, 1_000)]
        {
            let pause = UsedCodes::default().until_a_good_code(Timestamp::from_ms(at));
            assert_eq!(pause, Duration::from_millis(expected), "{at}");
        }
    }

    #[test]
    fn no_code_is_used_twice() {
        let codes = UsedCodes::default();
        for (at, expected) in [(1_000, 0), (2_000, 28_000), (3_000, 57_000), (95_000, 0), (119_000, 1_000)] {
            let pause = codes.until_a_good_code(Timestamp::from_ms(at));
            assert_eq!(pause, Duration::from_millis(expected), "{at}");
        }
    }
}
