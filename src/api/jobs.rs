//! `/jobs`: what becomes of what was asked.

use std::pin::pin;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use futures::future::{Either, select};

use super::request::{About, Auditor, Wait};
use super::{Answer, ApiState, json};

/// `GET /jobs/{id}`: as it is, or, with `wait`, as it is once it has settled or the time is over, or the server stops.
pub(super) async fn find(
    _: Auditor,
    State(ApiState { operators, mut stopped }): State<ApiState>,
    About(id): About,
    Wait(wait): Wait,
) -> Answer {
    let stopped = pin!(async { drop(stopped.wait_for(|stopped| *stopped).await) });
    let job = match select(pin!(operators.job(&id, wait)), stopped).await {
        Either::Left((job, _)) => job?,
        Either::Right(_) => operators.job(&id, Duration::ZERO).await?,
    };
    Ok(json(StatusCode::OK, &operators.job_in_full(&job).await?))
}
