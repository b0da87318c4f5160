//! The planner.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::{Attributes, Membership, Observed, Presence, Status, Wanted};
use crate::failure::FailureClass;

use super::group::refuse_protected_group;
use super::{Capabilities, Deactivation, Holds, Operation, Protection};

/// Why a plan must not be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The class of failure that the job ends with.
    pub class: FailureClass,
    /// What is the matter and what to do, for an administrator.
    pub message: String,
}

/// The operations that make `observed` as `wanted`; empty when nothing has to change.
///
/// # Errors
/// A [`Refusal`] when the account is protected or the connector has no flow for something that is needed: then nothing
/// is done at all.
pub fn plan(
    wanted: &Wanted,
    observed: &Observed,
    can: &Capabilities,
    protection: &Protection,
) -> Result<Vec<Operation>, Refusal> {
    groups_are_seen(wanted, observed)?;
    let operations = match wanted.presence {
        Presence::Active => grant_access(wanted, observed, can),
        Presence::Inactive => lock_out(observed, can),
        Presence::Gone => remove(observed, can),
    };
    if !operations.is_empty() {
        refuse_protected(wanted, observed, protection)?;
    }
    for operation in &operations {
        if let Operation::Join { group } | Operation::Leave { group } = operation {
            refuse_protected_group(group, protection)?;
        }
        refuse_unsupported(operation, can)?;
    }
    Ok(operations)
}

fn grant_access(wanted: &Wanted, observed: &Observed, can: &Capabilities) -> Vec<Operation> {
    if observed.status == Status::Absent {
        // What the invitation itself does not set shows in the next reading, and is planned then.
        return vec![Operation::Invite];
    }
    let mut operations = Vec::new();
    if observed.status == Status::Suspended {
        operations.push(Operation::Reactivate);
    }
    let changes = differing_attributes(wanted, observed, can);
    if !changes.is_empty() {
        operations.push(Operation::Update { changes });
    }
    let (additions, mut removals) = entitlements(wanted, observed, can);
    operations.extend(additions);
    let is_in = |membership: &&Membership| {
        observed.groups.as_ref().is_some_and(|groups| groups.contains(&membership.group.name))
    };
    let (in_groups, others): (Vec<_>, Vec<_>) = wanted.groups.iter().partition(is_in);
    let group = |membership: &Membership| membership.group.clone();
    let joins = others.into_iter().filter(|membership| membership.is_wanted);
    operations.extend(joins.map(|membership| Operation::Join { group: group(membership) }));
    let leaves = in_groups.into_iter().filter(|membership| !membership.is_wanted);
    removals.extend(leaves.map(|membership| Operation::Leave { group: group(membership) }));
    operations.extend(removals);
    operations
}

/// What is to be given, and what is to be taken away. What something belongs to is given before it, and taken away after it.
fn entitlements(
    wanted: &Wanted,
    observed: &Observed,
    can: &Capabilities,
) -> (Vec<Operation>, Vec<Operation>) {
    let needed = needed(wanted, can);
    let mut types: Vec<&String> = wanted.entitlements.keys().chain(needed.keys()).collect();
    types.sort_by_key(|name| (can.depth(name), *name));
    types.dedup();
    let (mut additions, mut removals) = (Vec::new(), Vec::new());
    for entitlement in types {
        let (Some(rule), Some(held)) =
            (can.entitlements.get(entitlement), observed.entitlements.get(entitlement))
        else {
            continue;
        };
        let said = wanted.entitlements.get(entitlement);
        if let (Holds::One, Some(keys)) = (rule.holds, said) {
            additions.extend(change(entitlement, keys, held));
            continue;
        }
        let keys: BTreeSet<&String> = said.into_iter().chain(needed.get(entitlement)).flatten().collect();
        let of = |key: &String| (entitlement.clone(), key.clone());
        let given = keys.iter().filter(|key| !held.contains(**key)).map(|key| of(key));
        additions.extend(given.map(|(entitlement, key)| Operation::Grant { entitlement, key }));
        // Of a type that nobody speaks of, nothing is taken away.
        let taken = held.iter().filter(|key| said.is_some() && !keys.contains(key)).map(of);
        let taken: Vec<Operation> =
            taken.map(|(entitlement, key)| Operation::Revoke { entitlement, key }).collect();
        removals.splice(..0, taken);
    }
    (additions, removals)
}

