//! A recording as HAR 1.2, the format in which browsers keep what went over the network.
//!
//! Bodies of answers are files beside it: `content._file` names them, as Playwright's do.

use serde_json::{Value, json};
use url::Url;

use super::{Answer, Body, Exchange};
use crate::clock::Timestamp;
use crate::secret::{MASK, Redactor};

/// What went over the network of a session, in order, without secrets.
#[derive(Debug)]
pub struct Recording {
    exchanges: Vec<Exchange>,
    left_out: usize,
    redactor: Redactor,
}

impl Recording {
    pub(super) fn new(exchanges: Vec<Exchange>, left_out: usize, redactor: Redactor) -> Self {
        Self { exchanges, left_out, redactor }
    }

    /// How many exchanges it has.
    pub fn len(&self) -> usize {
        self.exchanges.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    /// How many exchanges were too many for it.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Takes the secrets that the recording knows of out of every text in `value`. Numbers stay: a time is none, whatever digits it has.
    pub fn redact_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redact(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_json(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.redact_json(member)),
            _ => {}
        }
    }

    fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// The recording as HAR 1.2. `keep` writes the body of an answer, without secrets, as a file of that extension and names it.
    pub fn to_har(&self, browser: &str, mut keep: impl FnMut(&[u8], &str) -> String) -> Value {
        let entries: Vec<Value> =
            self.exchanges.iter().map(|exchange| self.entry(exchange, &mut keep)).collect();
        let (name, version) = browser.split_once('/').unwrap_or((browser, ""));
        json!({ "log": {
            "version": "1.2",
            "creator": { "name": "usher", "version": env!("CARGO_PKG_VERSION") },
            "browser": { "name": name, "version": version },
            "pages": [],
            "entries": entries,
        }})
    }

    fn entry(&self, exchange: &Exchange, keep: &mut impl FnMut(&[u8], &str) -> String) -> Value {
        let ms = |from: f64, to: Option<f64>| to.map_or(0.0, |to| ((to - from) * 1e6).round() / 1e3).max(0.0);
        let wait = ms(exchange.began, exchange.answered);
        let receive = exchange.answered.map_or(0.0, |answered| ms(answered, exchange.ended));
        let at = Timestamp::from_ms((exchange.at * 1e3) as i64);
        let protocol = exchange.answer.as_ref().map_or("", |answer| answer.protocol.as_str());
        let nothing = Answer::default();
        let answer = exchange.answer.as_ref().unwrap_or(&nothing);
        let mut response = json!({
            "status": answer.status,
            "statusText": answer.words,
            "httpVersion": protocol,
            "cookies": [],
            "headers": self.headers(&answer.got),
            "content": self.content(answer, keep),
            "redirectURL": self.redact(header(&answer.got, "location")),
            "headersSize": -1,
            "bodySize": -1,
        });
        if let (Some(failed), Some(fields)) = (&exchange.failed, response.as_object_mut()) {
            fields.insert("_error".to_owned(), json!(failed));
        }
        json!({
            "startedDateTime": at.to_rfc3339(),
            "time": wait + receive,
            "request": self.request(exchange, protocol),
            "response": response,
            "cache": {},
            "timings": { "send": 0, "wait": wait, "receive": receive },
            "_resourceType": exchange.kind.to_lowercase(),
        })
    }

    fn request(&self, exchange: &Exchange, protocol: &str) -> Value {
        let query: Vec<Value> = Url::parse(&exchange.url)
            .map(|url| {
                let pairs = url.query_pairs();
                pairs.map(|(name, value)| json!({ "name": name, "value": self.redact(&value) })).collect()
            })
            .unwrap_or_default();
        let mut request = json!({
            "method": exchange.method,
            "url": self.redact(&exchange.url),
            "httpVersion": protocol,
            "cookies": [],
            "headers": self.headers(&exchange.sent),
            "queryString": query,
            "headersSize": -1,
            "bodySize": -1,
        });
        let mime = header(&exchange.sent, "content-type");
        let body = match &exchange.sent_body {
            Body::None => None,
            Body::Missing(why) => Some(json!({ "mimeType": mime, "text": "", "comment": why })),
            Body::Kept(bytes) => {
                let text = self.redact(&String::from_utf8_lossy(bytes));
                Some(json!({ "mimeType": mime, "text": text }))
            }
        };
        if let (Some(body), Some(fields)) = (body, request.as_object_mut()) {
            fields.insert("postData".to_owned(), body);
        }
        request
    }

    fn headers(&self, headers: &[(String, String)]) -> Vec<Value> {
        let masked = headers.iter().map(|(name, value)| {
            let value = match name.to_ascii_lowercase().as_str() {
                "cookie" => value.split("; ").map(mask_cookie).collect::<Vec<_>>().join("; "),
                "set-cookie" => {
                    let (cookie, rest) = value.split_once(';').unwrap_or((value, ""));
                    let rest = if rest.is_empty() { String::new() } else { format!(";{rest}") };
                    mask_cookie(cookie) + &rest
                }
                "authorization" | "proxy-authorization" => MASK.to_owned(),
                _ => self.redact(value),
            };
            json!({ "name": name, "value": value })
        });
        masked.collect()
    }

    fn content(&self, answer: &Answer, keep: &mut impl FnMut(&[u8], &str) -> String) -> Value {
        let mime = &answer.mime;
        let bytes = match &answer.body {
            Body::None => return json!({ "size": 0, "mimeType": mime }),
            Body::Missing(why) => {
                return json!({ "size": 0, "mimeType": mime, "comment": format!("not kept: {why}") });
            }
            Body::Kept(bytes) if bytes.is_empty() => return json!({ "size": 0, "mimeType": mime }),
            Body::Kept(bytes) => bytes,
        };
        let clean = match std::str::from_utf8(bytes) {
            Ok(text) => self.redact(text).into_bytes(),
            Err(_) if self.redactor.is_shown_by(bytes) => {
                return json!({ "size": 0, "mimeType": mime, "comment": "not kept: it shows a secret" });
            }
            Err(_) => bytes.clone(),
        };
        let file = keep(&clean, extension(mime));
        json!({ "size": clean.len(), "mimeType": mime, "_file": file })
    }
}

fn mask_cookie(cookie: &str) -> String {
    match cookie.split_once('=') {
        Some((name, _)) => format!("{name}={MASK}"),
        None => MASK.to_owned(),
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map_or("", |(_, value)| value.as_str())
}

/// What a file of such bytes is called.
fn extension(mime: &str) -> &str {
    let kind = mime.split(';').next().unwrap_or_default();
    match kind.rsplit(['/', '+']).next().unwrap_or_default() {
        "javascript" | "x-javascript" | "ecmascript" => "js",
        "plain" => "txt",
        "svg" => "svg",
        "x-icon" | "vnd.microsoft.icon" => "ico",
        "octet-stream" => "bin",
        known => known,
    }
}
