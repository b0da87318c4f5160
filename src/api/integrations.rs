//! `/integrations`: how they stand, and their syncs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::Value;

use super::request::{About, Admin, Auditor, Body};
use super::{Answer, ApiState, json};

/// A body in which nothing can be said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// `GET /integrations`
pub(super) async fn list(_: Auditor, State(api): State<ApiState>) -> Answer {
    let shown = api.operators.list_integrations().await?;
    Ok(json(StatusCode::OK, &Value::Array(shown)))
}

/// `GET /integrations/{name}`
pub(super) async fn find(_: Auditor, State(api): State<ApiState>, About(name): About) -> Answer {
    let found = api.operators.integration(&name).await?;
    Ok(json(StatusCode::OK, &api.operators.integration_in_full(&found).await?))
}

/// `POST /integrations/{name}/sync`
pub(super) async fn sync(
    Admin(by): Admin,
    State(api): State<ApiState>,
    About(name): About,
    Body(Nothing {}): Body<Nothing>,
) -> Answer {
    let job = api.operators.sync(&name, &by).await?;
    let shown = api.operators.job_in_full(&job).await?;
    let location = [(LOCATION, format!("/api/v1/jobs/{}", job.id))];
    Ok((location, json(StatusCode::ACCEPTED, &shown)).into_response())
}
