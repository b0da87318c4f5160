//! Pages that say why there is nothing to see.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// Why a page is not shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Problem {
    /// There is no such page, member or group.
    NotFound,
    /// The form did not come from a page of this session.
    ForgedForm,
    /// Only owners manage members.
    NotOwner,
    /// The member's status no longer allows it.
    Stale,
    /// The body is not a form.
    NotAForm,
    /// The app was told to fail, with this status.
    Down(StatusCode),
    /// A page could not be drawn.
    Undrawable,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    title: &'static str,
    text: &'static str,
}

impl Problem {
    const fn said(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "Page not found", "There is nothing at this address."),
            Self::ForgedForm => (
                StatusCode::FORBIDDEN,
                "This form has expired",
                "Your session ended or the page was open for too long. Nothing was changed.",
            ),
            Self::NotOwner => {
                (StatusCode::FORBIDDEN, "Owners only", "Only an owner of the organization can see this page.")
            }
            Self::Stale => (
                StatusCode::CONFLICT,
                "Changed meanwhile",
                "This member was changed meanwhile, so this cannot be done any more. Nothing was changed.",
            ),
            Self::NotAForm => (StatusCode::BAD_REQUEST, "Not understood", "That was not a form of this app."),
            Self::Down(status) => {
                (status, "Acme Desk is having problems", "We are on it. Try again in a few minutes.")
            }
            Self::Undrawable => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", "This page could not be drawn.")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, title, text) = self.said();
        match (Page { title, text }).render() {
            Ok(page) => (status, Html(page)).into_response(),
            Err(_) => (status, title).into_response(),
        }
    }
}

/// The page that a template draws.
pub(super) fn draw(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(_) => Problem::Undrawable.into_response(),
    }
}
