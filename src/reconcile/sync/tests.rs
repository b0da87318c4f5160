use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::account::Attributes;
use crate::reconcile::{AttributeRule, EntitlementRule, Holds};

fn can() -> Capabilities {
    let flows =
        "invite update change_role deactivate reactivate remove cancel_invite add_member remove_member";
    let keys = Some(BTreeSet::from(["agent".to_owned(), "viewer".to_owned()]));
    Capabilities {
        flows: flows.split(' ').map(str::to_owned).collect(),
        attributes: BTreeMap::from([("email".into(), AttributeRule { read_only: false, ignore_case: true })]),
        entitlements: BTreeMap::from([(
            "role".into(),
            EntitlementRule { holds: Holds::One, admins: BTreeSet::new(), keys, parents: None },
        )]),
        ..Capabilities::default()
    }
}

/// The groups that are kept in the app.
fn kept() -> Vec<Group> {
    ["ops", "field"].map(|name| Group { id: None, name: name.to_owned() }).into()
}

fn compared(known: &[Known], accounts: Vec<Observed>) -> Comparison {
    let protection = Protection::new(["root@x.example".to_owned()]);
    let match_by = ["email".to_owned()];
    compare(
        known,
        accounts,
        Rules { match_by: &match_by, can: &can(), protection: &protection, groups: &kept() },
    )
}

fn account(id: &str, email: &str, role: &str, status: Status) -> Observed {
    Observed {
        status,
        id: (!id.is_empty()).then(|| id.to_owned()),
        attributes: Attributes::from([("email".into(), email.into())]),
        entitlements: BTreeMap::from([("role".into(), BTreeSet::from([role.into()]))]),
        groups: None,
    }
}

fn known(user: &str, email: &str, seen: Option<Observed>) -> Known {
    let wanted = Wanted {
        presence: Presence::Active,
        attributes: Attributes::from([("email".into(), email.into())]),
        entitlements: BTreeMap::from([("role".into(), BTreeSet::from(["agent".into()]))]),
        groups: Vec::new(),
    };
    Known { user_id: user.into(), wanted, seen, is_pending: false, is_over: false }
}

fn words(comparison: &Comparison) -> Vec<String> {
    let email = |account: &Observed| account.attributes["email"].clone();
    let count = |to_do: &Result<Vec<Operation>, Refusal>| to_do.as_ref().unwrap().len();
    let word = |finding: &Finding| match finding {
        Finding::Adopt { account } => format!("adopt {}", email(account)),
        Finding::Link { user_id, to_do, .. } => format!("link {user_id} {}", count(to_do)),
        Finding::Gone { user_id } => format!("gone {user_id}"),
        Finding::Missing { user_id, to_do } => format!("missing {user_id} {}", count(to_do)),
        Finding::Drift { user_id, to_do, .. } => format!("drift {user_id} {}", count(to_do)),
        Finding::Orphan { user_id, account } => format!("orphan {user_id} {}", email(account)),
        Finding::Conflict { user_id, account } => format!("conflict {user_id} {}", email(account)),
        Finding::Unknown { account, key, .. } => format!("unknown {} {key}", email(account)),
    };
    comparison.findings.iter().map(word).collect()
}

#[test]
fn each_account_and_each_user_is_found_for_what_it_is() {
    let there = |id: &str, email: &str| Some(account(id, email, "agent", Status::Active));
    let mut over = known("left", "left@x.example", there("9", "left@x.example"));
    over.is_over = true;
    let mut busy = known("busy", "busy@x.example", there("8", "busy@x.example"));
    busy.is_pending = true;
    let known = [
        known("same", "same@x.example", there("1", "same@x.example")),
        known("renamed", "new@x.example", there("2", "old@x.example")),
        known("demoted", "demoted@x.example", there("3", "demoted@x.example")),
        known("gone", "gone@x.example", there("4", "gone@x.example")),
        known("never", "never@x.example", None),
        known("back", "Back@x.example", Some(Observed::absent())),
        known("other", "other@x.example", there("5", "other@x.example")),
        over,
        busy,
    ];
    let active = |id: &str, email: &str, role: &str| account(id, email, role, Status::Active);
    let comparison = compared(
        &known,
        vec![
            active("1", "same@x.example", "agent"),
            active("2", "old@x.example", "agent"),
            active("3", "demoted@x.example", "viewer"),
            active("6", "back@X.example", "agent"),
            active("7", "other@x.example", "agent"),
            active("9", "left@x.example", "agent"),
            active("8", "busy@x.example", "viewer"),
            active("0", "root@x.example", "agent"),
            active("10", "stranger@x.example", "boss"),
            account("11", "invited@x.example", "viewer", Status::Invited),
        ],
    );
    let expected = [
        "drift renamed 1",
        "drift demoted 1",
        "link back 0",
        "conflict other other@x.example",
        "orphan left left@x.example",
        "unknown stranger@x.example boss",
        "adopt stranger@x.example",
        "adopt invited@x.example",
        "gone gone",
        "missing never 1",
    ];
    assert_eq!(words(&comparison), expected);
    let as_wanted: Vec<&str> = comparison.as_wanted.iter().map(|(user, _)| user.as_str()).collect();
    assert_eq!((as_wanted, comparison.pending, comparison.protected), (vec!["same"], 1, 1));
    assert_eq!(comparison.seems_done, [""; 0]);
    assert_eq!(comparison.had_account, 6);
}

