//! What the server can do (RFC 7644 section 4), true for the connector of the integration.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;

use crate::scim::Error;
use crate::scim::discovery::{self, Supported};

use super::answer::{Refusal, json};
use super::request::Client;
use super::{Answer, MAX_BODY};

/// `GET /ServiceProviderConfig`
pub(super) async fn service_provider_config(client: Client) -> Answer {
    let supported = Supported { sort: true, etag: true, max_payload: MAX_BODY };
    Ok(json(StatusCode::OK, &discovery::service_provider_config(&client.base_url, supported)))
}

/// `GET /ResourceTypes`
pub(super) async fn resource_types(client: Client, RawQuery(query): RawQuery) -> Answer {
    unfiltered(query.as_deref())?;
    Ok(json(StatusCode::OK, &discovery::resource_types(&client.base_url, &client.caller.types())))
}

/// `GET /ResourceTypes/{name}`
pub(super) async fn resource_type(client: Client, Path((_, name)): Path<(String, String)>) -> Answer {
    let types = client.caller.types();
    let found = types.into_iter().find(|schema| schema.name.eq_ignore_ascii_case(&name));
    let found = found.ok_or_else(|| Error::not_found("ResourceType", &name))?;
    Ok(json(StatusCode::OK, &discovery::resource_type(&client.base_url, found)))
}

/// `GET /Schemas`
pub(super) async fn schemas(client: Client, RawQuery(query): RawQuery) -> Answer {
    unfiltered(query.as_deref())?;
    Ok(json(StatusCode::OK, &discovery::schemas(&client.base_url, &client.caller.types())))
}

/// `GET /Schemas/{urn}`
pub(super) async fn schema(client: Client, Path((_, urn)): Path<(String, String)>) -> Answer {
    let found = discovery::schema(&client.base_url, &client.caller.types(), &urn);
    Ok(json(StatusCode::OK, &found.ok_or_else(|| Error::not_found("Schema", &urn))?))
}

/// `/Me` (RFC 7644 section 3.11): a token speaks for an identity provider, which is no user here.
pub(super) async fn me(_client: Client) -> Refusal {
    Refusal(Error::not_implemented("there is no user behind a token, so there is no `/Me`"))
}

/// Refuses filters, which would have to be ignored (RFC 7644 section 4).
fn unfiltered(query: Option<&str>) -> Result<(), Error> {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match pairs.any(|(name, value)| name.eq_ignore_ascii_case("filter") && !value.trim().is_empty()) {
        true => Err(Error::forbidden("what the server can do is listed whole; leave out `filter`")),
        false => Ok(()),
    }
}
