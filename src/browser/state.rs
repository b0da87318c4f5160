//! What is known of a page from its events.
//!
//! Invariants: only [`PageState::apply`] changes it, one event at a time, in the order in which Chromium sent them. An event with
//! fields of an unknown form is ignored. The state is bounded: a page cannot make it grow without end.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::dialogs::{Dialogs, Reply};
use super::download::Downloading;
use super::origins::Origins;
use super::overheard::Hearing;
use super::router::Event;

/// The name of the isolated world in which our script runs.
pub(super) const WORLD: &str = "usher";

/// More documents than can follow each other while a navigation is waited for, redirecting scripts included.
const MOST_LOADERS: usize = 50;
const MOST_BLOCKED: usize = 100;
const MOST_IN_FLIGHT: usize = 1000;

/// What is known of a page.
#[derive(Clone, Debug, Default)]
pub(super) struct PageState {
    /// The page's session.
    pub(super) session: String,
    /// Its main frame.
    pub(super) main_frame: String,
    /// The address of the document.
    pub(super) url: String,
    /// Our world in each frame's document, the newest last.
    pub(super) worlds: Vec<OurWorld>,
    /// The loaders of the last documents of the main frame, the newest last.
    pub(super) loaders: VecDeque<String>,
    /// Whether the document was parsed to its end.
    pub(super) ready: bool,
    /// Where a navigation that has begun goes to; none while there is none.
    pub(super) navigating: Option<String>,
    /// Status codes of documents, by loader.
    pub(super) statuses: HashMap<String, u16>,
    /// The document is Chromium's error page for this address.
    pub(super) unreachable: Option<String>,
    /// Requests without an end yet, by id: kind, method and address.
    pub(super) in_flight: HashMap<String, (String, String, String)>,
    /// The last request for data that the app answered with an error, in this document: method, address, status.
    pub(super) failed: Option<(String, String, u16)>,
    /// Addresses that were asked for and are not allowed.
    pub(super) blocked: Vec<String>,
    /// How many of them the documents before this one asked for.
    pub(super) blocked_before: usize,
    /// Its native dialogs.
    pub(super) dialogs: Dialogs,
    /// What people are told of it.
    pub(super) overheard: Hearing,
    /// The download that is waited for.
    pub(super) download: Option<Downloading>,
    /// Why nothing more will come.
    pub(super) ended: Option<End>,
    pub(super) origins: Arc<Origins>,
}

/// Our world in the document of a frame.
#[derive(Clone, Debug)]
pub(super) struct OurWorld {
    /// Its unique id.
    pub(super) id: String,
    frame: String,
    /// The session that it is in: that of the page, or of a frame in a process of its own.
    session: String,
}

/// Why a page has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Crashed,
    Closed,
}

impl PageState {
    /// The unique id of our world in the main frame's document.
    pub(super) fn main_world(&self) -> Option<&str> {
        self.world_of(&self.main_frame)
    }

    /// Our world in the document of that frame.
    pub(super) fn world_of(&self, frame: &str) -> Option<&str> {
        self.worlds.iter().rev().find(|world| world.frame == frame).map(|world| world.id.as_str())
    }

    /// The session that a world is in; that of the page where the world is gone.
    pub(super) fn session_of(&self, world: &str) -> &str {
        self.worlds.iter().find(|known| known.id == world).map_or(&self.session, |known| &known.session)
    }

    /// A session has ended: that of the page, or of a frame.
    pub(super) fn end_session(&mut self, session: &str, end: End) {
        if session == self.session {
            self.ended.get_or_insert(end);
        } else {
            self.worlds.retain(|world| world.session != session);
        }
    }

    /// Whether an answer of the app, which waits for our word, is the file that is waited for: how long that may be. It is kept then.
    pub(super) fn offer(&mut self, params: &Value) -> Option<u64> {
        let is_under_way = self.navigating.is_some();
        let download = self.download.as_mut()?;
        if !download.offer(params, &self.main_frame, is_under_way) {
            return None;
        }
        // The page stays where it is.
        self.navigating = None;
        Some(download.most)
    }

    /// Whether the page has that frame.
    pub(super) fn has_frame(&self, frame: &str) -> bool {
        frame == self.main_frame || self.world_of(frame).is_some()
    }

