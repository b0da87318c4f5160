//! What a flow is for, told from its name, and what a connector declares for its flows to use.

use std::collections::{BTreeMap, BTreeSet};

use crate::playbook::Names;

/// The names that a connector declares.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Settings.
    pub settings: BTreeSet<String>,
    /// Attributes of an account.
    pub attributes: BTreeSet<String>,
    /// The attributes by which an account is recognised, the first before the others.
    pub match_by: Vec<String>,
    /// Types of entitlement of which an account holds one, such as `role`.
    pub one_valued: BTreeSet<String>,
    /// Types of entitlement of which an account holds many, such as `team`.
    pub many_valued: BTreeSet<String>,
    /// Key and label of each value, by type of entitlement; not of those whose values are listed by the app.
    pub values: BTreeMap<String, Vec<(String, String)>>,
    /// Fields of the service account's credentials, over all its ways to log in.
    pub credentials: BTreeSet<String>,
    /// Flows, those included that could not be read.
    pub flows: BTreeSet<String>,
}

impl Vocabulary {
    /// Every type of entitlement.
    pub fn entitlements(&self) -> impl Iterator<Item = &str> {
        self.one_valued.iter().chain(&self.many_valued).map(String::as_str)
    }

    /// What can be read of an account, and said of it after the dot of `account.`.
    pub fn account_fields(&self) -> impl Iterator<Item = &str> {
        let groups = self.knows_groups().then_some(GROUP);
        self.attributes
            .iter()
            .map(String::as_str)
            .chain(self.entitlements())
            .chain(["id", "status"])
            .chain(groups)
    }

    /// Whether the flows of a fixed name that have to do with groups are about groups: where an entitlement is called `group`, its
    /// own flows are meant.
    pub fn knows_groups(&self) -> bool {
        self.flows.contains("list_groups") && !self.entitlements().any(|entitlement| entitlement == GROUP)
    }
}

/// The name of a password that nobody knows: a secret, the same for the whole of a run.
pub const RANDOM_PASSWORD: &str = "random_password";

/// What templates call the group that a flow is about, and readings of accounts the groups that an account is in.
pub const GROUP: &str = "group";

/// What a flow is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Logs the service account in.
    Login,
    /// Lists all accounts.
    ListAccounts,
    /// Reads one account.
    ReadAccount,
    /// Makes an account.
    Invite,
    /// Changes attributes of an account.
    Update,
    /// Changes an entitlement of this type.
    Entitlement(String),
    /// Lists the values of an entitlement of this type.
    ListEntitlements(String),
    /// Brings an account back, with what an account holds one of: an app may have taken it away with the access.
    Reactivate,
    /// Changes an account's state otherwise.
    State,
    /// Lists groups.
    ListGroups,
    /// Makes a group.
    CreateGroup,
    /// Gives a group another name.
    RenameGroup,
    /// Removes a group.
    RemoveGroup,
    /// Puts an account into a group, or takes it out.
    Member,
    /// Done only as a part of others, by `run`.
    SubFlow,
}

const STATE: &[&str] = &["deactivate", "remove", "resend_invite", "cancel_invite"];
const GROUPS: &[(&str, Purpose)] = &[
    ("list_groups", Purpose::ListGroups),
    ("create_group", Purpose::CreateGroup),
    ("rename_group", Purpose::RenameGroup),
    ("remove_group", Purpose::RemoveGroup),
    ("add_member", Purpose::Member),
    ("remove_member", Purpose::Member),
];

impl Purpose {
    /// What the flow of that name is for.
    pub fn of(name: &str, vocabulary: &Vocabulary) -> Self {
        match name {
            "login" => return Self::Login,
            "list_accounts" => return Self::ListAccounts,
            "read_account" => return Self::ReadAccount,
            "invite" => return Self::Invite,
            "update" => return Self::Update,
            "reactivate" => return Self::Reactivate,
            _ if STATE.contains(&name) => return Self::State,
            _ => {}
        }
        if let Some((_, purpose)) = GROUPS.iter().find(|(flow, _)| *flow == name)
            && !vocabulary.entitlements().any(|entitlement| entitlement == GROUP)
        {
            return purpose.clone();
        }
        for (entitlement, prefixes) in
            vocabulary.one_valued.iter().map(|entitlement| (entitlement, &["change_"][..])).chain(
                vocabulary.many_valued.iter().map(|entitlement| (entitlement, &["grant_", "revoke_"][..])),
            )
        {
            if prefixes.iter().any(|prefix| name.strip_prefix(prefix) == Some(entitlement)) {
                return Self::Entitlement(entitlement.clone());
            }
        }
        for entitlement in vocabulary.entitlements() {
            if name.strip_prefix("list_").and_then(|rest| rest.strip_suffix('s')) == Some(entitlement) {
                return Self::ListEntitlements(entitlement.to_owned());
            }
        }
        Self::SubFlow
    }

