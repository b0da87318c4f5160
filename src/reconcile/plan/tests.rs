use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::account::{Entitlements, Group};
use crate::reconcile::{AttributeRule, EntitlementRule, Parents};

fn can() -> Capabilities {
    let flows = "invite update change_role grant_team revoke_team deactivate reactivate remove cancel_invite";
    let many = EntitlementRule { holds: Holds::Many, admins: BTreeSet::new(), keys: None, parents: None };
    let one = EntitlementRule {
        holds: Holds::One,
        admins: BTreeSet::from(["owner".into()]),
        keys: None,
        parents: None,
    };
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
        assert_eq!(words(&wanted(presence), &seen(status, groups), &can), expected, "{presence:?} {status}");
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

fn keys(text: &str) -> BTreeSet<String> {
    text.chars().map(|key| key.to_string()).collect()
}

/// An app with two types of which an account holds many, and groups, of which `x` and `y` are kept.
fn rich() -> Capabilities {
    let mut can = can();
    can.flows.extend(["grant_site", "revoke_site", "add_member", "remove_member"].map(str::to_owned));
    can.entitlements.insert("site".into(), can.entitlements["team"].clone());
    can
}

fn takes_away(operation: &Operation) -> bool {
    matches!(operation, Operation::Revoke { .. } | Operation::Leave { .. })
}

/// How many operations make one active account of another, at least: one for all attributes, one for each other thing that differs.
fn fewest(wanted: &Wanted, seen: &Observed) -> usize {
    let differ =
        |name: &str| wanted.entitlements[name].symmetric_difference(&seen.entitlements[name]).count();
    let is_in = |group: &Group| seen.groups.as_ref().unwrap().contains(&group.name);
    usize::from(wanted.attributes["name"] != seen.attributes["name"])
        + usize::from(differ("role") > 0)
        + differ("team")
        + differ("site")
        + wanted.groups.iter().filter(|one| one.is_wanted != is_in(&one.group)).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn two_rounds_of_planning_and_doing_leave_nothing_to_do_and_none_does_too_much(
        presence in prop::sample::select(vec![Presence::Active, Presence::Inactive, Presence::Gone]),
        status in prop::sample::select(vec![Status::Absent, Status::Invited, Status::Active, Status::Suspended]),
        names in ("[AB]", "[AB]"), roles in ("viewer|agent|owner", "viewer|agent|owner"),
        teams in ("[abc]{0,3}", "[abc]{0,3}"), sites in ("[pq]{0,2}", "[pq]{0,2}"), groups in ("[xy]{0,2}", "[xyz]{0,3}"),
    ) {
        let mut wanted = wanted(presence, &names.0, &roles.0, &[]);
        wanted.entitlements.extend([("team".to_owned(), keys(&teams.0)), ("site".to_owned(), keys(&sites.0))]);
        wanted.groups = ["x", "y"]
            .map(|name| Membership {
                group: Group { id: None, name: name.to_owned() },
                is_wanted: groups.0.contains(name),
            })
            .into();
        let mut seen = observed(status, &names.1, &roles.1, &[]);
        if status != Status::Absent {
            seen.entitlements.extend([("team".to_owned(), keys(&teams.1)), ("site".to_owned(), keys(&sites.1))]);
            seen.groups = Some(keys(&groups.1));
        }
        for round in 0..2 {
            let operations = plan(&wanted, &seen, &rich(), &Protection::default()).unwrap();
            let first_removal = operations.iter().position(takes_away).unwrap_or(operations.len());
            prop_assert!(operations[first_removal..].iter().all(takes_away), "additions come first: {operations:?}");
            if round == 0 && (presence, status) == (Presence::Active, Status::Active) {
                prop_assert_eq!(operations.len(), fewest(&wanted, &seen), "{:?}", operations);
            }
            for operation in &operations {
                apply(&mut seen, operation, &wanted);
            }
        }
        prop_assert_eq!(plan(&wanted, &seen, &rich(), &Protection::default()), Ok(vec![]));
        if presence != Presence::Active {
            prop_assert!(matches!(seen.status, Status::Absent | Status::Suspended));
        }
    }
}

/// A board belongs to a project, and a project to an office.
fn with_parents() -> Capabilities {
    let rule = |parents: Option<(&str, &[(&str, &str)])>| EntitlementRule {
        holds: Holds::Many,
        admins: BTreeSet::new(),
        keys: None,
        parents: parents.map(|(entitlement, keys)| Parents {
            entitlement: entitlement.to_owned(),
            keys: keys.iter().map(|(key, parent)| ((*key).to_owned(), (*parent).to_owned())).collect(),
        }),
    };
    let mut can = Capabilities::default();
    let board = rule(Some(("project", &[("b1", "p1"), ("b2", "p2")])));
    let project = rule(Some(("office", &[("p1", "rome"), ("p2", "oslo")])));
    can.entitlements = [("board", board), ("office", rule(None)), ("project", project)]
        .map(|(name, rule)| (name.to_owned(), rule))
        .into();
    let kinds = ["board", "office", "project"].into_iter();
    can.flows = kinds.flat_map(|kind| [format!("grant_{kind}"), format!("revoke_{kind}")]).collect();
    can
}

#[test]
fn what_something_belongs_to_is_given_before_it_and_taken_away_after_it() {
    let held = |text: &str| -> Entitlements {
        let mut held: Entitlements =
            ["board", "office", "project"].map(|name| (name.to_owned(), BTreeSet::new())).into();
        for word in text.split_whitespace() {
            let (name, key) = word.split_once(':').unwrap();
            held.get_mut(name).unwrap().insert(key.to_owned());
        }
        held
    };
    for (wanted, has, expected) in [
        ("board=b1", "", "grant office rome, grant project p1, grant board b1"),
        ("board=b1", "office:rome project:p1", "grant board b1"),
        // Of what nobody speaks of nothing is taken away.
        (
            "board=b1",
            "board:b2 office:oslo project:p2",
            "grant office rome, grant project p1, grant board b1, revoke board b2",
        ),
        (
            "board= project= office=",
            "board:b1 office:rome project:p1",
            "revoke board b1, revoke project p1, revoke office rome",
        ),
        // What is needed stays, whatever is said of it.
        ("board=b1 project= office=", "board:b1 office:rome project:p1 project:p2", "revoke project p2"),
        ("board=b1 project=p1 office=rome", "board:b1 office:rome project:p1", ""),
    ] {
        let mut entitlements = Entitlements::new();
        for word in wanted.split_whitespace() {
            let (name, keys) = word.split_once('=').unwrap();
            let keys = keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned);
            entitlements.insert(name.to_owned(), keys.collect());
        }
        let (attributes, groups) = Default::default();
        let wanted = Wanted { presence: Presence::Active, attributes, entitlements, groups };
        let observed = Observed { status: Status::Active, entitlements: held(has), ..Observed::default() };
        let planned = plan(&wanted, &observed, &with_parents(), &Protection::default()).unwrap();
        let word = |operation: &Operation| match operation {
            Operation::Grant { entitlement, key } => format!("grant {entitlement} {key}"),
            Operation::Revoke { entitlement, key } => format!("revoke {entitlement} {key}"),
            other => other.to_string(),
        };
        assert_eq!(planned.iter().map(word).collect::<Vec<_>>().join(", "), expected, "{wanted:?}");
    }
}
