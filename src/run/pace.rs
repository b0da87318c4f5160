//! Waiting for what only time brings: a one-time code that stays valid long enough and was not used yet (RFC 6238).

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::step::Step;
use crate::trace::NotAllowed;

/// How long a one-time code holds.
const WINDOW_MS: i64 = 30_000;
/// With less left than that, the next code is awaited.
const LEAST_MS: i64 = 5_000;

/// Which one-time codes of a service account were used: an app takes each only once (RFC 6238 section 5.2), and most keep to that.
#[async_trait]
pub trait Codes: Send + Sync + std::fmt::Debug {
    /// Takes the first window from `from` on, counted in half minutes since 1970, whose code was not used; it counts as used.
    ///
    /// # Errors
    /// It cannot be known; no code is typed.
    async fn take(&self, from: i64) -> Result<i64, NotAllowed>;
}

/// Those that this process used.
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

#[async_trait]
impl Codes for UsedCodes {
    async fn take(&self, from: i64) -> Result<i64, NotAllowed> {
        let use_next = |last: i64| Some(from.max(last.saturating_add(1)));
        let last = self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, use_next);
        Ok(from.max(last.unwrap_or(i64::MIN).saturating_add(1)))
    }
}

/// How long to wait, so that a code made then is a new one, and still good when it arrives.
pub(super) async fn until_a_good_code(codes: &dyn Codes, now: Timestamp) -> Result<Duration, NotAllowed> {
    let window = now.as_ms().div_euclid(WINDOW_MS);
    let left = WINDOW_MS - now.as_ms().rem_euclid(WINDOW_MS);
    let good = codes.take(if left >= LEAST_MS { window } else { window + 1 }).await?;
    let wait = good.saturating_mul(WINDOW_MS).saturating_sub(now.as_ms()).max(0);
    Ok(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
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

    #[tokio::test]
    async fn the_last_seconds_of_a_code_are_waited_out() {
        for (at, expected) in
            [(0, 0), (24_999, 0), (25_000, 0), (25_001, 4_999), (29_999, 1), (30_000, 0), (59_000, 1_000)]
        {
            let pause = until_a_good_code(&UsedCodes::default(), Timestamp::from_ms(at)).await.unwrap();
            assert_eq!(pause, Duration::from_millis(expected), "{at}");
        }
    }

    #[tokio::test]
    async fn no_code_is_used_twice() {
        let codes = UsedCodes::default();
        for (at, expected) in [(1_000, 0), (2_000, 28_000), (3_000, 57_000), (95_000, 0), (119_000, 1_000)] {
            let pause = until_a_good_code(&codes, Timestamp::from_ms(at)).await.unwrap();
            assert_eq!(pause, Duration::from_millis(expected), "{at}");
        }
    }
}
