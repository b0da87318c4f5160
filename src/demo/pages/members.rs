//! The members table and a member's own page, each with or without a dialog over it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::MEMBERS;
use super::form::Form;
use super::frame::{Face, Frame, Place, Section};
use super::guard::{Owner, SignedIn};
use super::member_action::{Body, Dialog};
use super::problem::{Problem, draw};
use super::words::{MemberAction, Words};
use crate::demo::ORGANISATION;
use crate::demo::desk::{Desk, State};
use crate::demo::model::{Direction, ListQuery, Member, Organisation, SortBy, Status, list as page_of};

#[derive(Template)]
#[template(path = "members.html")]
struct ListPage {
    frame: Frame,
    dialog: Option<Dialog>,
    fields: Vec<(String, String)>,
    heads: Vec<Head>,
    rows: Vec<Row>,
    search: String,
    first: usize,
    last: usize,
    total: usize,
    /// The address of the page before; empty on the first.
    previous: Option<Vec<(String, String)>>,
    next: Option<Vec<(String, String)>>,
    seats_taken: usize,
    seats: usize,
}

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    frame: Frame,
    dialog: Option<Dialog>,
    fields: Vec<(String, String)>,
    row: Row,
    since: String,
}

/// A column's head that sorts.
struct Head {
    label: &'static str,
    href: String,
    /// The value of `aria-sort`.
    sort: &'static str,
}

/// A member as shown.
struct Row {
    id: u64,
    face: Face,
    email: String,
    role: &'static str,
    teams: String,
    /// Names with commas between them.
    groups: String,
    status: &'static str,
    /// The class that colours the status.
    tone: &'static str,
    buttons: Vec<Button>,
}

/// Something to do to a member.
struct Button {
    label: &'static str,
    action: String,
    /// The form it belongs to: one that opens a dialog or one that acts at once.
    form: &'static str,
    grave: bool,
}

/// `GET /` and `GET /orgs/{org}`: the members are where work begins.
pub(super) async fn home(caller: SignedIn, org: Option<Path<String>>) -> Response {
    // Whoever is signed in may see this; the members page itself says who may see that.
    drop(caller);
    match org {
        Some(Path(org)) if org != ORGANISATION => Problem::NotFound.into_response(),
        _ => Redirect::to(MEMBERS).into_response(),
    }
}

/// `GET /orgs/acme/members`.
pub(super) async fn list(Shared(desk): Shared<Arc<Desk>>, Owner(caller): Owner, query: RawQuery) -> Response {
    let query = ListQuery::parse(&query.0.unwrap_or_default());
    draw_place(&desk, &caller, &Place::List(query), StatusCode::OK, None)
}

/// `GET /orgs/acme/members/{id}`.
pub(super) async fn show(
    Shared(desk): Shared<Arc<Desk>>,
    Owner(caller): Owner,
    id: Result<Path<u64>, axum::extract::rejection::PathRejection>,
) -> Response {
    match id {
        Ok(Path(id)) => draw_place(&desk, &caller, &Place::Member(id), StatusCode::OK, None),
        Err(_) => Problem::NotFound.into_response(),
    }
}

/// `POST /whats-new`: not again in this session.
pub(super) async fn dismiss_news(Shared(desk): Shared<Arc<Desk>>, _caller: SignedIn, form: Form) -> Response {
    if let Some(session) = desk.lock().sessions.peek(&form.session) {
        session.has_seen_news = true;
    }
    Redirect::to(&Place::parse(form.as_query()).address()).into_response()
}

/// A place, with a dialog over it.
pub(super) fn draw_place(
    desk: &Desk,
    caller: &SignedIn,
    place: &Place,
    status: StatusCode,
    dialog: Option<Dialog>,
) -> Response {
    let state = &mut *desk.lock();
    match place {
        Place::List(query) => draw(status, &list_page(state, caller, query, dialog)),
        Place::Member(id) => match state.organisation.find(*id).cloned() {
            Some(member) => draw(status, &member_page(state, caller, &member, dialog)),
            None => Problem::NotFound.into_response(),
        },
    }
}

fn list_page(state: &mut State, caller: &SignedIn, query: &ListQuery, dialog: Option<Dialog>) -> ListPage {
    let place = Place::List(query.clone());
    let frame = Frame::new(state, caller, Section::Members, place.address());
    let organisation = &state.organisation;
    let mut page = page_of(organisation, query);
    page.leave_out(state.switches().missing);
    let shown = ListQuery { page: page.number, ..query.clone() };
    let other = |number: usize| Place::List(ListQuery { page: number, ..query.clone() }).fields();
    ListPage {
        heads: SortBy::ALL.map(|by| Head::new(by, &shown, frame.words)).into(),
        rows: page.members.iter().map(|member| Row::new(organisation, member, frame.words)).collect(),
        search: query.search.clone(),
        first: page.first,
        last: page.last,
        total: page.total,
        previous: (page.number > 1).then(|| other(page.number - 1)),
        next: (page.number < page.pages).then(|| other(page.number + 1)),
        seats_taken: organisation.seats_taken(),
        seats: organisation.seats(),
        fields: place.fields(),
        frame,
        dialog,
    }
}

fn member_page(state: &mut State, caller: &SignedIn, member: &Member, dialog: Option<Dialog>) -> MemberPage {
    let place = Place::Member(member.id);
    let frame = Frame::new(state, caller, Section::Members, place.address());
    let since = jiff::Timestamp::from_millisecond(member.since_ms)
        .map(|at| at.strftime("%-d %B %Y").to_string())
        .unwrap_or_default();
    let row = Row::new(&state.organisation, member, frame.words);
    MemberPage { row, fields: place.fields(), since, frame, dialog }
}

impl Head {
    fn new(by: SortBy, query: &ListQuery, words: &Words) -> Self {
        let label = match by {
            SortBy::Name => words.name,
            SortBy::Email => words.email,
            SortBy::Role => words.role,
            SortBy::Status => words.status,
        };
        let sort = match query.direction {
            _ if query.by != by => "none",
            Direction::Ascending => "ascending",
            Direction::Descending => "descending",
        };
        Self { label, href: Place::List(query.sorted_by(by)).address(), sort }
    }
}

impl Row {
    fn new(organisation: &Organisation, member: &Member, words: &'static Words) -> Self {
        let buttons = MemberAction::possible(member.status).iter();
        Self {
            id: member.id,
            face: Face::of(member),
            email: member.email.clone(),
            role: member.role.word(),
            teams: member.teams.join(", "),
            groups: organisation.groups_of(member.id).join(", "),
            status: words.status_word(member.status),
            tone: match member.status {
                Status::Active => "active",
                Status::Pending => "pending",
                Status::Suspended => "suspended",
            },
            buttons: buttons.map(|action| Button::new(*action, member.id, words)).collect(),
        }
    }
}

impl Button {
    fn new(action: MemberAction, id: u64, words: &'static Words) -> Self {
        Self {
            label: words.around(action).button,
            action: format!("{MEMBERS}/{id}/{}", action.slug()),
            form: if action == MemberAction::ResendInvitation { "act" } else { "open" },
            grave: action.is_grave(),
        }
    }
}
