//! The planner.

use std::collections::BTreeSet;

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
    let mut removals = Vec::new();
    for (entitlement, keys) in &wanted.entitlements {
        let (Some(rule), Some(held)) =
            (can.entitlements.get(entitlement), observed.entitlements.get(entitlement))
        else {
            continue;
        };
        match rule.holds {
            Holds::One => operations.extend(change(entitlement, keys, held)),
            Holds::Many => {
                operations.extend(
                    keys.difference(held)
                        .map(|key| Operation::Grant { entitlement: entitlement.clone(), key: key.clone() }),
                );
                removals.extend(
                    held.difference(keys)
                        .map(|key| Operation::Revoke { entitlement: entitlement.clone(), key: key.clone() }),
                );
            }
        }
    }
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
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::account::Group;
    use crate::reconcile::{AttributeRule, EntitlementRule};

    fn can() -> Capabilities {
        let flows =
            "invite update change_role grant_team revoke_team deactivate reactivate remove cancel_invite";
        let many = EntitlementRule { holds: Holds::Many, admins: BTreeSet::new(), keys: None };
        let one = EntitlementRule { holds: Holds::One, admins: BTreeSet::from(["owner".into()]), keys: None };
        Capabilities {
            flows: flows.split(' ').map(str::to_owned).collect(),
            deactivation: Deactivation::Suspend,
            attributes: BTreeMap::from([
                ("id".into(), AttributeRule { read_only: true, ignore_case: false }),
                ("email".into(), AttributeRule { read_only: false, ignore_case: true }),
                ("name".into(), AttributeRule::default()),
            ]),
            entitlements: BTreeMap::from([("role".into(), one), ("team".into(), many)]),
        }
    }

    fn wanted(presence: Presence, name: &str, role: &str, teams: &[&str]) -> Wanted {
        Wanted {
            groups: Vec::new(),
            presence,
            attributes: Attributes::from([
                ("email".into(), "Ada@x.example".into()),
                ("name".into(), name.into()),
            ]),
            entitlements: BTreeMap::from([
                ("role".into(), BTreeSet::from([role.into()])),
                ("team".into(), teams.iter().map(|&team| team.into()).collect()),
            ]),
        }
    }

    fn observed(status: Status, name: &str, role: &str, teams: &[&str]) -> Observed {
        if status == Status::Absent {
            return Observed::absent();
        }
        let wanted = wanted(Presence::Active, name, role, teams);
        let attributes = Attributes::from([
            ("id".into(), "7".into()),
            ("email".into(), "ada@x.example".into()),
            ("name".into(), name.into()),
        ]);
        Observed {
            status,
            id: Some("7".into()),
            attributes,
            entitlements: wanted.entitlements,
            groups: Some(BTreeSet::new()),
        }
    }

    fn words(wanted: &Wanted, observed: &Observed, can: &Capabilities) -> String {
        match plan(wanted, observed, can, &Protection::default()) {
            Ok(operations) => operations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            Err(refusal) => refusal.class.to_string(),
        }
    }

    #[test]
    fn joiner_mover_leaver_and_returner() {
        use Presence::{Active as In, Gone, Inactive as Out};
        use Status::{Absent, Active, Invited, Suspended};
        let check = |presence,
                     status,
                     teams: (&[&str], &[&str]),
                     role: (&str, &str),
                     name: (&str, &str),
                     expected: &str| {
            let wanted = wanted(presence, name.0, role.0, teams.0);
            assert_eq!(words(&wanted, &observed(status, name.1, role.1, teams.1), &can()), expected);
        };
        let same: (&[&str], &[&str]) = (&["a"], &["a"]);
        check(In, Absent, same, ("viewer", "viewer"), ("A", "A"), "invite");
        check(In, Active, same, ("viewer", "viewer"), ("A", "A"), "");
        check(In, Invited, same, ("viewer", "viewer"), ("A", "A"), "");
        check(In, Suspended, same, ("agent", "viewer"), ("A", "A"), "reactivate; change role to agent");
        check(In, Active, same, ("agent", "viewer"), ("B", "A"), "update name; change role to agent");
        check(
            In,
            Active,
            (&["a", "b"], &["c"]),
            ("v", "v"),
            ("A", "A"),
            "grant team a; grant team b; revoke team c",
        );
        check(Out, Absent, same, ("v", "v"), ("A", "A"), "");
        check(Out, Suspended, same, ("x", "v"), ("B", "A"), "");
        check(Out, Active, same, ("x", "v"), ("B", "A"), "deactivate");
        check(Out, Invited, same, ("v", "v"), ("A", "A"), "cancel the invitation");
        check(Gone, Active, same, ("v", "v"), ("A", "A"), "remove");
        check(Gone, Suspended, same, ("v", "v"), ("A", "A"), "remove");
        check(Gone, Invited, same, ("v", "v"), ("A", "A"), "cancel the invitation");
        check(Gone, Absent, same, ("v", "v"), ("A", "A"), "");
    }

    #[test]
    fn groups_are_joined_before_others_are_left_and_only_those_that_are_kept() {
        let group = |name: &str| Group { id: None, name: name.to_owned() };
        let member = |name, is_wanted| Membership { group: group(name), is_wanted };
        let wanted = |presence| Wanted {
            groups: vec![member("a", false), member("b", true), member("c", true), member("d", false)],
            ..wanted(presence, "A", "v", &[])
        };
        let seen = |status, groups: Option<&[&str]>| Observed {
            groups: groups.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
            ..observed(status, "A", "v", &[])
        };
        for (presence, status, groups, expected) in [
            (
                Presence::Active,
                Status::Active,
                Some(&["a", "b", "other"][..]),
                "add to the group c; take out of the group a",
            ),
            (Presence::Active, Status::Active, Some(&["b", "c"]), ""),
            (Presence::Active, Status::Absent, None, "invite"),
            (Presence::Active, Status::Active, None, "ui_drift"),
            (Presence::Inactive, Status::Active, None, "deactivate"),
            (Presence::Gone, Status::Active, Some(&["a"]), "remove"),
        ] {
            let mut can = can();
            can.flows.extend(["add_member".to_owned(), "remove_member".to_owned()]);
            assert_eq!(
                words(&wanted(presence), &seen(status, groups), &can),
                expected,
                "{presence:?} {status}"
            );
        }
        let active = wanted(Presence::Active);
        assert_eq!(words(&active, &seen(Status::Active, Some(&[])), &can()), "unsupported");
        let mut can = can();
        can.flows.extend(["add_member".to_owned(), "remove_member".to_owned()]);
        let protection = Protection::new(["C".to_owned()]);
        let refused = plan(&active, &seen(Status::Active, Some(&["b"])), &can, &protection).unwrap_err();
        assert_eq!(refused.class, FailureClass::Protected, "somebody would be put into a protected group");
        let comma = Wanted { groups: vec![member("Sales, EMEA", false)], ..active };
        assert_eq!(words(&comma, &seen(Status::Active, Some(&["EMEA", "Sales"])), &can), "unsupported");
        assert_eq!(words(&comma, &seen(Status::Active, Some(&["EMEA"])), &can), "");
        let one_a_line = seen(Status::Active, Some(&["Sales, EMEA"]));
        assert_eq!(words(&comma, &one_a_line, &can), "take out of the group Sales, EMEA");
    }

    #[test]
    fn deactivation_is_what_the_connector_says() {
        let leaver = wanted(Presence::Inactive, "A", "agent", &[]);
        let active = observed(Status::Active, "A", "agent", &[]);
        let remove = Capabilities { deactivation: Deactivation::Remove, ..can() };
        assert_eq!(words(&leaver, &active, &remove), "remove");
        let downgrade = Deactivation::Downgrade { entitlement: "role".into(), key: "none".into() };
        let downgrade = Capabilities { deactivation: downgrade, ..can() };
        assert_eq!(words(&leaver, &active, &downgrade), "change role to none");
        assert_eq!(words(&leaver, &observed(Status::Active, "A", "none", &[]), &downgrade), "");
    }

    #[test]
    fn protected_accounts_and_missing_flows_are_refused_before_anything_is_done() {
        let mover = wanted(Presence::Active, "A", "agent", &[]);
        let seen = observed(Status::Active, "A", "viewer", &[]);
        let protection = Protection::new(["ADA@x.example".to_owned()]);
        assert_eq!(plan(&mover, &seen, &can(), &protection).unwrap_err().class, FailureClass::Protected);
        let unchanged = observed(Status::Active, "A", "agent", &[]);
        assert_eq!(plan(&mover, &unchanged, &can(), &protection), Ok(vec![]), "nothing to do is no offence");

        let mut few = can();
        few.flows.remove("change_role");
        assert_eq!(words(&mover, &seen, &few), "unsupported");
        few.flows.remove("cancel_invite");
        let invited = observed(Status::Invited, "A", "viewer", &[]);
        assert_eq!(words(&wanted(Presence::Inactive, "A", "v", &[]), &invited, &few), "remove");
    }

    /// What an app does with an operation.
    fn apply(observed: &mut Observed, operation: &Operation, wanted: &Wanted) {
        match operation {
            Operation::Invite => {
                *observed = self::observed(Status::Invited, "", "viewer", &[]);
                observed.attributes.extend(wanted.attributes.clone());
            }
            Operation::Reactivate => observed.status = Status::Active,
            Operation::Update { changes } => observed.attributes.extend(changes.clone()),
            Operation::Grant { entitlement, key } => {
                observed.entitlements.entry(entitlement.clone()).or_default().insert(key.clone());
            }
            Operation::Revoke { entitlement, key } => {
                observed.entitlements.entry(entitlement.clone()).or_default().remove(key);
            }
            Operation::Change { entitlement, key } => {
                observed.entitlements.insert(entitlement.clone(), BTreeSet::from([key.clone()]));
            }
            Operation::Join { group } => {
                observed.groups.get_or_insert_default().insert(group.name.clone());
            }
            Operation::Leave { group } => {
                observed.groups.get_or_insert_default().remove(&group.name);
            }
            Operation::Deactivate => observed.status = Status::Suspended,
            Operation::Remove | Operation::CancelInvite => *observed = Observed::absent(),
        }
    }

    fn words_of(teams: &[String]) -> Vec<&str> {
        teams.iter().map(String::as_str).collect()
    }

    proptest! {
        #[test]
        fn two_rounds_of_planning_and_doing_leave_nothing_to_do(
            presence in prop::sample::select(vec![Presence::Active, Presence::Inactive, Presence::Gone]),
            status in prop::sample::select(vec![Status::Absent, Status::Invited, Status::Active, Status::Suspended]),
            names in ("[AB]", "[AB]"), roles in ("viewer|agent|owner", "viewer|agent|owner"),
            teams in (prop::collection::vec("a|b|c", 0..3), prop::collection::vec("a|b|c", 0..3)),
        ) {
            let (wanted_teams, held_teams) = (words_of(&teams.0), words_of(&teams.1));
            let wanted = wanted(presence, &names.0, &roles.0, &wanted_teams);
            let mut seen = observed(status, &names.1, &roles.1, &held_teams);
            for _round in 0..2 {
                let operations = plan(&wanted, &seen, &can(), &Protection::default()).unwrap();
                let first_removal = operations.iter().position(|o| matches!(o, Operation::Revoke { .. }));
                let last_grant = operations.iter().rposition(|o| matches!(o, Operation::Grant { .. }));
                if let (Some(removal), Some(grant)) = (first_removal, last_grant) {
                    prop_assert!(grant < removal, "additions come first: {operations:?}");
                }
                for operation in &operations {
                    apply(&mut seen, operation, &wanted);
                }
            }
            prop_assert_eq!(plan(&wanted, &seen, &can(), &Protection::default()), Ok(vec![]));
            if presence != Presence::Active {
                prop_assert!(matches!(seen.status, Status::Absent | Status::Suspended));
            }
        }
    }
}
