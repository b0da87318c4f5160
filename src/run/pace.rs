//! Waiting for what only time brings: a one-time code that stays valid long enough (RFC 6238).

use std::time::Duration;

use crate::clock::Timestamp;
use crate::step::Step;

/// How long a one-time code holds.
const WINDOW_MS: i64 = 30_000;
/// With less left than that, the next code is awaited.
const LEAST_MS: i64 = 5_000;

/// Whether the step types a one-time code.
pub(super) fn types_a_code(step: &Step) -> bool {
    let mut found = false;
    step.effect.texts(&mut |_, template| {
        found |= template.names().iter().any(|(name, _)| name == "credentials.totp");
    });
    found
}

/// How long to wait, so that a code made then is still good when it arrives; zero where one can be made at once.
pub(super) fn until_a_good_code(now: Timestamp) -> Duration {
    let left = WINDOW_MS - now.as_ms().rem_euclid(WINDOW_MS);
    if left >= LEAST_MS { Duration::ZERO } else { Duration::from_millis(u64::try_from(left).unwrap_or(0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_seconds_of_a_code_are_waited_out() {
        for (at, expected) in
            [(0, 0), (24_999, 0), (25_000, 0), (25_001, 4_999), (29_999, 1), (30_000, 0), (59_000, 1_000)]
        {
            assert_eq!(until_a_good_code(Timestamp::from_ms(at)), Duration::from_millis(expected), "{at}");
        }
    }
}
