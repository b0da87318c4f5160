//! `/plans`: what syncs found, and the decision on it.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::request::{About, Admin, Auditor, Body};
use super::{Answer, ApiState, json};

/// How a plan is applied.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Apply {
    /// Why; needed where a safeguard holds the plan.
    reason: Option<String>,
    /// Whether jobs put right what differs.
    #[serde(default)]
    corrects: bool,
}

/// Why a plan is rejected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reject {
    reason: String,
}

/// `GET /plans/{id}`
pub(super) async fn find(_: Auditor, State(api): State<ApiState>, About(id): About) -> Answer {
    let plan = api.operators.plan(&id).await?;
    Ok(json(StatusCode::OK, &api.operators.plan_in_full(&plan).await?))
}

/// `POST /plans/{id}/apply`
pub(super) async fn apply(
    Admin(by): Admin,
    State(api): State<ApiState>,
    About(id): About,
    Body(Apply { reason, corrects }): Body<Apply>,
) -> Answer {
    let applied = api.operators.apply_plan(&id, (reason.as_deref(), corrects), &by).await?;
    let mut shown = api.operators.plan_in_full(&applied.plan).await?;
    shown["jobs"] = applied.jobs.into();
    Ok(json(StatusCode::OK, &shown))
}

/// `POST /plans/{id}/reject`
pub(super) async fn reject(
    Admin(by): Admin,
    State(api): State<ApiState>,
    About(id): About,
    Body(Reject { reason }): Body<Reject>,
) -> Answer {
    let plan = api.operators.reject_plan(&id, &reason, &by).await?;
    Ok(json(StatusCode::OK, &api.operators.plan_in_full(&plan).await?))
}
