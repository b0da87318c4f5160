//! Everything that is done to members: the dialog that asks, and the form that does.
//!
//! A success sends the browser back to where it came from, with a message. A refusal draws the same page again with
//! the dialog still open, what was typed, and the app's words.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::MEMBERS;
use super::form::Form;
use super::frame::Place;
use super::guard::{Owner, SignedIn};
use super::members::draw_place;
use super::problem::Problem;
use super::words::{MemberAction, Words};
use crate::demo::desk::{Desk, State};
use crate::demo::model::{By, Edit, Invitation, Member, Refusal, Role};

/// A dialog over a page.
pub(super) struct Dialog {
    pub(super) title: &'static str,
    /// Where its form goes.
    pub(super) action: String,
    /// Where the change returns to, as hidden fields.
    pub(super) fields: Vec<(String, String)>,
    /// Why it was refused.
    pub(super) alert: Option<&'static str>,
    pub(super) confirm: &'static str,
    pub(super) dismiss: &'static str,
    pub(super) grave: bool,
    pub(super) body: Body,
}

/// What a dialog asks.
pub(super) enum Body {
    /// Name, address and role of somebody new.
    Invite { email: String, name: String, roles: Vec<Choice> },
    /// The same of somebody there, and the teams.
    Edit { of: String, email: String, name: String, roles: Vec<Choice>, teams: Vec<Choice> },
    /// Nothing but yes or no.
    Question { question: String, note: &'static str },
}

/// A value to choose, and whether it is chosen.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) chosen: bool,
}

/// `GET /orgs/acme/members/invite`.
pub(super) async fn show_invite(
    Shared(desk): Shared<Arc<Desk>>,
    Owner(caller): Owner,
    query: RawQuery,
) -> Response {
    let place = Place::parse(&query.0.unwrap_or_default());
    let words = Words::of(desk.lock().switches().new_design);
    let dialog = invite_dialog(words, &place, [String::new(), String::new(), Role::Viewer.word().to_owned()]);
    draw_place(&desk, &caller, &place, StatusCode::OK, Some(dialog))
}

/// `POST /orgs/acme/members/invite`.
pub(super) async fn invite(Shared(desk): Shared<Arc<Desk>>, Owner(caller): Owner, form: Form) -> Response {
    let place = Place::parse(form.as_query());
    let typed = [form.get("email"), form.get("name"), form.get("role")];
    let [email, name, role] = typed.clone();
    let invitation = Invitation { email, name, role, token: desk.random_token() };
    let (words, done) = {
        let state = &mut *desk.lock();
        let words = Words::of(state.switches().new_design);
        let done = state.organisation.invite(&by(&desk, &caller), invitation);
        if done.is_ok() {
            say(state, &caller, words.invited);
        }
        (words, done)
    };
    match done {
        Ok(_) => Redirect::to(&place.address()).into_response(),
        Err(refusal) => refuse(&desk, &caller, &place, invite_dialog(words, &place, typed), refusal),
    }
}

/// `GET /orgs/acme/members/{id}/{action}`.
pub(super) async fn show(
    Shared(desk): Shared<Arc<Desk>>,
    Owner(caller): Owner,
    Path((id, action)): Path<(String, String)>,
    query: RawQuery,
) -> Response {
    let place = Place::parse(&query.0.unwrap_or_default());
    let dialog = {
        let state = &*desk.lock();
        let Some((member, action)) = find(state, &id, &action) else {
            return Problem::NotFound.into_response();
        };
        if !MemberAction::possible(member.status).contains(&action) {
            return Problem::Stale.into_response();
        }
        let words = Words::of(state.switches().new_design);
        let edit = Edit {
            name: member.name.clone(),
            email: member.email.clone(),
            role: member.role.word().to_owned(),
            teams: member.teams.clone(),
        };
        member_dialog(words, &place, member, action, state.organisation.teams(), edit)
    };
    draw_place(&desk, &caller, &place, StatusCode::OK, Some(dialog))
}

