//! One person of the organisation, as data.

use serde::Serialize;

/// A person who belongs to the organisation, or is invited to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// The app's own id; it never changes and is never used again.
    pub id: u64,
    /// The name as typed, trimmed.
    pub name: String,
    /// The address; no two members share one, whatever its case.
    pub email: String,
    /// What the person may do.
    pub role: Role,
    /// Names of the teams the person is in, in the order of the teams page.
    pub teams: Vec<String>,
    /// Whether the person can sign in.
    pub status: Status,
    /// The token of the open invitation (`/invitations/<token>`), while [`Status::Pending`].
    pub invitation: Option<String>,
    /// When the person was invited or first joined, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// What a member may do; everybody has exactly one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Role {
    /// Manages members. There is always an active one.
    Owner,
    /// Manages everything but members.
    Admin,
    /// Answers requests.
    Agent,
    /// Reads.
    Viewer,
}

impl Role {
    /// Every role, strongest first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Agent, Self::Viewer];

    /// The word shown for it, which is also its form value.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Agent => "Agent",
            Self::Viewer => "Viewer",
        }
    }

    /// The role that is shown with `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// Whether a member can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Status {
    /// Can sign in; holds a seat.
    Active,
    /// Invited and not yet accepted; holds a seat.
    Pending,
    /// Kept, but cannot sign in; holds no seat.
    Suspended,
}

impl Status {
    /// The word shown for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Pending => "Pending",
            Self::Suspended => "Suspended",
        }
    }

    /// Whether it takes one of the paid seats.
    pub const fn holds_seat(self) -> bool {
        matches!(self, Self::Active | Self::Pending)
    }
}
