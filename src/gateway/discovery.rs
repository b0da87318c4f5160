//! What the server can do (RFC 7644 section 4), true for the connector of the integration.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;

use crate::integration::Profile;
use crate::scim::catalog::Kind;
use crate::scim::discovery::{self, Supported};
use crate::scim::{Error, Schema};

use super::answer::{Refusal, json};
use super::request::{Client, unfiltered};
use super::{Answer, MAX_BODY};

/// `GET /ServiceProviderConfig`
pub(super) async fn service_provider_config(client: Client) -> Answer {
    let respond_async = client.caller.profile() != Profile::Strict;
    let supported = Supported { sort: true, etag: true, max_payload: MAX_BODY, respond_async };
    Ok(json(StatusCode::OK, &discovery::service_provider_config(&client.base_url, supported)))
}

/// `GET /ResourceTypes`
pub(super) async fn resource_types(client: Client, RawQuery(query): RawQuery) -> Answer {
    unfiltered(query.as_deref())?;
    let base_url = &client.base_url;
    let mut types = discovery::resource_types(base_url, &client.caller.types());
    types.add(client.caller.catalog().iter().map(|kind| kind.resource_type(base_url)));
    Ok(json(StatusCode::OK, &types))
}

/// `GET /ResourceTypes/{name}`
pub(super) async fn resource_type(client: Client, Path((_, name)): Path<(String, String)>) -> Answer {
    let types = client.caller.types();
    let base_url = &client.base_url;
    let is_it = |known: &str| known.eq_ignore_ascii_case(&name);
    let of_schema = types.into_iter().find(|schema| is_it(schema.name));
    let found = of_schema.map(|schema| discovery::resource_type(base_url, schema)).or_else(|| {
        let kinds = client.caller.catalog();
        kinds.iter().find(|kind| is_it(&kind.name)).map(|kind| kind.resource_type(base_url))
    });
    Ok(json(StatusCode::OK, &found.ok_or_else(|| Error::not_found("ResourceType", &name))?))
}

/// `GET /Schemas`
pub(super) async fn schemas(client: Client, RawQuery(query): RawQuery) -> Answer {
    unfiltered(query.as_deref())?;
    let mut schemas = discovery::schemas(&client.base_url, &client.caller.types());
    schemas.add(catalog_schemas(&client).map(|schema| discovery::schema_document(&client.base_url, schema)));
    Ok(json(StatusCode::OK, &schemas))
}

/// `GET /Schemas/{urn}`
pub(super) async fn schema(client: Client, Path((_, urn)): Path<(String, String)>) -> Answer {
    let base_url = &client.base_url;
    let found = discovery::schema(base_url, &client.caller.types(), &urn).or_else(|| {
        let schema = catalog_schemas(&client).find(|schema| schema.id.eq_ignore_ascii_case(&urn));
        schema.map(|schema| discovery::schema_document(base_url, schema))
    });
    Ok(json(StatusCode::OK, &found.ok_or_else(|| Error::not_found("Schema", &urn))?))
}

/// `/Me` (RFC 7644 section 3.11): a token speaks for an identity provider, which is no user here.
pub(super) async fn me(_client: Client) -> Refusal {
    Refusal(Error::not_implemented("there is no user behind a token, so there is no `/Me`"))
}

/// The schemas of what can be held, each once.
fn catalog_schemas(client: &Client) -> impl Iterator<Item = &'static Schema> {
    let mut schemas: Vec<&Schema> = client.caller.catalog().iter().map(Kind::schema).collect();
    schemas.sort_by_key(|schema| schema.id);
    schemas.dedup_by_key(|schema| schema.id);
    schemas.into_iter()
}
