//! What the flows of an integration are told, and what their answers mean.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::{Attributes, Group, Membership, Observed, Presence, UnknownStatus, Wanted};
use crate::connector::{Connector, Deactivate, From, Holds, Listed};
use crate::failure::FailureClass;
use crate::integration::Integration;
use crate::playbook::{Scope, ScopeValue};
use crate::reconcile::{
    self, AttributeRule, Capabilities, Deactivation, EntitlementRule, GroupOperation, Operation, Parents,
};
use crate::step::{Failure, GROUP};
use crate::store::{Grant, GroupOf, SeenAccount, UserRow};

/// What every flow of the integration is told.
pub(super) fn scope(integration: &Integration) -> Scope {
    integration.settings.clone()
}

/// What a flow about this account is told: the account as the app shows it.
pub(super) fn account_scope(integration: &Integration, account: &Observed) -> Scope {
    let mut scope = scope(integration);
    scope.set("account", ScopeValue::from(account_fields(&integration.connector, account)));
    scope
}

/// What the flow of `operation` is told.
pub(super) fn operation_scope(
    integration: &Integration,
    operation: &Operation,
    wanted: &Wanted,
    account: &Observed,
) -> Scope {
    let connector = &integration.connector;
    let mut scope = account_scope(integration, account);
    match operation {
        Operation::Invite | Operation::Reactivate => {
            for entitlement in connector.entitlements.iter().filter(|one| one.holds == Holds::One) {
                let key = wanted.entitlements.get(&entitlement.name).and_then(BTreeSet::first);
                let key = key.or(entitlement.default.as_ref());
                let fields = entitlement.fields(key.map_or("", String::as_str));
                scope.set(entitlement.name.clone(), ScopeValue::from(fields));
            }
        }
        Operation::Update { changes } => {
            let mut all = account_fields(connector, account);
            all.extend(changes.clone());
            all.retain(|name, _| connector.account.attribute(name).is_some());
            scope.set("wanted", ScopeValue::from(all));
        }
        Operation::Grant { entitlement, key }
        | Operation::Change { entitlement, key }
        | Operation::Revoke { entitlement, key } => {
            if let Some(declared) = connector.entitlement(entitlement) {
                scope.set(entitlement.clone(), ScopeValue::from(declared.fields(key)));
            }
        }
        Operation::Join { group } | Operation::Leave { group } => {
            scope.set(GROUP, ScopeValue::from(group_fields(group)));
        }
        Operation::CancelInvite | Operation::Deactivate | Operation::Remove => {}
    }
    scope
}

/// What the flow of a change of a group is told.
pub(super) fn group_scope(integration: &Integration, operation: &GroupOperation) -> Scope {
    let mut scope = scope(integration);
    let group = match operation {
        GroupOperation::Create { name } => Group { id: None, name: name.clone() },
        GroupOperation::Rename { group, .. } | GroupOperation::Remove { group } => group.clone(),
    };
    scope.set(GROUP, ScopeValue::from(group_fields(&group)));
    if let GroupOperation::Rename { name, .. } = operation {
        scope.set("wanted", ScopeValue::from(BTreeMap::from([("name".to_owned(), name.clone())])));
    }
    scope
}

fn group_fields(group: &Group) -> BTreeMap<String, String> {
    let id = group.id.clone().unwrap_or_default();
    BTreeMap::from([("id".to_owned(), id), ("name".to_owned(), group.name.clone())])
}

/// Everything that can be said of an account; what is not known is empty.
fn account_fields(connector: &Connector, account: &Observed) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for attribute in &connector.account.attributes {
        let value = account.attributes.get(&attribute.name).cloned().unwrap_or_default();
        fields.insert(attribute.name.clone(), value);
    }
    for entitlement in &connector.entitlements {
        let held = account.entitlements.get(&entitlement.name).into_iter().flatten();
        let labels: Vec<&str> = held.map(|key| entitlement.label_of(key)).collect();
        fields.insert(entitlement.name.clone(), labels.join(", "));
    }
    if connector.entitlement(GROUP).is_none() {
        let groups: Vec<&str> = account.groups.iter().flatten().map(String::as_str).collect();
        fields.insert(GROUP.to_owned(), groups.join(", "));
    }
    fields.insert("id".to_owned(), account.id.clone().unwrap_or_default());
    fields.insert("status".to_owned(), account.status.as_str().to_owned());
    fields
}

/// The value by which the account is recognised on a page: its first `match` attribute.
pub(super) fn identity<'a>(connector: &Connector, attributes: &'a Attributes) -> Option<&'a String> {
    attributes.get(connector.account.match_by.first()?)
}

/// All values by which the account can be recognised where a change is made: those of its `match` attributes.
pub(super) fn identities(connector: &Connector, attributes: &Attributes) -> Vec<String> {
    let values = connector.account.match_by.iter().filter_map(|name| attributes.get(name));
    values.filter(|value| !value.trim().is_empty()).cloned().collect()
}

