//! Why the app did not do what was asked.

/// A refusal is an answer for the person at the form, in the app's own words; it is not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Refusal {
    /// The address cannot be one.
    InvalidEmail,
    /// A member, team or group without a name.
    NoName,
    /// A name or address that is too long to be one.
    TooLong,
    /// The address belongs to somebody else.
    AlreadyMember,
    /// Every paid seat is taken.
    NoSeat,
    /// Nobody would be left who manages members.
    LastOwner,
    /// The member's status no longer allows it.
    Stale,
    /// A role or team that does not exist.
    UnknownChoice,
    /// There is a team of this name.
    TeamExists,
    /// There is a group of this name.
    GroupExists,
    /// A group's name with a comma, which stands between names where they are listed.
    CommaInName,
    /// There is no such group any more.
    GroupGone,
    /// No member has the address.
    NobodyThere,
    /// The member is in the group.
    InGroupAlready,
    /// The member is not in the group.
    NotInGroup,
}

impl Refusal {
    /// What the person reads.
    pub(in crate::demo) const fn words(self) -> &'static str {
        match self {
            Self::InvalidEmail => "Enter a valid email address.",
            Self::NoName => "Enter a name.",
            Self::TooLong => "Use at most 200 characters.",
            Self::AlreadyMember => "This email is already a member.",
            Self::NoSeat => "No free seats. Ask billing to add some.",
            Self::LastOwner => "The last owner cannot be changed.",
            Self::Stale => "This member was changed meanwhile. Reload the page.",
            Self::UnknownChoice => "Choose one of the values listed.",
            Self::TeamExists => "A team with this name already exists.",
            Self::GroupExists => "A group with this name already exists.",
            Self::CommaInName => "The name of a group cannot have a comma.",
            Self::GroupGone => "This group was deleted meanwhile.",
            Self::NobodyThere => "Nobody in Acme Desk has this address.",
            Self::InGroupAlready => "This person is in the group already.",
            Self::NotInGroup => "This person is not in the group.",
        }
    }
}