    /// Whether the document is complete and none is on its way.
    pub(super) fn is_settled(&self) -> bool {
        self.ready && self.navigating.is_none()
    }

    /// The status code with which the document was answered.
    pub(super) fn status(&self) -> Option<u16> {
        self.statuses.get(self.loaders.back()?).copied()
    }

    /// How many requests for data or documents have no end yet.
    pub(super) fn busy(&self) -> usize {
        self.in_flight
            .values()
            .filter(|(kind, ..)| matches!(kind.as_str(), "Document" | "XHR" | "Fetch"))
            .count()
    }

    /// What the page is doing, in words, and what went wrong in it.
    pub(super) fn doing(&self) -> String {
        let mut doing = self.under_way();
        if let Some((method, url, status)) = &self.failed {
            doing.push_str(&format!("; {method} {} was answered with {status}", without_query(url)));
        }
        if let Some(blocked) = self.blocked.get(self.blocked_before..).and_then(<[String]>::last) {
            doing.push_str(&format!("; {} is not among its `origins`", without_query(blocked)));
        }
        doing
    }

    fn under_way(&self) -> String {
        if let Some(url) = &self.navigating {
            return format!("on its way to {}", without_query(url));
        }
        if !self.ready {
            return format!("loading {}", without_query(&self.url));
        }
        let mut requests: Vec<String> = self
            .in_flight
            .values()
            .map(|(_, method, url)| format!("{method} {}", without_query(url)))
            .collect();
        requests.sort();
        match requests.len() {
            0 => "idle".to_owned(),
            1 => format!("waiting for {}", requests.join("")),
            n => format!("waiting for {n} requests, such as {}", requests.first().map_or("", String::as_str)),
        }
    }

    /// Takes in an event. Where it tells of a native dialog, what to do about that.
    pub(super) fn apply(&mut self, event: &Event) -> Option<Reply> {
        let own = self.session.clone();
        let session = event.session.as_deref().unwrap_or(&own);
        match event.method.as_ref() {
            "Runtime.executionContextCreated" => self.context_created(session, &event.params),
            "Runtime.executionContextDestroyed" => {
                if let Some(gone) = event.params.get("executionContextUniqueId").and_then(Value::as_str) {
                    self.worlds.retain(|world| world.id != gone);
                }
            }
            "Runtime.executionContextsCleared" => self.worlds.retain(|world| world.session != session),
            "Page.javascriptDialogClosed" => {
                let stays = event.params.get("result").and_then(Value::as_bool) == Some(false);
                if stays && self.dialogs.asks_to_leave {
                    self.navigating = None;
                }
            }
            "Page.javascriptDialogOpening" => return self.dialogs.open(&event.params),
            method @ ("Runtime.consoleAPICalled" | "Runtime.exceptionThrown") => {
                self.overheard.console(method, &event.params);
            }
            "Inspector.targetCrashed" => self.end_session(session, End::Crashed),
            "Page.downloadWillBegin" => {
                self.download.iter_mut().for_each(|download| download.began(&event.params))
            }
            "Page.windowOpen" => self.download.iter_mut().for_each(|download| download.is_in_window = true),
            // What frames load is nothing that is waited for.
            method if method.starts_with("Page.") && session != self.session => {}
            method if method.starts_with("Page.") => self.page_event(method, &event.params),
            method if method.starts_with("Network.") => self.network_event(method, &event.params),
            _ => {}
        }
        None
    }

