//! One group's own page: its name, the people in it, and the dialog that asks before it is deleted.
//!
//! A success sends the browser back with a message. A refusal draws the page again with what was typed and the app's
//! words beside the form that was sent.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::GROUPS;
use super::form::Form;
use super::frame::{Face, Frame, Section};
use super::guard::{Owner, SignedIn};
use super::member_action::{Body, Dialog, by, say};
use super::problem::{Problem, draw};
use crate::demo::desk::{Desk, State};
use crate::demo::model::{By, Group, Member, Organisation, Refusal};

#[derive(Template)]
#[template(path = "group.html")]
struct GroupPage {
    frame: Frame,
    dialog: Option<Dialog>,
    id: u64,
    name: String,
    people: Vec<Person>,
    rename: Asked,
    add: Asked,
    take_out: Asked,
}

/// Somebody in the group, as shown.
struct Person {
    id: u64,
    face: Face,
    email: String,
}

/// A form of the page.
#[derive(Default)]
struct Asked {
    typed: String,
    /// Why it was refused.
    alert: Option<&'static str>,
}

/// What can be done to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GroupAction {
    Rename,
    Add,
    TakeOut,
    Delete,
}

/// `GET /orgs/acme/groups/{id}`.
pub(super) async fn show(
    Shared(desk): Shared<Arc<Desk>>,
    Owner(caller): Owner,
    Path(id): Path<String>,
) -> Response {
    draw_group(&desk, &caller, &id, None, None)
}

/// `GET /orgs/acme/groups/{id}/{action}`: only deleting asks first.
pub(super) async fn ask(
    Shared(desk): Shared<Arc<Desk>>,
    Owner(caller): Owner,
    Path((id, action)): Path<(String, String)>,
) -> Response {
    match GroupAction::from_slug(&action) {
        Some(GroupAction::Delete) => draw_group(&desk, &caller, &id, Some(delete_dialog), None),
        _ => Problem::NotFound.into_response(),
    }
}

/// `POST /orgs/acme/groups/{id}/{action}`.
pub(super) async fn act(
    Shared(desk): Shared<Arc<Desk>>,
    Owner(caller): Owner,
    Path((id, action)): Path<(String, String)>,
    form: Form,
) -> Response {
    let (Ok(number), Some(action)) = (id.parse(), GroupAction::from_slug(&action)) else {
        return Problem::NotFound.into_response();
    };
    let typed = form.get(action.field());
    let done = {
        let state = &mut *desk.lock();
        let done = perform(&mut state.organisation, &by(&desk, &caller), number, action, &typed);
        if done.is_ok() {
            say(state, &caller, action.done());
        }
        done
    };
    match done {
        Ok(()) if action == GroupAction::Delete => Redirect::to(GROUPS).into_response(),
        Ok(()) => Redirect::to(&address(number)).into_response(),
        Err(Refusal::GroupGone) => Problem::NotFound.into_response(),
        Err(refusal) => draw_group(&desk, &caller, &id, None, Some((action, typed, refusal))),
    }
}

fn perform(
    organisation: &mut Organisation,
    by: &By,
    id: u64,
    action: GroupAction,
    typed: &str,
) -> Result<(), Refusal> {
    match action {
        GroupAction::Rename => organisation.rename_group(by, id, typed),
        GroupAction::Add => organisation.add_to_group(by, id, typed),
        GroupAction::TakeOut => {
            let member_id = typed.parse().map_err(|_| Refusal::NotInGroup)?;
            organisation.take_out_of_group(by, id, member_id)
        }
        GroupAction::Delete => organisation.delete_group(by, id),
    }
}

fn draw_group(
    desk: &Desk,
    caller: &SignedIn,
    id: &str,
    dialog: Option<fn(&Group) -> Dialog>,
    refused: Option<(GroupAction, String, Refusal)>,
) -> Response {
    let state = &mut *desk.lock();
    let group = id.parse().ok().and_then(|id| state.organisation.find_group(id)).cloned();
    let Some(group) = group else { return Problem::NotFound.into_response() };
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    draw(status, &group_page(state, caller, &group, dialog.map(|dialog| dialog(&group)), refused))
}

fn group_page(
    state: &mut State,
    caller: &SignedIn,
    group: &Group,
    dialog: Option<Dialog>,
    refused: Option<(GroupAction, String, Refusal)>,
) -> GroupPage {
    let frame = Frame::new(state, caller, Section::Groups, address(group.id));
    let mut people: Vec<Person> =
        group.members.iter().filter_map(|id| state.organisation.find(*id)).map(Person::of).collect();
    people.sort_by_cached_key(|person| (person.face.name.to_lowercase(), person.id));
    let mut page = GroupPage {
        frame,
        dialog,
        id: group.id,
        name: group.name.clone(),
        people,
        rename: Asked { typed: group.name.clone(), alert: None },
        add: Asked::default(),
        take_out: Asked::default(),
    };
    if let Some((action, typed, refusal)) = refused {
        let form = match action {
            GroupAction::Rename => &mut page.rename,
            GroupAction::Add => &mut page.add,
            GroupAction::TakeOut | GroupAction::Delete => &mut page.take_out,
        };
        *form = Asked { typed, alert: Some(refusal.words()) };
    }
    page
}

fn delete_dialog(group: &Group) -> Dialog {
    Dialog {
        title: "Delete group",
        action: format!("{}/delete", address(group.id)),
        fields: Vec::new(),
        alert: None,
        confirm: "Delete group",
        dismiss: "Keep",
        grave: true,
        body: Body::Question {
            question: format!("Delete the group {} ({})?", group.name, group.id),
            note: "The people in it stay members. You cannot undo this.",
        },
    }
}

fn address(id: u64) -> String {
    format!("{GROUPS}/{id}")
}

impl Person {
    fn of(member: &Member) -> Self {
        Self { id: member.id, face: Face::of(member), email: member.email.clone() }
    }
}

impl GroupAction {
    /// The action at this place of an address.
    fn from_slug(slug: &str) -> Option<Self> {
        match slug {
            "rename" => Some(Self::Rename),
            "add" => Some(Self::Add),
            "take-out" => Some(Self::TakeOut),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }

    /// The one field of its form; empty where it has none.
    const fn field(self) -> &'static str {
        match self {
            Self::Rename => "name",
            Self::Add => "email",
            Self::TakeOut => "member",
            Self::Delete => "",
        }
    }

    /// The message afterwards.
    const fn done(self) -> &'static str {
        match self {
            Self::Rename => "Group renamed",
            Self::Add => "Added to the group",
            Self::TakeOut => "Taken out of the group",
            Self::Delete => "Group deleted",
        }
    }
}
