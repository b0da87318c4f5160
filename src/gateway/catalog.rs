//! `/Roles` and `/Entitlements/<kind>`: what can be held, for integrations whose identity provider reads it.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;

use crate::scim::catalog::Kind;
use crate::scim::{Error, ListResponse};

use super::Answer;
use super::answer::json;
use super::request::{Client, list_query, unfiltered};

/// `GET /Roles`
pub(super) async fn roles(client: Client, RawQuery(query): RawQuery) -> Answer {
    page(&client, &find(&client, "/Roles")?, query.as_deref())
}

/// `GET /Roles/{key}`
pub(super) async fn role(client: Client, Path((_, key)): Path<(String, String)>) -> Answer {
    one(&client, &find(&client, "/Roles")?, &key)
}

/// `GET /Entitlements/{kind}`
pub(super) async fn entitlements(
    client: Client,
    Path((_, kind)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    page(&client, &find(&client, &format!("/Entitlements/{kind}"))?, query.as_deref())
}

/// `GET /Entitlements/{kind}/{key}`
pub(super) async fn entitlement(
    client: Client,
    Path((_, kind, key)): Path<(String, String, String)>,
) -> Answer {
    one(&client, &find(&client, &format!("/Entitlements/{kind}"))?, &key)
}

fn find(client: &Client, endpoint: &str) -> Result<Kind, Error> {
    let kinds = client.caller.catalog();
    kinds.into_iter().find(|kind| kind.endpoint == endpoint).ok_or_else(Error::no_endpoint)
}

fn page(client: &Client, kind: &Kind, query: Option<&str>) -> Answer {
    unfiltered(query)?;
    // No attribute of a value can be filtered or sorted by, so any schema reads the rest of the query.
    let query = list_query(query, &client.caller.groups)?;
    let skipped = usize::try_from(query.offset()).unwrap_or(usize::MAX);
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let keys = kind.values.iter().skip(skipped).take(count);
    let response = ListResponse {
        total_results: kind.values.len() as u64,
        paging: query.by_index()?,
        resources: keys.filter_map(|(key, _)| kind.resource(&client.base_url, key)).collect(),
    };
    Ok(json(StatusCode::OK, &response))
}

fn one(client: &Client, kind: &Kind, key: &str) -> Answer {
    let found = kind.resource(&client.base_url, key);
    Ok(json(StatusCode::OK, &found.ok_or_else(|| Error::not_found(&kind.name, key))?))
}
