//! Jobs carried out: claimed with a lease, run in a session of the app, and finished in one transaction.
//!
//! Invariants: a job is worked on by one worker at a time, and a worker that may have lost its claim begins nothing more;
//! *done* means that the last reading showed what is wanted; after a commit step nothing is tried again before a reading;
//! whether and when something is tried again is decided in `after` alone.

mod after;
mod attempt;
mod browsers;
mod deposit;
mod finish;
mod flows;
mod group;
mod lease;
mod pages;
mod provision;
mod session;
mod sweep;
mod sync;
mod terms;
mod trials;
mod watch;
mod witness;
mod worker;

use crate::artifact::Artifacts;
use crate::clock::SharedClock;
use crate::id::SharedEntropy;
use crate::integration::Integrations;
use crate::store::Store;

pub use sweep::{Sweep, Swept};
pub use watch::Watch;
pub use worker::{BrowserChoice, Recordings, Worker, WorkerOptions};

/// What workers need of the installation.
#[derive(Clone, Debug)]
pub struct Workshop {
    /// Durable state.
    pub store: Store,
    /// Pictures.
    pub artifacts: Artifacts,
    /// Integrations with their connectors and credentials.
    pub integrations: Integrations,
    /// The time.
    pub clock: SharedClock,
    /// Randomness, for the pauses between attempts and for initial passwords.
    pub entropy: SharedEntropy,
}

impl Workshop {
    fn sweep(&self) -> Sweep {
        Sweep {
            store: self.store.clone(),
            integrations: self.integrations.clone(),
            artifacts: self.artifacts.clone(),
            clock: self.clock.clone(),
        }
    }
}
