//! What comes in: who asks, about what, and with which body.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::body::read;
use crate::integration::LONGEST_PATIENCE;
use crate::operator::{Operator, OperatorRole};
use crate::secret::SecretString;

use super::problem::{Problem, nothing_here};
use super::{ApiState, MAX_BODY};

/// Somebody who may look.
#[derive(Debug)]
pub(super) struct Auditor;

/// Somebody who may act, by the name under which events tell of it.
#[derive(Debug)]
pub(super) struct Admin(pub(super) String);

impl FromRequestParts<ApiState> for Auditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Problem> {
        match authenticate(&parts.headers, api).await?.role {
            OperatorRole::Auditor | OperatorRole::Admin => Ok(Self),
        }
    }
}

impl FromRequestParts<ApiState> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Problem> {
        let Operator { name, role } = authenticate(&parts.headers, api).await?;
        match role {
            OperatorRole::Admin => Ok(Self(name)),
            OperatorRole::Auditor => Err(Problem::new(
                StatusCode::FORBIDDEN,
                format!("the key `{name}` may look and change nothing"),
            )),
        }
    }
}

async fn authenticate(headers: &HeaderMap, api: &ApiState) -> Result<Operator, Problem> {
    let key = key(headers).ok_or_else(Problem::unauthorized)?;
    api.operators.authenticate(&key).await?.ok_or_else(Problem::unauthorized)
}

fn key(headers: &HeaderMap) -> Option<SecretString> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| SecretString::from(key.trim()))
}

/// What a request is about: a name or an id that could be one.
#[derive(Debug)]
pub(super) struct About(pub(super) String);

impl FromRequestParts<ApiState> for About {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Problem> {
        let is_one = |text: &String| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        match Path::<String>::from_request_parts(parts, api).await.ok().filter(|Path(text)| is_one(text)) {
            Some(Path(text)) => Ok(Self(text)),
            None => Err(nothing_here().await),
        }
    }
}

/// How long the client waits for the job to settle: `?wait=SECONDS`.
#[derive(Debug)]
pub(super) struct Wait(pub(super) Duration);

impl FromRequestParts<ApiState> for Wait {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _api: &ApiState) -> Result<Self, Problem> {
        let mut wait = Duration::ZERO;
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            let seconds = value.parse().ok().map(Duration::from_secs);
            wait = seconds.filter(|wait| name == "wait" && *wait <= LONGEST_PATIENCE).ok_or_else(|| {
                let most = LONGEST_PATIENCE.as_secs();
                let detail = format!("all that can be asked for is `wait`, a number of seconds up to {most}");
                Problem::new(StatusCode::BAD_REQUEST, detail)
            })?;
        }
        Ok(Self(wait))
    }
}

/// A body of JSON; none at all is an empty object.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<ApiState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _api: &ApiState) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let body = read(request.into_body().into_data_stream(), MAX_BODY).await?;
        let body = match body.as_slice() {
            [] => b"{}",
            _ if !is_json => {
                let detail = "the body is JSON: say so, as `Content-Type: application/json`";
                return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
            }
            body => body,
        };
        serde_json::from_slice(body)
            .map(Self)
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("the body: {error}")))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