/// What the wanted values belong to, and what that belongs to, by type.
fn needed(wanted: &Wanted, can: &Capabilities) -> BTreeMap<String, BTreeSet<String>> {
    let mut needed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let keys = wanted.entitlements.iter();
    let mut open: Vec<(&String, &String)> =
        keys.flat_map(|(entitlement, keys)| keys.iter().map(move |key| (entitlement, key))).collect();
    while let Some((entitlement, key)) = open.pop() {
        let parents = can.entitlements.get(entitlement).and_then(|rule| rule.parents.as_ref());
        let Some((of, parent)) = parents.and_then(|of| Some((&of.entitlement, of.keys.get(key)?))) else {
            continue;
        };
        if needed.entry(of.clone()).or_default().insert(parent.clone()) {
            open.push((of, parent));
        }
    }
    needed
}

/// What was not seen cannot be said to be as wanted.
fn groups_are_seen(wanted: &Wanted, observed: &Observed) -> Result<(), Refusal> {
    let is_there = observed.status != Status::Absent && wanted.presence == Presence::Active;
    if !is_there || wanted.groups.is_empty() {
        return Ok(());
    }
    let Some(groups) = &observed.groups else {
        let message = "the reading of the account did not show which groups it is in (`group`)".to_owned();
        return Err(Refusal { class: FailureClass::UiDrift, message });
    };
    // Shown between commas, it reads as several groups.
    let in_pieces = |name: &str| {
        name.contains(',')
            && !groups.contains(name)
            && name.split(',').all(|piece| groups.contains(piece.trim()))
    };
    match wanted.groups.iter().find(|membership| in_pieces(&membership.group.name)) {
        None => Ok(()),
        Some(membership) => {
            let message = format!(
                "the app shows groups between commas, and the name of the group {} has one; \
                 the connector has to read each on a line of its own (`names:`)",
                membership.group.name
            );
            Err(Refusal { class: FailureClass::Unsupported, message })
        }
    }
}

fn change(entitlement: &str, wanted: &BTreeSet<String>, held: &BTreeSet<String>) -> Option<Operation> {
    let key = wanted.first()?;
    (wanted != held).then(|| Operation::Change { entitlement: entitlement.to_owned(), key: key.clone() })
}

/// What differs among the attributes that the reading showed: what was not seen cannot be said to differ.
fn differing_attributes(wanted: &Wanted, observed: &Observed, can: &Capabilities) -> Attributes {
    let writable = |name: &str| can.attributes.get(name).is_some_and(|rule| !rule.read_only);
    wanted
        .attributes
        .iter()
        .filter(|(name, _)| writable(name))
        .filter(|(name, value)| {
            observed.attributes.get(*name).is_some_and(|seen| !can.same(name, seen, value))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn lock_out(observed: &Observed, can: &Capabilities) -> Vec<Operation> {
    match (observed.status, &can.deactivation) {
        (Status::Absent | Status::Suspended, _) => Vec::new(),
        (Status::Invited, _) => vec![withdraw(can)],
        (Status::Active, Deactivation::Suspend) => vec![Operation::Deactivate],
        (Status::Active, Deactivation::Remove) => vec![Operation::Remove],
        (Status::Active, Deactivation::Downgrade { entitlement, key }) => {
            let held = observed.entitlements.get(entitlement).cloned().unwrap_or_default();
            change(entitlement, &BTreeSet::from([key.clone()]), &held).into_iter().collect()
        }
    }
}

fn remove(observed: &Observed, can: &Capabilities) -> Vec<Operation> {
    match observed.status {
        Status::Absent => Vec::new(),
        Status::Invited => vec![withdraw(can)],
        Status::Active | Status::Suspended if can.has("remove") => vec![Operation::Remove],
        Status::Active | Status::Suspended => lock_out(observed, can),
    }
}

/// An app that cannot withdraw an invitation may still let its account be removed.
fn withdraw(can: &Capabilities) -> Operation {
    if !can.has("cancel_invite") && can.has("remove") { Operation::Remove } else { Operation::CancelInvite }
}

fn refuse_protected(wanted: &Wanted, observed: &Observed, protection: &Protection) -> Result<(), Refusal> {
    match protection.covers(&observed.attributes).or_else(|| protection.covers(&wanted.attributes)) {
        None => Ok(()),
        Some(pattern) => Err(Refusal {
            class: FailureClass::Protected,
            message: format!(
                "this account is protected by `{pattern}` and is never changed; \
                 take it off the integration's protected list first if it shall be"
            ),
        }),
    }
}

fn refuse_unsupported(operation: &Operation, can: &Capabilities) -> Result<(), Refusal> {
    let flow = operation.flow();
    if can.has(&flow) {
        return Ok(());
    }
    Err(Refusal {
        class: FailureClass::Unsupported,
        message: format!("the connector has no flow `{flow}`, which is needed to {operation}"),
    })
}

#[cfg(test)]
mod tests;
