//! `/Groups` (RFC 7644 sections 3.2 to 3.6).
//!
//! A PATCH is answered with 204, as identity providers expect it of groups of a thousand members, unless the client asks for attributes or
//! the integration's profile is `strict`.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use crate::integration::Profile;
use crate::scim::{ListQuery, PatchRequest, Projection, Resource};

use super::answer::{accepted, changed, resource};
use super::request::{Body, Client, expected_version, is_known, list_query};
use super::{Answer, GatewayState, answer};

/// The path of one group: integration and id.
type GroupPath = Path<(String, String)>;

/// `GET /Groups`: a page of groups.
pub(super) async fn list(
    client: Client,
    State(state): State<GatewayState>,
    RawQuery(query): RawQuery,
) -> Answer {
    page(&client, &state, &list_query(query.as_deref(), &client.caller.groups)?).await
}

/// `POST /Groups/.search`: the same, asked for in a body.
pub(super) async fn search(client: Client, State(state): State<GatewayState>, Body(body): Body) -> Answer {
    page(&client, &state, &ListQuery::from_slice(&body, &client.caller.groups)?).await
}

async fn page(client: &Client, state: &GatewayState, query: &ListQuery) -> Answer {
    let found = state.intake.list_groups(&client.caller, query).await?;
    Ok(answer::page(client, found, &query.projection))
}

/// `POST /Groups`: makes a group.
pub(super) async fn create(
    client: Client,
    State(state): State<GatewayState>,
    RawQuery(query): RawQuery,
    Body(body): Body,
) -> Answer {
    let projection = list_query(query.as_deref(), &client.caller.groups)?.projection;
    let group = Resource::from_slice(&body, &client.caller.groups)?;
    let shown = state.intake.create_group(&client.caller, group).await?;
    Ok(changed(StatusCode::CREATED, &client, shown, &projection))
}

/// `GET /Groups/{id}`: one group.
pub(super) async fn find(
    client: Client,
    State(state): State<GatewayState>,
    Path((_, id)): GroupPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let projection = list_query(query.as_deref(), &client.caller.groups)?.projection;
    let shown = state.intake.find_group(&client.caller, &id, projection.wants("members")).await?;
    let status = if is_known(&headers, shown.version) { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    Ok(resource(status, &client, shown, &projection))
}

/// `PUT /Groups/{id}`: replaces a group and its members.
pub(super) async fn replace(
    client: Client,
    State(state): State<GatewayState>,
    Path((_, id)): GroupPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Body(body): Body,
) -> Answer {
    let projection = list_query(query.as_deref(), &client.caller.groups)?.projection;
    let expected = expected_version(&headers)?;
    let group = Resource::from_slice(&body, &client.caller.groups)?;
    let shown = state.intake.replace_group(&client.caller, &id, expected, group).await?;
    Ok(changed(StatusCode::OK, &client, shown, &projection))
}

/// `PATCH /Groups/{id}`: changes a group in part.
pub(super) async fn patch(
    client: Client,
    State(state): State<GatewayState>,
    Path((_, id)): GroupPath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Body(body): Body,
) -> Answer {
    let projection = list_query(query.as_deref(), &client.caller.groups)?.projection;
    let expected = expected_version(&headers)?;
    let request = PatchRequest::from_slice(&body, &client.caller.groups)?;
    let shown = state.intake.patch_group(&client.caller, &id, expected, &request).await?;
    let is_strict = client.caller.profile() == Profile::Strict;
    let status = match projection {
        Projection::All if !is_strict => StatusCode::NO_CONTENT,
        _ => StatusCode::OK,
    };
    Ok(changed(status, &client, shown, &projection))
}

/// `DELETE /Groups/{id}`: ends a group.
pub(super) async fn delete(
    client: Client,
    State(state): State<GatewayState>,
    Path((_, id)): GroupPath,
    headers: HeaderMap,
) -> Answer {
    let expected = expected_version(&headers)?;
    let shown = state.intake.delete_group(&client.caller, &id, expected).await?;
    Ok(accepted(&client, &shown).unwrap_or_else(|| StatusCode::NO_CONTENT.into_response()))
}
