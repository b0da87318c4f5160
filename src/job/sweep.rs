//! The end of what attempts left: whose time is over is let go, and bytes that nothing needs are removed.
//!
//! When something is over follows from the policy of its integration as it is now. Each turn is bounded, and each gateway takes turns: what
//! one has done the others do not find.

use std::time::Duration;

use crate::artifact::{ArtifactError, Artifacts};
use crate::clock::SharedClock;
use crate::integration::{Integration, Integrations};
use crate::keeping::{Look, Who, remove_unneeded};
use crate::store::{AttemptId, Covered, HoldRow, LeftBehind, Store, StoreError};

/// How often is looked what is over.
pub(super) const EVERY: Duration = Duration::from_secs(30);
/// How many attempts of an integration a turn lets go.
const ATTEMPTS: u32 = 200;
/// How many bytes by name a turn removes.
const NAMES: usize = 5000;

/// Takes turns at it.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Durable state.
    pub store: Store,
    /// Integrations, for what they keep for how long.
    pub integrations: Integrations,
    /// The bytes.
    pub artifacts: Artifacts,
    /// The time.
    pub clock: SharedClock,
}

/// What a turn did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Attempts that were let go, or found to stay with a hold.
    pub attempts: usize,
    /// Pictures, pages and files of recordings that were let go.
    pub expired: u64,
    /// Bytes that were removed.
    pub removed: usize,
    /// Bytes that could not be; they are tried again.
    pub failed: usize,
}

impl Sweep {
    /// One turn.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn turn(&self) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        for row in self.store.list_integrations().await? {
            let Some(until) = row.policy.evidence_over(self.clock.now()) else { continue };
            let holds = self.store.open_evidence_holds(&row.id).await?;
            if holds.iter().any(|hold| hold.covered == Covered::Integration) {
                continue;
            }
            let due = self.store.due_attempts(&row.id, until, ATTEMPTS).await?;
            if due.is_empty() {
                continue;
            }
            let found = due.len();
            let free = match self.not_spared(&row.id, &holds, due).await {
                Ok(free) => free,
                Err(error) => {
                    tracing::warn!(%error, integration = row.name, "what shows a held person could not be told: nothing is let go");
                    continue;
                }
            };
            swept.attempts += found;
            swept.expired += self.store.expire(free).await?;
        }
        (swept.removed, swept.failed) = remove_unneeded(&self.store, &self.artifacts, NAMES).await?;
        Ok(swept)
    }

    /// Those that show nobody who is held; the others stay with the hold.
    async fn not_spared(
        &self,
        integration_id: &str,
        holds: &[HoldRow],
        due: Vec<LeftBehind>,
    ) -> Result<Vec<AttemptId>, Unclear> {
        let people = self.held_people(integration_id, holds).await?;
        let mut free = Vec::new();
        for left in &due {
            let mut is_spared = false;
            for (hold, who) in &people {
                if !(Look { artifacts: &self.artifacts }).at(left, who).await?.is_nothing() {
                    self.store.spare(hold, vec![left.attempt]).await?;
                    is_spared = true;
                }
            }
            if !is_spared {
                free.push(left.attempt);
            }
        }
        Ok(free)
    }

    async fn held_people(
        &self,
        integration_id: &str,
        holds: &[HoldRow],
    ) -> Result<Vec<(String, Who)>, Unclear> {
        let mut people = Vec::new();
        let held = holds.iter().filter_map(|hold| match &hold.covered {
            Covered::Person(id) => Some((hold, id)),
            _ => None,
        });
        for (hold, id) in held {
            let integration: Integration = match self.integrations.get(integration_id).await {
                Ok(Some(integration)) => integration,
                _ => return Err(Unclear::Connector),
            };
            let person = self.store.find_user_or_tombstone(integration_id, id).await?;
            let who = Who::of(&self.store, &integration.connector, person.as_slice()).await?;
            people.push((hold.id.clone(), who));
        }
        Ok(people)
    }
}

/// It cannot be told whether a held person is shown.
#[derive(Debug, thiserror::Error)]
enum Unclear {
    #[error("the connector cannot be read")]
    Connector,
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
