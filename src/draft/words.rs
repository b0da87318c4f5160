//! What was typed and shown while recording, as templates: addresses become the account's, secrets never appear.

use crate::diagnostic::{Source, Span};
use crate::playbook::Template;

/// What the flow is about, for texts in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    /// The address of the account that was recorded; it stands for any account's.
    pub email: Option<&'a str>,
}

impl Words<'_> {
    /// `text` as it is written in a flow, the recorded address in it filled in.
    pub(super) fn fill(&self, text: &str) -> String {
        let Some(email) = self.email else { return literal(text) };
        text.split(email).map(literal).collect::<Vec<_>>().join("{{ account.email }}")
    }
}

/// `text` as a template that gives just that.
pub(super) fn literal(text: &str) -> String {
    Template::of_literal(text, &Span::new(Source::new("recording", ""), 0, 0)).to_string()
}

/// Whether it is an address.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@' || c == '/');
    plain(local)
        && plain(domain)
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}

/// A text as YAML: as it is where that is the same, otherwise between quotes.
pub(super) fn scalar(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_alphabetic() || c == '/');
    let plain =
        text.chars().all(|c| c.is_alphanumeric() || " ._@/()-'?=&%+".contains(c)) && !text.ends_with(' ');
    let word = ["true", "false", "null", "yes", "no", "on", "off"].contains(&text.to_lowercase().as_str());
    if begins && plain && !word { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// A locator as YAML: most are plain scalars.
pub(super) fn line(text: &str) -> String {
    if text.contains(": ") || text.contains(" #") || text.ends_with(':') {
        return format!("'{}'", text.replace('\'', "''"));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_known_and_texts_are_written_as_yaml() {
        for (text, expected) in [
            ("ada@acme.example", true),
            ("ada", false),
            ("a@b", false),
            ("a b@c.d", false),
            ("@x.example", false),
        ] {
            assert_eq!(is_email(text), expected, "{text}");
        }
        for (text, expected) in [
            ("Agent", "Agent"),
            ("42", "\"42\""),
            ("no", "\"no\""),
            ("a: b", "\"a: b\""),
            ("{{ account.email }}", "\"{{ account.email }}\""),
            ("say \"x\"", "\"say \\\"x\\\"\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
        let words = Words { email: Some("ada@acme.example") };
        assert_eq!(words.fill("Edit ada@acme.example"), "Edit {{ account.email }}");
        assert!(!words.fill("{{ x }}").starts_with("{{ x"), "what was on the page is no template");
        assert_eq!(line("button \"Save: now\""), "'button \"Save: now\"'");
    }
}
