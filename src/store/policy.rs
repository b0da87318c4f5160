//! What an integration allows, how it answers, and what stops it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::word::words;
use crate::calendar::{Recurrence, WorkingHours};
use crate::clock::Timestamp;
use crate::trace::Pictures;

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
    /// The entitlements in which Usher has the say: what was changed by hand is put right (R21). Of others it is only told.
    pub authoritative: Vec<String>,
    /// How many people may lose access in a while before a person has to look (R17).
    pub leavers: LeaverLimit,
    /// Whether what the connector cannot do is left to a person, instead of failing.
    pub human_tasks: bool,
    /// How long a leaver may wait, in minutes, before somebody is told.
    pub leaver_patience_min: u32,
    /// Which pictures are taken.
    pub pictures: Pictures,
    /// For how many days pictures, pages and recordings are kept (R29); 0 for ever.
    pub evidence_days: u32,
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
    pub fn holds(self, lost: u64, of: u64) -> bool {
        lost > u64::from(self.floor) && u128::from(lost) * 100 > u128::from(self.percent) * u128::from(of)
    }
}

/// How many people may lose access in a while before a person has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeaverLimit {
    /// Of those who had access when the while began.
    pub share: Safeguard,
    /// Whatever their share is; no such bound without it.
    pub most: Option<u32>,
    /// The while, in minutes, that ends now.
    pub window_min: u32,
}

impl Default for LeaverLimit {
    fn default() -> Self {
        Self { share: Safeguard::default(), most: Some(500), window_min: 24 * 60 }
    }
}

impl LeaverLimit {
    /// Lets any number of people go.
    pub const ANY: Self =
        Self { share: Safeguard { percent: 100, floor: 0 }, most: None, window_min: 24 * 60 };

    /// The while.
    pub fn window(self) -> Duration {
        Duration::from_secs(u64::from(self.window_min) * 60)
    }

    /// Whether so many may be too many; else none need be counted who stay.
    pub fn may_be_too_many(self, left: u64) -> bool {
        left > u64::from(self.share.floor) || self.is_over_most(left)
    }

    /// What is to be said where `left` of so many people are too many.
    pub fn objection(self, left: u64, of: u64) -> Option<String> {
        let Self { share: Safeguard { percent, floor }, most, window_min } = self;
        let within = match (window_min % 60, window_min / 60) {
            (0, 1) => "an hour".to_owned(),
            (0, hours) => format!("{hours} hours"),
            _ => format!("{window_min} minutes"),
        };
        let lost =
            |bound: String| format!("{left} of {of} people are to lose access within {within}, {bound}");
        match most {
            Some(most) if self.is_over_most(left) => Some(lost(format!("more than {most}"))),
            _ if self.share.holds(left, of) => {
                Some(lost(format!("more than {percent} % and more than {floor}")))
            }
            _ => None,
        }
    }

    fn is_over_most(self, left: u64) -> bool {
        self.most.is_some_and(|most| left > u64::from(most))
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
            authoritative: Vec::new(),
            leavers: LeaverLimit::default(),
            human_tasks: false,
            leaver_patience_min: 60,
            pictures: Pictures::default(),
            evidence_days: 180,
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

    /// How long a leaver may wait before somebody is told.
    pub fn leaver_patience(&self) -> Duration {
        Duration::from_secs(u64::from(self.leaver_patience_min) * 60)
    }

    /// What attempts left that began until then is not kept any more; `None` where it is for ever.
    pub fn evidence_over(&self, now: Timestamp) -> Option<Timestamp> {
        let days = u64::from(self.evidence_days);
        (days > 0).then(|| now.minus(Duration::from_secs(days * 24 * 60 * 60)))
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

    #[test]
    fn too_many_leavers_are_those_over_share_and_floor_or_over_the_most() {
        let limit = LeaverLimit::default();
        for (left, of, is_too_many) in [
            (5, 6, false),
            (6, 30, false),
            (6, 29, true),
            (24, 120, false),
            (25, 120, true),
            (501, 90_000, true),
        ] {
            assert_eq!(limit.objection(left, of).is_some(), is_too_many, "{left} of {of}");
            assert!(!is_too_many || limit.may_be_too_many(left), "{left}");
        }
        assert_eq!(LeaverLimit::ANY.objection(7, 7), None);
        let said = LeaverLimit { window_min: 90, ..limit }.objection(25, 120).unwrap();
        assert_eq!(
            said,
            "25 of 120 people are to lose access within 90 minutes, more than 20 % and more than 5"
        );
    }
}
