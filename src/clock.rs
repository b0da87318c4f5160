//! Time, passed in.
//!
//! Everything that asks what time it is takes a [`Clock`], so that leases, schedules and one-time codes are tested
//! without waiting. Clippy forbids the global clocks everywhere but here.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many milliseconds after the epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, as one-time codes count them.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment and `duration`; the end of time where that does not exist.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// `duration` before this moment; the begin of time where that does not exist.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero where it is before it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// A time as RFC 3339 writes it, with its offset.
    ///
    /// # Errors
    /// The text is none.
    pub fn from_rfc3339(text: &str) -> Result<Self, TimeError> {
        let at = text.parse::<jiff::Timestamp>().map_err(|_| TimeError(text.to_owned()))?;
        Ok(Self(at.as_millisecond()))
    }

    /// RFC 3339 in UTC, to the millisecond, as SCIM writes it (RFC 7643 section 2.3.5).
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .map(|at| format!("{at:.3}"))
            .unwrap_or_else(|_| self.0.to_string())
    }
}

/// A text is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time: write it as 2026-12-01T22:00:00Z, or with the offset of a time zone, as 2026-12-01T22:00:00+01:00"
)]
pub struct TimeError(String);

/// Where the time comes from.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Time since a fixed, arbitrary start that never jumps and counts a suspended machine's sleep.
    fn elapsed(&self) -> Duration;
}

/// A clock shared by everything in one process.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }

    fn elapsed(&self) -> Duration {
        let at = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::new(u64::try_from(at.tv_sec).unwrap_or(0), u32::try_from(at.tv_nsec).unwrap_or(0))
    }
}

/// A clock that goes as another does and shows another time of day.
#[derive(Debug)]
pub struct ShiftedClock {
    clock: SharedClock,
    /// What it shows more than the other, in milliseconds.
    by: i64,
}

impl ShiftedClock {
    /// One that shows `now` at this moment.
    pub fn to(clock: SharedClock, now: Timestamp) -> Self {
        let by = now.0.saturating_sub(clock.now().0);
        Self { clock, by }
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.clock.now().0.saturating_add(self.by))
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    elapsed_ms: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self { now: AtomicI64::new(now.0), elapsed_ms: AtomicI64::new(0) })
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.now.fetch_add(by, Ordering::SeqCst);
        self.elapsed_ms.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the time of day, as somebody does whose clock was wrong; no time passes.
    pub fn jump(&self, to: Timestamp) {
        self.now.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.elapsed_ms.load(Ordering::SeqCst)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_written_as_scim_writes_them() {
        assert_eq!(Timestamp::from_ms(1_795_132_800_042).to_rfc3339(), "2026-11-20T00:00:00.042Z");
        assert_eq!(Timestamp::from_ms(0).to_rfc3339(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::from_ms(5).since(Timestamp::from_ms(9)), Duration::ZERO);
        assert_eq!(Timestamp::from_ms(i64::MAX).plus(Duration::MAX), Timestamp::from_ms(i64::MAX));
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(Timestamp::from_ms(1000));
        clock.advance(Duration::from_secs(2));
        assert_eq!((clock.now(), clock.elapsed()), (Timestamp::from_ms(3000), Duration::from_secs(2)));
    }
}
