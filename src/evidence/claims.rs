//! What stories say that events said, so that a story that says it otherwise is noticed.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::PICTURES;
use crate::clock::Timestamp;
use crate::store::EventText;

type Hash = [u8; 32];

/// What of an event's data an attempt repeats.
const FACTS: [&str; 5] = ["connector", "wanted", "before", "done", "after"];

/// What an event said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    event: Hash,
    facts: Hash,
}

impl Said {
    pub(super) fn of(event: &EventText) -> Self {
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let facts = FACTS.map(|name| data[name].clone());
        Self { event: hash_event(event.at, &event.kind, &data), facts: hash_all(&facts) }
    }
}

/// What a story says of an event.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// The file of the story.
    pub(super) file: String,
    /// The event.
    pub(super) event: i64,
    is: Is,
}

#[derive(Clone, Copy, Debug)]
enum Is {
    /// This was said.
    Event(Hash),
    /// These facts were said.
    Facts(Hash),
}

impl Claim {
    /// Whether the event said that.
    pub(super) fn is(&self, said: &Said) -> bool {
        match self.is {
            Is::Event(event) => event == said.event,
            Is::Facts(facts) => facts == said.facts,
        }
    }

    /// Whether the event need not be in the bundle.
    pub(super) fn may_be_of_others(&self) -> bool {
        matches!(self.is, Is::Facts(_))
    }
}

/// All that a story says of events.
pub(super) fn claims_of(file: &str, story: &Value) -> Vec<Claim> {
    let claim =
        |event: &Value, is| event["event"].as_i64().map(|event| Claim { file: file.to_owned(), event, is });
    let events = items(&story["events"]).filter_map(|event| {
        let at = event["at"].as_str().and_then(|at| Timestamp::from_rfc3339(at).ok()).unwrap_or_default();
        let kind = event["kind"].as_str().unwrap_or_default();
        claim(event, Is::Event(hash_event(at, kind, &event["told"])))
    });
    let attempts = items(&story["jobs"]).flat_map(|job| items(&job["attempts"])).filter_map(|attempt| {
        let mut facts = FACTS.map(|name| attempt[name].clone());
        // Where the event does not name the connector, the attempt has what else is known of it.
        if facts[0]["version"].is_null() {
            facts[0] = Value::Null;
        }
        claim(attempt, Is::Facts(hash_all(&facts)))
    });
    events.chain(attempts).collect()
}

/// The pictures that a story points at.
pub(super) fn pictures_of(story: &Value) -> Vec<String> {
    items(&story["jobs"])
        .flat_map(|job| items(&job["attempts"]))
        .flat_map(|attempt| items(&attempt["steps"]))
        .flat_map(|step| items(&step["pictures"]))
        .filter_map(|picture| picture.as_str().filter(|name| name.starts_with(PICTURES)).map(str::to_owned))
        .collect()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn hash_event(at: Timestamp, kind: &str, data: &Value) -> Hash {
    hash_all(&[at.as_ms().into(), kind.into(), data.clone()])
}

fn hash_all(values: &[Value]) -> Hash {
    let mut hash = Sha256::new();
    for value in values {
        let text = value.to_string();
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}
