//! The app's own record of what was changed, by whom and when: the judge of every test.

use serde::Serialize;

/// One change that really happened. Nothing is recorded for a save that changed nothing, or was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The address of the person who did it; for [`Action::Accepted`], the invited person.
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// Whose account it was; `None` for a team, and for a group itself.
    pub member_id: Option<u64>,
    /// The member's address after the change; empty where there is no member.
    pub email: String,
    /// The values that differ, in the order of the form.
    pub changed: Vec<Difference>,
}

/// One value before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `name`, `email`, `role`, `teams` (comma-separated), `status`, or `group`, whose values are a group's name.
    pub field: &'static str,
    /// The value before; `None` where there was none.
    pub from: Option<String>,
    /// The value after; `None` where there is none.
    pub to: Option<String>,
}

impl Difference {
    /// The difference between two values, or `None` where they are the same.
    pub(super) fn between(field: &'static str, from: &str, to: &str) -> Option<Self> {
        (from != to).then(|| Self { field, from: Some(from.to_owned()), to: Some(to.to_owned()) })
    }

    /// A value where there was none.
    pub(super) fn appears(field: &'static str, to: &str) -> Self {
        Self { field, from: None, to: Some(to.to_owned()) }
    }

    /// A value that is no more.
    pub(super) fn vanishes(field: &'static str, from: &str) -> Self {
        Self { field, from: Some(from.to_owned()), to: None }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// An invitation was sent; the member is pending.
    Invited,
    /// The invited person accepted.
    Accepted,
    /// Name or address were changed.
    Updated,
    /// The role was changed.
    RoleChanged,
    /// The teams were changed.
    TeamsChanged,
    /// The member can no longer sign in.
    Suspended,
    /// The member can sign in again.
    Reactivated,
    /// The member is gone.
    Removed,
    /// A pending member is gone.
    InvitationCancelled,
    /// The invitation was sent again, with a new token.
    InvitationResent,
    /// A team was added.
    TeamAdded,
    /// A group was added.
    GroupAdded,
    /// A group has another name.
    GroupRenamed,
    /// A group is gone.
    GroupRemoved,
    /// The member is in one more group.
    GroupJoined,
    /// The member is in one group less. Who is removed from the organisation leaves all groups without this.
    GroupLeft,
}

impl Action {
    /// The word for it in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Accepted => "accepted",
            Self::Updated => "updated",
            Self::RoleChanged => "role_changed",
            Self::TeamsChanged => "teams_changed",
            Self::Suspended => "suspended",
            Self::Reactivated => "reactivated",
            Self::Removed => "removed",
            Self::InvitationCancelled => "invitation_cancelled",
            Self::InvitationResent => "invitation_resent",
            Self::TeamAdded => "team_added",
            Self::GroupAdded => "group_added",
            Self::GroupRenamed => "group_renamed",
            Self::GroupRemoved => "group_removed",
            Self::GroupJoined => "group_joined",
            Self::GroupLeft => "group_left",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_reads_the_same_in_json_and_on_the_page() {
        for action in [
            Action::RoleChanged,
            Action::InvitationCancelled,
            Action::Invited,
            Action::TeamAdded,
            Action::GroupAdded,
            Action::GroupRenamed,
            Action::GroupRemoved,
            Action::GroupJoined,
            Action::GroupLeft,
        ] {
            assert_eq!(serde_json::to_value(action).unwrap(), action.word());
        }
    }
}
