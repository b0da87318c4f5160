//! What a page writes on its console and asks the app for, as far as people are told of it.
//!
//! Invariants: bounded, whatever a page does; of addresses the part that may hold secrets is left out. What is too much is counted.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

/// The most lines of a console, and requests, between two calls.
const MOST: usize = 50;
/// The longest line, in characters.
const LONGEST: usize = 500;

/// What a page did since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overheard {
    /// Lines of its console: `error: …`.
    pub console: Vec<String>,
    /// What it asked for: documents, data, and whatever did not come.
    pub requests: Vec<Sent>,
    /// How much more there was.
    pub left_out: usize,
}

/// Something that a page asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The method.
    pub method: String,
    /// The address, without its query.
    pub url: String,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there was none, in Chromium's words.
    pub failed: Option<String>,
}

/// What is overheard of a page, and of what no answer has come yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Hearing {
    heard: Overheard,
    /// By request, where its line is.
    open: HashMap<String, usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Called {
    #[serde(rename = "type")]
    kind: String,
    args: Vec<Argument>,
}

#[derive(Deserialize)]
struct Argument {
    value: Option<Value>,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thrown {
    exception_details: Details,
}

#[derive(Deserialize)]
struct Details {
    text: String,
    exception: Option<Argument>,
}

impl Hearing {
    pub(super) fn take(&mut self) -> Overheard {
        self.open.clear();
        std::mem::take(&mut self.heard)
    }

    /// Takes in an event of the page's console.
    pub(super) fn console(&mut self, method: &str, params: &Value) {
        let line = match method {
            "Runtime.consoleAPICalled" => Called::deserialize(params).ok().map(|called| {
                let words: Vec<String> = called.args.into_iter().map(Argument::in_words).collect();
                format!("{}: {}", called.kind, words.join(" "))
            }),
            _ => Thrown::deserialize(params).ok().map(|Thrown { exception_details: details }| {
                let exception = details.exception.map(Argument::in_words).unwrap_or_default();
                format!("error: {} {exception}", details.text)
            }),
        };
        let Some(line) = line else { return };
        if self.heard.console.len() < MOST {
            self.heard.console.push(line.chars().take(LONGEST).collect());
        } else {
            self.heard.left_out += 1;
        }
    }

    /// A request was sent.
    pub(super) fn sent(&mut self, id: &str, kind: &str, method: &str, url: &str) {
        if !matches!(kind, "Document" | "XHR" | "Fetch") {
            return;
        }
        if self.heard.requests.len() >= MOST {
            self.heard.left_out += 1;
            return;
        }
        self.open.insert(id.to_owned(), self.heard.requests.len());
        let (method, url) = (method.to_owned(), url.split(['?', '#']).next().unwrap_or(url).to_owned());
        self.heard.requests.push(Sent { method, url, ..Sent::default() });
    }

    /// A request was answered, or failed.
    pub(super) fn ended(&mut self, id: &str, status: Option<u16>, failed: Option<String>) {
        let asked = self.open.get(id).and_then(|at| self.heard.requests.get_mut(*at));
        if let Some(asked) = asked {
            asked.status = status.or(asked.status);
            asked.failed = failed;
        }
    }
}

impl Argument {
    fn in_words(self) -> String {
        match (self.value, self.description) {
            (Some(Value::String(text)), _) | (None, Some(text)) => text,
            (Some(value), _) => value.to_string(),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_console_and_requests_are_told_in_few_words() {
        let mut hearing = Hearing::default();
        let said = json!({ "type": "warning", "args": [{ "value": "left" }, { "value": 3 }, { "description": "Object" }] });
        hearing.console("Runtime.consoleAPICalled", &said);
        let thrown = json!({ "exceptionDetails": { "text": "Uncaught", "exception": { "description": "Error: gone" } } });
        hearing.console("Runtime.exceptionThrown", &thrown);
        hearing.sent("1", "Fetch", "GET", "http://app/rows?token=abc");
        hearing.sent("2", "Image", "GET", "http://app/logo.png");
        hearing.ended("1", Some(500), None);
        let heard = hearing.take();
        assert_eq!(heard.console, ["warning: left 3 Object", "error: Uncaught Error: gone"]);
        let sent =
            Sent { method: "GET".into(), url: "http://app/rows".into(), status: Some(500), failed: None };
        assert_eq!(heard.requests, [sent]);
        for _ in 0..MOST + 7 {
            hearing.console("Runtime.consoleAPICalled", &said);
        }
        assert_eq!(hearing.take().left_out, 7);
    }
}