/// Whoever shall have no access, in an app where that means no account, is not missed.
#[test]
fn an_account_that_is_to_be_away_is_not_gone() {
    let mut leaver = known("a", "a@x.example", Some(account("1", "a@x.example", "agent", Status::Active)));
    leaver.wanted.presence = Presence::Gone;
    let comparison = compared(std::slice::from_ref(&leaver), Vec::new());
    assert_eq!(words(&comparison), [] as [&str; 0]);
    assert_eq!(comparison.as_wanted, [("a".to_owned(), Observed::absent())]);
    // As long as it is there, what is to be done is told.
    let there = || vec![account("1", "a@x.example", "agent", Status::Active)];
    let still = compared(std::slice::from_ref(&leaver), there());
    assert_eq!(words(&still), ["drift a 1"]);
    // Where somebody is at it, it is told whether that seems done.
    leaver.is_pending = true;
    assert_eq!(compared(std::slice::from_ref(&leaver), there()).seems_done, [""; 0]);
    assert_eq!(compared(&[leaver], Vec::new()).seems_done, ["a"]);
}

/// What a person's decision to take all findings over leaves behind.
fn after(known: &[Known], comparison: &Comparison) -> Vec<Known> {
    let mut known = known.to_vec();
    let mut see = |user: &str, account: &Observed| {
        if let Some(one) = known.iter_mut().find(|one| one.user_id == user) {
            one.seen = Some(account.clone());
        }
    };
    let mut adopted = Vec::new();
    for finding in &comparison.findings {
        match finding {
            Finding::Adopt { account } => {
                let email = &account.attributes["email"];
                let mut new =
                    self::known(&format!("adopted {email} {:?}", account.id), email, Some(account.clone()));
                new.wanted.entitlements = account.entitlements.clone();
                if account.status == Status::Suspended {
                    new.wanted.presence = Presence::Inactive;
                }
                adopted.push(new);
            }
            Finding::Link { user_id, account, .. } | Finding::Drift { user_id, account, .. } => {
                see(user_id, account)
            }
            Finding::Gone { user_id } => see(user_id, &Observed::absent()),
            Finding::Missing { .. }
            | Finding::Orphan { .. }
            | Finding::Conflict { .. }
            | Finding::Unknown { .. } => {}
        }
    }
    known.extend(adopted);
    known
}

fn any_account() -> impl Strategy<Value = Observed> {
    let status = prop_oneof![Just(Status::Active), Just(Status::Invited), Just(Status::Suspended)];
    (0..8_u8, 0..8_u8, prop_oneof![Just("agent"), Just("viewer"), Just("boss")], status).prop_map(
        |(id, email, role, status)| {
            let id = if id == 0 { String::new() } else { id.to_string() };
            account(&id, &format!("{email}@x.example"), role, status)
        },
    )
}

type AnyKnown = (u8, Option<Observed>, Presence, bool, bool);

