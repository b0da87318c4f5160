//! Listens to what is asked of an integration and what is answered, for the journal.
//!
//! Invariants: a request is passed on as it came and an answer as it is given; nothing waits. Handlers know nothing of it; who was let in
//! is seen where tokens are looked at. Never heard are `Authorization`, cookies and every other header that is not listed here.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;

use crate::intake::Caller;
use crate::journal::{Heard, HeardMessage, Journal, MAX_BODY_KEPT};
use crate::store::{ExchangeBy, Headers};

/// The headers of requests that are heard, in their usual spelling.
const ASKED: [&str; 6] = ["Accept", "Content-Type", "If-Match", "If-None-Match", "Prefer", "User-Agent"];

/// The headers of answers that are heard.
const ANSWERED: [&str; 5] = ["Allow", "Content-Type", "ETag", "Location", "Retry-After"];

/// The most bytes of a header that are heard.
const MAX_HEADER: usize = 512;

/// Where it is noted who was let in with a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Witness(Arc<OnceLock<ExchangeBy>>);

impl Witness {
    /// Notes who was let in.
    pub(super) fn see(&self, caller: &Caller) {
        // Whoever is let in twice with one request is the same one.
        let _ = self.0.set(ExchangeBy::Token {
            integration_id: caller.integration.row.id.clone(),
            token_id: caller.token_id().to_owned(),
        });
    }
}

/// Passes a request on and keeps it with its answer.
pub(super) async fn keep(State(journal): State<Journal>, mut request: Request, next: Next) -> Response {
    let Some(integration) = integration(request.uri().path()) else { return next.run(request).await };
    let stranger = ExchangeBy::Stranger { integration: integration.to_owned() };
    let began = journal.begin();
    let method = request.method().to_string();
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let asked = headers(request.headers(), &ASKED);
    let witness = Witness::default();
    request.extensions_mut().insert(witness.clone());
    let (request, body) = listen(request);

    let (answer, answered) = hear(next.run(request).await).await;
    let by = witness.0.get().cloned().unwrap_or(stranger);
    let body = std::mem::take(&mut *body.lock().unwrap_or_else(PoisonError::into_inner));
    let status = answer.status().as_u16();
    let request = HeardMessage { headers: asked, ..body };
    journal.keep(Heard { by, began, method, target, request, status, answer: answered });
    answer
}

/// The integration that a path is about, be it put together carelessly.
fn integration(path: &str) -> Option<&str> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        (Some("scim"), Some("v2"), name) => name,
        _ => None,
    }
}

fn headers(headers: &HeaderMap, heard: &[&'static str]) -> Headers {
    let one = |name: &&'static str| {
        let mut value = String::from_utf8_lossy(headers.get(*name)?.as_bytes()).into_owned();
        value.truncate(value.floor_char_boundary(MAX_HEADER));
        Some((Cow::Borrowed(*name), value))
    };
    heard.iter().filter_map(one).collect()
}

/// The request with a body that is heard while it is read, and what is heard of it. A body that nobody reads is not heard.
fn listen(request: Request) -> (Request, Arc<Mutex<HeardMessage>>) {
    let heard = Arc::new(Mutex::new(HeardMessage::default()));
    if request.body().is_end_stream() {
        return (request, heard);
    }
    let ear = Arc::clone(&heard);
    let (parts, body) = request.into_parts();
    let chunks = body.into_data_stream().inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            ear.lock().unwrap_or_else(PoisonError::into_inner).hear(chunk);
        }
    });
    (Request::from_parts(parts, Body::from_stream(chunks)), heard)
}

/// The answer as it was, and what is heard of it. Answers are whole when they get here; of a long one
/// only the length is heard.
async fn hear(answer: Response) -> (Response, HeardMessage) {
    let mut heard = HeardMessage { headers: headers(answer.headers(), &ANSWERED), ..HeardMessage::default() };
    let Some(length) = answer.body().size_hint().exact() else { return (answer, heard) };
    if length > MAX_BODY_KEPT as u64 {
        heard.length = length;
        return (answer, heard);
    }
    let (parts, body) = answer.into_parts();
    match to_bytes(body, MAX_BODY_KEPT).await {
        Ok(bytes) => {
            heard.hear(&bytes);
            (Response::from_parts(parts, Body::from(bytes)), heard)
        }
        Err(error) => {
            tracing::error!(%error, "an answer cannot be read");
            (StatusCode::INTERNAL_SERVER_ERROR.into_response(), heard)
        }
    }
}
