//! The app over HTTP: one file per part of the app, templates beside them in `../templates`.
//!
//! Every page works without script: dialogs and messages are drawn by the server, script only saves round trips. Every
//! form carries its session's token, and reading a [`form::Form`] checks it.

mod asset;
mod control;
mod form;
mod frame;
mod group;
mod groups;
mod guard;
mod invitation;
mod member_action;
mod members;
mod meter;
mod problem;
mod quick;
mod sign_in;
mod teams;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};

use super::desk::Desk;

const MEMBERS: &str = "/orgs/acme/members";
const TEAMS: &str = "/orgs/acme/teams";
const GROUPS: &str = "/orgs/acme/groups";

/// Everything the app answers.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    let quick = if desk.quick { quick::router() } else { Router::new() };
    let app = Router::new()
        .route("/", get(members::home))
        .route("/login", get(sign_in::show).post(sign_in::password))
        .route("/login/code", get(sign_in::show_code).post(sign_in::code))
        .route("/logout", post(sign_in::sign_out))
        .route("/whats-new", post(members::dismiss_news))
        .route("/invitations/{token}", get(invitation::show).post(invitation::accept))
        .route("/orgs/{org}", get(members::home))
        .route(MEMBERS, get(members::list))
        .route("/orgs/acme/members/invite", get(member_action::show_invite).post(member_action::invite))
        .route("/orgs/acme/members/{id}", get(members::show))
        .route("/orgs/acme/members/{id}/{action}", get(member_action::show).post(member_action::act))
        .route(TEAMS, get(teams::show).post(teams::add))
        .route(GROUPS, get(groups::show).post(groups::add))
        .route("/orgs/acme/groups/{id}", get(group::show))
        .route("/orgs/acme/groups/{id}/{action}", get(group::ask).post(group::act))
        .route("/assets/{name}", get(asset::get))
        .merge(quick)
        .fallback(guard::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), meter::meter));
    control::router().merge(app).with_state(desk)
}
