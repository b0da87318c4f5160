//! What is not a success, as a problem (RFC 9457). None needs a type of its own: what is to be done about it follows from the status, and the
//! detail says it to a person.

use axum::extract::OriginalUri;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::body::BodyError;
use crate::operator::AskError;
use crate::store::{DecideError, StoreError};

/// How long a client is told to wait where the database is busy, in seconds.
const RETRY_AFTER_SECS: u64 = 5;

/// A problem on its way out.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "show the key of an operator, as `Authorization: Bearer KEY`; `usher operator-key new` makes one",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = json!({
            "type": "about:blank", "title": title, "status": self.status.as_u16(), "detail": self.detail,
        });
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, [(CONTENT_TYPE, json)], body.to_string()).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"usher\""))
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECS))
            }
            _ => None,
        };
        response
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        let status = match error {
            AskError::NoIntegration(_) | AskError::NoJob(_) | AskError::Plan(DecideError::NotFound) => {
                StatusCode::NOT_FOUND
            }
            AskError::Unusable(_) | AskError::Paused(_) | AskError::Plan(DecideError::Decided(_)) => {
                StatusCode::CONFLICT
            }
            AskError::Plan(DecideError::Held(_)) | AskError::NoReason => StatusCode::UNPROCESSABLE_ENTITY,
            AskError::Store(error) | AskError::Plan(DecideError::Store(error)) => return error.into(),
        };
        Self::new(status, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_transient() {
            let detail = "the database is busy; try again in a moment";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        }
        tracing::error!(%error, "a request of an operator failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the request failed; the log of the server says why")
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::Broken => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}

pub(super) async fn nothing_here() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "there is nothing at this address; /api/v1/openapi.json tells what there is",
    )
}

pub(super) async fn method_not_allowed(method: Method, OriginalUri(uri): OriginalUri) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not for {}", uri.path()))
}
