//! `/Users` (RFC 7644 sections 3.2 to 3.6).

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use crate::scim::{ListQuery, PatchRequest, Resource};

use super::answer::{accepted, changed, resource};
use super::request::{Body, Client, expected_version, is_known, list_query};
use super::{Answer, GatewayState, answer};

/// The path of one user: integration and id.
type UserPath = Path<(String, String)>;

/// `GET /Users`: a page of users.
pub(super) async fn list(
    client: Client,
    State(state): State<GatewayState>,
    RawQuery(query): RawQuery,
) -> Answer {
    page(&client, &state, &list_query(query.as_deref(), &client.caller.schema)?).await
}

/// `POST /Users/.search`: a page of users, asked for in a body, where a filter names what should not stand
/// in logs of addresses (RFC 7644 section 3.4.3).
pub(super) async fn search(client: Client, State(state): State<GatewayState>, Body(body): Body) -> Answer {
    page(&client, &state, &ListQuery::from_slice(&body, &client.caller.schema)?).await
}

async fn page(client: &Client, state: &GatewayState, query: &ListQuery) -> Answer {
    let found = state.intake.list_users(&client.caller, query).await?;
    Ok(answer::page(client, found, &query.projection))
}

/// `POST /Users`: asks for an account.
pub(super) async fn create(
    client: Client,
    State(state): State<GatewayState>,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Answer {
    let projection = list_query(query.as_deref(), &client.caller.schema)?.projection;
    let user = Resource::from_slice(&body, &client.caller.schema)?;
    let shown = state.intake.create_user(&client.caller, user).await?;
    Ok(changed(StatusCode::CREATED, &client, shown, &projection))
}

/// `GET /Users/{id}`: one user.
pub(super) async fn find(
    client: Client,
    State(state): State<GatewayState>,
    Path((_, id)): UserPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let projection = list_query(query.as_deref(), &client.caller.schema)?.projection;
    let shown = state.intake.find_user(&client.caller, &id).await?;
    let status = if is_known(&headers, shown.version) { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    Ok(resource(status, &client, shown, &projection))
}

/// `PUT /Users/{id}`: replaces a user.
pub(super) async fn replace(
    client: Client,
    State(state): State<GatewayState>,
    Path((_, id)): UserPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Body(body): Body,
) -> Answer {
    let projection = list_query(query.as_deref(), &client.caller.schema)?.projection;
    let expected = expected_version(&headers)?;
    let user = Resource::from_slice(&body, &client.caller.schema)?;
    let shown = state.intake.replace_user(&client.caller, &id, expected, user).await?;
    Ok(changed(StatusCode::OK, &client, shown, &projection))
}

/// `PATCH /Users/{id}`: changes a user in part.
pub(super) async fn patch(
    client: Client,
    State(state): State<GatewayState>,
    Path((_, id)): UserPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Body(body): Body,
) -> Answer {
    let projection = list_query(query.as_deref(), &client.caller.schema)?.projection;
    let expected = expected_version(&headers)?;
    let request = PatchRequest::from_slice(&body, &client.caller.schema)?;
    let shown = state.intake.patch_user(&client.caller, &id, expected, &request).await?;
    Ok(changed(StatusCode::OK, &client, shown, &projection))
}

/// `DELETE /Users/{id}`: ends a user.
pub(super) async fn delete(
    client: Client,
    State(state): State<GatewayState>,
    Path((_, id)): UserPath,
    headers: HeaderMap,
) -> Answer {
    let expected = expected_version(&headers)?;
    let shown = state.intake.delete_user(&client.caller, &id, expected).await?;
    Ok(accepted(&client, &shown).unwrap_or_else(|| StatusCode::NO_CONTENT.into_response()))
}
