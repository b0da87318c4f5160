//! The watch over what no single worker owns: claims whose holder is silent, operations that may be tried again, schedules, and evidence whose
//! time is over.
//!
//! Gateways keep it as workers do. A lease is counted by whoever looks on, so where every worker lives shorter than a lease
//! lasts, as when they are killed one after the other, none of them would see one end.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::sweep::{self, Sweep};
use crate::integration::Integrations;
use crate::store::{Store, StoreError, Vigil};

/// How often is looked.
pub(super) const EVERY: Duration = Duration::from_secs(5);

/// A watch that is kept until it is dropped.
#[derive(Debug)]
pub struct Watch {
    /// Its tasks, which end with it.
    _task: JoinSet<()>,
}

impl Watch {
    /// Keeps watch from now on. Several may, in one process or in many.
    pub fn start(sweep: Sweep) -> Self {
        let mut task = JoinSet::new();
        let (store, integrations) = (sweep.store.clone(), sweep.integrations.clone());
        task.spawn(Keeper { store, integrations }.keep());
        // Beside the other: a bucket that does not answer keeps no silent worker from being noticed.
        task.spawn(sweep_on(sweep));
        Self { _task: task }
    }
}

async fn sweep_on(sweep: Sweep) {
    let mut tick = tokio::time::interval(sweep::EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = sweep.turn().await {
            tracing::warn!(%error, "what is kept for long enough could not be looked for");
        }
    }
}

struct Keeper {
    store: Store,
    integrations: Integrations,
}

impl Keeper {
    async fn keep(self) {
        let mut vigil = Vigil::default();
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.look(&mut vigil).await {
                tracing::warn!(%error, "silent workers, schedules and what may be tried again could not be looked for");
            }
        }
    }

    async fn look(&self, vigil: &mut Vigil) -> Result<(), StoreError> {
        for job in self.store.take_back_silent(vigil).await? {
            tracing::warn!(job = job.id, "took back a job whose worker was silent");
        }
        self.try_again().await?;
        for job in self.store.ask_scheduled().await? {
            tracing::info!(job = job.id, cause = %job.cause, "its time has come");
        }
        Ok(())
    }

    /// Lets operations be tried again whose connector, or credentials, changed since they failed.
    async fn try_again(&self) -> Result<(), StoreError> {
        for breaker in self.store.breakers_without_probe().await? {
            // What cannot be read now is tried at the next look.
            let Ok(Some(integration)) = self.integrations.get(&breaker.integration_id).await else {
                continue;
            };
            let Ok(credentials) = self.integrations.credentials(&integration).await else { continue };
            let is_same = integration.connector.hash == breaker.connector_hash
                && credentials.changed_at == breaker.credentials_at;
            if !is_same && let Some(job) = self.store.half_open(&breaker).await? {
                tracing::info!(
                    job = job.id,
                    operation = breaker.operation,
                    "tries again what was not begun any more"
                );
            }
        }
        Ok(())
    }
}
