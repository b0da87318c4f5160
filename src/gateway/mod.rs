//! SCIM over HTTP (RFC 7644), one address per integration: `/scim/v2/<integration>/…`.
//!
//! A handler reads what was sent, asks [`Intake`], and writes the answer; it holds no rules. Every answer that is not a success is
//! a SCIM error, also for what the router itself refuses. Bodies are bounded; nothing of one is ever logged.

mod address;
mod answer;
mod bulk;
mod catalog;
mod discovery;
mod groups;
mod journal;
mod request;
mod search;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, get, post};

use crate::intake::Intake;
use crate::journal::Journal;

use answer::Refusal;

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct GatewayState(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    intake: Intake,
    /// How clients reach the server, without a slash at the end; `None` to take it from each request's `Host`.
    base_url: Option<String>,
}

impl std::ops::Deref for GatewayState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The SCIM endpoints; what is asked and answered goes into `journal`. `base_url` is how clients reach this server, where that is
/// not what they put into `Host`.
pub fn router(intake: Intake, journal: Journal, base_url: Option<String>) -> Router {
    let state = GatewayState(Arc::new(Shared { intake, base_url }));
    let exact = nested(integration(), any(answer::no_endpoint)).with_state(state.clone());
    let tolerant =
        any(move |uri: OriginalUri, request: Request| address::try_again(exact.clone(), uri, request));
    nested(integration(), tolerant).with_state(state).layer(from_fn_with_state(journal, journal::keep))
}

/// The endpoints of an integration under its address; what none of them takes goes to `otherwise`.
fn nested(integration: Router<GatewayState>, otherwise: MethodRouter<GatewayState>) -> Router<GatewayState> {
    let integration =
        integration.method_not_allowed_fallback(answer::method_not_allowed).fallback(otherwise.clone());
    Router::new().nest("/scim/v2/{integration}", integration).fallback(otherwise)
}

/// The endpoints of an integration, each with and without a slash at its end.
fn integration() -> Router<GatewayState> {
    let user = get(users::find).put(users::replace).patch(users::patch).delete(users::delete);
    let group = get(groups::find).put(groups::replace).patch(groups::patch).delete(groups::delete);
    let endpoints = [
        ("/Users", get(users::list).post(users::create)),
        ("/Users/.search", post(users::search)),
        ("/Users/{id}", user),
        ("/Groups", get(groups::list).post(groups::create)),
        ("/Groups/.search", post(groups::search)),
        ("/Groups/{id}", group),
        ("/.search", post(search::search)),
        ("/Bulk", post(bulk::bulk)),
        ("/ServiceProviderConfig", get(discovery::service_provider_config)),
        ("/ResourceTypes", get(discovery::resource_types)),
        ("/ResourceTypes/{name}", get(discovery::resource_type)),
        ("/Schemas", get(discovery::schemas)),
        ("/Schemas/{urn}", get(discovery::schema)),
        ("/Roles", get(catalog::roles)),
        ("/Roles/{key}", get(catalog::role)),
        ("/Entitlements/{kind}", get(catalog::entitlements)),
        ("/Entitlements/{kind}/{key}", get(catalog::entitlement)),
        ("/Me", any(discovery::me)),
    ];
    endpoints.into_iter().fold(Router::new(), |router, (path, methods)| {
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    })
}

type Answer = Result<axum::response::Response, Refusal>;