    fn context_created(&mut self, session: &str, params: &Value) {
        #[derive(Deserialize)]
        struct Created {
            context: Context,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Context {
            name: String,
            unique_id: String,
            aux_data: Aux,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Aux {
            frame_id: String,
        }
        if let Some(Created { context }) = read(params)
            && context.name == WORLD
        {
            let (id, frame) = (context.unique_id, context.aux_data.frame_id);
            self.worlds.push(OurWorld { id, frame, session: session.to_owned() });
        }
    }

    fn page_event(&mut self, method: &str, params: &Value) {
        let Some(FrameEvent { frame_id, url, frame, disposition, navigation_type, .. }) = read(params) else {
            return;
        };
        let of_main = frame_id.is_some_and(|id| id == self.main_frame);
        match method {
            "Page.frameNavigated" => {
                if let Some(frame) = frame.filter(|frame| frame.id == self.main_frame) {
                    self.committed(frame);
                }
            }
            "Page.frameRequestedNavigation" if of_main && disposition.as_deref() == Some("currentTab") => {
                self.navigating = url;
            }
            "Page.frameStartedNavigating" if of_main && !is_within_document(navigation_type.as_deref()) => {
                self.navigating = url;
            }
            "Page.navigatedWithinDocument" if of_main => {
                self.navigating = None;
                self.url = url.unwrap_or_default();
            }
            "Page.frameStoppedLoading" if of_main => self.navigating = None,
            "Page.domContentEventFired" => self.ready = true,
            _ => {}
        }
    }

    fn committed(&mut self, frame: Frame) {
        self.ready = false;
        self.navigating = None;
        self.url = frame.url + &frame.url_fragment.unwrap_or_default();
        self.unreachable = frame.unreachable_url;
        self.failed = None;
        self.blocked_before = self.blocked.len();
        let loader = &frame.loader_id;
        self.statuses.retain(|of, _| of == loader);
        // What the document before had asked for ends without a word.
        self.in_flight.retain(|id, _| id == loader);
        if self.loaders.len() == MOST_LOADERS {
            self.loaders.pop_front();
        }
        self.loaders.push_back(frame.loader_id);
    }

    fn network_event(&mut self, method: &str, params: &Value) {
        let Some(event) = read::<NetworkEvent>(params) else { return };
        let NetworkEvent { request_id, loader_id, kind, request, response, url, error_text } = event;
        match (method, &request, &response) {
            ("Network.requestWillBeSent", Some(request), _) => {
                let kind = kind.as_deref().unwrap_or_default();
                self.overheard.sent(&request_id, kind, &request.method, &request.url);
            }
            ("Network.responseReceived", _, Some(response)) => {
                self.overheard.ended(&request_id, Some(response.status), None);
            }
            ("Network.loadingFailed", ..) => self.overheard.ended(&request_id, None, error_text),
            _ => {}
        }
        match method {
            "Network.requestWillBeSent" => {
                if let Some(request) = request {
                    self.note_blocked(&request.url);
                    if self.in_flight.len() < MOST_IN_FLIGHT {
                        self.in_flight
                            .insert(request_id, (kind.unwrap_or_default(), request.method, request.url));
                    }
                }
            }
            "Network.webSocketCreated" => self.note_blocked(&url.unwrap_or_default()),
            "Network.responseReceived" if kind.as_deref() == Some("Document") => {
                if let (Some(loader), Some(response)) = (loader_id, response) {
                    self.statuses.insert(loader, response.status);
                }
            }
            "Network.responseReceived" if matches!(kind.as_deref(), Some("XHR" | "Fetch")) => {
                let failed = response.filter(|response| response.status >= 400);
                let request = self.in_flight.get(&request_id);
                if let (Some(response), Some((_, method, url))) = (failed, request) {
                    self.failed = Some((method.clone(), url.clone(), response.status));
                }
            }
            "Network.loadingFinished" | "Network.loadingFailed" => drop(self.in_flight.remove(&request_id)),
            _ => {}
        }
    }

    fn note_blocked(&mut self, url: &str) {
        if !self.origins.allow(url)
            && self.blocked.len() < MOST_BLOCKED
            && !self.blocked.iter().any(|known| known == url)
        {
            self.blocked.push(url.to_owned());
        }
    }
}

/// Whether a navigation stays in its document; there are several kinds that do.
fn is_within_document(kind: Option<&str>) -> bool {
    kind.is_some_and(|kind| kind.to_lowercase().contains("samedocument"))
}

/// The address without what may hold a secret.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

fn read<T: DeserializeOwned>(params: &Value) -> Option<T> {
    T::deserialize(params).ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrameEvent {
    frame_id: Option<String>,
    url: Option<String>,
    frame: Option<Frame>,
    disposition: Option<String>,
    navigation_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame {
    id: String,
    loader_id: String,
    url: String,
    url_fragment: Option<String>,
    unreachable_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NetworkEvent {
    request_id: String,
    loader_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    request: Option<Request>,
    response: Option<Response>,
    url: Option<String>,
    error_text: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    url: String,
    method: String,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
}
