//! The cases of the contract, and how each can end.

use std::error::Error;
use std::path::PathBuf;

use serde::Serialize;

use crate::connector::{Connector, Deactivate, Holds};
use crate::failure::FailureClass;

/// One promise that a connector is held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Login,
    ListComplete,
    Invite,
    InviteAgain,
    /// Another value of a type of which an account holds one.
    Change(String),
    /// A value more of a type of which it holds many.
    Grant(String),
    Revoke(String),
    Rename,
    CreateGroup,
    AddMember,
    RenameGroup,
    RemoveMember,
    RemoveGroup,
    Deactivate,
    DeactivateAgain,
    Reactivate,
    CancelInvite,
    Remove,
    ServiceAccount,
    Protected,
    LastAdmin,
    /// The last, after everything was put back: an app that locks the service account then does no more harm than that.
    WrongPassword,
}

impl Case {
    /// Every case that there is for this connector, in the order in which they are played.
    pub(super) fn of(connector: &Connector) -> Vec<Self> {
        let named = |holds: Holds| {
            let those = connector.entitlements.iter().filter(move |one| one.holds == holds);
            those.map(|one| one.name.clone())
        };
        let mut cases = vec![Self::Login, Self::ListComplete, Self::Invite, Self::InviteAgain];
        cases.extend(named(Holds::One).map(Self::Change));
        cases.extend(named(Holds::Many).flat_map(|name| [Self::Grant(name.clone()), Self::Revoke(name)]));
        cases.push(Self::Rename);
        if connector.replicates_groups() {
            cases.extend([Self::CreateGroup, Self::AddMember, Self::RenameGroup]);
            cases.extend([Self::RemoveMember, Self::RemoveGroup]);
        }
        cases.extend([Self::Deactivate, Self::DeactivateAgain, Self::Reactivate]);
        cases.extend([Self::CancelInvite, Self::Remove, Self::ServiceAccount, Self::Protected]);
        cases.extend([Self::LastAdmin, Self::WrongPassword]);
        cases
    }

    pub(super) fn name(&self) -> String {
        let fixed = match self {
            Self::Change(entitlement) => return format!("change_{entitlement}"),
            Self::Grant(entitlement) => return format!("grant_{entitlement}"),
            Self::Revoke(entitlement) => return format!("revoke_{entitlement}"),
            Self::Login => "login",
            Self::ListComplete => "list_complete",
            Self::Invite => "invite",
            Self::InviteAgain => "invite_again",
            Self::Rename => "rename",
            Self::CreateGroup => "create_group",
            Self::AddMember => "add_member",
            Self::RenameGroup => "rename_group",
            Self::RemoveMember => "remove_member",
            Self::RemoveGroup => "remove_group",
            Self::Deactivate => "deactivate",
            Self::DeactivateAgain => "deactivate_again",
            Self::Reactivate => "reactivate",
            Self::CancelInvite => "cancel_invite",
            Self::Remove => "remove",
            Self::ServiceAccount => "service_account",
            Self::Protected => "protected",
            Self::LastAdmin => "last_admin",
            Self::WrongPassword => "wrong_password",
        };
        fixed.to_owned()
    }

    /// The flow that the connector must have for it, where there is one of which that can be said.
    fn flow(&self, connector: &Connector) -> Option<String> {
        let deactivating = || match &connector.account.deactivate {
            None | Some(Deactivate::Suspend) => "deactivate".to_owned(),
            Some(Deactivate::Remove) => "remove".to_owned(),
            Some(Deactivate::Downgrade { entitlement, .. }) => format!("change_{entitlement}"),
        };
        match self {
            Self::Login | Self::ServiceAccount | Self::Protected | Self::WrongPassword => None,
            Self::ListComplete => Some("list_accounts".to_owned()),
            Self::InviteAgain => Some("invite".to_owned()),
            Self::Rename => Some("update".to_owned()),
            Self::Deactivate | Self::DeactivateAgain | Self::LastAdmin => Some(deactivating()),
            Self::Reactivate => Some(match &connector.account.deactivate {
                None | Some(Deactivate::Suspend) => "reactivate".to_owned(),
                Some(Deactivate::Remove) => "invite".to_owned(),
                Some(Deactivate::Downgrade { entitlement, .. }) => format!("change_{entitlement}"),
            }),
            other => Some(other.name()),
        }
    }

    /// Why the connector need not keep it.
    pub(super) fn beyond(&self, connector: &Connector) -> Option<String> {
        let lacks = self.flow(connector).filter(|flow| !connector.can(flow));
        lacks.map(|flow| format!("the connector has no flow `{flow}`"))
    }

    /// Whether it is about somebody or something of the suite, of which a reading of all must then show that it is as it is wanted.
    pub(super) fn is_about_ours(&self) -> bool {
        use Case::{LastAdmin, ListComplete, Login, Protected, ServiceAccount, WrongPassword};
        !matches!(self, LastAdmin | ListComplete | Login | Protected | ServiceAccount | WrongPassword)
    }
}

/// What came of a case: what was seen, or why there is nothing to see.
pub(super) type Verdict = Result<String, End>;

/// Why a case did not pass.
#[derive(Debug)]
pub(super) enum End {
    Failed(Box<Fault>),
    /// It could not be played, for this reason.
    Skipped(String),
}

/// What a connector did not keep.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Fault {
    pub(super) class: FailureClass,
    pub(super) message: String,
    /// The step that failed, and where it is written.
    pub(super) step: Option<String>,
    /// The page at that moment.
    pub(super) picture: Option<PathBuf>,
}

impl End {
    /// What a reading shows is not what it has to be.
    pub(super) fn otherwise(message: impl Into<String>) -> Self {
        Self::of(FailureClass::VerifyMismatch, message)
    }

    pub(super) fn of(class: FailureClass, message: impl Into<String>) -> Self {
        Self::Failed(Box::new(Fault { class, message: message.into(), step: None, picture: None }))
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::Failed(fault) => format!("{}: {}", fault.class, fault.message),
            Self::Skipped(why) => why.clone(),
        }
    }
}

impl<E: Error> From<E> for End {
    fn from(error: E) -> Self {
        let mut words = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            words = format!("{words}: {cause}");
            source = cause.source();
        }
        Self::of(FailureClass::Internal, words)
    }
}
