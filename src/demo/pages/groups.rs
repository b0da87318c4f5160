//! The page of all groups.

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::GROUPS;
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::{Owner, SignedIn};
use super::member_action::{by, say};
use super::problem::draw;
use crate::demo::desk::Desk;

const ADDED: &str = "Group added";

#[derive(Template)]
#[template(path = "groups.html")]
struct GroupsPage {
    frame: Frame,
    /// Ids, names, and how many people each has.
    groups: Vec<(u64, String, usize)>,
    typed: String,
    alert: Option<&'static str>,
}

/// `GET /orgs/acme/groups`.
pub(super) async fn show(Shared(desk): Shared<Arc<Desk>>, Owner(caller): Owner) -> Response {
    draw_groups(&desk, &caller, String::new(), None)
}

/// `POST /orgs/acme/groups`: adds one.
pub(super) async fn add(Shared(desk): Shared<Arc<Desk>>, Owner(caller): Owner, form: Form) -> Response {
    let name = form.get("name");
    let refused = {
        let state = &mut *desk.lock();
        let refused = state.organisation.add_group(&by(&desk, &caller), &name).err();
        if refused.is_none() {
            say(state, &caller, ADDED);
        }
        refused
    };
    match refused {
        None => Redirect::to(GROUPS).into_response(),
        Some(refusal) => draw_groups(&desk, &caller, name, Some(refusal.words())),
    }
}

fn draw_groups(desk: &Desk, caller: &SignedIn, typed: String, alert: Option<&'static str>) -> Response {
    let state = &mut *desk.lock();
    let frame = Frame::new(state, caller, Section::Groups, GROUPS.to_owned());
    let groups = state.organisation.groups_by_name().into_iter();
    let groups = groups.map(|group| (group.id, group.name.clone(), group.members.len())).collect();
    let status = if alert.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    draw(status, &GroupsPage { frame, groups, typed, alert })
}
