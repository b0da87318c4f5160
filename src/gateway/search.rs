//! `POST /.search`: resources of all types on one list (RFC 7644 section 3.4.3), users before groups.

use axum::extract::State;

use crate::intake::ShownPage;
use crate::scim::{ListQuery, Paging};

use super::answer::page;
use super::request::{Body, Client};
use super::{Answer, GatewayState};

/// What a type has no attribute for, none of its resources has: a search that fits one type alone finds those.
pub(super) async fn search(client: Client, State(state): State<GatewayState>, Body(body): Body) -> Answer {
    let caller = &client.caller;
    let of_users = ListQuery::from_slice(&body, &caller.schema);
    let of_groups = ListQuery::from_slice(&body, &caller.groups);
    for query in [&of_users, &of_groups].into_iter().flatten() {
        query.by_index()?;
    }
    let (query, users) = match (&of_users, &of_groups) {
        (Ok(query), _) => (query, state.intake.list_users(caller, query).await?),
        (Err(_), Ok(query)) => (query, none()),
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
        Err(_) => none(),
    };
    let resources = users.resources.into_iter().chain(groups.resources).collect();
    let found = ShownPage { total: users.total + groups.total, resources, paging: query.by_index()? };
    Ok(page(&client, found, &query.projection))
}

fn none() -> ShownPage {
    ShownPage { total: 0, resources: Vec::new(), paging: Paging::Index(1) }
}
