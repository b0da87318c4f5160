//! A page: opening addresses, finding, acting, reading.
//!
//! Invariants: what an element must be like is decided by our script in the page (`page_script/`), in one call that answers when the
//! page is so; nothing here looks again at intervals. Locators and texts travel as arguments of that call.

mod act;
mod ask;
mod download;
mod drift;
mod frames;
mod goto;
mod keys;
mod look;
mod picture;
mod request;
mod show;
mod stream;
mod types;
mod upload;
mod window;

use std::sync::{Arc, Mutex, PoisonError};

use chromiumoxide::types::Command;
use tokio::sync::watch;

use super::dialogs::{DialogAnswer, DialogSeen};
use super::error::PageError;
use super::origins::Origins;
use super::overheard::Overheard;
use super::popups::Windows;
use super::router::{CallError, Router};
use super::session::{Files, Network};
use super::state::{End, PageState};
use crate::locator::Locator;
use crate::secret::SecretString;

pub use download::Download;
pub use drift::{Drift, Drifted};
pub use picture::{Exposure, Kept, Photograph, Shot};
pub use request::{Answered, Asked};
pub(super) use stream::read_answer;

pub use show::{Located, Matches};
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
    include_str!("../page_script/frames.js"),
    include_str!("../page_script/mask.js"),
    include_str!("../page_script/snapshot.js"),
    include_str!("../page_script/read.js"),
    include_str!("../page_script/request.js"),
    include_str!("../page_script/main.js"),
    include_str!("../page_script/author.js"),
    include_str!("../page_script/drift.js"),
    "\n})();"
);

/// The page of a session. Clones are the same page.
#[derive(Clone, Debug)]
pub struct Page {
    router: Router,
    session: String,
    state: Arc<watch::Sender<PageState>>,
    /// Held while a picture is taken.
    stillness: Arc<tokio::sync::Mutex<()>>,
    surroundings: Arc<Surroundings>,
}

/// What the pages of a session share.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// The windows of its context.
    pub(super) windows: Windows,
    /// Width and height of a page, in CSS pixels.
    pub(super) viewport: (u32, u32),
    /// Where the browser's files are.
    pub(super) files: Files,
    /// What may be reached.
    pub(super) origins: Arc<Origins>,
    /// Keeps what goes over the network.
    pub(super) network: Network,
    /// What was typed, or shown, and must not be seen.
    pub(super) secrets: Mutex<Vec<SecretString>>,
    /// What of the pages is never to be seen.
    pub(super) never_shown: Mutex<Vec<Locator>>,
}

impl Surroundings {
    fn never_shown(&self) -> Vec<Locator> {
        self.never_shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Page {
    pub(super) fn new(
        router: Router,
        session: String,
        state: Arc<watch::Sender<PageState>>,
        surroundings: Arc<Surroundings>,
    ) -> Self {
        Self { router, session, state, stillness: Arc::default(), surroundings }
    }

    pub(super) fn session(&self) -> &str {
        &self.session
    }

    /// The address of the document.
    pub fn url(&self) -> String {
        self.state.borrow().url.clone()
    }

    /// From now on what these locators match is hidden in pictures of the pages of this session, and what it shows is a secret.
    pub fn never_show(&self, locators: Vec<Locator>) {
        *self.surroundings.never_shown.lock().unwrap_or_else(PoisonError::into_inner) = locators;
    }

    /// What the page wrote on its console, and what it asked the app for, since the last call.
    pub fn take_overheard(&self) -> Overheard {
        let mut heard = Overheard::default();
        self.state.send_if_modified(|state| {
            heard = state.overheard.take();
            false
        });
        heard
    }

    /// The next native dialog that has no answer yet is answered so.
    pub fn answer_next_dialog(&self, answer: DialogAnswer) {
        self.state.send_modify(|state| state.dialogs.declare(answer));
    }

    /// Takes back the answers to native dialogs that were not used; how many they were.
    pub fn take_back_answers(&self) -> usize {
        let mut left = 0;
        self.state.send_modify(|state| left = state.dialogs.take_back());
        left
    }

    /// The native dialogs that were answered as declared since the last call, each with whether it was accepted.
    pub fn take_answered_dialogs(&self) -> Vec<(DialogSeen, bool)> {
        let mut answered = Vec::new();
        self.state.send_modify(|state| answered = state.dialogs.take_answered());
        answered
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
        self.send_to(&self.session, command)
    }

    /// The same to another session of the page: that of a frame in a process of its own.
    fn send_to<C: Command>(
        &self,
        session: &str,
        command: &C,
    ) -> impl Future<Output = Result<C::Response, PageError>> + Send + use<C>
    where
        C::Response: Send,
    {
        let (answer, page) = (self.router.send(Some(session), command), self.clone());
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
            dialog = state.dialogs.undeclared.take();
            false
        });
        match dialog {
            Some(DialogSeen { kind, message }) => Err(PageError::Dialog { kind, message }),
            None => Ok(()),
        }
    }
}
