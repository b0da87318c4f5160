//! What follows a failed attempt. The one place that decides about trying again.

use std::time::Duration;

use crate::failure::{FailureClass, Retry, Stops};
use crate::store::LONGEST_PAUSE;

/// Whether the attempt had sent the event that changes the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Certainly not.
    No,
    /// It had, or may have.
    Perhaps,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try again after a pause.
    RetryIn(Duration),
    /// Nobody knows what happened: read the app after a pause, and only then decide.
    ReadFirst(Duration),
    /// It stays failed until somebody acts.
    Fail,
    /// It stays failed, and nothing of the integration runs until somebody acts.
    PauseIntegration,
}

/// How often a failure that passes by itself is tried before it counts as failed.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// Decides what follows the `attempt`-th failed attempt (counted from 1). `jitter` in 0..1 spreads the pauses.
pub fn after_failure(class: FailureClass, attempt: u32, committed: Committed, jitter: f64) -> Next {
    let retry = class.info().retry;
    match retry {
        // The app's or the planner's own definite "no", also after the commit step.
        Retry::Never if class.info().stops == Stops::Integration => Next::PauseIntegration,
        Retry::Never => Next::Fail,
        Retry::Once if attempt > 1 => Next::Fail,
        _ if committed == Committed::Perhaps && attempt < ATTEMPTS => {
            Next::ReadFirst(if attempt == 1 { Duration::ZERO } else { pause(attempt - 1, jitter) })
        }
        Retry::Once => Next::RetryIn(Duration::ZERO),
        Retry::Backoff if attempt < ATTEMPTS => Next::RetryIn(pause(attempt, jitter)),
        Retry::ReadFirst if attempt < ATTEMPTS => Next::ReadFirst(pause(attempt, jitter)),
        Retry::Backoff | Retry::ReadFirst => Next::Fail,
    }
}

/// At how many failures in a row of one operation it is not begun any more; none where a failure says nothing about the operation.
pub fn opens_at(class: FailureClass) -> Option<i64> {
    let info = class.info();
    match (info.stops, info.retry) {
        // The app's own definite "no" to the service account: the next job would hear it too.
        (Stops::Operation, Retry::Never) => Some(1),
        (Stops::Operation, _) => Some(3),
        (Stops::Job | Stops::Account | Stops::Integration, _) => None,
    }
}

/// Doubles with each attempt; `jitter` adds up to a quarter.
fn pause(attempt: u32, jitter: f64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    doubled.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 4.0).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::CLASSES;

    #[test]
    fn each_class_is_followed_by_what_its_row_says() {
        use FailureClass::*;
        let check = |class, attempt, committed, expected| {
            assert_eq!(
                after_failure(class, attempt, committed, 0.0),
                expected,
                "{class} {attempt} {committed:?}"
            );
        };
        let secs = Duration::from_secs;
        check(Timeout, 1, Committed::No, Next::RetryIn(secs(15)));
        check(Timeout, 3, Committed::No, Next::RetryIn(secs(60)));
        check(Timeout, 6, Committed::No, Next::Fail);
        check(Timeout, 1, Committed::Perhaps, Next::ReadFirst(secs(0)));
        check(Timeout, 2, Committed::Perhaps, Next::ReadFirst(secs(15)));
        check(OutcomeUnknown, 6, Committed::Perhaps, Next::Fail);
        check(UiDrift, 1, Committed::No, Next::RetryIn(secs(0)));
        check(UiDrift, 2, Committed::No, Next::Fail);
        check(UiDrift, 1, Committed::Perhaps, Next::ReadFirst(secs(0)));
        check(VerifyMismatch, 1, Committed::Perhaps, Next::ReadFirst(secs(0)));
        check(VerifyMismatch, 2, Committed::Perhaps, Next::Fail);
        check(AuthFailed, 1, Committed::No, Next::PauseIntegration);
        check(SeatLimit, 1, Committed::Perhaps, Next::Fail);
        check(Protected, 1, Committed::No, Next::Fail);
        check(BrowserCrashed, 1, Committed::No, Next::RetryIn(secs(0)));
    }

    #[test]
    fn operations_stop_at_what_their_classes_say() {
        assert_eq!(opens_at(FailureClass::UiDrift), Some(3));
        assert_eq!(opens_at(FailureClass::UnexpectedDialog), Some(3));
        assert_eq!(opens_at(FailureClass::PermissionDenied), Some(1));
        assert_eq!(CLASSES.iter().filter(|info| opens_at(info.class).is_some()).count(), 3);
    }

    #[test]
    fn every_class_ends_and_pauses_are_bounded() {
        for info in CLASSES {
            for committed in [Committed::No, Committed::Perhaps] {
                let next = after_failure(info.class, ATTEMPTS, committed, 1.0);
                assert!(matches!(next, Next::Fail | Next::PauseIntegration), "{} {next:?}", info.word);
            }
        }
        assert!(pause(40, 1.0) <= LONGEST_PAUSE);
    }
}