/// `POST /orgs/acme/members/{id}/{action}`.
pub(super) async fn act(
    Shared(desk): Shared<Arc<Desk>>,
    Owner(caller): Owner,
    Path((id, action)): Path<(String, String)>,
    form: Form,
) -> Response {
    let place = Place::parse(form.as_query());
    let edit = Edit {
        name: form.get("name"),
        email: form.get("email"),
        role: form.get("role"),
        teams: form.all("team"),
    };
    let (refused, dialog) = {
        let state = &mut *desk.lock();
        let Some((member, action)) = find(state, &id, &action) else {
            return Problem::NotFound.into_response();
        };
        let words = Words::of(state.switches().new_design);
        let dialog = member_dialog(words, &place, member, action, state.organisation.teams(), edit.clone());
        let id = member.id;
        let refused = perform(state, &by(&desk, &caller), id, action, &edit, desk.random_token()).err();
        if refused.is_none() {
            say(state, &caller, words.around(action).done);
        }
        (refused, dialog)
    };
    match (refused, place) {
        (Some(Refusal::Stale), _) => Problem::Stale.into_response(),
        (Some(refusal), place) => refuse(&desk, &caller, &place, dialog, refusal),
        (None, Place::Member(id)) if desk.lock().organisation.find(id).is_none() => {
            Redirect::to(MEMBERS).into_response()
        }
        (None, place) => Redirect::to(&place.address()).into_response(),
    }
}

fn perform(
    state: &mut State,
    by: &By,
    id: u64,
    action: MemberAction,
    edit: &Edit,
    token: String,
) -> Result<(), Refusal> {
    let organisation = &mut state.organisation;
    match action {
        MemberAction::Edit => organisation.edit(by, id, edit),
        MemberAction::Suspend => organisation.suspend(by, id),
        MemberAction::Reactivate => organisation.reactivate(by, id),
        MemberAction::Remove => organisation.remove(by, id),
        MemberAction::CancelInvitation => organisation.cancel_invitation(by, id),
        MemberAction::ResendInvitation => organisation.resend_invitation(by, id, token),
    }
}

fn find<'a>(state: &'a State, id: &str, action: &str) -> Option<(&'a Member, MemberAction)> {
    let member = state.organisation.find(id.parse().ok()?)?;
    Some((member, MemberAction::from_slug(action)?))
}

/// Who acts, and when.
pub(super) fn by(desk: &Desk, caller: &SignedIn) -> By {
    By { actor: caller.member.email.clone(), at_ms: desk.now_ms() }
}

/// Leaves a message for the next page.
pub(super) fn say(state: &mut State, caller: &SignedIn, message: &'static str) {
    if let Some(session) = state.sessions.peek(&caller.session) {
        session.flash = Some(message);
    }
}

fn refuse(desk: &Desk, caller: &SignedIn, place: &Place, dialog: Dialog, refusal: Refusal) -> Response {
    let dialog = Dialog { alert: Some(refusal.words()), ..dialog };
    draw_place(desk, caller, place, StatusCode::UNPROCESSABLE_ENTITY, Some(dialog))
}

fn invite_dialog(words: &Words, place: &Place, [email, name, role]: [String; 3]) -> Dialog {
    Dialog {
        title: words.invite,
        action: format!("{MEMBERS}/invite"),
        fields: place.fields(),
        alert: None,
        confirm: words.send,
        dismiss: words.cancel,
        grave: false,
        body: Body::Invite { email, name, roles: roles(&role) },
    }
}

fn member_dialog(
    words: &Words,
    place: &Place,
    member: &Member,
    action: MemberAction,
    teams: &[String],
    edit: Edit,
) -> Dialog {
    let around = words.around(action);
    let body = match action {
        MemberAction::Edit => Body::Edit {
            of: member.email.clone(),
            roles: roles(&edit.role),
            teams: teams.iter().map(|team| Choice::new(team, edit.teams.contains(team))).collect(),
            email: edit.email,
            name: edit.name,
        },
        _ => Body::Question {
            question: format!("{} {} ({})?", around.question, member.name, member.email),
            note: around.note,
        },
    };
    Dialog {
        title: around.title,
        action: format!("{MEMBERS}/{}/{}", member.id, action.slug()),
        fields: place.fields(),
        alert: None,
        confirm: if action == MemberAction::Edit { words.save } else { around.button },
        dismiss: around.dismiss,
        grave: action.is_grave(),
        body,
    }
}

fn roles(chosen: &str) -> Vec<Choice> {
    Role::ALL.iter().map(|role| Choice::new(role.word(), role.word() == chosen)).collect()
}

impl Dialog {
    /// Whether it is answered by yes or no; then the way out is what Enter does at first.
    pub(super) fn is_question(&self) -> bool {
        matches!(self.body, Body::Question { .. })
    }
}

impl Choice {
    fn new(value: &str, chosen: bool) -> Self {
        Self { value: value.to_owned(), chosen }
    }
}
