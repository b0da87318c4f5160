//! What surrounds every page: counting, wilful slowness and failure, and the headers of a careful app.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::guard::cookie;
use super::problem::Problem;
use crate::demo::desk::Desk;
use crate::demo::trap::Fault;

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
        None => trapped(&desk, request, next).await,
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

/// Answers a request, with the fault that was laid for it.
async fn trapped(desk: &Desk, request: Request, next: Next) -> Response {
    let address = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let Some(fault) = desk.traps.spring(request.method() == Method::POST, &address) else {
        return next.run(request).await;
    };
    match fault {
        Fault::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Problem::Down(status).into_response()
        }
        Fault::TooMany { retry_after } => {
            let mut answer = Problem::Down(StatusCode::TOO_MANY_REQUESTS).into_response();
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs()));
            answer
        }
        Fault::Slow(by) => {
            let answer = next.run(request).await;
            #[expect(clippy::disallowed_methods, reason = "a slow answer is what was asked for")]
            tokio::time::sleep(by).await;
            answer
        }
        Fault::Truncated => truncated(next.run(request).await).await,
        Fault::DroppedBefore => dropped(),
        Fault::DroppedAfter => {
            drop(next.run(request).await);
            dropped()
        }
        Fault::SessionEnded => {
            if let Some(token) = cookie(request.headers()) {
                desk.lock().sessions.end(token);
            }
            next.run(request).await
        }
    }
}

/// An answer of which nothing is sent: it breaks off before its first byte.
fn dropped() -> Response {
    Response::new(breaking_off(Vec::new()))
}

/// The first half of an answer, which says that it is whole.
async fn truncated(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    Response::from_parts(parts, breaking_off(vec![whole.slice(..whole.len() / 2)]))
}

/// A body that ends with an error, which makes the server close the connection.
fn breaking_off(chunks: Vec<axum::body::Bytes>) -> Body {
    let broken = Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted));
    Body::from_stream(futures::stream::iter(chunks.into_iter().map(Ok).chain([broken])))
}
