//! Exchanges as the text of HTTP.

use percent_encoding::percent_decode_str;
use reqwest::StatusCode;
use serde_json::Value;

use crate::store::{Exchange, ExchangeBody, ExchangeMessage};

/// How bodies are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Json {
    /// For people.
    Indented,
    /// In the characters in which they were kept.
    AsKept,
}

/// A request.
pub(super) fn request(exchange: &Exchange, json: Json) -> String {
    let summary = &exchange.summary;
    let mut lines = vec![format!("{} {} HTTP/1.1", summary.method, summary.target)];
    if json == Json::AsKept && summary.token_id.is_some() {
        lines.push("Authorization: Bearer {{token}}".to_owned());
    }
    message(lines, &exchange.request, json)
}

/// An answer.
pub(super) fn answer(exchange: &Exchange, json: Json) -> String {
    message(vec![format!("HTTP/1.1 {}", status(exchange.summary.status))], &exchange.answer, json)
}

/// A status with its words.
pub(super) fn status(code: u16) -> String {
    let known = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    known.map_or_else(|| code.to_string(), |reason| format!("{code} {reason}"))
}

/// A path and a query with the signs that people read instead of those that stand for them.
pub(super) fn readable(target: &str) -> String {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    match target.split_once('?') {
        Some((path, query)) => harmless(&format!("{}?{}", decoded(path), decoded(&query.replace('+', " ")))),
        None => harmless(&decoded(target)),
    }
}

/// A line of text of others, without what a terminal would obey.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// The same for several lines.
pub(super) fn harmless_lines(text: &str) -> String {
    text.lines().map(harmless).collect::<Vec<_>>().join("\n")
}

fn message(mut lines: Vec<String>, message: &ExchangeMessage, json: Json) -> String {
    lines.extend(message.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    match &message.body {
        ExchangeBody::None => {}
        ExchangeBody::NotKept(why) => lines.extend([String::new(), format!("# {why}")]),
        ExchangeBody::Text(text) => lines.extend([String::new(), body(text, json)]),
    }
    harmless_lines(&lines.join("\n"))
}

fn body(text: &str, json: Json) -> String {
    let parsed = match json {
        Json::AsKept => None,
        Json::Indented => serde_json::from_str::<Value>(text).ok(),
    };
    parsed.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_readable_and_obey_nobody() {
        for (target, expected) in [
            ("/Users?filter=userName+eq%20%22ada%22&count=1", "/Users?filter=userName eq \"ada\"&count=1"),
            ("/Users/a%20b", "/Users/a b"),
            ("/Users/%1b%5b2J%0d%0a", "/Users/\u{fffd}[2J\u{fffd}\u{fffd}"),
            ("/Users/%ff", "/Users/\u{fffd}"),
        ] {
            assert_eq!(readable(target), expected);
        }
        assert_eq!((status(201).as_str(), status(799).as_str()), ("201 Created", "799"));
    }
}
