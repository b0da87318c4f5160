//! A posted form, read only if it came from a page of the caller's own session.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use super::guard::cookie;
use super::problem::Problem;
use crate::demo::desk::Desk;

/// What was typed, and the session that it was typed in.
pub(super) struct Form {
    /// The caller's session, whose token the form carried.
    pub(super) session: String,
    body: String,
}

impl Form {
    /// The first value of a field; empty where it is missing.
    pub(super) fn get(&self, field: &str) -> String {
        self.all(field).into_iter().next().unwrap_or_default()
    }

    /// All values of a field.
    pub(super) fn all(&self, field: &str) -> Vec<String> {
        let pairs = form_urlencoded::parse(self.body.as_bytes());
        pairs.filter(|(name, _)| name == field).map(|(_, value)| value.into_owned()).collect()
    }

    /// The form as the query of an address.
    pub(super) fn as_query(&self) -> &str {
        &self.body
    }
}

impl FromRequest<Arc<Desk>> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, desk: &Arc<Desk>) -> Result<Self, Self::Rejection> {
        let session = cookie(request.headers()).map(str::to_owned);
        let body =
            String::from_request(request, desk).await.map_err(|_| Problem::NotAForm.into_response())?;
        let forged = || Problem::ForgedForm.into_response();
        let session = session.ok_or_else(forged)?;
        let expected = desk.lock().sessions.find(&session, desk.now_ms()).map(|session| session.csrf.clone());
        let form = Self { session, body };
        let genuine =
            expected.is_some_and(|token| token.as_bytes().ct_eq(form.get("csrf").as_bytes()).into());
        if genuine { Ok(form) } else { Err(forged()) }
    }
}
