//! The browser, and the sessions of service accounts that stay logged in between jobs.
//!
//! Invariants: sessions of different integrations share no cookies; a session is used by one job at a time, the one in its slot, and the
//! slot is this worker's for as long as the session is open; one whose
//! connector or credentials changed, or in which something went wrong, is closed and not used again.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::browser::{Browser, BrowserError, LaunchOptions, Session, SessionOptions};
use crate::clock::{SharedClock, Timestamp};
use crate::failure::FailureClass;
use crate::integration::Integration;
use crate::step::Failure;
use crate::store::SlotId;

use super::terms;

/// How long a session is kept without being used.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// How long a session is trusted to be logged in without a look.
const FRESH: Duration = Duration::from_secs(60);
/// What pages are laid out for.
const VIEWPORT: (u32, u32) = (1280, 900);

/// A session of a service account.
#[derive(Debug)]
pub(super) struct AppSession {
    pub(super) session: Session,
    stamp: Stamp,
    used_at: Timestamp,
    pub(super) login: Login,
}

impl AppSession {
    pub(super) async fn close(self) {
        self.session.close().await;
    }
}

/// What is known of a session's login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// Nobody logged in yet, or the app ended the session.
    Needed,
    /// It was logged in when it was last used, some time ago.
    Doubtful,
    /// It was logged in a moment ago.
    Holds,
}

/// What a session was opened for; a session with another stamp is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) connector_hash: String,
    pub(super) credentials_changed_at: Option<Timestamp>,
    pub(super) settings_changed_at: Timestamp,
}

/// The browser of a worker and its sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    chromium: LaunchOptions,
    clock: SharedClock,
    browser: Mutex<Option<Browser>>,
    /// By the slot that rests with this worker.
    kept: std::sync::Mutex<HashMap<SlotId, AppSession>>,
}

impl Sessions {
    pub(super) fn new(chromium: LaunchOptions, clock: SharedClock) -> Self {
        Self { chromium, clock, browser: Mutex::new(None), kept: std::sync::Mutex::default() }
    }

    /// The session of a slot of the integration: the one that is kept, or a new one.
    pub(super) async fn take(
        &self,
        slot: SlotId,
        integration: &Integration,
        stamp: Stamp,
    ) -> Result<AppSession, Failure> {
        if let Some(kept) = self.take_kept(slot, &stamp).await {
            return Ok(kept);
        }
        let options = SessionOptions { origins: origins(integration)?, viewport: VIEWPORT, recorder: None };
        let browser = self.browser().await?;
        let session = browser.open_session(&options).await.map_err(|error| crashed(&error))?;
        Ok(AppSession { session, stamp, used_at: self.clock.now(), login: Login::Needed })
    }

    /// Keeps a session in which all went well.
    pub(super) fn put_back(&self, slot: SlotId, mut session: AppSession) {
        session.used_at = self.clock.now();
        self.lock().insert(slot, session);
    }

    /// The slots whose sessions were not used for long.
    pub(super) fn idle(&self) -> Vec<SlotId> {
        let now = self.clock.now();
        let kept = self.lock();
        kept.iter().filter(|(_, kept)| now.since(kept.used_at) > IDLE).map(|(slot, _)| *slot).collect()
    }

    /// Closes the sessions of slots other than these.
    pub(super) async fn close_others(&self, slots: &[SlotId]) {
        let others: Vec<_> = self.lock().extract_if(|slot, _| !slots.contains(slot)).collect();
        for (_, kept) in others {
            kept.close().await;
        }
    }

    /// Closes the session of a slot, if there is one.
    pub(super) async fn close_kept(&self, slot: SlotId) {
        let kept = self.lock().remove(&slot);
        if let Some(kept) = kept {
            kept.close().await;
        }
    }

    /// Closes everything, the browser too.
    pub(super) async fn close(&self) {
        self.lock().clear();
        if let Some(browser) = self.browser.lock().await.take() {
            browser.close().await;
        }
    }

    /// The process of the browser, where one runs.
    pub(super) async fn process_id(&self) -> Option<u32> {
        self.browser.lock().await.as_ref().filter(|browser| browser.is_alive()).and_then(Browser::process_id)
    }

    async fn take_kept(&self, slot: SlotId, stamp: &Stamp) -> Option<AppSession> {
        let alive = self.browser.lock().await.as_ref().is_some_and(Browser::is_alive);
        let found = {
            let mut kept = self.lock();
            if !alive {
                kept.clear();
            }
            kept.remove(&slot)
        };
        let mut found = found?;
        if found.stamp != *stamp {
            found.close().await;
            return None;
        }
        if found.login == Login::Holds && self.clock.now().since(found.used_at) > FRESH {
            found.login = Login::Doubtful;
        }
        Some(found)
    }

    /// The browser, started where none runs.
    async fn browser(&self) -> Result<Browser, Failure> {
        let mut browser = self.browser.lock().await;
        if let Some(running) = browser.as_ref().filter(|browser| browser.is_alive()) {
            return Ok(running.clone());
        }
        if let Some(dead) = browser.take() {
            dead.close().await;
        }
        let started = Browser::launch(&self.chromium).await.map_err(|error| crashed(&error))?;
        tracing::info!(version = started.version(), "started Chromium");
        *browser = Some(started.clone());
        Ok(started)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SlotId, AppSession>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn crashed(error: &BrowserError) -> Failure {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    Failure::new(FailureClass::BrowserCrashed, message)
}

fn origins(integration: &Integration) -> Result<Vec<String>, Failure> {
    let scope = terms::scope(integration);
    let render = |template: &crate::playbook::Template| {
        let rendered = template.render(&scope);
        rendered
            .map(|rendered| rendered.text)
            .map_err(|error| Failure::of_connector(error.to_string(), template.span()))
    };
    integration.connector.book.origins.iter().map(render).collect()
}