    /// Every name that means something but `run` alone.
    pub fn flow_names(vocabulary: &Vocabulary) -> Vec<String> {
        let fixed = ["login", "list_accounts", "read_account", "invite", "update", "reactivate"];
        let groups = GROUPS.iter().map(|(name, _)| name);
        let groups = groups.filter(|_| !vocabulary.entitlements().any(|entitlement| entitlement == GROUP));
        let mut names: Vec<String> =
            fixed.iter().chain(STATE).chain(groups).map(|name| (*name).to_owned()).collect();
        names.extend(vocabulary.one_valued.iter().map(|entitlement| format!("change_{entitlement}")));
        for entitlement in &vocabulary.many_valued {
            names.extend([format!("grant_{entitlement}"), format!("revoke_{entitlement}")]);
        }
        names.extend(vocabulary.entitlements().map(|entitlement| format!("list_{entitlement}s")));
        names
    }

    /// Names that no flow can set.
    pub fn roots() -> &'static [&'static str] {
        &["settings", "account", "wanted", "credentials", RANDOM_PASSWORD]
    }

    /// What the flow's templates can use from its start.
    pub fn names(&self, vocabulary: &Vocabulary) -> Names {
        let mut names = Names::default();
        names.add_with("settings", vocabulary.settings.iter().map(String::as_str));
        if !matches!(
            self,
            Self::Login | Self::ListGroups | Self::CreateGroup | Self::RenameGroup | Self::RemoveGroup
        ) {
            names.add_with("account", vocabulary.account_fields());
        }
        let is_sub_flow = *self == Self::SubFlow;
        if self.is_about_a_group() || is_sub_flow && vocabulary.knows_groups() {
            names.add_with(GROUP, ["id", "name"]);
        }
        if *self == Self::Login {
            names.add_with("credentials", vocabulary.credentials.iter().map(String::as_str));
        }
        let new_name =
            (*self == Self::RenameGroup || is_sub_flow && vocabulary.knows_groups()).then_some("name");
        if *self == Self::RenameGroup {
            names.add_with("wanted", new_name);
        } else if *self == Self::Update || is_sub_flow {
            names.add_with("wanted", vocabulary.attributes.iter().map(String::as_str).chain(new_name));
        }
        if self.changes() || is_sub_flow {
            names.add(RANDOM_PASSWORD);
        }
        for entitlement in vocabulary.entitlements() {
            let has = match self {
                Self::Entitlement(own) => own == entitlement,
                Self::Invite | Self::Reactivate => vocabulary.one_valued.contains(entitlement),
                _ => is_sub_flow,
            };
            if has {
                names.add_with(entitlement, ["key", "label", "parent"]);
            }
        }
        names
    }

    /// Whether a flow of this purpose has `root` only where its caller has it.
    pub fn lends(&self, root: &str, vocabulary: &Vocabulary) -> bool {
        *self == Self::SubFlow
            && (root == "wanted"
                || root == RANDOM_PASSWORD
                || root == GROUP && vocabulary.knows_groups()
                || vocabulary.entitlements().any(|entitlement| entitlement == root))
    }

    /// Whether it changes the app, and so has a commit step on every path.
    pub fn changes(&self) -> bool {
        self.changes_an_account() || self.is_about_a_group()
    }

    /// Whether it changes one account.
    pub fn changes_an_account(&self) -> bool {
        matches!(
            self,
            Self::Invite
                | Self::Update
                | Self::Entitlement(_)
                | Self::Reactivate
                | Self::State
                | Self::Member
        )
    }

    /// Whether it changes one group, or who is in it.
    pub fn is_about_a_group(&self) -> bool {
        matches!(self, Self::CreateGroup | Self::RenameGroup | Self::RemoveGroup | Self::Member)
    }

    /// Whether it must leave the app as it is.
    pub fn only_reads(&self) -> bool {
        !self.changes() && *self != Self::SubFlow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_what_a_flow_is_for() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let vocabulary =
            Vocabulary { one_valued: set(&["role"]), many_valued: set(&["team"]), ..Vocabulary::default() };
        for (name, expected) in [
            ("login", Purpose::Login),
            ("change_role", Purpose::Entitlement("role".into())),
            ("grant_team", Purpose::Entitlement("team".into())),
            ("change_team", Purpose::SubFlow),
            ("grant_role", Purpose::SubFlow),
            ("list_teams", Purpose::ListEntitlements("team".into())),
            ("cancel_invite", Purpose::State),
            ("list_groups", Purpose::ListGroups),
            ("add_member", Purpose::Member),
            ("open_member", Purpose::SubFlow),
        ] {
            assert_eq!(Purpose::of(name, &vocabulary), expected, "{name}");
        }
        let grouped = Vocabulary { many_valued: set(&["group"]), ..Vocabulary::default() };
        for (name, expected) in [
            ("list_groups", Purpose::ListEntitlements("group".into())),
            ("grant_group", Purpose::Entitlement("group".into())),
            ("create_group", Purpose::SubFlow),
        ] {
            assert_eq!(Purpose::of(name, &grouped), expected, "{name}");
        }
        for name in Purpose::flow_names(&vocabulary) {
            assert_ne!(Purpose::of(&name, &vocabulary), Purpose::SubFlow, "{name}");
        }
    }
}
