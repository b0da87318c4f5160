//! One change to one account.

use std::fmt;

use crate::account::{Attributes, Group};

/// One change to one account; each is done by one flow of the connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Create the account.
    Invite,
    /// Bring the account back.
    Reactivate,
    /// Set attributes.
    Update {
        /// The attributes that differ, with the values they shall have.
        changes: Attributes,
    },
    /// Add a key of a many-valued entitlement.
    Grant {
        /// The entitlement type.
        entitlement: String,
        /// The key.
        key: String,
    },
    /// Replace the key of a one-valued entitlement.
    Change {
        /// The entitlement type.
        entitlement: String,
        /// The key it shall have.
        key: String,
    },
    /// Take away a key of a many-valued entitlement.
    Revoke {
        /// The entitlement type.
        entitlement: String,
        /// The key.
        key: String,
    },
    /// Put the account into a group.
    Join {
        /// The group.
        group: Group,
    },
    /// Take the account out of a group.
    Leave {
        /// The group.
        group: Group,
    },
    /// Withdraw the invitation (R12).
    CancelInvite,
    /// Lock the person out and keep the account.
    Deactivate,
    /// Remove the account.
    Remove,
}

impl Operation {
    /// The type of entitlement that it is about; none where it is about more, or something else.
    pub fn entitlement(&self) -> Option<&str> {
        match self {
            Self::Grant { entitlement, .. }
            | Self::Change { entitlement, .. }
            | Self::Revoke { entitlement, .. } => Some(entitlement),
            _ => None,
        }
    }

    /// The flow that does it.
    pub fn flow(&self) -> String {
        match self {
            Self::Invite => "invite".to_owned(),
            Self::Reactivate => "reactivate".to_owned(),
            Self::Update { .. } => "update".to_owned(),
            Self::Grant { entitlement, .. } => format!("grant_{entitlement}"),
            Self::Change { entitlement, .. } => format!("change_{entitlement}"),
            Self::Revoke { entitlement, .. } => format!("revoke_{entitlement}"),
            Self::Join { .. } => "add_member".to_owned(),
            Self::Leave { .. } => "remove_member".to_owned(),
            Self::CancelInvite => "cancel_invite".to_owned(),
            Self::Deactivate => "deactivate".to_owned(),
            Self::Remove => "remove".to_owned(),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invite => f.write_str("invite"),
            Self::Reactivate => f.write_str("reactivate"),
            Self::Update { changes } => {
                write!(f, "update {}", changes.keys().cloned().collect::<Vec<_>>().join(", "))
            }
            Self::Grant { entitlement, key } => write!(f, "grant {entitlement} {key}"),
            Self::Change { entitlement, key } => write!(f, "change {entitlement} to {key}"),
            Self::Revoke { entitlement, key } => write!(f, "revoke {entitlement} {key}"),
            Self::Join { group } => write!(f, "add to the group {}", group.name),
            Self::Leave { group } => write!(f, "take out of the group {}", group.name),
            Self::CancelInvite => f.write_str("cancel the invitation"),
            Self::Deactivate => f.write_str("deactivate"),
            Self::Remove => f.write_str("remove"),
        }
    }
}
