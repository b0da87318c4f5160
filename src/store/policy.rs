//! What an integration allows, how it answers, and what stops it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::word::words;
use crate::calendar::{Recurrence, WorkingHours};

/// The most sessions that one service account may have open; more than this is a mistake, not a need.
pub(super) const MAX_SESSIONS: u32 = 32;
/// The longest time between two jobs.
const MAX_PACE_MS: u64 = 60 * 60 * 1000;

words! {
    /// How far Usher may go in the app.
    Mode("integration mode") {
        /// Read only.
        Observe = "observe",
        /// Compute what would be changed, and stop.
        Plan = "plan",
        /// Make the changes.
        Live = "live",
    }
}

/// What an integration allows and how it answers; a member that is missing in the stored text has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// How a SCIM request is answered.
    pub answer: Answering,
    /// How long a SCIM request waits for the true outcome, in milliseconds; 0 answers at once.
    pub patience_ms: u64,
    /// How far Usher may go in the app.
    pub mode: Mode,
    /// Accounts that are never changed (R14): user names or patterns.
    pub protected: Vec<String>,
    /// How many sessions of the service account may be open at once (R5).
    pub max_sessions: u32,
    /// Which identity provider asks.
    pub profile: Profile,
    /// What groups give their members, in the order in which they count.
    pub grants: Vec<Grant>,
    /// The least time from the begin of one job to that of the next, in milliseconds (R26).
    pub pace_ms: u64,
    /// How many jobs may begin in any hour; leavers and tests of the login are counted and do not wait.
    pub jobs_per_hour: Option<u32>,
    /// When jobs may begin; leavers and tests of the login begin at any time.
    pub working_hours: Option<WorkingHours>,
    /// When the login is tested and the list read, again and again.
    pub canary: Option<Recurrence>,
    /// When every account is read and compared with what is known, again and again.
    pub sync: Option<Recurrence>,
    /// How many accounts may be found gone before a person has to look (S17).
    pub safeguard: Safeguard,
}

/// How many accounts may be found gone, or be taken away, before a person has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Safeguard {
    /// Of a hundred accounts.
    pub percent: u32,
    /// Up to so many it may be, however few there are.
    pub floor: u32,
}

impl Default for Safeguard {
    fn default() -> Self {
        Self { percent: 20, floor: 5 }
    }
}

impl Safeguard {
    /// Whether `lost` of so many accounts are too many.
    pub fn holds(self, lost: usize, of: usize) -> bool {
        let lost = lost as u128;
        lost > u128::from(self.floor) && lost * 100 > u128::from(self.percent) * of as u128
    }
}

/// How a SCIM request is answered whose job takes its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answering {
    /// At once: it is recorded.
    Accept,
    /// With what really happened within the patience; after it, that it is recorded.
    #[default]
    Wait,
    /// With what really happened; while that is not known, that it has to be asked for again (429).
    Hold,
}

/// What an identity provider is known to ask for beyond the RFCs, and to stumble over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Okta: what can be held is listed as resource types of its own, for its entitlement discovery.
    #[default]
    Okta,
    /// Microsoft Entra ID.
    Entra,
    /// The RFCs and nothing else.
    Strict,
}

/// What a group gives its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The name of the group, compared regardless of case.
    pub group: String,
    /// The type of entitlement, such as `role`.
    pub entitlement: String,
    /// The key of what is given, such as `agent`.
    pub key: String,
}

impl Grant {
    /// Whether it is of the group of that name.
    pub fn is_of(&self, group: &str) -> bool {
        self.group.to_lowercase() == group.to_lowercase()
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            answer: Answering::default(),
            patience_ms: 25_000,
            mode: Mode::Live,
            protected: Vec::new(),
            max_sessions: 1,
            profile: Profile::default(),
            grants: Vec::new(),
            pace_ms: 0,
            jobs_per_hour: None,
            working_hours: None,
            canary: None,
            sync: None,
            safeguard: Safeguard::default(),
        }
    }
}

impl Policy {
    /// How long a SCIM request waits for the true outcome.
    pub fn patience(&self) -> Duration {
        match self.answer {
            Answering::Accept => Duration::ZERO,
            Answering::Wait | Answering::Hold => Duration::from_millis(self.patience_ms),
        }
    }

    /// Whether there is a time at which a job may begin.
    pub(super) fn lets_jobs_begin(&self) -> bool {
        self.jobs_per_hour != Some(0) && self.pace_ms <= MAX_PACE_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_without_members_is_the_default() {
        assert_eq!(serde_json::from_str::<Policy>("{}").unwrap(), Policy::default());
        assert_eq!(serde_json::from_str::<Policy>(r#"{"mode":"plan"}"#).unwrap().mode, Mode::Plan);
    }
}
