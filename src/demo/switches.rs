//! What can be turned while the app runs.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

/// How the app behaves at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Whether controls carry new names and stand in new places.
    pub new_design: bool,
    /// Whether "What's new" covers the members page until a session dismissed it.
    pub whats_new: bool,
    /// How long every page takes on top of what it takes anyway.
    pub latency: Duration,
    /// How many active and pending members there may be.
    pub seats: usize,
    /// The status (400 to 599) that every page answers with; `None` answers properly.
    pub fail_with: Option<u16>,
    /// What the list of members leaves out.
    pub missing: Missing,
}

/// What the list of members leaves out, as one does that was built otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Nothing.
    #[default]
    Nothing,
    /// Every other row; the total still counts them.
    HalfOfRows,
    /// Every row; the total still counts them.
    AllRows,
    /// Half of the members, as with a filter that stays on: the total does not count them either.
    HalfOfMembers,
}

/// `POST /-/switches`: only what is there is turned.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Turn {
    new_design: Option<bool>,
    whats_new: Option<bool>,
    latency_ms: Option<u64>,
    seats: Option<usize>,
    /// `null` ends it.
    #[serde(deserialize_with = "present")]
    fail_with: Option<Option<u16>>,
    missing: Option<Missing>,
    pub(super) expire_sessions: bool,
}

impl Switches {
    /// These switches after `turn`, or why they cannot be turned so.
    pub(super) fn turned(self, turn: &Turn) -> Result<Self, &'static str> {
        let fail_with = turn.fail_with.unwrap_or(self.fail_with);
        if fail_with.is_some_and(|status| !(400..=599).contains(&status)) {
            return Err("fail_with is a status from 400 to 599, or null");
        }
        Ok(Self {
            new_design: turn.new_design.unwrap_or(self.new_design),
            whats_new: turn.whats_new.unwrap_or(self.whats_new),
            latency: turn.latency_ms.map_or(self.latency, Duration::from_millis),
            seats: turn.seats.unwrap_or(self.seats),
            fail_with,
            missing: turn.missing.unwrap_or(self.missing),
        })
    }

    /// The switches as `GET /-/switches` shows them.
    pub(super) fn to_json(self) -> Value {
        json!({
            "new_design": self.new_design,
            "whats_new": self.whats_new,
            "latency_ms": u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX),
            "seats": self.seats,
            "fail_with": self.fail_with,
            "missing": self.missing,
        })
    }
}

/// Tells `null` from a field that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u16>>, D::Error> {
    Option::<u16>::deserialize(deserializer).map(Some)
}
