//! `POST /Bulk` (RFC 7644 section 3.7): many requests in one.
//!
//! Operations are carried out in their order, but for those that refer to what a later one makes. Each is answered at once, whatever the
//! integration's patience: the work of a thousand accounts is nothing to wait for.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use crate::intake::{Caller, Shown};
use crate::scim::bulk::{BulkRequest, Method, Operation, outcome, response};
use crate::scim::{Error, PatchRequest, Resource};

use super::answer::{json, location, version};
use super::request::{Body, Client, version_of};
use super::{Answer, GatewayState};

/// `POST /Bulk`
pub(super) async fn bulk(client: Client, State(state): State<GatewayState>, Body(body): Body) -> Answer {
    let request = BulkRequest::from_slice(&body)?;
    let client = Client { caller: client.caller.waiting(Duration::ZERO), ..client };
    let mut work = Work::new(&client, &state, &request);
    while let Some(index) = work.next() {
        work.carry_out(index).await;
    }
    let outcomes: Vec<Value> = work.outcomes.into_iter().flatten().collect();
    Ok(json(StatusCode::OK, &response(&outcomes)))
}

/// A bulk request while it is carried out.
struct Work<'a> {
    client: &'a Client,
    state: &'a GatewayState,
    request: &'a BulkRequest,
    /// What became of each operation that was tried.
    outcomes: Vec<Option<Value>>,
    /// The ids of what was made.
    known: HashMap<String, String>,
    /// What the operations of the request are called.
    named: HashSet<&'a str>,
    errors: u64,
}

impl<'a> Work<'a> {
    fn new(client: &'a Client, state: &'a GatewayState, request: &'a BulkRequest) -> Self {
        let named = request.operations.iter().filter_map(|operation| operation.bulk_id.as_deref()).collect();
        let outcomes = vec![None; request.operations.len()];
        Self { client, state, request, outcomes, known: HashMap::new(), named, errors: 0 }
    }

    /// The operation to carry out next: the first whose references are known or never will be; where each waits for another, the first.
    fn next(&self) -> Option<usize> {
        if self.request.fail_on_errors.is_some_and(|most| self.errors >= most) {
            return None;
        }
        let open = || {
            let all = self.request.operations.iter().zip(&self.outcomes).enumerate();
            all.filter(|(_, (_, outcome))| outcome.is_none())
                .map(|(index, (operation, _))| (index, operation))
        };
        let pending: HashSet<&str> =
            open().filter_map(|(_, operation)| operation.bulk_id.as_deref()).collect();
        let is_ready =
            |operation: &Operation| !operation.references().iter().any(|name| pending.contains(name));
        let ready = open().find(|(_, operation)| is_ready(operation));
        ready.or_else(|| open().next()).map(|(index, _)| index)
    }

    async fn carry_out(&mut self, index: usize) {
        let Some(operation) = self.request.operations.get(index) else { return };
        let done = match self.unresolved(operation) {
            Some(error) => Err(error),
            None => carry_out(&self.client.caller, self.state, &operation.resolved(&self.known)).await,
        };
        let answer = match done {
            Ok((status, shown)) => {
                let place = shown.as_ref().map(|shown| location(self.client, shown));
                if let (Some(name), Some(id)) =
                    (&operation.bulk_id, shown.as_ref().and_then(|shown| shown.resource.id()))
                {
                    self.known.insert(name.clone(), id.to_owned());
                }
                let place = place.or_else(|| self.address_of(operation));
                outcome(operation, (status.as_u16(), place), shown.as_ref().map(version), None)
            }
            Err(error) => {
                self.errors += 1;
                let place = self.address_of(operation);
                outcome(operation, (error.status, place), None, Some(&error))
            }
        };
        if let Some(place) = self.outcomes.get_mut(index) {
            *place = Some(answer);
        }
    }

    /// Where the resource is that an operation is about, if it is about one that was there before.
    fn address_of(&self, operation: &Operation) -> Option<String> {
        let path = operation.resolved(&self.known).path;
        (operation.method != Method::Post).then(|| format!("{}{path}", self.client.base_url))
    }

    /// Why an operation cannot be carried out, where something that it refers to is not there.
    fn unresolved(&self, operation: &Operation) -> Option<Error> {
        let missing = operation.references().into_iter().find(|name| !self.known.contains_key(*name))?;
        let said = format!("`bulkId:{missing}`");
        Some(match self.named.contains(missing) {
            true => Error::conflict(format!("it refers to {said}, which failed or refers back to it")),
            false => Error::invalid_value(format!("it refers to {said}, which no operation is called")),
        })
    }
}

async fn carry_out(
    caller: &Caller,
    state: &GatewayState,
    operation: &Operation,
) -> Result<(StatusCode, Option<Shown>), Error> {
    let intake = &state.intake;
    let path = operation.path.trim_end_matches('/');
    let (endpoint, id) = match path.trim_start_matches('/').split_once('/') {
        None => (path.trim_start_matches('/'), None),
        Some((endpoint, id)) => (endpoint, Some(id)),
    };
    let expected = operation.version.as_deref().map(version_of).transpose()?.flatten();
    let resource = |schema| Resource::parse(operation.data.clone(), schema);
    let patch = |schema| PatchRequest::parse(operation.data.clone(), schema);
    let done = match (operation.method, endpoint, id) {
        (Method::Post, "Users", None) => intake.create_user(caller, resource(&caller.schema)?).await?,
        (Method::Put, "Users", Some(id)) => {
            intake.replace_user(caller, id, expected, resource(&caller.schema)?).await?
        }
        (Method::Patch, "Users", Some(id)) => {
            intake.patch_user(caller, id, expected, &patch(&caller.schema)?).await?
        }
        (Method::Delete, "Users", Some(id)) => {
            intake.delete_user(caller, id, expected).await?;
            return Ok((StatusCode::NO_CONTENT, None));
        }
        (Method::Post, "Groups", None) => intake.create_group(caller, resource(&caller.groups)?).await?,
        (Method::Put, "Groups", Some(id)) => {
            intake.replace_group(caller, id, expected, resource(&caller.groups)?).await?
        }
        (Method::Patch, "Groups", Some(id)) => {
            intake.patch_group(caller, id, expected, &patch(&caller.groups)?).await?
        }
        (Method::Delete, "Groups", Some(id)) => {
            intake.delete_group(caller, id, expected).await?;
            return Ok((StatusCode::NO_CONTENT, None));
        }
        _ => return Err(Error::no_endpoint()),
    };
    let status = if operation.method == Method::Post { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Some(done)))
}
