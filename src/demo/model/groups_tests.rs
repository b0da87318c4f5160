//! The rules of groups, and what the record tells of them.

use super::*;
use crate::demo::model::seed;

fn by() -> By {
    By { actor: "owner@acme.example".into(), at_ms: 7 }
}

fn id_of(organisation: &Organisation, email: &str) -> u64 {
    organisation.find_by_email(email).unwrap().id
}

fn names(organisation: &Organisation) -> Vec<(u64, &str, usize)> {
    let groups = organisation.groups_by_name().into_iter();
    groups.map(|group| (group.id, group.name.as_str(), group.members.len())).collect()
}

/// The record as lines: what was done, to whom, and the group's name before and after.
fn told(organisation: &Organisation) -> Vec<String> {
    let line = |change: &crate::demo::model::Change| {
        let [difference] = change.changed.as_slice() else { panic!("{change:?}") };
        assert_eq!(difference.field, "group");
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".into());
        let (from, to) = (name(&difference.from), name(&difference.to));
        let id = change.member_id.map(|id| id.to_string()).unwrap_or_default();
        format!("{} {id} {}: {from} > {to}", change.action.word(), change.email)
    };
    organisation.record().iter().map(line).collect()
}

#[test]
fn two_groups_are_there_at_the_start() {
    let organisation = seed(32, 50, 0);
    assert_eq!(names(&organisation), [(501, "Berlin office", 4), (502, "On call", 3)]);
    let ada = id_of(&organisation, "ada@acme.example");
    assert_eq!(organisation.groups_of(ada), ["Berlin office", "On call"]);
    assert!(organisation.groups_of(id_of(&organisation, "owner@acme.example")).is_empty());
}

#[test]
fn a_name_is_refused_in_the_apps_words_and_then_nothing_changed() {
    let check = |name: &str, expected: Refusal| {
        let mut organisation = seed(10, 50, 0);
        assert_eq!(organisation.add_group(&by(), name), Err(expected), "{name}");
        assert_eq!(organisation.rename_group(&by(), 502, name), Err(expected), "{name}");
        assert_eq!(names(&organisation), [(501, "Berlin office", 4), (502, "On call", 3)]);
        assert!(organisation.record().is_empty());
    };
    check("", Refusal::NoName);
    check(" \t ", Refusal::NoName);
    check(&"n".repeat(201), Refusal::TooLong);
    check("Berlin, Mitte", Refusal::CommaInName);
    check("Berlin office", Refusal::GroupExists);
    check("  bERLIN   OFFICE ", Refusal::GroupExists);
}

#[test]
fn a_group_keeps_its_id_and_its_people_through_a_new_name() {
    let mut organisation = seed(10, 50, 0);
    let before = organisation.find_group(502).unwrap().members.clone();
    organisation.rename_group(&by(), 502, " On  call ").unwrap();
    assert!(organisation.record().is_empty(), "nothing was changed");
    organisation.rename_group(&by(), 502, "ON CALL").unwrap();
    organisation.rename_group(&by(), 502, "Awake").unwrap();
    assert_eq!(names(&organisation), [(502, "Awake", 3), (501, "Berlin office", 4)]);
    assert_eq!(organisation.find_group(502).unwrap().members, before);
    assert_eq!(
        told(&organisation),
        ["group_renamed  : On call > ON CALL", "group_renamed  : ON CALL > Awake"]
    );
    organisation.add_group(&by(), "On call").unwrap();
    assert_eq!(organisation.rename_group(&by(), 600, "Other"), Err(Refusal::GroupGone));
}

#[test]
fn an_id_is_never_used_again() {
    let mut organisation = seed(10, 50, 0);
    assert_eq!(organisation.add_group(&by(), "Support"), Ok(503), "a team's name is free");
    organisation.delete_group(&by(), 503).unwrap();
    assert_eq!(organisation.delete_group(&by(), 503), Err(Refusal::GroupGone));
    assert_eq!(organisation.add_group(&by(), "Support"), Ok(504));
    let expected =
        ["group_added  : - > Support", "group_removed  : Support > -", "group_added  : - > Support"];
    assert_eq!(told(&organisation), expected);
}

#[test]
fn people_come_and_go_and_the_record_says_who_and_where() {
    let mut organisation = seed(10, 50, 0);
    let (al, pal) = (id_of(&organisation, "al@acme.example"), id_of(&organisation, "pal@acme.example"));
    organisation.add_to_group(&by(), 501, " AL@acme.example ").unwrap();
    assert_eq!(organisation.groups_of(al), ["Berlin office"]);
    assert!(organisation.groups_of(pal).is_empty(), "the longer address is somebody else's");
    let refused = |organisation: &mut Organisation, email: &str| organisation.add_to_group(&by(), 501, email);
    assert_eq!(refused(&mut organisation, "al@acme.example"), Err(Refusal::InGroupAlready));
    assert_eq!(refused(&mut organisation, "nobody@acme.example"), Err(Refusal::NobodyThere));
    assert_eq!(refused(&mut organisation, "al"), Err(Refusal::InvalidEmail));
    assert_eq!(organisation.add_to_group(&by(), 600, "al@acme.example"), Err(Refusal::GroupGone));

    organisation.take_out_of_group(&by(), 501, al).unwrap();
    assert_eq!(organisation.take_out_of_group(&by(), 501, al), Err(Refusal::NotInGroup));
    assert_eq!(organisation.take_out_of_group(&by(), 501, 9999), Err(Refusal::NotInGroup));
    assert_eq!(organisation.take_out_of_group(&by(), 600, al), Err(Refusal::GroupGone));
    let expected = [
        format!("group_joined {al} al@acme.example: - > Berlin office"),
        format!("group_left {al} al@acme.example: Berlin office > -"),
    ];
    assert_eq!(told(&organisation), expected);
}

#[test]
fn who_is_removed_is_in_no_group_and_who_is_suspended_stays() {
    let mut organisation = seed(10, 50, 0);
    let (ada, edsger) =
        (id_of(&organisation, "ada@acme.example"), id_of(&organisation, "edsger@acme.example"));
    organisation.suspend(&by(), ada).unwrap();
    assert_eq!(organisation.groups_of(ada).len(), 2);
    organisation.remove(&by(), ada).unwrap();
    organisation.cancel_invitation(&by(), edsger).unwrap();
    assert_eq!(names(&organisation), [(501, "Berlin office", 3), (502, "On call", 1)]);
    assert_eq!(organisation.record().len(), 3, "leaving the organisation is one change");
}

#[test]
fn deleting_a_group_leaves_its_people() {
    let mut organisation = seed(10, 50, 0);
    let ada = id_of(&organisation, "ada@acme.example");
    let before = organisation.find(ada).cloned();
    organisation.delete_group(&by(), 501).unwrap();
    assert_eq!(organisation.groups_of(ada), ["On call"]);
    assert_eq!(organisation.find(ada).cloned(), before);
}
