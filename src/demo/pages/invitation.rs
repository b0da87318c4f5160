//! What the link in an invitation leads to; the token in it is all that is asked for.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::form::Form;
use super::guard::{Visitor, set_cookie};
use super::problem::{Problem, draw};
use crate::demo::desk::Desk;

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    csrf: String,
    name: String,
    email: String,
    role: &'static str,
    accepted: bool,
}

/// `GET /invitations/{token}`.
pub(super) async fn show(
    Shared(desk): Shared<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::of(&headers, &desk);
    match page(&desk, &token, visitor.csrf) {
        Some(page) => (set_cookie(&visitor.session), draw(StatusCode::OK, &page)).into_response(),
        None => Problem::NotFound.into_response(),
    }
}

/// `POST /invitations/{token}`.
pub(super) async fn accept(
    Shared(desk): Shared<Arc<Desk>>,
    Path(token): Path<String>,
    form: Form,
) -> Response {
    let Some(page) = page(&desk, &token, form.get("csrf")) else { return Problem::NotFound.into_response() };
    if !desk.accept(&page.email) {
        return Problem::Stale.into_response();
    }
    draw(StatusCode::OK, &InvitationPage { accepted: true, ..page })
}

fn page(desk: &Desk, token: &str, csrf: String) -> Option<InvitationPage> {
    let state = &*desk.lock();
    let member = state.organisation.find_by_invitation(token)?;
    let (name, email, role) = (member.name.clone(), member.email.clone(), member.role.word());
    Some(InvitationPage { csrf, name, email, role, accepted: false })
}
