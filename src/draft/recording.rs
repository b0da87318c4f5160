//! A Chrome DevTools Recorder export as it is written: a title and steps, each with selectors of several sorts.

use serde::Deserialize;

/// A recording.
#[derive(Debug, Deserialize)]
pub(super) struct Recording {
    #[serde(default)]
    pub title: String,
    pub steps: Vec<RecordedStep>,
}

/// What somebody did.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordedStep {
    /// `click`, `change`, `navigate` and others.
    #[serde(rename = "type")]
    pub kind: String,
    /// Ways to find the element, each a selector or a chain of them through frames and shadow roots.
    #[serde(default)]
    selectors: Vec<Chain>,
    /// `main`, or the address of another window.
    #[serde(default)]
    pub target: Option<String>,
    /// The way to a frame, by index.
    #[serde(default)]
    pub frame: Vec<u32>,
    #[serde(default)]
    pub value: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub key: Option<String>,
    #[serde(default)]
    asserted_events: Vec<Asserted>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Chain {
    One(String),
    Many(Vec<String>),
}

#[derive(Clone, Debug, Deserialize)]
struct Asserted {
    #[serde(default)]
    url: Option<String>,
}

impl RecordedStep {
    /// Its selectors, of a chain the last.
    pub(super) fn selectors(&self) -> impl Iterator<Item = &str> {
        self.selectors.iter().filter_map(|chain| match chain {
            Chain::One(selector) => Some(selector.as_str()),
            Chain::Many(chain) => chain.last().map(String::as_str),
        })
    }

    /// The rest of the first selector that begins with `prefix`.
    pub(super) fn selector(&self, prefix: &str) -> Option<&str> {
        self.selectors().find_map(|selector| selector.strip_prefix(prefix))
    }

    /// Its first CSS selector.
    pub(super) fn css(&self) -> Option<&str> {
        let others = ["aria/", "xpath/", "pierce/", "text/"];
        self.selectors().find(|selector| !others.iter().any(|prefix| selector.starts_with(prefix)))
    }

    /// Whether it is about the same element.
    pub(super) fn is_at(&self, other: &Self) -> bool {
        let (own, others): (Vec<_>, Vec<_>) = (self.selectors().collect(), other.selectors().collect());
        !own.is_empty() && own == others
    }

    /// Where it led to.
    pub(super) fn led_to(&self) -> Option<&str> {
        self.asserted_events.iter().rev().find_map(|event| event.url.as_deref())
    }

    /// Whether it is about a secret: a control that is named or made so.
    pub(super) fn is_secret(&self) -> bool {
        const WORDS: &[&str] = &["password", "passcode", "passphrase", "secret"];
        let is = |text: &str| WORDS.iter().any(|word| text.to_lowercase().contains(word));
        self.kind == "change" && self.selectors().any(is)
    }
}
