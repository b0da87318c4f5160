//! The door that every request comes through: it counts them, and can be held shut.

use tokio::sync::watch;

/// Counts requests as they come in; those from a certain one on can be made to wait.
#[derive(Debug)]
pub(super) struct Gate {
    arrived: watch::Sender<u64>,
    /// The first request that waits.
    shut_from: watch::Sender<u64>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { arrived: watch::Sender::new(0), shut_from: watch::Sender::new(u64::MAX) }
    }
}

impl Gate {
    /// Counts a request and lets it in once it may.
    pub(super) async fn enter(&self) {
        let mut number = 0;
        self.arrived.send_modify(|arrived| {
            *arrived += 1;
            number = *arrived;
        });
        // The gate lives as long as the app, so there is nothing to fail.
        drop(self.shut_from.subscribe().wait_for(|from| number < *from).await);
    }

    /// Returns as soon as that many requests have come in.
    pub(super) async fn arrived(&self, requests: u64) {
        drop(self.arrived.subscribe().wait_for(|arrived| *arrived >= requests).await);
    }

    /// Lets `more` requests in and keeps the others waiting; the number of the first that waits.
    pub(super) fn hold_after(&self, more: u64) -> u64 {
        let first = self.arrived.borrow().saturating_add(more).saturating_add(1);
        self.shut_from.send_replace(first);
        first
    }

    /// Lets everything in.
    pub(super) fn open(&self) {
        self.shut_from.send_replace(u64::MAX);
    }
}
