//! The sessions of service accounts, which stay logged in between jobs.
//!
//! Invariants: sessions of different integrations share no cookies; a session is used by one job at a time, the one in its slot, and the
//! slot is this worker's for as long as the session is open; one whose
//! connector or credentials changed, or in which something went wrong, is closed and not used again.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;

use crate::browser::{Network, Recorder, Session, SessionOptions};
use crate::clock::{SharedClock, Timestamp};
use crate::integration::Integration;
use crate::step::Failure;
use crate::store::SlotId;

use super::browsers::{Browsers, Place};
use super::terms;
use super::worker::Recordings;

/// How long a session is kept without being used.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// How long a session is trusted to be logged in without a look.
const FRESH: Duration = Duration::from_secs(60);
/// What pages are laid out for.
pub(super) const VIEWPORT: (u32, u32) = (1280, 900);

/// A session of a service account.
#[derive(Debug)]
pub(super) struct AppSession {
    pub(super) session: Session,
    /// Keeps what goes over its network, for the recording of an attempt that fails.
    pub(super) recorder: Recorder,
    pub(super) origins: Vec<String>,
    /// The name and version of the browser.
    pub(super) browser: String,
    /// Given back once the session is gone.
    _place: Option<Place>,
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

/// The browsers of a worker and its sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    browsers: Browsers,
    clock: SharedClock,
    pub(super) recordings: Recordings,
    /// By the slot that rests with this worker.
    kept: Mutex<HashMap<SlotId, AppSession>>,
    /// Slots whose sessions made room for others, until somebody gives them up.
    left: Mutex<HashSet<SlotId>>,
}

impl Sessions {
    pub(super) fn new(browsers: Browsers, clock: SharedClock, recordings: Recordings) -> Self {
        Self { browsers, clock, recordings, kept: Mutex::default(), left: Mutex::default() }
    }

    /// The session of a slot of the integration: the one that is kept, or a new one.
    pub(super) async fn take(
        &self,
        slot: SlotId,
        integration: &Integration,
        stamp: Stamp,
    ) -> Result<AppSession, Failure> {
        self.left().remove(&slot);
        if let Some(kept) = self.take_kept(slot, &stamp).await {
            return Ok(kept);
        }
        let (recorder, origins) = (Recorder::default(), origins(integration)?);
        let network = Network::Recorded(recorder.clone());
        let options = SessionOptions { origins: origins.clone(), viewport: VIEWPORT, network };
        let (session, place) = self.browsers.open(&options, &|| self.make_room().boxed()).await?;
        let (used_at, login, browser) = (self.clock.now(), Login::Needed, session.browser().to_owned());
        Ok(AppSession { session, recorder, origins, browser, _place: place, stamp, used_at, login })
    }

    /// Keeps a session in which all went well.
    pub(super) fn put_back(&self, slot: SlotId, mut session: AppSession) {
        session.used_at = self.clock.now();
        self.lock().insert(slot, session);
        self.browsers.could_make_room();
    }

    /// The slots whose sessions were not used for long, or made room for others.
    pub(super) fn idle(&self) -> Vec<SlotId> {
        let now = self.clock.now();
        let kept = self.lock();
        let idle = kept.iter().filter(|(_, kept)| now.since(kept.used_at) > IDLE).map(|(slot, _)| *slot);
        idle.chain(self.left().drain()).collect()
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

    /// Closes everything; the browser too, where it is the worker's own.
    pub(super) async fn close(&self) {
        self.lock().clear();
        self.browsers.close().await;
    }

    /// The process of the worker's own browser, where one runs.
    pub(super) async fn process_id(&self) -> Option<u32> {
        self.browsers.process_id().await
    }

    /// Closes the session that was not used for longest; whether there was one.
    async fn make_room(&self) -> bool {
        let longest = {
            let mut kept = self.lock();
            let longest = kept.iter().min_by_key(|(_, kept)| kept.used_at).map(|(slot, _)| *slot);
            longest.and_then(|slot| kept.remove_entry(&slot))
        };
        let Some((slot, longest)) = longest else { return false };
        longest.close().await;
        self.left().insert(slot);
        true
    }

    async fn take_kept(&self, slot: SlotId, stamp: &Stamp) -> Option<AppSession> {
        let found = {
            let mut kept = self.lock();
            kept.retain(|_, kept| kept.session.is_alive());
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

    fn lock(&self) -> MutexGuard<'_, HashMap<SlotId, AppSession>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left(&self) -> MutexGuard<'_, HashSet<SlotId>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
