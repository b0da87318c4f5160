//! What operators are shown, as JSON: the same on the command line and over HTTP.

use serde_json::{Map, Value, json};

use super::Operators;
use crate::integration::{FindError, Integration, Standing};
use crate::store::{Breaker, IntegrationRow, JobFilter, JobRow, JobState, PlanItem, PlanRow, StoreError};

/// The states of jobs that somebody has to look after, or that are still to come.
const COUNTED: [JobState; 6] = [
    JobState::Ready,
    JobState::Blocked,
    JobState::Running,
    JobState::Retry,
    JobState::Held,
    JobState::NeedsHuman,
];

/// As many as are counted one by one.
const AT_MOST: u32 = 1000;

/// A job.
pub fn job(job: &JobRow) -> Value {
    json!({
        "id": job.id,
        "kind": job.kind.as_str(),
        "user": job.user_name,
        "user_id": job.user_id,
        "group": job.group_name,
        "group_id": job.group_id,
        "state": job.state.as_str(),
        "class": job.class,
        "message": job.message,
        "outcome_unknown": job.read_first,
        "by_hand": job.by_hand,
        "progress": job.progress,
        "attempts": job.attempts,
        "due": job.due_at.to_rfc3339(),
        "created": job.created_at.to_rfc3339(),
        "changed": job.changed_at.to_rfc3339(),
        "finished": job.finished_at.map(|at| at.to_rfc3339()),
        "superseded_by": job.superseded_by,
        "cause": job.cause,
    })
}

/// A plan of the integration of that name, with these findings.
pub fn plan(plan: &PlanRow, integration: &str, items: &[PlanItem]) -> Value {
    json!({
        "id": plan.id,
        "integration": integration,
        "job": plan.job_id,
        "state": plan.state.as_str(),
        "held_because": plan.why,
        "made": plan.made_at.to_rfc3339(),
        "decided": plan.decided_at.map(|at| at.to_rfc3339()),
        "decided_by": plan.decided_by,
        "reason": plan.reason,
        "read": plan.counts,
        "found": plan.counts.found,
        "findings": items.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(item: &PlanItem) -> Value {
    let PlanItem { number, item, outcome } = item;
    json!({
        "number": number,
        "kind": item.kind.as_str(),
        "account": item.name,
        "user_id": item.user_id,
        "group_id": item.group_id,
        "note": item.note,
        "put_right": item.corrects,
        "seen": item.account,
        "group": item.in_app,
        "outcome": outcome,
    })
}

impl Operators {
    /// A job with the name of its integration, and the plan that it made.
    pub async fn job_in_full(&self, row: &JobRow) -> Result<Value, StoreError> {
        let mut shown = job(row);
        shown["integration"] = self.name_of(&row.integration_id).await?.into();
        shown["plan"] = self.store.plan_of_job(row).await?.map(|plan| plan.id).into();
        Ok(shown)
    }

    /// A plan with all that it found.
    pub async fn plan_in_full(&self, row: &PlanRow) -> Result<Value, StoreError> {
        let name = self.name_of(&row.integration_id).await?;
        Ok(plan(row, &name, &self.store.plan_items(&row.id).await?))
    }

    /// A plan without what it found.
    pub async fn plan_in_brief(&self, row: &PlanRow) -> Result<Value, StoreError> {
        Ok(plan(row, &self.name_of(&row.integration_id).await?, &[]))
    }

    async fn name_of(&self, integration_id: &str) -> Result<String, StoreError> {
        let found = self.store.integration(integration_id).await?;
        Ok(found.map_or_else(|| integration_id.to_owned(), |integration| integration.name))
    }

    /// Every integration and how it stands.
    pub async fn list_integrations(&self) -> Result<Vec<Value>, StoreError> {
        let mut shown = Vec::new();
        for row in self.store.list_integrations().await? {
            // One whose connector cannot be used is listed all the same.
            let (standing, reasons) = match self.integrations.get(&row.id).await {
                Ok(Some(found)) => self.integrations.standing(&found).await?,
                Ok(None) => continue,
                Err(FindError::Store(error)) => return Err(error),
                Err(error) => (Standing::ConnectorDrift, vec![error.to_string()]),
            };
            let IntegrationRow { id, name, connector, pause_reason, .. } = row;
            shown.push(json!({
                "id": id,
                "name": name,
                "connector": connector,
                "paused": pause_reason,
                "state": standing,
                "stands": standing.to_string(),
                "reasons": reasons,
            }));
        }
        Ok(shown)
    }

    /// How an integration is set up, and what keeps jobs of it from beginning.
    pub async fn integration_in_full(&self, found: &Integration) -> Result<Value, StoreError> {
        let row = &found.row;
        let breakers = self.store.breakers(&row.id).await?;
        let (standing, reasons) = self.integrations.standing(found).await?;
        let mut jobs = Map::new();
        for state in COUNTED {
            let filter = JobFilter {
                integration_id: Some(row.id.clone()),
                state: Some(state),
                before: None,
                limit: AT_MOST,
            };
            jobs.insert(state.as_str().to_owned(), self.store.list_jobs(&filter).await?.len().into());
        }
        Ok(json!({
            "id": row.id,
            "name": row.name,
            "connector": found.connector.name,
            "connector_hash": found.connector.hash,
            "state": standing,
            "stands": standing.to_string(),
            "reasons": reasons,
            "settings": row.settings,
            "policy": row.policy,
            "paused": row.paused_at.map(|at| json!({ "since": at.to_rfc3339(), "reason": row.pause_reason })),
            "leavers_held": row.leavers_held_at.map(|at| json!({ "since": at.to_rfc3339(), "reason": row.leavers_held_why })),
            "operations": breakers.iter().map(operation).collect::<Vec<_>>(),
            "jobs": jobs,
        }))
    }
}

fn operation(breaker: &Breaker) -> Value {
    json!({
        "operation": breaker.operation,
        "failures": breaker.failures,
        "stopped_since": breaker.opened_at.map(|at| at.to_rfc3339()),
        "class": breaker.class,
        "message": breaker.message,
        "tried_by": breaker.probe,
    })
}
