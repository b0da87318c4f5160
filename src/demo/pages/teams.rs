//! The teams page.

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::TEAMS;
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::{Owner, SignedIn};
use super::problem::draw;
use crate::demo::desk::Desk;
use crate::demo::model::By;

const ADDED: &str = "Team added";

#[derive(Template)]
#[template(path = "teams.html")]
struct TeamsPage {
    frame: Frame,
    /// Names, and how many members each has.
    teams: Vec<(String, usize)>,
    typed: String,
    alert: Option<&'static str>,
}

/// `GET /orgs/acme/teams`.
pub(super) async fn show(Shared(desk): Shared<Arc<Desk>>, Owner(caller): Owner) -> Response {
    draw_teams(&desk, &caller, String::new(), None)
}

/// `POST /orgs/acme/teams`: adds one.
pub(super) async fn add(Shared(desk): Shared<Arc<Desk>>, Owner(caller): Owner, form: Form) -> Response {
    let name = form.get("name");
    let by = By { actor: caller.member.email.clone(), at_ms: desk.now_ms() };
    let refused = {
        let state = &mut *desk.lock();
        let refused = state.organisation.add_team(&by, &name).err();
        if let (None, Some(session)) = (refused, state.sessions.peek(&caller.session)) {
            session.flash = Some(ADDED);
        }
        refused
    };
    match refused {
        None => Redirect::to(TEAMS).into_response(),
        Some(refusal) => draw_teams(&desk, &caller, name, Some(refusal.words())),
    }
}

fn draw_teams(desk: &Desk, caller: &SignedIn, typed: String, alert: Option<&'static str>) -> Response {
    let state = &mut *desk.lock();
    let frame = Frame::new(state, caller, Section::Teams, TEAMS.to_owned());
    let organisation = &state.organisation;
    let size = |team: &String| organisation.members().filter(|member| member.teams.contains(team)).count();
    let teams = organisation.teams().iter().map(|team| (team.clone(), size(team))).collect();
    let status = if alert.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    draw(status, &TeamsPage { frame, teams, typed, alert })
}
