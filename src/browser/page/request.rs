//! Requests to the app's own endpoints, made by the page: with its cookies, under its origin.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use super::super::error::PageError;
use super::ask::{About, Once};
use super::{Page, Wait};

/// What is asked of an endpoint.
#[derive(Clone, Serialize)]
pub struct Asked {
    /// The method, such as `POST`.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<String>,
    /// The most bytes that the answer may have.
    pub most: u64,
}

/// What an endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Answered {
    /// The status code.
    pub status: u16,
    /// The address that answered, after all redirects.
    pub url: String,
    /// The answer's body.
    pub text: String,
}

/// What our script tells.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Answered(Answered),
    Failed(String),
}

impl Page {
    /// Sends a request from the page and waits for the answer, whatever its status.
    ///
    /// # Errors
    /// Its address is not allowed ([`PageError::Blocked`]). [`PageError::AfterEvent`] where it was sent and has no answer.
    pub async fn request(&self, asked: &Asked, wait: &Wait) -> Result<Answered, PageError> {
        self.check()?;
        if !self.state.borrow().origins.allow(&asked.url) {
            return Err(PageError::Blocked { url: asked.url.clone() });
        }
        if !self.url().starts_with("http") {
            let reason = "no page of the app is open; `goto` one first".to_owned();
            return Err(PageError::Request { reason });
        }
        let world = self.world(&[], wait.until).await?;
        let left = wait.until.saturating_duration_since(Instant::now());
        let question =
            json!({ "asked": asked, "timeout": u64::try_from(left.as_millis()).unwrap_or(u64::MAX) });
        self.exposed().await;
        let told = self.ask_world::<Told>(&world, "request", question, About::AnyOf(&[]), wait.until).await;
        let failed = |reason: String| PageError::Request { reason }.after_event();
        match told.map_err(PageError::after_event)? {
            Once::Answered(Told::Answered(answered)) => Ok(answered),
            Once::Answered(Told::Failed(reason)) => Err(failed(reason)),
            Once::Replaced => Err(failed("the page was left before the answer came".into())),
        }
    }
}
