//! Quick mode: the same rules and the same record behind pages without script and style, and endpoints that they ask. For those who
//! drive the app thousands of times and want to wait for themselves, not for its design.
//!
//! Who is not signed in gets 401 from an endpoint. What changes something takes JSON, which no form of another site can send, and
//! says whose account it means, which must be the one with that id.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::form::Form;
use super::guard::{SignedIn, Visitor, set_cookie};
use super::member_action::by;
use super::problem::draw;
use super::sign_in;
use crate::demo::access::Answer;
use crate::demo::desk::Desk;
use crate::demo::model::{Edit, Invitation, Member, Organisation, Refusal, Role};

const HOME: &str = "/quick";
const SIGN_IN: &str = "/quick/login";

#[derive(Template)]
#[template(path = "quick.html")]
struct Page {
    /// The token of the sign-in form; none once signed in.
    csrf: Option<String>,
    alert: Option<&'static str>,
    /// Whom the page is about.
    email: String,
}

/// An owner, as the others may not do anything here.
pub(super) struct Owner(SignedIn);

/// Whose account is meant.
#[derive(Deserialize)]
pub(super) struct Whose {
    #[serde(default)]
    email: String,
}

/// What is asked for.
#[derive(Deserialize)]
pub(super) struct Wish {
    email: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
}

/// Everything of quick mode.
pub(super) fn router() -> Router<Arc<Desk>> {
    Router::new()
        .route(HOME, get(home))
        .route(SIGN_IN, get(show_sign_in).post(sign_in))
        .route("/quick/member", get(member))
        .route("/quick/members", get(list).post(invite))
        .route("/quick/members/{id}/{action}", post(act))
}

impl FromRequestParts<Arc<Desk>> for Owner {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Self::Rejection> {
        match SignedIn::find(&parts.headers, desk) {
            None => Err(say(StatusCode::UNAUTHORIZED, "Sign in first.")),
            Some(caller) if caller.member.role != Role::Owner => {
                Err(say(StatusCode::FORBIDDEN, "Owners only."))
            }
            Some(caller) => Ok(Self(caller)),
        }
    }
}

async fn show_sign_in(Shared(desk): Shared<Arc<Desk>>, headers: http::HeaderMap) -> Response {
    let visitor = Visitor::of(&headers, &desk);
    let page = Page { csrf: Some(visitor.csrf), alert: None, email: String::new() };
    (set_cookie(&visitor.session), draw(StatusCode::OK, &page)).into_response()
}

async fn sign_in(Shared(desk): Shared<Arc<Desk>>, form: Form) -> Response {
    match sign_in::try_password(&desk, &form) {
        Answer::SignedIn => sign_in::come_in(&desk, &form, HOME),
        Answer::CodeNeeded | Answer::Refused | Answer::Locked => {
            let page = Page { csrf: Some(form.get("csrf")), alert: Some("Incorrect."), email: String::new() };
            draw(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

async fn home(caller: Result<Owner, Response>) -> Response {
    page_of(caller, String::new())
}

async fn member(caller: Result<Owner, Response>, Query(whose): Query<Whose>) -> Response {
    page_of(caller, whose.email)
}

fn page_of(caller: Result<Owner, Response>, email: String) -> Response {
    if caller.is_err() {
        return Redirect::to(SIGN_IN).into_response();
    }
    draw(StatusCode::OK, &Page { csrf: None, alert: None, email })
}

/// Everybody, or with `email` the one with that address.
async fn list(Shared(desk): Shared<Arc<Desk>>, _owner: Owner, Query(whose): Query<Whose>) -> Json<Value> {
    let organisation = &desk.lock().organisation;
    if whose.email.is_empty() {
        let members: Vec<Value> = organisation.members().map(shown).collect();
        return Json(json!({ "total": members.len(), "members": members }));
    }
    match organisation.find_by_email(&whose.email) {
        Some(member) => Json(shown(member)),
        None => Json(json!({ "found": false })),
    }
}

async fn invite(
    Shared(desk): Shared<Arc<Desk>>,
    Owner(caller): Owner,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Response {
    let Ok(Json(Wish { email, name, role })) = wish else {
        return say(StatusCode::BAD_REQUEST, "Not understood.");
    };
    let invitation = Invitation { email, name, role, token: desk.random_token() };
    let invited = desk.lock().organisation.invite(&by(&desk, &caller), invitation);
    invited.map_or_else(refuse, |id| (StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

async fn act(
    Shared(desk): Shared<Arc<Desk>>,
    Owner(caller): Owner,
    Path((id, action)): Path<(u64, String)>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Response {
    let Ok(Json(wish)) = wish else { return say(StatusCode::BAD_REQUEST, "Not understood.") };
    let by = by(&desk, &caller);
    let organisation = &mut desk.lock().organisation;
    let Some(member) = organisation.find(id).filter(|member| member.email == wish.email).cloned() else {
        return say(StatusCode::CONFLICT, "This is somebody else's account.");
    };
    let done = match action.as_str() {
        "suspend" => organisation.suspend(&by, id),
        "reactivate" => organisation.reactivate(&by, id),
        "role" => change_role(organisation, &by, member, wish.role),
        _ => return say(StatusCode::NOT_FOUND, "There is nothing at this address."),
    };
    done.map_or_else(refuse, |()| Json(json!({ "id": id })).into_response())
}

fn change_role(
    organisation: &mut Organisation,
    by: &crate::demo::model::By,
    member: Member,
    role: String,
) -> Result<(), Refusal> {
    let edit = Edit { name: member.name, email: member.email, role, teams: member.teams };
    organisation.edit(by, member.id, &edit)
}

fn shown(member: &Member) -> Value {
    json!({
        "found": true,
        "id": member.id,
        "email": member.email,
        "name": member.name,
        "role": member.role.word(),
        "status": member.status.word(),
    })
}

fn refuse(refusal: Refusal) -> Response {
    let status =
        if refusal == Refusal::Stale { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    say(status, refusal.words())
}

fn say(status: StatusCode, words: &str) -> Response {
    (status, Json(json!({ "error": words }))).into_response()
}
