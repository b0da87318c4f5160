//! Secrets in a text that are known by their names alone.

use std::sync::LazyLock;

use regex::Regex;

use super::{MASK, names_a_secret};

#[expect(clippy::expect_used, reason = "a fixed pattern, compiled in the tests")]
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    // `reset_token=…` of an address, `"apiKey": "…"` of JSON, `Password: …` of a line.
    Regex::new(r#"([A-Za-z][A-Za-z0-9_.\[\]-]*)["']?\s*[=:]\s*["']?"#).expect("a pattern")
});

/// Where a value ends.
const ENDS: [char; 9] = ['"', '\'', '&', ',', ';', '}', '#', '<', ')'];

/// `text` with a mask in the place of every value whose name is that of a secret.
pub fn mask_named(text: &str) -> String {
    let (mut masked, mut told) = (String::with_capacity(text.len()), 0);
    for found in NAME.captures_iter(text) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else { continue };
        if whole.end() < told || !names_a_secret(name.as_str()) {
            continue;
        }
        let (before, rest) = (text.get(told..whole.end()), text.get(whole.end()..).unwrap_or_default());
        let length = rest.find(|c: char| c.is_whitespace() || ENDS.contains(&c)).unwrap_or(rest.len());
        masked.push_str(before.unwrap_or_default());
        masked.push_str(if length > 0 { MASK } else { "" });
        told = whole.end() + length;
    }
    masked + text.get(told..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_as_a_secret_is_masked_and_the_rest_stays() {
        for (text, expected) in [
            ("http://a/x?q=1&reset_token=abc#top", "http://a/x?q=1&reset_token=••••••#top"),
            (r#"log: {"apiKey": "abc", "name": "Ann"}"#, r#"log: {"apiKey": "••••••", "name": "Ann"}"#),
            ("error: Password: abc, try again", "error: Password: ••••••, try again"),
            ("http://desk.example:8080/members?page=2", "http://desk.example:8080/members?page=2"),
            ("http://a/x?reset_token=abc", "http://a/x?reset_token=••••••"),
            ("token=a=b token: c", "token=•••••• token: ••••••"),
            ("the token is gone", "the token is gone"),
        ] {
            assert_eq!(mask_named(text), expected);
        }
    }
}
