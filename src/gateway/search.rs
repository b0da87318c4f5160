//! `POST /.search`: resources of all types on one list (RFC 7644 section 3.4.3), users before groups.

use axum::extract::State;
use axum::http::StatusCode;

use crate::intake::ShownPage;
use crate::scim::{ListQuery, ListResponse};

use super::answer::{json, resource_json};
use super::request::{Body, Client};
use super::{Answer, GatewayState};

/// What a type has no attribute for, none of its resources has: a search that fits one type alone finds those.
pub(super) async fn search(client: Client, State(state): State<GatewayState>, Body(body): Body) -> Answer {
    let caller = &client.caller;
    let of_users = ListQuery::from_slice(&body, &caller.schema);
    let of_groups = ListQuery::from_slice(&body, &caller.groups);
    let (query, users) = match (&of_users, &of_groups) {
        (Ok(query), _) => (query, state.intake.list_users(caller, query).await?),
        (Err(_), Ok(query)) => (query, ShownPage { total: 0, resources: Vec::new() }),
        (Err(error), Err(_)) => return Err(error.clone().into()),
    };
    let before = u32::try_from(users.total).unwrap_or(u32::MAX);
    let left = query.count.saturating_sub(u32::try_from(users.resources.len()).unwrap_or(u32::MAX));
    let groups = match &of_groups {
        Ok(query) => {
            let start_index = query.offset().saturating_sub(before).saturating_add(1);
            let rest = ListQuery { start_index, count: left, ..query.clone() };
            state.intake.list_groups(caller, &rest).await?
        }
        Err(_) => ShownPage { total: 0, resources: Vec::new() },
    };
    let all = users.resources.iter().chain(&groups.resources);
    let response = ListResponse {
        total_results: users.total + groups.total,
        start_index: query.start_index,
        resources: all.map(|shown| resource_json(&client, shown, &query.projection)).collect(),
    };
    Ok(json(StatusCode::OK, &response))
}
