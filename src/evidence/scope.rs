//! What a bundle is about, and what not.

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::store::{EventRow, EventText, UserRow};

/// What a bundle is about.
#[derive(Clone, Debug)]
pub enum Scope {
    /// One person: every user of that name, since who comes back is a user of their own.
    People(Vec<UserRow>),
    /// All that happened in the integration in `[from, until)`.
    Time {
        /// The begin.
        from: Timestamp,
        /// The end, which is not in it.
        until: Timestamp,
    },
}

/// The place of an event: what decides whether a bundle is about it.
#[derive(Clone, Copy)]
pub(super) struct Placed<'e> {
    integration_id: Option<&'e str>,
    target: Option<&'e str>,
    at: Timestamp,
}

impl<'e> From<&'e EventText> for Placed<'e> {
    fn from(event: &'e EventText) -> Self {
        let EventText { integration_id, target, at, .. } = event;
        Self { integration_id: integration_id.as_deref(), target: target.as_deref(), at: *at }
    }
}

impl<'e> From<&'e EventRow> for Placed<'e> {
    fn from(event: &'e EventRow) -> Self {
        let EventRow { integration_id, target, at, .. } = event;
        Self { integration_id: integration_id.as_deref(), target: target.as_deref(), at: *at }
    }
}

impl Scope {
    /// Whether a bundle of this integration is about the event.
    pub(super) fn has(&self, integration_id: &str, event: Placed<'_>) -> bool {
        event.integration_id == Some(integration_id)
            && match self {
                Self::People(people) => people.iter().any(|user| event.target == Some(&user.id)),
                Self::Time { from, until } => *from <= event.at && event.at < *until,
            }
    }

    /// The same as a bundle says it.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::People(people) => {
                let people = people.iter().map(|user| json!({ "id": user.id, "user_name": user.user_name }));
                json!({ "people": people.collect::<Vec<_>>() })
            }
            Self::Time { from, until } => json!({ "from": from.to_rfc3339(), "until": until.to_rfc3339() }),
        }
    }
}
