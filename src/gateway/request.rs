//! What comes in: who calls, with which body, under which condition.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;

use crate::body::{BodyError, read};
use crate::intake::Caller;
use crate::scim::{Error, ListQuery, ResourceSchema};
use crate::secret::SecretString;

use super::answer::Refusal;
use super::journal::Witness;
use super::{GatewayState, MAX_BODY};

/// An authenticated client of one integration.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) caller: Caller,
    /// The SCIM base address of the integration as the client reaches it.
    pub(super) base_url: String,
    /// It asks for an answer at once, even where nothing is known yet but that the request was accepted.
    pub(super) rather_not_wait: bool,
}

impl FromRequestParts<GatewayState> for Client {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &GatewayState) -> Result<Self, Refusal> {
        // An address that is not even text once it is decoded is nobody's; handlers find their parameters readable then.
        let names = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let Path(mut names) = names.map_err(|_| Error::no_endpoint())?;
        let name = names.remove("integration").unwrap_or_default();
        let token = token(&parts.headers);
        let caller = state.intake.authenticate(&name, token.as_ref()).await?;
        if let Some(witness) = parts.extensions.get::<Witness>() {
            witness.see(&caller);
        }
        let server = state.base_url.clone().unwrap_or_else(|| {
            let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
            format!("http://{host}")
        });
        let Preference { rather_not_wait, wait } = Preference::of(&parts.headers);
        let caller = match wait {
            Some(wait) => caller.waiting(wait),
            None if rather_not_wait => caller.waiting(Duration::ZERO),
            None => caller,
        };
        Ok(Self { caller, rather_not_wait, base_url: format!("{server}/scim/v2/{name}") })
    }
}

/// What a client would like (RFC 7240): not to wait at all, or for so long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Preference {
    rather_not_wait: bool,
    wait: Option<Duration>,
}

impl Preference {
    fn of(headers: &HeaderMap) -> Self {
        let mut preference = Self::default();
        let lines = headers.get_all("prefer").into_iter().filter_map(|line| line.to_str().ok());
        // Of one that is given twice, the first counts (RFC 7240 section 2).
        for one in lines.flat_map(|line| line.split(',')) {
            let one = one.split(';').next().unwrap_or_default();
            let (name, value) = one.split_once('=').unwrap_or((one, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "respond-async" => preference.rather_not_wait = true,
                "wait" if preference.wait.is_none() => {
                    preference.wait = value.trim().trim_matches('"').parse().ok().map(Duration::from_secs);
                }
                _ => {}
            }
        }
        preference
    }
}

/// The token of the request. Okta sends what its administrator typed, so `Bearer` may be missing.
fn token(headers: &HeaderMap) -> Option<SecretString> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let is_bearer = value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    let token = if is_bearer { value.get(7..).unwrap_or_default().trim() } else { value };
    (!token.is_empty()).then(|| SecretString::from(token))
}

/// A body of JSON.
#[derive(Debug)]
pub(super) struct Body(pub(super) Vec<u8>);

impl FromRequest<GatewayState> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, _state: &GatewayState) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(Error::unsupported_media_type().into());
        }
        match read(request.into_body().into_data_stream(), MAX_BODY).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(BodyError::TooLarge(most)) => Err(Error::payload_too_large(most).into()),
            Err(broken) => Err(Error::invalid_syntax(broken.to_string()).into()),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "application/scim+json" | "application/json")
}

/// The version that the client says it saw (`If-Match`, RFC 7644 section 3.14); `None` for any.
///
/// # Errors
/// 412 where it is no version of ours, which no resource can have.
pub(super) fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, Error> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    version_of(value.to_str().unwrap_or_default())
}

/// The version that an entity tag names; `None` for any.
///
/// # Errors
/// 412 where it is no version of ours.
pub(super) fn version_of(tag: &str) -> Result<Option<i64>, Error> {
    match tag.trim() {
        "*" => Ok(None),
        tag => version(tag).map(Some).ok_or_else(Error::precondition_failed),
    }
}

/// Whether the client has that version already (`If-None-Match`).
pub(super) fn is_known(headers: &HeaderMap, current: i64) -> bool {
    let value = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(',').any(|tag| tag.trim() == "*" || version(tag) == Some(current))
}

/// The version that an entity tag of ours names.
fn version(tag: &str) -> Option<i64> {
    tag.trim().trim_start_matches("W/").trim_matches('"').parse().ok()
}

/// The decoded query of an address.
pub(super) fn list_query(query: Option<&str>, schema: &ResourceSchema) -> Result<ListQuery, Error> {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    ListQuery::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())), schema)
}

/// Refuses filters, which would have to be ignored (RFC 7644 section 4).
pub(super) fn unfiltered(query: Option<&str>) -> Result<(), Error> {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match pairs.any(|(name, value)| name.eq_ignore_ascii_case("filter") && !value.trim().is_empty()) {
        true => Err(Error::forbidden("this is listed whole; leave out `filter`")),
        false => Ok(()),
    }
}
