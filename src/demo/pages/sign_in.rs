//! The way in and out: password, one-time code, sign-out.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use super::form::Form;
use super::guard::{SignedIn, Visitor, clear_cookie, set_cookie};
use super::problem::draw;
use crate::demo::access::{Answer, Stage};
use crate::demo::desk::Desk;
use crate::demo::model::{Member, Status};

const WRONG: &str = "Incorrect email or password.";
const WRONG_CODE: &str = "Incorrect code.";
const LOCKED: &str = "Account locked. Too many failed attempts; try again in 15 minutes.";

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    csrf: String,
    email: String,
    alert: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    csrf: String,
    alert: Option<&'static str>,
}

/// `GET /login`.
pub(super) async fn show(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if SignedIn::find(&headers, &desk).is_some() {
        return Redirect::to("/").into_response();
    }
    let visitor = Visitor::of(&headers, &desk);
    let page = LoginPage { csrf: visitor.csrf, email: String::new(), alert: None };
    (set_cookie(&visitor.session), draw(StatusCode::OK, &page)).into_response()
}

/// `POST /login`.
pub(super) async fn password(State(desk): State<Arc<Desk>>, form: Form) -> Response {
    let page = |alert| LoginPage { csrf: form.get("csrf"), email: form.get("email"), alert: Some(alert) };
    match try_password(&desk, &form) {
        Answer::SignedIn => come_in(&desk, &form, "/"),
        Answer::CodeNeeded => to_stage(&desk, &form, Stage::CodeNeeded, "/login/code"),
        Answer::Refused => refuse(&desk, &page(WRONG)),
        Answer::Locked => refuse(&desk, &page(LOCKED)),
    }
}

/// What becomes of the address and the password that were typed.
pub(super) fn try_password(desk: &Desk, form: &Form) -> Answer {
    let state = &mut *desk.lock();
    let account = state.organisation.find_by_email(&form.get("email"));
    let may = |member: &Member| member.id == state.sign_in.member_id && member.status == Status::Active;
    if account.is_some_and(may) {
        state.sign_in.password(&form.get("password"), desk.now_ms())
    } else {
        Answer::Refused
    }
}

/// `GET /login/code`.
pub(super) async fn show_code(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    let visitor = Visitor::of(&headers, &desk);
    if visitor.stage != Stage::CodeNeeded {
        return Redirect::to("/login").into_response();
    }
    draw(StatusCode::OK, &CodePage { csrf: visitor.csrf, alert: None })
}

/// `POST /login/code`.
pub(super) async fn code(State(desk): State<Arc<Desk>>, headers: HeaderMap, form: Form) -> Response {
    if Visitor::of(&headers, &desk).stage != Stage::CodeNeeded {
        return Redirect::to("/login").into_response();
    }
    let answer = desk.lock().sign_in.code(&form.get("code"), desk.now_ms());
    let page = |alert| CodePage { csrf: form.get("csrf"), alert: Some(alert) };
    match answer {
        Answer::SignedIn => come_in(&desk, &form, "/"),
        Answer::Locked => refuse(&desk, &page(LOCKED)),
        Answer::Refused | Answer::CodeNeeded => refuse(&desk, &page(WRONG_CODE)),
    }
}

/// `POST /logout`.
pub(super) async fn sign_out(State(desk): State<Arc<Desk>>, form: Form) -> Response {
    desk.lock().sessions.end(&form.session);
    (clear_cookie(), Redirect::to("/login")).into_response()
}

/// Lets the service account in, to the page at `address`.
pub(super) fn come_in(desk: &Desk, form: &Form, address: &str) -> Response {
    let id = {
        let state = &mut *desk.lock();
        state.stats.sign_ins += 1;
        state.sign_in.member_id
    };
    to_stage(desk, form, Stage::SignedIn(id), address)
}

/// A new session in place of the one before.
fn to_stage(desk: &Desk, form: &Form, stage: Stage, address: &str) -> Response {
    let sessions = &mut desk.lock().sessions;
    sessions.end(&form.session);
    let session = sessions.open(stage, &*desk.fill, desk.now_ms());
    (set_cookie(&session), Redirect::to(address)).into_response()
}

fn refuse(desk: &Desk, page: &impl Template) -> Response {
    desk.lock().stats.refused_sign_ins += 1;
    draw(StatusCode::UNPROCESSABLE_ENTITY, page)
}
