//! What operators ask for and are shown, on the command line and over HTTP: who they are, what is refused, and what things look like as JSON.
//!
//! Invariants: whoever acts is named by the events of what was done; a key is given out once and kept only as a hash; what is refused
//! leaves nothing behind.
//!
//! Deliberately absent: HTTP, and words for a terminal.

pub mod shown;

use std::time::Duration;

use serde_json::json;

use crate::clock::SharedClock;
use crate::id::SharedEntropy;
use crate::integration::{FindError, Integration, Integrations, draw_bearer};
use crate::secret::SecretString;
use crate::store::{
    Applied, DecideError, Decision, IntegrationRow, JobRequest, JobRow, NewOperatorKey, OperatorKeyError,
    OperatorKeyRow, PlanRow, Priority, Store, StoreError, Work,
};

pub use crate::store::OperatorRole;

/// Takes in what operators ask.
#[derive(Clone, Debug)]
pub struct Operators {
    store: Store,
    integrations: Integrations,
    clock: SharedClock,
    entropy: SharedEntropy,
}

/// Somebody who showed a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The name of the key, as events have it.
    pub name: String,
    /// What it lets them do.
    pub role: OperatorRole,
}

/// What was asked is not done.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no integration of that name.
    #[error("there is no integration `{0}`")]
    NoIntegration(String),
    /// There is no job with that id.
    #[error("there is no job `{0}`")]
    NoJob(String),
    /// The integration is there and cannot be used now.
    #[error(transparent)]
    Unusable(FindError),
    /// Nothing is done in the integration.
    #[error(transparent)]
    Paused(#[from] Paused),
    /// The plan cannot be decided on so.
    #[error(transparent)]
    Plan(DecideError),
    /// Who decides so says why.
    #[error("say why, for the record: the reason is empty")]
    NoReason,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Nothing is done in an integration until somebody resumes it.
#[derive(Debug, thiserror::Error)]
#[error("{name} is paused ({reason}); `usher integration resume {name}` lets it go on")]
pub struct Paused {
    name: String,
    reason: String,
}

impl From<FindError> for AskError {
    fn from(error: FindError) -> Self {
        match error {
            FindError::Store(error) => Self::Store(error),
            error => Self::Unusable(error),
        }
    }
}

impl From<DecideError> for AskError {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Store(error) => Self::Store(error),
            error => Self::Plan(error),
        }
    }
}

/// Refuses work in an integration that is paused.
///
/// # Errors
/// It is.
pub fn not_paused(integration: &IntegrationRow) -> Result<(), Paused> {
    match (integration.paused_at, &integration.pause_reason) {
        (Some(_), reason) => {
            Err(Paused { name: integration.name.clone(), reason: reason.clone().unwrap_or_default() })
        }
        (None, _) => Ok(()),
    }
}

/// How work is asked for by somebody who waits for it. `event` is what is asked for, as events name it.
pub fn asked(event: &str, by: &str) -> JobRequest {
    JobRequest { priority: Priority::INTERACTIVE, cause: json!({ "event": event, "by": by }) }
}

impl Operators {
    /// Over this store and these integrations.
    pub fn new(store: Store, integrations: Integrations, clock: SharedClock, entropy: SharedEntropy) -> Self {
        Self { store, integrations, clock, entropy }
    }

    /// A new key of that name. The text is not kept and cannot be shown again.
    ///
    /// # Errors
    /// The name is taken, or cannot be one; its hash could not be kept.
    pub async fn new_key(
        &self,
        name: &str,
        role: OperatorRole,
        lifetime: Option<Duration>,
        by: &str,
    ) -> Result<(OperatorKeyRow, SecretString), OperatorKeyError> {
        let key = draw_bearer(&self.entropy);
        let expires_at = lifetime.map(|lifetime| self.clock.now().plus(lifetime));
        let new = NewOperatorKey { name: name.to_owned(), role, key: key.clone(), expires_at };
        Ok((self.store.create_operator_key(new, by).await?, key))
    }

