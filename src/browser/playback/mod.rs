//! A recording that answers in the place of the network.
//!
//! Invariants: nothing is asked of any network; a request that was not recorded is refused and told of; what was answered after a change is not
//! answered before that change was sent again, so that a list before an invitation and the list after it are never mistaken for each other.

mod fit;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use chromiumoxide::cdp::browser_protocol::{fetch, network};
use serde::Deserialize;
use serde_json::Value;

use self::fit::Fit;
use super::router::{Event, Router};
use crate::secret::MASK;

/// What a page gets where the recording has masked a secret: text that a header may have in it.
pub const STAND_IN: &str = "masked-in-recording";

/// The recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum PlaybackError {
    /// It is no HAR as Usher writes it.
    #[error("the recording cannot be read")]
    Har(#[from] serde_json::Error),
    /// A body is not where the recording says.
    #[error("the body {name} of the recording cannot be read")]
    Body {
        /// Its file.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A recording that answers in the place of the network. Clones are the same one, as far as it was played.
#[derive(Clone, Debug)]
pub struct Playback {
    tape: Arc<Mutex<Tape>>,
}

#[derive(Debug)]
struct Tape {
    exchanges: Vec<Exchange>,
    /// How many of the recorded changes were sent again, the last of them counted by its place.
    changes: usize,
    refused: Vec<String>,
}

/// A recorded request and what it was answered with.
#[derive(Debug)]
struct Exchange {
    method: String,
    address: String,
    body: String,
    /// Whether it is how a page and its server talk all the time; see [`is_talk`].
    is_talk: bool,
    /// Whether it may change the app.
    is_change: bool,
    /// How many changes were recorded before it.
    after: usize,
    /// Whether it is a page or data, which is another one after a change; not a script or a picture.
    is_state: bool,
    answer: Answer,
    played: usize,
}

#[derive(Clone, Debug)]
enum Answer {
    Whole {
        status: u16,
        words: String,
        headers: Vec<(String, String)>,
        /// In base64, as Chromium takes it. Pages are long, and asked for often.
        body: Arc<str>,
    },
    /// The connection failed when it was recorded.
    Failed,
    /// The page, or the end of the recording, did not wait for the answer.
    Never,
    /// The recording does not have it, for this reason.
    Missing(String),
}

/// A request of a page.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paused {
    request_id: String,
    request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    url: String,
    method: String,
    #[serde(default)]
    post_data: Option<String>,
    #[serde(default)]
    post_data_entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    bytes: Option<String>,
}

impl Playback {
    /// Plays a recording as [`Recording::to_har`](super::Recording::to_har) gives it; `body` reads the body of an answer by the name of its file.
    ///
    /// # Errors
    /// The recording is another one, or a body cannot be read.
    pub fn new(
        har: &Value,
        mut body: impl FnMut(&str) -> io::Result<Vec<u8>>,
    ) -> Result<Self, PlaybackError> {
        let Har { log } = Har::deserialize(har)?;
        let (mut exchanges, mut changes): (Vec<Exchange>, usize) = (Vec::new(), 0);
        for entry in log.entries {
            let is_talk = is_talk(&entry.request.url, &entry.kind);
            let is_change = !is_talk && !matches!(entry.request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
            let answer = entry.response.answer(&mut body, &exchanges, &entry.request.url)?;
            exchanges.push(Exchange {
                method: entry.request.method,
                address: without_fragment(&entry.request.url),
                body: entry.request.post_data.map(|data| data.text).unwrap_or_default(),
                is_talk,
                is_change,
                after: changes,
                is_state: matches!(entry.kind.as_str(), "document" | "xhr" | "fetch" | ""),
                answer,
                played: 0,
            });
            changes += usize::from(is_change);
        }
        let tape = Tape { exchanges, changes: 0, refused: Vec::new() };
        Ok(Self { tape: Arc::new(Mutex::new(tape)) })
    }

    /// What was asked for and was never recorded, in words, each once.
    pub fn refused(&self) -> Vec<String> {
        self.tape().refused.clone()
    }

    /// The order to let every request wait for an answer of the recording.
    pub(super) fn waiting() -> fetch::EnableParams {
        let all = fetch::RequestPattern {
            url_pattern: Some("*".to_owned()),
            resource_type: None,
            request_stage: Some(fetch::RequestStage::Request),
        };
        fetch::EnableParams { patterns: Some(vec![all]), handle_auth_requests: None }
    }

    /// The order to ask no worker that stands between.
    pub(super) fn past_workers() -> network::SetBypassServiceWorkerParams {
        network::SetBypassServiceWorkerParams::new(true)
    }

    /// Answers a request of a page.
    pub(super) fn answer(&self, router: &Router, session: &str, event: &Event) {
        let Ok(Paused { request_id, request }) = Paused::deserialize(&event.params) else { return };
        let answer = self.tape().answer(&request.method, &without_fragment(&request.url), &request.body());
        let answered = match answer {
            Some(Answer::Whole { status, words, headers, body }) => {
                let headers = headers.into_iter().map(|(name, value)| fetch::HeaderEntry { name, value });
                let body = body.to_string();
                let fulfil = fetch::FulfillRequestParams {
                    request_id: request_id.into(),
                    response_code: i64::from(status),
                    response_headers: Some(headers.collect()),
                    binary_response_headers: None,
                    body: Some(body.into()),
                    response_phrase: Some(words).filter(|words| !words.is_empty()),
                };
                drop(router.send(Some(session), &fulfil));
                return;
            }
            // The page gives it up once more.
            Some(Answer::Never) => return,
            Some(Answer::Failed) => network::ErrorReason::ConnectionFailed,
            Some(Answer::Missing(_)) | None => network::ErrorReason::BlockedByClient,
        };
        drop(router.send(Some(session), &fetch::FailRequestParams::new(request_id, answered)));
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request {
    fn body(&self) -> String {
        if let Some(text) = &self.post_data {
            return text.clone();
        }
        let decode = |entry: &Entry| {
            let bytes = entry.bytes.as_ref()?;
            base64::engine::general_purpose::STANDARD.decode(bytes).ok()
        };
        let bytes: Vec<u8> = self.post_data_entries.iter().filter_map(decode).flatten().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Tape {
    /// What a request is answered with; none where nothing of the kind was recorded.
    fn answer(&mut self, method: &str, address: &str, body: &str) -> Option<Answer> {
        let Some(at) = self.find(method, address, body) else {
            if is_talk(address, "") {
                return Some(Answer::Never);
            }
            self.refuse(method, address, "was never recorded");
            return None;
        };
        let exchange = self.exchanges.get_mut(at)?;
        exchange.played += 1;
        if exchange.is_change {
            self.changes = self.changes.max(exchange.after + 1);
        }
        let answer = exchange.answer.clone();
        if let Answer::Missing(why) = &answer {
            self.refuse(method, address, &format!("was answered, but {why}"));
        }
        Some(answer)
    }

    fn find(&self, method: &str, address: &str, body: &str) -> Option<usize> {
        let fits = |exchange: &Exchange| -> Option<Fit> {
            if exchange.method != method {
                return None;
            }
            Some(fit::address(&exchange.address, address)?.min(fit::body(&exchange.body, body)?))
        };
        let fitting: Vec<(usize, &Exchange, Fit)> = self
            .exchanges
            .iter()
            .enumerate()
            .filter_map(|(at, exchange)| Some((at, exchange, fits(exchange)?)))
            .collect();
        let best = fitting.iter().map(|(.., fit)| *fit).max()?;
        let best: Vec<(usize, &Exchange)> = fitting
            .into_iter()
            .filter(|(.., fit)| *fit == best)
            .map(|(at, exchange, _)| (at, exchange))
            .collect();
        let fresh = |(_, exchange): &&(usize, &Exchange)| exchange.played == 0;
        // What was said is said once, and then the line is silent.
        if best.iter().all(|(_, exchange)| exchange.is_talk) {
            return best.iter().find(fresh).map(|(at, _)| *at);
        }
        // A change is made once for each time that it was recorded.
        if best.iter().any(|(_, exchange)| exchange.is_change) {
            return best.iter().find(fresh).map(|(at, _)| *at);
        }
        let is_now = |(_, exchange): &&(usize, &Exchange)| exchange.after == self.changes;
        let was = |(_, exchange): &&(usize, &Exchange)| exchange.after <= self.changes || !exchange.is_state;
        best.iter()
            .find(|one| fresh(one) && is_now(one))
            .or_else(|| best.iter().rfind(|one| was(one)))
            .map(|(at, _)| *at)
    }

    fn refuse(&mut self, method: &str, address: &str, why: &str) {
        // Every browser asks for it by itself.
        let is_icon = address.split('?').next().is_some_and(|path| path.ends_with("/favicon.ico"));
        let line = format!("{method} {address} {why}");
        if !is_icon && !self.refused.contains(&line) {
            self.refused.push(line);
        }
    }
}

/// What is read of a HAR.
#[derive(Deserialize)]
struct Har {
    log: HarLog,
}

#[derive(Deserialize)]
struct HarLog {
    entries: Vec<HarEntry>,
}

#[derive(Deserialize)]
struct HarEntry {
    request: HarRequest,
    response: HarResponse,
    #[serde(rename = "_resourceType", default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest {
    method: String,
    url: String,
    post_data: Option<HarText>,
}

#[derive(Deserialize)]
struct HarText {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarResponse {
    status: u16,
    #[serde(default)]
    status_text: String,
    headers: Vec<HarHeader>,
    content: HarContent,
    #[serde(rename = "_error")]
    error: Option<String>,
}

#[derive(Deserialize)]
struct HarHeader {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct HarContent {
    #[serde(rename = "_file")]
    file: Option<String>,
    text: Option<String>,
    comment: Option<String>,
}

impl HarResponse {
    fn answer(
        self,
        body: &mut impl FnMut(&str) -> io::Result<Vec<u8>>,
        before: &[Exchange],
        address: &str,
    ) -> Result<Answer, PlaybackError> {
        match self.error.as_deref() {
            None | Some("net::ERR_ABORTED") if self.status == 0 => return Ok(Answer::Never),
            // What is saved ends a navigation so, and so does an answer of which the page read no more than the status.
            Some(error) if error != "net::ERR_ABORTED" => return Ok(Answer::Failed),
            _ => {}
        }
        if self.status == 304 {
            // What the browser had then is what was answered before.
            let whole =
                |one: &&Exchange| one.address == address && matches!(one.answer, Answer::Whole { .. });
            let known = before.iter().rev().find(whole).map(|one| one.answer.clone());
            return Ok(known.unwrap_or_else(|| Answer::Missing("the browser had it already".to_owned())));
        }
        let bytes = match (self.content.file, self.content.text, self.content.comment) {
            (Some(name), ..) => body(&name).map_err(|source| PlaybackError::Body { name, source })?,
            (None, Some(text), _) => text.into_bytes(),
            (None, None, Some(why)) => return Ok(Answer::Missing(format!("its body is {why}"))),
            (None, None, None) => Vec::new(),
        };
        // The body is kept as it was once unpacked, and is whole.
        let of_transport = ["content-encoding", "content-length", "transfer-encoding", "connection"];
        let headers = self.headers.into_iter();
        let headers = headers
            .filter(|header| !of_transport.iter().any(|name| header.name.eq_ignore_ascii_case(name)))
            .map(|header| (header.name, header.value.replace(MASK, STAND_IN)));
        let (status, words) = (self.status, self.status_text);
        // A token is sent back in headers, which have no bullets.
        let bytes = match String::from_utf8(bytes) {
            Ok(text) if text.contains(MASK) => text.replace(MASK, STAND_IN).into_bytes(),
            Ok(text) => text.into_bytes(),
            Err(error) => error.into_bytes(),
        };
        let body = base64::engine::general_purpose::STANDARD.encode(bytes).into();
        Ok(Answer::Whole { status, words, headers: headers.collect(), body })
    }
}

/// Whether a request is one of those by which a page and its server talk all the time, where no WebSocket can be had (Engine.IO, SockJS), or
/// one that nobody waits for. Those change nothing that a flow is about, and come when they come.
fn is_talk(address: &str, kind: &str) -> bool {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let path = address.split('?').next().unwrap_or_default();
    let is_engine_io = query.contains("EIO=") && query.contains("transport=polling");
    is_engine_io || path.contains("/sockjs/") || kind == "ping"
}

fn without_fragment(address: &str) -> String {
    address.split('#').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(method: &str, address: &str, body: &str, answer: &str) -> Value {
        json!({
            "request": { "method": method, "url": format!("http://app{address}"), "postData": { "text": body } },
            "response": {
                "status": 200, "statusText": "OK", "headers": [{ "name": "Content-Encoding", "value": "gzip" }],
                "content": { "text": answer },
            },
            "_resourceType": if address.ends_with(".js") { "script" } else { "document" },
        })
    }

    fn played(entries: &[Value], asked: &[(&str, &str, &str)]) -> (Vec<String>, Vec<String>) {
        let har = json!({ "log": { "entries": entries } });
        let playback = Playback::new(&har, |name| Err(io::Error::other(name.to_owned()))).unwrap();
        let mut answers = Vec::new();
        for (method, address, body) in asked {
            let answer = playback.tape().answer(method, &format!("http://app{address}"), body);
            answers.push(match answer {
                Some(Answer::Whole { body, headers, .. }) => {
                    assert!(headers.is_empty(), "{headers:?}");
                    let body = base64::engine::general_purpose::STANDARD.decode(&*body).unwrap();
                    String::from_utf8(body).unwrap()
                }
                other => format!("{other:?}"),
            });
        }
        (answers, playback.refused())
    }

    #[test]
    fn what_was_seen_after_a_change_is_not_seen_before_it() {
        let entries = [
            entry("GET", "/list", "", "one"),
            entry("GET", "/list", "", "one still"),
            entry("POST", "/list", "add=two", "added"),
            entry("GET", "/list", "", "one and two"),
            entry("GET", "/new", "", "of later"),
            entry("GET", "/new.js", "", "script"),
        ];
        let (list, add) = (("GET", "/list", ""), ("POST", "/list", "add=two"));
        let (answers, refused) = played(
            &entries,
            &[list, list, list, ("GET", "/new", ""), ("GET", "/new.js", ""), add, list, list, add],
        );
        assert_eq!(
            answers,
            [
                "one",
                "one still",
                "one still",
                "None",
                "script",
                "added",
                "one and two",
                "one and two",
                "None"
            ]
        );
        let never = "was never recorded";
        assert_eq!(refused, [format!("GET http://app/new {never}"), format!("POST http://app/list {never}")]);
        // A page and its server talk beside all that: each thing once, and nobody is told of what was never said.
        let talk = "/socket.io/?EIO=4&transport=polling&t=a";
        let entries = [
            entry("GET", "/list", "", "one"),
            entry("POST", talk, "40", "ok"),
            entry("GET", talk, "", "open"),
            entry("GET", "/new", "", "new"),
        ];
        let asked = [
            ("GET", "/new", ""),
            ("POST", talk, "40"),
            ("POST", talk, "41"),
            ("GET", talk, ""),
            ("GET", talk, ""),
        ];
        let (answers, refused) = played(&entries, &asked);
        assert_eq!(answers, ["new", "ok", "Some(Never)", "open", "Some(Never)"]);
        assert!(refused.is_empty(), "{refused:?}");
    }

    #[test]
    fn who_changes_at_once_sees_what_was_there_afterwards() {
        let entries = [
            entry("GET", "/list", "", "one"),
            entry("POST", "/list", "add=two", "added"),
            entry("GET", "/list", "", "one and two"),
        ];
        let (list, add) = (("GET", "/list", ""), ("POST", "/list", "add=two"));
        let never = "was never recorded";
        assert_eq!(played(&entries, &[add, list]).0, ["added", "one and two"]);
        let another = played(&entries, &[("POST", "/list", "add=three"), ("GET", "/favicon.ico", "")]);
        assert_eq!(another.1, [format!("POST http://app/list {never}")]);
    }
}
