//! What surrounds every page: counting, wilful slowness and failure, and the headers of a careful app.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::demo::desk::Desk;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Answers a request, slowly or with a failure where the switches say so, and counts it.
pub(super) async fn meter(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    desk.gate.enter().await;
    let started = (desk.elapsed)();
    let switches = desk.lock().switches();
    if !switches.latency.is_zero() {
        #[expect(clippy::disallowed_methods, reason = "a slow app is what was asked for")]
        tokio::time::sleep(switches.latency).await;
    }
    let mut response = match switches.fail_with.and_then(|status| StatusCode::from_u16(status).ok()) {
        Some(status) => Problem::Down(status).into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));

    let busy = (desk.elapsed)().saturating_sub(started);
    let stats = &mut desk.lock().stats;
    stats.requests += 1;
    stats.busy += busy;
    response
}
