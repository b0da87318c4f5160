//! What goes back: resources, lists and errors with the headers that SCIM asks for.

use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::intake::{RETRY_AFTER_SECS, Shown, ShownPage};
use crate::scim::schema::USHER_JOB;
use crate::scim::{Error, ListResponse, Meta, Projection};

use super::request::Client;

const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json; charset=utf-8");

/// A SCIM error on its way out.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(status, &self.0);
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"SCIM\""));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECS));
        }
        response
    }
}

/// A body as `application/scim+json`.
pub(super) fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(CONTENT_TYPE, SCIM_JSON)], bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A resource as JSON, with the attributes that the client wants.
pub(super) fn resource_json(client: &Client, shown: Shown, projection: &Projection) -> Value {
    let meta = Meta {
        resource_type: shown.schema.name,
        created: shown.created,
        last_modified: shown.modified,
        location: location(client, &shown),
        version: Some(version(&shown)),
    };
    let job = if projection.asks_for(USHER_JOB) { shown.job_attributes() } else { None };
    let Shown { mut resource, schema, .. } = shown;
    if let Some(job) = job {
        resource = resource.with_extension(USHER_JOB, job);
    }
    let mut json = resource.into_json(&meta);
    for (list, endpoint) in [("members", "/Users"), ("groups", "/Groups")] {
        for one in json.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let address = one.get("value").and_then(Value::as_str);
            let address = address.map(|id| format!("{}{endpoint}/{id}", client.base_url));
            if let (Some(address), Some(parts)) = (address, one.as_object_mut()) {
                parts.insert("$ref".to_owned(), Value::String(address));
            }
        }
    }
    projection.apply(json, &schema)
}

/// A page of resources, with the attributes that the client wants.
pub(super) fn page(client: &Client, page: ShownPage, projection: &Projection) -> Response {
    let ShownPage { total: total_results, paging, resources } = page;
    let resources = resources.into_iter().map(|shown| resource_json(client, shown, projection)).collect();
    json(StatusCode::OK, &ListResponse { total_results, paging, resources })
}

/// A resource, with its address and version in the headers.
pub(super) fn resource(
    status: StatusCode,
    client: &Client,
    shown: Shown,
    projection: &Projection,
) -> Response {
    let headers = [(LOCATION, location(client, &shown)), (ETAG, version(&shown))];
    let mut response = match status {
        StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT => status.into_response(),
        _ => json(status, &resource_json(client, shown, projection)),
    };
    for (name, text) in headers {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A resource that was changed; where the client would rather not wait and the change is still being carried out, that it was accepted.
pub(super) fn changed(
    status: StatusCode,
    client: &Client,
    shown: Shown,
    projection: &Projection,
) -> Response {
    accepted(client, &shown).unwrap_or_else(|| resource(status, client, shown, projection))
}

/// That a change was accepted (RFC 9967 section 3), for clients that ask for it while the change is being carried out. The
/// transaction is the job.
pub(super) fn accepted(client: &Client, shown: &Shown) -> Option<Response> {
    let job = shown.pending_job().filter(|_| client.rather_not_wait)?;
    let headers = [
        ("preference-applied", "respond-async".to_owned()),
        ("set-txn", job.to_owned()),
        ("location", location(client, shown)),
    ];
    Some((StatusCode::ACCEPTED, headers).into_response())
}

/// The address of a resource.
pub(super) fn location(client: &Client, shown: &Shown) -> String {
    format!("{}{}/{}", client.base_url, shown.schema.endpoint, shown.resource.id().unwrap_or_default())
}

/// Its entity tag.
pub(super) fn version(shown: &Shown) -> String {
    format!("W/\"{}\"", shown.version)
}

pub(super) async fn no_endpoint() -> Refusal {
    Refusal(Error::no_endpoint())
}

pub(super) async fn method_not_allowed(method: Method) -> Refusal {
    Refusal(Error::method_not_allowed(method.as_str()))
}
