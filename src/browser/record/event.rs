//! What the events of the network tell, and how it is kept.

use serde::Deserialize;
use serde_json::Value;

use super::super::router::Event;
use super::{Answer, Body, Exchange, Log, MOST_BYTES, MOST_EXCHANGES, Wanted};

/// An event, read.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) request: String,
    news: News,
}

#[derive(Debug)]
enum News {
    Sent(Box<Sent>),
    SentHeaders(Value),
    Answered(Response, f64),
    GotHeaders(Value),
    Ended(f64),
    Failed(f64, String),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    request: Request,
    timestamp: f64,
    wall_time: f64,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    redirect_response: Option<Response>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    url: String,
    method: String,
    headers: Value,
    post_data: Option<String>,
    #[serde(default)]
    has_post_data: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: u16,
    #[serde(default)]
    status_text: String,
    headers: Value,
    #[serde(default)]
    mime_type: String,
    protocol: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Any {
    request_id: String,
    timestamp: Option<f64>,
    response: Option<Response>,
    #[serde(default)]
    headers: Value,
    #[serde(default)]
    error_text: String,
}

/// What an event tells of a request; none where it tells of something else, or of nothing that is sent.
pub(super) fn read(event: &Event) -> Option<Told> {
    let method = event.method.strip_prefix("Network.")?;
    let any: Any = Deserialize::deserialize(&event.params).ok()?;
    let at = any.timestamp.unwrap_or_default();
    let news = match method {
        "requestWillBeSent" => {
            let sent: Sent = Deserialize::deserialize(&event.params).ok()?;
            if !sent.request.url.starts_with("http") {
                return None;
            }
            News::Sent(Box::new(sent))
        }
        "requestWillBeSentExtraInfo" => News::SentHeaders(any.headers),
        "responseReceived" => News::Answered(any.response?, at),
        "responseReceivedExtraInfo" => News::GotHeaders(any.headers),
        "loadingFinished" => News::Ended(at),
        "loadingFailed" => News::Failed(at, any.error_text),
        _ => return None,
    };
    Some(Told { request: any.request_id, news })
}

impl Log {
    /// Keeps what an event tells; what Chromium is to be asked for then, and for which exchange.
    pub(super) fn apply(&mut self, key: &(String, String), told: Told) -> Option<(usize, Wanted)> {
        match told.news {
            News::Sent(sent) => return self.sent(key, *sent),
            News::SentHeaders(headers) => self.sent.entry(key.clone()).or_default().push(headers),
            News::GotHeaders(headers) => self.got.entry(key.clone()).or_default().push(headers),
            News::Answered(response, at) => {
                if let Some(exchange) = self.last(key) {
                    exchange.answered = Some(at);
                    exchange.answer = Some(response.into());
                }
            }
            News::Ended(at) => {
                let index = *self.of_request.get(key)?.last()?;
                let exchange = self.exchanges.get_mut(index)?;
                exchange.ended = Some(at);
                let answer = exchange.answer.as_mut()?;
                answer.body = Body::Missing("it did not come in time".to_owned());
                return Some((index, Wanted::Body));
            }
            News::Failed(at, why) => {
                if let Some(exchange) = self.last(key) {
                    exchange.ended = Some(at);
                    exchange.failed = Some(why);
                }
            }
        }
        None
    }

    fn sent(&mut self, key: &(String, String), sent: Sent) -> Option<(usize, Wanted)> {
        if let (Some(redirect), Some(exchange)) = (sent.redirect_response, self.last(key)) {
            exchange.answered = Some(sent.timestamp);
            exchange.ended = Some(sent.timestamp);
            exchange.answer = Some(redirect.into());
        }
        if self.exchanges.len() >= MOST_EXCHANGES {
            self.left_out += 1;
            return None;
        }
        let index = self.exchanges.len();
        let Request { url, method, headers, post_data, has_post_data } = sent.request;
        let is_missing = has_post_data && post_data.is_none();
        let sent_body = match post_data {
            Some(text) => Body::Kept(text.into_bytes()),
            None if is_missing => Body::Missing("it did not come in time".to_owned()),
            None => Body::None,
        };
        self.exchanges.push(Exchange {
            kind: sent.kind.unwrap_or_default(),
            at: sent.wall_time,
            began: sent.timestamp,
            method,
            url,
            sent: pairs(&headers),
            sent_body,
            ..Exchange::default()
        });
        self.of_request.entry(key.clone()).or_default().push(index);
        is_missing.then_some((index, Wanted::SentBody))
    }

