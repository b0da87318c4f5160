//! Accounts: people's records in an external app, as they are wanted and as they were last seen.
//!
//! Wanted, seen and pending are never mixed: a [`Wanted`] comes out of a SCIM resource, an [`Observed`] out of a reading
//! of the app, and what is pending is the difference between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Attributes by their name in the connector.
pub type Attributes = BTreeMap<String, String>;

/// Keys held, by entitlement type.
pub type Entitlements = BTreeMap<String, BTreeSet<String>>;

/// A group as the app shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The app's own immutable id, where it shows one.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
}

/// Whether an account shall be in a group that Usher keeps in the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The group.
    pub group: Group,
    /// Whether the account shall be in it.
    pub is_wanted: bool,
}

/// What an account is in the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is none.
    #[default]
    Absent,
    /// The person was invited and has not accepted.
    Invited,
    /// The person can get in.
    Active,
    /// The account is there and the person cannot get in.
    Suspended,
}

impl Status {
    /// The word under which it is stored and read from pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no account status.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no account status: absent, invited, active or suspended")]
pub struct UnknownStatus(pub String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        [Self::Absent, Self::Invited, Self::Active, Self::Suspended]
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| UnknownStatus(word.to_owned()))
    }
}

/// Whether a person shall be able to get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Gets in.
    Active,
    /// Does not get in; what belongs to the account stays.
    Inactive,
    /// Has no account.
    Gone,
}

/// What is wanted of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Whether the person gets in.
    pub presence: Presence,
    /// The attributes that are wanted to have these values; others are left as they are.
    pub attributes: Attributes,
    /// The entitlements that are wanted, by type; a type that is not named is left as it is.
    pub entitlements: Entitlements,
    /// The groups that Usher keeps in the app; others are left as they are.
    pub groups: Vec<Membership>,
}

/// What a reading of the app found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// What the account is.
    pub status: Status,
    /// The app's own immutable id, where it shows one.
    pub id: Option<String>,
    /// The attributes that the reading showed.
    pub attributes: Attributes,
    /// The entitlements that the reading showed, by type; a type that is not named was not shown.
    pub entitlements: Entitlements,
    /// The names of the groups that it is in; `None` where the reading did not show them.
    pub groups: Option<BTreeSet<String>>,
}

impl Observed {
    /// There is no such account.
    pub fn absent() -> Self {
        Self::default()
    }
}