/// The account that a flow read.
///
/// # Errors
/// What it read is no account: no status, or one that is none.
pub(super) fn observed(
    connector: &Connector,
    values: &BTreeMap<String, String>,
) -> Result<Observed, Failure> {
    let seen = connector.seen(values);
    // An app that shows no status shows those who can get in.
    let status = seen.status.as_deref().unwrap_or("active").parse().map_err(|error: UnknownStatus| {
        Failure::new(
            FailureClass::UiDrift,
            format!("the reading gave an account of an unknown status: {error}"),
        )
    })?;
    let (attributes, entitlements) = (seen.attributes, seen.entitlements);
    Ok(Observed { status, id: seen.id, attributes, entitlements, groups: seen.groups })
}

/// What is wanted of the account of a SCIM user.
///
/// # Errors
/// The connector no longer takes what it took when the request came.
pub(super) fn wanted(
    connector: &Connector,
    user: &UserRow,
    granted: &BTreeMap<String, Vec<String>>,
    groups: Vec<Membership>,
) -> Result<Wanted, Failure> {
    let presence = match (user.deleted_at, user.active) {
        (Some(_), _) => Presence::Gone,
        (None, true) => Presence::Active,
        (None, false) => Presence::Inactive,
    };
    let nothing = serde_json::Map::new();
    let resource = user.resource.as_object().unwrap_or(&nothing);
    match connector.wanted(resource) {
        // Whoever is to be without access goes, whatever the app has called its roles since.
        Err(_) if presence != Presence::Active => {
            let attributes = connector.identifying(resource);
            Ok(Wanted { presence, attributes, entitlements: BTreeMap::new(), groups })
        }
        Ok(mut mapped) => {
            connector.grant(&mut mapped, granted);
            let (attributes, entitlements) = (mapped.attributes, mapped.entitlements);
            Ok(Wanted { presence, attributes, entitlements, groups })
        }
        Err(errors) => {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(Failure::new(FailureClass::InvalidValue, lines.join("; ")))
        }
    }
}

/// Nothing is wanted of this account but that it is there: of a user whose wish cannot be understood.
pub(super) fn nothing(attributes: Attributes) -> Wanted {
    Wanted { presence: Presence::Active, attributes, entitlements: BTreeMap::new(), groups: Vec::new() }
}

/// What the groups of a user give, of each entitlement that any group gives.
pub(super) fn granted(grants: &[Grant], groups: &[GroupOf]) -> BTreeMap<String, Vec<String>> {
    let mut granted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for grant in grants {
        let keys = granted.entry(grant.entitlement.clone()).or_default();
        if groups.iter().any(|group| !group.is_found && grant.is_of(&group.display)) {
            keys.push(grant.key.clone());
        }
    }
    granted
}

/// What the planner has to know of the connector.
pub(super) fn capabilities(connector: &Connector) -> Capabilities {
    let is_address = |from: &From| match from {
        From::Path(path) => {
            path.eq_ignore_ascii_case("userName") || path.to_lowercase().starts_with("emails")
        }
        From::Template(_) => false,
    };
    let attributes = connector.account.attributes.iter().map(|attribute| {
        let ignore_case = attribute.from.as_ref().is_some_and(is_address)
            || connector.account.match_by.contains(&attribute.name);
        (attribute.name.clone(), AttributeRule { read_only: attribute.read_only, ignore_case })
    });
    let entitlements = connector.entitlements.iter().map(|entitlement| {
        let holds = match entitlement.holds {
            Holds::One => reconcile::Holds::One,
            Holds::Many => reconcile::Holds::Many,
        };
        let admins = entitlement.admins.iter().cloned().collect();
        let keys = entitlement.is_closed().then(|| entitlement.keys().map(str::to_owned).collect());
        let of = |one: &Listed| Some((one.key.clone(), one.parent.clone()?));
        let parents = entitlement.parent.clone().map(|parent| Parents {
            entitlement: parent,
            keys: entitlement.listed.iter().filter_map(of).collect(),
        });
        (entitlement.name.clone(), EntitlementRule { holds, admins, keys, parents })
    });
    Capabilities {
        flows: connector.book.flows.keys().cloned().collect(),
        deactivation: match &connector.account.deactivate {
            None | Some(Deactivate::Suspend) => Deactivation::Suspend,
            Some(Deactivate::Remove) => Deactivation::Remove,
            Some(Deactivate::Downgrade { entitlement, key }) => {
                Deactivation::Downgrade { entitlement: entitlement.clone(), key: key.clone() }
            }
        },
        attributes: attributes.collect(),
        entitlements: entitlements.collect(),
    }
}

/// What is kept of a reading.
pub(super) fn seen(account: &Observed) -> SeenAccount {
    SeenAccount {
        app_id: account.id.clone(),
        status: account.status,
        attributes: account.attributes.clone(),
        entitlements: account.entitlements.clone(),
        groups: account.groups.clone(),
        complete: true,
    }
}

/// The reading that was kept.
pub(super) fn kept(seen: SeenAccount) -> Observed {
    let SeenAccount { app_id, status, attributes, entitlements, groups, .. } = seen;
    Observed { status, id: app_id, attributes, entitlements, groups }
}
