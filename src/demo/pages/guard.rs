//! Who is calling: extractors that send away whoever may not come in.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::problem::Problem;
use crate::demo::access::Stage;
use crate::demo::desk::Desk;
use crate::demo::model::{Member, Role, Status};

const COOKIE: &str = "desk_session";

/// A caller who signed in, as a member who still may; others are sent to the sign-in page.
pub(super) struct SignedIn {
    /// The session's token.
    pub(super) session: String,
    pub(super) member: Member,
}

/// A signed-in caller who manages members; others read why not.
pub(super) struct Owner(pub(super) SignedIn);

impl SignedIn {
    /// The caller, where the cookie names a session of somebody who may still sign in.
    pub(super) fn find(headers: &HeaderMap, desk: &Desk) -> Option<Self> {
        let token = cookie(headers)?;
        let state = &mut *desk.lock();
        let Stage::SignedIn(id) = state.sessions.find(token, desk.now_ms())?.stage else { return None };
        let member = state.organisation.find(id).filter(|member| member.status == Status::Active)?.clone();
        Some(Self { session: token.to_owned(), member })
    }
}

impl FromRequestParts<Arc<Desk>> for SignedIn {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Self::Rejection> {
        Self::find(&parts.headers, desk).ok_or_else(|| Redirect::to("/login"))
    }
}

impl FromRequestParts<Arc<Desk>> for Owner {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Self::Rejection> {
        let caller = SignedIn::from_request_parts(parts, desk).await.map_err(IntoResponse::into_response)?;
        if caller.member.role == Role::Owner {
            Ok(Self(caller))
        } else {
            Err(Problem::NotOwner.into_response())
        }
    }
}

/// Where nothing is: only who is signed in is told so.
pub(super) async fn not_found(_caller: SignedIn) -> Problem {
    Problem::NotFound
}

/// The caller's session, signed in or not; a new one where there is none.
pub(super) struct Visitor {
    /// The session's token.
    pub(super) session: String,
    /// What every form of the page must carry.
    pub(super) csrf: String,
    pub(super) stage: Stage,
}

impl Visitor {
    /// Finds or opens the caller's session.
    pub(super) fn of(headers: &HeaderMap, desk: &Desk) -> Self {
        let now_ms = desk.now_ms();
        let sessions = &mut desk.lock().sessions;
        let known = cookie(headers).filter(|token| sessions.find(token, now_ms).is_some()).map(str::to_owned);
        let session = known.unwrap_or_else(|| sessions.open(Stage::Visiting, &*desk.fill, now_ms));
        let (csrf, stage) = sessions.find(&session, now_ms).map_or_else(
            || (String::new(), Stage::Visiting),
            |session| (session.csrf.clone(), session.stage),
        );
        Self { session, csrf, stage }
    }
}

/// The session token that the caller's cookie carries.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, token)| token)
}

/// The header that gives the caller a session.
pub(super) fn set_cookie(session: &str) -> [(header::HeaderName, String); 1] {
    [(header::SET_COOKIE, format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax"))]
}

/// The header that takes the caller's session away.
pub(super) fn clear_cookie() -> [(header::HeaderName, String); 1] {
    [(header::SET_COOKIE, format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"))]
}
