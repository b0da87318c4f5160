//! Waiting for a row to change without asking for it again and again.
//!
//! Every commit of this process tells exactly who it concerns. So does one of another process that shares a server's database; where it
//! was not heard, and with a file, the writer's slow poll notices it and tells everybody. A waiter therefore reads, waits, and reads again: being told too often is harmless,
//! and because it subscribes before it reads, it is never told too late.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// What a commit changed, for those who wait.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Touched {
    jobs: BTreeSet<String>,
    work: bool,
    /// What lets clients in, or what they reach, changed.
    pub(super) configuration: bool,
}

impl Touched {
    /// A job changed; with it, what a worker could claim.
    pub(super) fn job(&mut self, id: &str) {
        self.jobs.insert(id.to_owned());
        self.work = true;
    }

    /// What a worker could claim changed.
    pub(super) fn work(&mut self) {
        self.work = true;
    }

    /// What another commit changed, changed too.
    pub(super) fn join(&mut self, other: Self) {
        self.jobs.extend(other.jobs);
        self.work |= other.work;
        self.configuration |= other.configuration;
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.jobs.is_empty() && !self.work && !self.configuration
    }
}

/// Everyone who waits in this process.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    jobs: Mutex<HashMap<String, watch::Sender<()>>>,
    work: watch::Sender<()>,
}

impl Watchers {
    pub(super) fn tell(&self, touched: &Touched) {
        if touched.work {
            self.work.send_replace(());
        }
        if !touched.jobs.is_empty() {
            let watched = self.watched();
            for sender in touched.jobs.iter().filter_map(|id| watched.get(id)) {
                sender.send_replace(());
            }
        }
    }

    pub(super) fn tell_everyone(&self) {
        self.work.send_replace(());
        for sender in self.watched().values() {
            sender.send_replace(());
        }
    }

    pub(super) fn work(&self) -> WorkWatch {
        WorkWatch(self.work.subscribe())
    }

    pub(super) fn job(self: &Arc<Self>, id: &str) -> JobWatch {
        let receiver = self.watched().entry(id.to_owned()).or_default().subscribe();
        JobWatch { id: id.to_owned(), receiver, watchers: Arc::clone(self) }
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.watched().is_empty()
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells that a worker may find something to claim.
#[derive(Clone, Debug)]
pub struct WorkWatch(watch::Receiver<()>);

impl WorkWatch {
    /// Returns when something changed since the last call, or since the watch was made. Never returns once the store
    /// is gone.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Tells that one job changed.
#[derive(Debug)]
pub struct JobWatch {
    id: String,
    receiver: watch::Receiver<()>,
    watchers: Arc<Watchers>,
}

impl JobWatch {
    /// Returns when the job may have changed since the last call, or since the watch was made.
    pub async fn changed(&mut self) {
        // The sender is kept as long as this watch is.
        let _ = self.receiver.changed().await;
    }
}

impl Drop for JobWatch {
    fn drop(&mut self) {
        let mut watched = self.watchers.watched();
        if watched.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.id);
        }
    }
}
