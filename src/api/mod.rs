//! The operator's JSON API: `/api/v1/…`, described by `/api/v1/openapi.json`.
//!
//! A handler finds out who asks, reads what was sent, asks [`Operators`], and writes the answer; it holds no rules. Every answer that is not a
//! success is a problem (RFC 9457), also for what the router itself refuses. Bodies are bounded; nothing of one is ever logged. Whoever asks
//! shows the key of an operator: the tokens of identity providers open nothing here.

mod integrations;
mod jobs;
mod openapi;
mod plans;
mod problem;
mod request;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, any, get, post};
use serde_json::Value;
use tokio::sync::watch::Receiver;

use crate::operator::Operators;

use problem::Problem;

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct ApiState {
    operators: Operators,
    /// Whether the server stops.
    stopped: Receiver<bool>,
}

type Answer = Result<Response, Problem>;

/// Everything at `/api`. Nobody waits for a job any longer once `stopped` says so.
pub fn router(operators: Operators, stopped: Receiver<bool>) -> Router {
    let version = endpoints()
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .fallback(problem::nothing_here);
    let api = Router::new().nest("/v1", version).fallback(problem::nothing_here);
    // The one address under it that a nested router does not see.
    let api = Router::new().nest("/api", api).route("/api/", any(problem::nothing_here));
    api.with_state(ApiState { operators, stopped })
}

/// Every address with its methods.
fn endpoints() -> [(&'static str, MethodRouter<ApiState>); 8] {
    [
        ("/integrations", get(integrations::list)),
        ("/integrations/{name}", get(integrations::find)),
        ("/integrations/{name}/sync", post(integrations::sync)),
        ("/jobs/{id}", get(jobs::find)),
        ("/openapi.json", get(openapi::document)),
        ("/plans/{id}", get(plans::find)),
        ("/plans/{id}/apply", post(plans::apply)),
        ("/plans/{id}/reject", post(plans::reject)),
    ]
}

/// An answer that only who asked may keep.
fn json(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body.to_string()).into_response()
}