    /// `body`, where there is room for it.
    pub(super) fn fitting(&mut self, body: Body) -> Body {
        let length = if let Body::Kept(bytes) = &body { bytes.len() } else { 0 };
        if self.bytes.saturating_add(length) > MOST_BYTES {
            return Body::Missing("the recording is full".to_owned());
        }
        self.bytes += length;
        body
    }

    /// Keeps a file that Chromium saved: it is the body of the last answer of that address, where that has none. What a link asks for that
    /// says `download` Chromium tells nobody of: then it is an exchange of its own.
    pub(super) fn saved(&mut self, url: &str, bytes: &[u8]) {
        if !url.starts_with("http") {
            return;
        }
        let body = self.fitting(Body::Kept(bytes.to_vec()));
        let known = self.exchanges.iter_mut().rev().find(|exchange| exchange.url == url);
        let known = known.and_then(|exchange| exchange.answer.as_mut());
        if let Some(answer) = known.filter(|answer| !matches!(answer.body, Body::Kept(_))) {
            answer.body = body;
            return;
        }
        if self.exchanges.len() >= MOST_EXCHANGES {
            self.left_out += 1;
            return;
        }
        let (at, began) = self.exchanges.last().map(|last| (last.at, last.began)).unwrap_or_default();
        let got = vec![("content-disposition".to_owned(), "attachment".to_owned())];
        let mime = "application/octet-stream".to_owned();
        let answer = Answer { status: 200, words: "OK".to_owned(), mime, got, body, ..Answer::default() };
        let (kind, method, url) = ("Document".to_owned(), "GET".to_owned(), url.to_owned());
        self.exchanges.push(Exchange {
            kind,
            at,
            began,
            method,
            url,
            answer: Some(answer),
            ..Exchange::default()
        });
    }

    fn last(&mut self, key: &(String, String)) -> Option<&mut Exchange> {
        let index = *self.of_request.get(key)?.last()?;
        self.exchanges.get_mut(index)
    }

    /// The exchanges with the headers that were really sent and got, and how many were too many.
    pub(super) fn taken_together(mut self) -> (Vec<Exchange>, usize) {
        let mut exchanges = std::mem::take(&mut self.exchanges);
        for (key, indexes) in &self.of_request {
            for (nth, index) in indexes.iter().enumerate() {
                let Some(exchange) = exchanges.get_mut(*index) else { continue };
                if let Some(headers) = self.sent.get(key).and_then(|all| all.get(nth)) {
                    exchange.sent = pairs(headers);
                }
                let got = self.got.get(key).and_then(|all| all.get(nth));
                if let (Some(headers), Some(answer)) = (got, &mut exchange.answer) {
                    answer.got = pairs(headers);
                }
            }
        }
        (exchanges, self.left_out)
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let Response { status, status_text, headers, mime_type, protocol } = response;
        let protocol = protocol.unwrap_or_default();
        Self { status, words: status_text, protocol, mime: mime_type, got: pairs(&headers), body: Body::None }
    }
}

/// Headers as Chromium tells them: those that come several times have a line for each.
fn pairs(headers: &Value) -> Vec<(String, String)> {
    let headers = headers.as_object().into_iter().flatten();
    let lines = headers.flat_map(|(name, value)| {
        let value = value.as_str().unwrap_or_default();
        value.split('\n').map(|line| (name.clone(), line.to_owned())).collect::<Vec<_>>()
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_the_place_of_no_other_answer() {
        let url = "http://app/members.csv";
        let answered = |body| Exchange {
            url: url.to_owned(),
            answer: Some(Answer { body, ..Answer::default() }),
            ..Exchange::default()
        };
        let bodies = |log: &Log| -> Vec<Body> {
            log.exchanges.iter().filter_map(|exchange| Some(exchange.answer.as_ref()?.body.clone())).collect()
        };
        let kept = |text: &str| Body::Kept(text.as_bytes().to_vec());
        let mut log = Log::default();
        // What the page has read itself, before something was changed.
        log.exchanges.push(answered(kept("one")));
        log.saved(url, b"two");
        assert_eq!(bodies(&log), [kept("one"), kept("two")]);
        log.exchanges.push(answered(Body::None));
        log.saved(url, b"three");
        log.saved("blob:http://app/made", b"four");
        assert_eq!(bodies(&log), [kept("one"), kept("two"), kept("three")]);
    }
}