    /// Who shows this key. Wrong, revoked and expired keys all give `None`, and so does what lets an identity provider in.
    ///
    /// # Errors
    /// The store cannot read.
    pub async fn authenticate(&self, presented: &SecretString) -> Result<Option<Operator>, StoreError> {
        let found = self.store.find_operator_key(presented).await?;
        let Some(key) = found.filter(|key| key.life.is_valid(self.clock.now())) else { return Ok(None) };
        self.store.touch_operator_key(&key).await?;
        Ok(Some(Operator { name: key.name, role: key.role }))
    }

    /// The integration of that name.
    ///
    /// # Errors
    /// There is none, or it cannot be used now.
    pub async fn integration(&self, name: &str) -> Result<Integration, AskError> {
        let found = self.integrations.find(name).await?;
        found.ok_or_else(|| AskError::NoIntegration(name.to_owned()))
    }

    /// The job that will read every account of the integration of that name: the one that waits for its begin already, or the one behind
    /// that which runs, or a new one.
    ///
    /// # Errors
    /// There is no such integration, it cannot be used now, or it is paused.
    pub async fn sync(&self, name: &str, by: &str) -> Result<JobRow, AskError> {
        let integration = self.integration(name).await?.row;
        not_paused(&integration)?;
        Ok(self.store.request_job(&integration.id, Work::Sync, asked("sync.asked", by), by).await?)
    }

    /// The job with this id, once it has settled, or as it is after this time.
    ///
    /// # Errors
    /// There is none.
    pub async fn job(&self, id: &str, patience: Duration) -> Result<JobRow, AskError> {
        let settled = async {
            let mut watch = self.store.watch_job(id);
            loop {
                match self.store.find_job(id).await {
                    Ok(Some(job)) if !job.state.is_settled() => watch.changed().await,
                    other => break other,
                }
            }
        };
        let found = match patience.is_zero() {
            true => None,
            false => tokio::time::timeout(patience, settled).await.ok(),
        };
        let found = match found {
            Some(settled) => settled?,
            None => self.store.find_job(id).await?,
        };
        found.ok_or_else(|| AskError::NoJob(id.to_owned()))
    }

    /// The plan with this id.
    ///
    /// # Errors
    /// There is none.
    pub async fn plan(&self, id: &str) -> Result<PlanRow, AskError> {
        self.store.find_plan(id).await?.ok_or(AskError::Plan(DecideError::NotFound))
    }

    /// Takes over what a plan found; where `corrects`, jobs put right what differs.
    ///
    /// # Errors
    /// There is no such plan, it was decided on before, or a safeguard holds it and no reason is given.
    pub async fn apply_plan(
        &self,
        id: &str,
        (reason, corrects): (Option<&str>, bool),
        by: &str,
    ) -> Result<Applied, AskError> {
        let plan = self.plan(id).await?;
        let of = self.integrations.get(&plan.integration_id).await?;
        let schema = of.ok_or(AskError::NoIntegration(plan.integration_id))?.connector.user_schema();
        let reason = reason.filter(|reason| !reason.trim().is_empty()).map(str::to_owned);
        let decision = Decision { by: by.to_owned(), reason, corrects };
        Ok(self.store.apply_plan(id, &decision, &schema).await?)
    }

    /// Leaves what is known as it is.
    ///
    /// # Errors
    /// There is no such plan, it was decided on before, or the reason is empty.
    pub async fn reject_plan(&self, id: &str, reason: &str, by: &str) -> Result<PlanRow, AskError> {
        if reason.trim().is_empty() {
            return Err(AskError::NoReason);
        }
        let decision = Decision { by: by.to_owned(), reason: Some(reason.to_owned()), corrects: false };
        Ok(self.store.reject_plan(id, &decision).await?)
    }
}
