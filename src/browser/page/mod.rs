//! A page: opening addresses, finding, acting, reading.
//!
//! Invariants: what an element must be like is decided by our script in the page (`page_script/`), in one call that answers when the
//! page is so; nothing here looks again at intervals. Locators and texts travel as arguments of that call.

mod act;
mod ask;
mod goto;
mod keys;
mod look;
mod picture;
mod show;
mod types;

use std::sync::{Arc, Mutex};

use chromiumoxide::types::Command;
use tokio::sync::watch;

use super::error::PageError;
use super::router::{CallError, Router};
use super::state::{End, PageState};
use crate::secret::SecretString;

pub use picture::Exposure;
pub use show::Matches;
pub use types::{Acted, Action, Arrival, Found, Guard, Read, Rows, Target, Text, Wait};

/// What is put into our world in every document. The files share one scope.
pub(super) const SCRIPT: &str = concat!(
    "(() => {\n",
    include_str!("../page_script/bundle.js"),
    include_str!("../page_script/text.js"),
    include_str!("../page_script/roles.js"),
    include_str!("../page_script/controls.js"),
    include_str!("../page_script/match.js"),
    include_str!("../page_script/describe.js"),
    include_str!("../page_script/wait.js"),
    include_str!("../page_script/scope.js"),
    include_str!("../page_script/guards.js"),
    include_str!("../page_script/act.js"),
    include_str!("../page_script/mask.js"),
    include_str!("../page_script/read.js"),
    include_str!("../page_script/main.js"),
    include_str!("../page_script/author.js"),
    "\n})();"
);

/// The page of a session. Clones are the same page.
#[derive(Clone, Debug)]
pub struct Page {
    router: Router,
    session: String,
    state: Arc<watch::Sender<PageState>>,
    /// What was typed and must not be seen.
    secrets: Arc<Mutex<Vec<SecretString>>>,
    /// Held while a picture is taken.
    stillness: Arc<tokio::sync::Mutex<()>>,
}

impl Page {
    pub(super) fn new(router: Router, session: String, state: Arc<watch::Sender<PageState>>) -> Self {
        Self { router, session, state, secrets: Arc::default(), stillness: Arc::default() }
    }

    /// The address of the document.
    pub fn url(&self) -> String {
        self.state.borrow().url.clone()
    }

    pub(super) fn blocked(&self) -> Vec<String> {
        self.state.borrow().blocked.clone()
    }

    /// Sends a command to the page's session now; the future is its answer.
    fn send<C: Command>(
        &self,
        command: &C,
    ) -> impl Future<Output = Result<C::Response, PageError>> + Send + use<C>
    where
        C::Response: Send,
    {
        let (answer, page) = (self.router.send(Some(&self.session), command), self.clone());
        async move { answer.await.map_err(|error| page.failed(error)) }
    }

    /// What a call that failed says of the page. The end of a page is kept, as its event may come later than this.
    fn failed(&self, error: CallError) -> PageError {
        let end = match &error {
            CallError::Crashed => End::Crashed,
            CallError::Closed => End::Closed,
            CallError::Refused { message } if message.contains("Session with given id") => End::Closed,
            _ => return PageError::Protocol(error.to_string()),
        };
        let mut kept = end;
        self.state.send_modify(|state| kept = *state.ended.get_or_insert(end));
        kept.into()
    }

    /// Fails when the page has ended, or has opened a native dialog since the last call.
    fn check(&self) -> Result<(), PageError> {
        if let Some(end) = self.state.borrow().ended {
            return Err(end.into());
        }
        let mut dialog = None;
        self.state.send_if_modified(|state| {
            dialog = state.dialog.take();
            false
        });
        match dialog {
            Some((kind, message)) => Err(PageError::Dialog { kind, message }),
            None => Ok(()),
        }
    }
}
