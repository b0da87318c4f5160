//! What controls are called, in the usual design and in the new one.

use crate::demo::model::Status;

/// Every name that differs between the designs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) members: &'static str,
    pub(super) search: &'static str,
    pub(super) invite: &'static str,
    pub(super) send: &'static str,
    pub(super) email: &'static str,
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    pub(super) teams: &'static str,
    pub(super) groups: &'static str,
    pub(super) status: &'static str,
    pub(super) save: &'static str,
    pub(super) next: &'static str,
    pub(super) previous: &'static str,
    pub(super) cancel: &'static str,
    active: &'static str,
    pending: &'static str,
    suspended: &'static str,
    edit: ActionWords,
    suspend: ActionWords,
    reactivate: ActionWords,
    remove: ActionWords,
    cancel_invitation: ActionWords,
    resend_invitation: ActionWords,
    pub(super) invited: &'static str,
}

/// What is said around one thing that can be done to a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ActionWords {
    /// The button in the row, and the one that does it.
    pub(super) button: &'static str,
    /// The dialog's name.
    pub(super) title: &'static str,
    /// What the question in the dialog begins with; name and address follow.
    pub(super) question: &'static str,
    /// What it means, below the question.
    pub(super) note: &'static str,
    /// The way out of the dialog.
    pub(super) dismiss: &'static str,
    /// The message afterwards.
    pub(super) done: &'static str,
}

/// What can be done to a member who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberAction {
    Edit,
    Suspend,
    Reactivate,
    Remove,
    CancelInvitation,
    ResendInvitation,
}

static USUAL: Words = Words {
    members: "Members",
    search: "Search members",
    invite: "Invite member",
    send: "Send invitation",
    email: "Email",
    name: "Name",
    role: "Role",
    teams: "Teams",
    groups: "Groups",
    status: "Status",
    save: "Save",
    next: "Next page",
    previous: "Previous page",
    cancel: "Cancel",
    active: "Active",
    pending: "Pending",
    suspended: "Suspended",
    edit: ActionWords {
        button: "Edit",
        title: "Edit member",
        question: "",
        note: "",
        dismiss: "Cancel",
        done: "Member updated",
    },
    suspend: ActionWords {
        button: "Suspend",
        title: "Suspend member",
        question: "Suspend",
        note: "They can no longer sign in, and their seat becomes free. You can undo this.",
        dismiss: "Cancel",
        done: "Member suspended",
    },
    reactivate: ActionWords {
        button: "Reactivate",
        title: "Reactivate member",
        question: "Reactivate",
        note: "They can sign in again. This takes a seat.",
        dismiss: "Cancel",
        done: "Member reactivated",
    },
    remove: ActionWords {
        button: "Remove",
        title: "Remove member",
        question: "Remove",
        note: "Their account and everything only they can see is gone for good.",
        dismiss: "Cancel",
        done: "Member removed",
    },
    cancel_invitation: ActionWords {
        button: "Cancel invitation",
        title: "Cancel invitation",
        question: "Cancel the invitation of",
        note: "The link in the invitation stops working.",
        dismiss: "Keep",
        done: "Invitation cancelled",
    },
    resend_invitation: ActionWords {
        button: "Resend invitation",
        title: "Resend invitation",
        question: "",
        note: "",
        dismiss: "Cancel",
        done: "Invitation resent",
    },
    invited: "Invitation sent",
};

static NEW: Words = Words {
    members: "People",
    search: "Find people",
    invite: "Add people",
    send: "Send invite",
    email: "Work email",
    name: "Full name",
    role: "Permission level",
    teams: "Groups",
    groups: "User groups",
    status: "Access",
    save: "Save changes",
    next: "Next",
    previous: "Back",
    cancel: "Close",
    active: "Enabled",
    pending: "Invited",
    suspended: "Deactivated",
    edit: ActionWords {
        button: "Manage",
        title: "Manage person",
        question: "",
        note: "",
        dismiss: "Close",
        done: "Changes saved",
    },
    suspend: ActionWords {
        button: "Deactivate",
        title: "Deactivate person",
        question: "Deactivate",
        note: "They can no longer sign in, and their seat becomes free. You can undo this.",
        dismiss: "Close",
        done: "Person deactivated",
    },
    reactivate: ActionWords {
        button: "Restore access",
        title: "Restore access",
        question: "Restore the access of",
        note: "They can sign in again. This takes a seat.",
        dismiss: "Close",
        done: "Access restored",
    },
    remove: ActionWords {
        button: "Delete",
        title: "Delete person",
        question: "Delete",
        note: "Their account and everything only they can see is gone for good.",
        dismiss: "Close",
        done: "Person deleted",
    },
    cancel_invitation: ActionWords {
        button: "Withdraw invite",
        title: "Withdraw invite",
        question: "Withdraw the invite of",
        note: "The link in the invitation stops working.",
        dismiss: "Leave as is",
        done: "Invite withdrawn",
    },
    resend_invitation: ActionWords {
        button: "Send again",
        title: "Send again",
        question: "",
        note: "",
        dismiss: "Close",
        done: "Invite sent again",
    },
    invited: "Invite sent",
};

impl Words {
    /// The words of one of the designs.
    pub(super) fn of(new_design: bool) -> &'static Self {
        if new_design { &NEW } else { &USUAL }
    }

    /// What a status is called.
    pub(super) fn status_word(&self, status: Status) -> &'static str {
        match status {
            Status::Active => self.active,
            Status::Pending => self.pending,
            Status::Suspended => self.suspended,
        }
    }

    /// What is said around an action.
    pub(super) fn around(&self, action: MemberAction) -> &ActionWords {
        match action {
            MemberAction::Edit => &self.edit,
            MemberAction::Suspend => &self.suspend,
            MemberAction::Reactivate => &self.reactivate,
            MemberAction::Remove => &self.remove,
            MemberAction::CancelInvitation => &self.cancel_invitation,
            MemberAction::ResendInvitation => &self.resend_invitation,
        }
    }
}

impl MemberAction {
    const ALL: [Self; 6] = [
        Self::Edit,
        Self::Suspend,
        Self::Reactivate,
        Self::Remove,
        Self::CancelInvitation,
        Self::ResendInvitation,
    ];

    /// Its place in an address.
    pub(super) const fn slug(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::Remove => "remove",
            Self::CancelInvitation => "cancel-invitation",
            Self::ResendInvitation => "resend-invitation",
        }
    }

    /// The action at this place.
    pub(super) fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.slug() == slug)
    }

    /// What can be done to a member of this status, in the order of the buttons.
    pub(super) const fn possible(status: Status) -> &'static [Self] {
        match status {
            Status::Active => &[Self::Edit, Self::Suspend, Self::Remove],
            Status::Suspended => &[Self::Edit, Self::Reactivate, Self::Remove],
            Status::Pending => &[Self::Edit, Self::ResendInvitation, Self::CancelInvitation],
        }
    }

    /// Whether it takes something away.
    pub(super) const fn is_grave(self) -> bool {
        matches!(self, Self::Suspend | Self::Remove | Self::CancelInvitation)
    }
}
