//! What goes over the network of a session, kept for a recording.
//!
//! Invariants: what a recorder keeps is bounded, and what it leaves out it says; it never changes what the page does. Nothing leaves it
//! but through [`Recorder::recording`], which takes known secrets out, and those that it learns from the exchanges themselves (cookies,
//! fields and headers whose names are those of secrets).

mod event;
mod har;
mod learn;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use chromiumoxide::cdp::browser_protocol::network::{
    ConfigureDurableMessagesParams, EnableParams, GetRequestPostDataParams, GetResponseBodyParams, RequestId,
};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::router::{Event, Router};
use crate::secret::{ExposeSecret, Redactor, SecretString};

pub use har::Recording;

/// The longest body that is kept, in bytes.
const LONGEST_BODY: i64 = 16 << 20;
/// How many bytes of bodies are kept.
const MOST_BYTES: usize = 64 << 20;
/// How many exchanges are kept.
const MOST_EXCHANGES: usize = 10_000;
/// How long what is still on its way is awaited at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps what goes over the network of a session and of the windows that it opens. Clones are the same recorder.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    exchanges: Vec<Exchange>,
    /// The exchanges of a request: one, and another for each redirect. Ids are of a session.
    of_request: HashMap<(String, String), Vec<usize>>,
    /// The headers as they were really sent and got, with cookies: an event for each exchange, in their order, before or after it.
    sent: HashMap<(String, String), Vec<Value>>,
    got: HashMap<(String, String), Vec<Value>>,
    bodies: Vec<JoinHandle<()>>,
    bytes: usize,
    left_out: usize,
    /// What was typed and must not be seen.
    secrets: Vec<SecretString>,
}

/// One request and its answer.
#[derive(Clone, Debug, Default)]
struct Exchange {
    kind: String,
    /// Seconds since the epoch.
    at: f64,
    /// Seconds of Chromium's own clock.
    began: f64,
    answered: Option<f64>,
    ended: Option<f64>,
    method: String,
    url: String,
    sent: Vec<(String, String)>,
    sent_body: Body,
    answer: Option<Answer>,
    failed: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Answer {
    status: u16,
    words: String,
    protocol: String,
    mime: String,
    got: Vec<(String, String)>,
    body: Body,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Body {
    #[default]
    None,
    Kept(Vec<u8>),
    /// It is not kept, for this reason.
    Missing(String),
}

/// The order to keep bodies outside the documents that they belong to, so that the next document does not end them.
pub(super) fn keep_bodies() -> ConfigureDurableMessagesParams {
    ConfigureDurableMessagesParams {
        max_total_buffer_size: Some(i64::try_from(MOST_BYTES).unwrap_or(LONGEST_BODY)),
        max_resource_buffer_size: Some(LONGEST_BODY),
    }
}

/// The order to tell what goes over the network. Where no bodies are asked for, none are kept.
pub(super) fn watching(bodies: bool) -> EnableParams {
    let most = if bodies { i64::try_from(MOST_BYTES).unwrap_or(LONGEST_BODY) } else { 0 };
    EnableParams {
        max_total_buffer_size: Some(most),
        max_resource_buffer_size: Some(most.min(LONGEST_BODY)),
        max_post_data_size: bodies.then_some(LONGEST_BODY),
        ..EnableParams::default()
    }
}

impl Recorder {
    /// Takes in an event of a page.
    pub(super) fn take_in(&self, router: &Router, session: &str, event: &Event) {
        let Some(told) = event::read(event) else { return };
        let key = (session.to_owned(), told.request.clone());
        let wanted = self.log().apply(&key, told);
        if let Some((exchange, wanted)) = wanted {
            let fetch = fetch(self.clone(), router.clone(), key, exchange, wanted);
            self.log().bodies.push(tokio::spawn(fetch));
        }
    }

    /// What is never to be in a recording.
    pub(super) fn hide(&self, secret: &str) {
        let mut log = self.log();
        // A session may last for days, and types the same again and again.
        if !log.secrets.iter().any(|known| known.expose_secret() == secret) {
            log.secrets.push(SecretString::from(secret));
        }
    }

    /// A file from that address, which Chromium saved and lets nobody read as the body of an answer.
    pub(super) fn downloaded(&self, url: &str, bytes: &[u8]) {
        self.log().saved(url, bytes);
    }

    /// Forgets everything until now, but not what must never be seen.
    pub fn forget(&self) {
        let mut log = self.log();
        log.bodies.drain(..).for_each(|body| body.abort());
        let secrets = std::mem::take(&mut log.secrets);
        *log = Log { secrets, ..Log::default() };
    }

    /// Everything until now, which it then forgets, without secrets: those of `redactor`, those that were typed, and those that the exchanges show by the names
    /// of what holds them.
    pub async fn recording(&self, redactor: &Redactor) -> Recording {
        let bodies = std::mem::take(&mut self.log().bodies);
        // What is not there then is said to be missing.
        drop(tokio::time::timeout(PATIENCE, futures::future::join_all(bodies)).await);
        let log = {
            let mut log = self.log();
            let secrets = log.secrets.clone();
            std::mem::replace(&mut *log, Log { secrets, ..Log::default() })
        };
        let mut redactor = redactor.clone();
        log.secrets.iter().for_each(|secret| redactor.add(secret));
        let (exchanges, left_out) = log.taken_together();
        exchanges.iter().for_each(|exchange| learn::secrets(exchange, &mut redactor));
        Recording::new(exchanges, left_out, redactor)
    }

    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, exchange: usize, wanted: Wanted, body: Body) {
        let mut log = self.log();
        let body = log.fitting(body);
        let Some(exchange) = log.exchanges.get_mut(exchange) else { return };
        match (wanted, &mut exchange.answer) {
            (Wanted::SentBody, _) => exchange.sent_body = body,
            (Wanted::Body, Some(answer)) => answer.body = body,
            (Wanted::Body, None) => {}
        }
    }
}

/// What is to be asked of Chromium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// The body of a request that was too long for its event.
    SentBody,
    /// The body of an answer.
    Body,
}

async fn fetch(recorder: Recorder, router: Router, key: (String, String), exchange: usize, wanted: Wanted) {
    let (session, request_id) = (Some(key.0.as_str()), RequestId::new(key.1.clone()));
    let body = match wanted {
        Wanted::SentBody => {
            let answer = router.send(session, &GetRequestPostDataParams { request_id }).await;
            answer.map(|answer| Body::Kept(answer.post_data.into_bytes()))
        }
        Wanted::Body => {
            let answer = router.send(session, &GetResponseBodyParams { request_id }).await;
            answer.map(|answer| match answer.base64_encoded {
                false => Body::Kept(answer.body.into_bytes()),
                true => {
                    let decoded = base64::engine::general_purpose::STANDARD.decode(answer.body);
                    decoded.map_or_else(|error| Body::Missing(error.to_string()), Body::Kept)
                }
            })
        }
    };
    recorder.keep(exchange, wanted, body.unwrap_or_else(|error| Body::Missing(error.to_string())));
}