fn any_known() -> impl Strategy<Value = Vec<Known>> {
    let presence = prop_oneof![Just(Presence::Active), Just(Presence::Inactive), Just(Presence::Gone)];
    let one = (0..8_u8, proptest::option::of(any_account()), presence, any::<bool>(), any::<bool>());
    proptest::collection::vec(one, 0..8).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        let one = |(number, (email, seen, presence, is_pending, is_over)): (usize, AnyKnown)| {
            let mut one = known(&format!("user-{number}"), &format!("{email}@x.example"), seen);
            (one.wanted.presence, one.is_pending, one.is_over) = (presence, is_pending && !is_over, is_over);
            one
        };
        numbered.map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_is_lost_and_nothing_is_said_twice(
        known in any_known(),
        accounts in proptest::collection::vec(any_account(), 0..8),
    ) {
        let comparison = compared(&known, accounts.clone());
        let (mut of_accounts, mut users, mut gone) = (comparison.protected, Vec::new(), 0);
        for finding in &comparison.findings {
            match finding {
                Finding::Adopt { .. } | Finding::Orphan { .. } | Finding::Conflict { .. } => of_accounts += 1,
                Finding::Link { user_id, .. } | Finding::Drift { user_id, .. } => {
                    of_accounts += 1;
                    users.push(user_id);
                }
                Finding::Gone { user_id } => {
                    gone += 1;
                    users.push(user_id);
                }
                Finding::Missing { user_id, .. } => users.push(user_id),
                Finding::Unknown { .. } => {}
            }
        }
        users.extend(comparison.as_wanted.iter().map(|(user, _)| user));
        let found = comparison.as_wanted.iter().filter(|(_, seen)| seen.status != Status::Absent).count();
        // Every account is somebody's, nobody's, or of one who is busy.
        prop_assert!(of_accounts + found <= accounts.len());
        prop_assert!(of_accounts + found + comparison.pending >= accounts.len());
        prop_assert!(gone <= comparison.had_account);
        let told = users.len();
        users.sort_unstable();
        users.dedup();
        prop_assert_eq!(told, users.len(), "a user is told of twice");
        for user in users {
            let one = known.iter().find(|one| &one.user_id == user).unwrap();
            prop_assert!(!one.is_pending && !one.is_over, "{} is not to be touched", user);
        }
    }

    #[test]
    fn what_was_taken_over_is_not_found_again(
        known in any_known(),
        accounts in proptest::collection::vec(any_account(), 0..8),
        shows_ids in any::<bool>(),
    ) {
        // As apps have it: all accounts show an id, or none does; an id and a name are one account's.
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        let shown = |account: Observed| if shows_ids { account } else { Observed { id: None, ..account } };
        let known: Vec<Known> =
            known.into_iter().map(|one| Known { seen: one.seen.map(shown), ..one }).collect();
        let accounts: Vec<Observed> = accounts
            .into_iter()
            .map(shown)
            .filter(|account| account.id.is_some() == shows_ids)
            .filter(|account| {
                let is_new = account.id.as_ref().is_none_or(|id| ids.insert(id.clone()));
                is_new && names.insert(account.attributes["email"].clone())
            })
            .collect();
        let first = compared(&known, accounts.clone());
        let known = after(&known, &first);
        let second = compared(&known, accounts);
        for finding in &second.findings {
            let is_news = matches!(finding, Finding::Adopt { .. } | Finding::Link { .. } | Finding::Gone { .. });
            prop_assert!(!is_news, "{:?} after {:?}", finding, first.findings);
        }
    }
}

#[test]
fn only_who_is_in_a_group_that_is_kept_can_be_wrongly_in_it() {
    let seen = |groups: Option<&[&str]>| Observed {
        groups: groups.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        ..account("1", "ada@x.example", "agent", Status::Active)
    };
    let found = |wanted: &[&str], is_in: Option<&[&str]>| {
        let mut ada = known("ada", "ada@x.example", Some(seen(None)));
        let groups = kept().into_iter().filter(|group| wanted.contains(&group.name.as_str()));
        ada.wanted.groups = groups.map(|group| Membership { group, is_wanted: true }).collect();
        match compared(&[ada], vec![seen(is_in)]).findings.as_slice() {
            [] => String::new(),
            [Finding::Drift { to_do: Ok(to_do), .. }] => {
                to_do.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(found(&["ops"], Some(&["ops", "lunch"])), "");
    assert_eq!(found(&["ops"], Some(&["lunch"])), "add to the group ops");
    assert_eq!(
        found(&["ops"], Some(&["field", "lunch"])),
        "add to the group ops, take out of the group field"
    );
    assert_eq!(found(&[], Some(&["lunch"])), "");
    assert_eq!(found(&["ops"], None), "", "a list that shows no groups says nothing of them");
}
