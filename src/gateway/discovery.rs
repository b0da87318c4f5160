//! What the server can do (RFC 7644 section 4), true for the connector of the integration.

use axum::http::StatusCode;

use crate::scim::discovery::{self, Supported};

use super::Answer;
use super::answer::json;
use super::request::Client;

/// `GET /ServiceProviderConfig`
pub(super) async fn service_provider_config(client: Client) -> Answer {
    let supported = Supported { sort: true, etag: true };
    Ok(json(StatusCode::OK, &discovery::service_provider_config(&client.base_url, supported)))
}

/// `GET /ResourceTypes`
pub(super) async fn resource_types(client: Client) -> Answer {
    Ok(json(StatusCode::OK, &discovery::resource_types(&client.base_url, &[&client.caller.schema])))
}

/// `GET /Schemas`
pub(super) async fn schemas(client: Client) -> Answer {
    Ok(json(StatusCode::OK, &discovery::schemas(&client.base_url, &[&client.caller.schema])))
}
