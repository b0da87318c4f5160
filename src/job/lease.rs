//! Keeping a claim, and knowing in time that it is lost.
//!
//! The app cannot check a fence, so a worker must stop by itself before anybody else could have the job: it begins
//! nothing after 70 % of its lease, counted on a clock that also runs while the machine sleeps, from before the claim was sent.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::SharedClock;
use crate::failure::FailureClass;
use crate::store::{Lease, LeaseError, Store};
use crate::trace::NotAllowed;

/// A claim that is kept by heartbeats.
#[derive(Debug)]
pub(super) struct HeldLease {
    store: Store,
    clock: SharedClock,
    pub(super) lease: Lease,
    length: Duration,
    /// On the clock's `elapsed`: until when something new may be begun.
    safe_until: Mutex<Duration>,
    is_lost: AtomicBool,
}

impl HeldLease {
    /// A claim that was asked for at `asked_at` (on the clock's `elapsed`) for `length`.
    pub(super) fn new(
        store: Store,
        clock: SharedClock,
        lease: Lease,
        asked_at: Duration,
        length: Duration,
    ) -> Self {
        let safe_until = Mutex::new(safe(asked_at, length));
        Self { store, clock, lease, length, safe_until, is_lost: AtomicBool::new(false) }
    }

    /// Extends the lease every quarter of its length until it is lost. Never ends otherwise: whoever works on the job
    /// drops this with it.
    pub(super) async fn keep(&self) {
        let mut beat = tokio::time::interval(self.length / 4);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        beat.tick().await;
        loop {
            beat.tick().await;
            let asked_at = self.clock.elapsed();
            match self.store.heartbeat(&self.lease, self.length).await {
                Ok(_) => *self.lock() = safe(asked_at, self.length),
                Err(LeaseError::Lost) => {
                    self.is_lost.store(true, Ordering::SeqCst);
                    return;
                }
                // The lease may still be held; the next beat tells, and nothing is begun after its time.
                Err(LeaseError::Store(error)) => tracing::warn!(%error, "a heartbeat was not written"),
            }
        }
    }

    /// Whether something new may be begun.
    pub(super) fn check(&self) -> Result<(), NotAllowed> {
        if self.is_lost.load(Ordering::SeqCst) || self.clock.elapsed() >= *self.lock() {
            return Err(NotAllowed {
                class: FailureClass::Internal,
                reason: "the claim on this job ran out; somebody else may have it".to_owned(),
            });
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Duration> {
        self.safe_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn safe(asked_at: Duration, length: Duration) -> Duration {
    asked_at + length.mul_f64(0.7)
}
