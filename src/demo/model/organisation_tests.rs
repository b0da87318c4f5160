//! The rules of the organisation, and that the record tells exactly what was done.

use super::*;
use crate::demo::model::seed;

fn by() -> By {
    By { actor: "owner@acme.example".into(), at_ms: 7 }
}

fn invitation(email: &str, name: &str, role: &str) -> Invitation {
    Invitation { email: email.into(), name: name.into(), role: role.into(), token: "token".into() }
}

fn edit_of(organisation: &Organisation, id: u64) -> Edit {
    let Member { name, email, role, teams, .. } = organisation.find(id).unwrap().clone();
    Edit { name, email, role: role.word().into(), teams }
}

fn id_of(organisation: &Organisation, email: &str) -> u64 {
    organisation.find_by_email(email).unwrap().id
}

fn actions(organisation: &Organisation) -> Vec<&'static str> {
    organisation.record().iter().map(|change| change.action.word()).collect()
}

#[test]
fn an_invitation_is_refused_in_the_apps_words_and_then_nothing_changed() {
    let check = |email: &str, name: &str, role: &str, seats: usize, expected: Refusal| {
        let mut organisation = seed(10, seats, 0);
        let refused = organisation.invite(&by(), invitation(email, name, role));
        assert_eq!(refused, Err(expected), "{email} {name} {role}");
        assert_eq!(organisation.members().count(), 10);
        assert!(organisation.record().is_empty());
    };
    for email in
        ["", "ada", "@acme.example", "ada@", "a@b@c", "a b@acme.example", "a@acme..example", "<a>@b.c"]
    {
        check(email, "Ada", "Viewer", 50, Refusal::InvalidEmail);
    }
    check("new@acme.example", "New", "Emperor", 50, Refusal::UnknownChoice);
    check("new@acme.example", &"n".repeat(201), "Viewer", 50, Refusal::TooLong);
    check("ADA@acme.example", "Ada", "Viewer", 50, Refusal::AlreadyMember);
    check("edsger@acme.example", "Pending too", "Viewer", 50, Refusal::AlreadyMember);
    check("new@acme.example", "New", "Viewer", 9, Refusal::NoSeat);
}

#[test]
fn suspended_members_hold_no_seat_and_need_one_to_come_back() {
    let mut organisation = seed(10, 9, 0);
    let alan = id_of(&organisation, "alan@acme.example");
    assert_eq!(organisation.seats_taken(), 9, "alan is suspended");
    assert_eq!(organisation.reactivate(&by(), alan), Err(Refusal::NoSeat));
    let ada = id_of(&organisation, "ada@acme.example");
    organisation.suspend(&by(), ada).unwrap();
    organisation.reactivate(&by(), alan).unwrap();
    assert_eq!(organisation.reactivate(&by(), ada), Err(Refusal::NoSeat));
    assert_eq!(actions(&organisation), ["suspended", "reactivated"]);
}

#[test]
fn the_last_active_owner_stays_one() {
    let mut organisation = seed(10, 50, 0);
    let owner = id_of(&organisation, "owner@acme.example");
    let grace = id_of(&organisation, "grace@acme.example");
    let demote = |organisation: &mut Organisation, id: u64| {
        let edit = Edit { role: "Viewer".into(), ..edit_of(organisation, id) };
        organisation.edit(&by(), id, &edit)
    };
    assert_eq!(demote(&mut organisation, owner), Err(Refusal::LastOwner));
    assert_eq!(organisation.suspend(&by(), owner), Err(Refusal::LastOwner));
    assert_eq!(organisation.remove(&by(), owner), Err(Refusal::LastOwner));
    assert!(organisation.record().is_empty());

    let promote = Edit { role: "Owner".into(), ..edit_of(&organisation, grace) };
    organisation.edit(&by(), grace, &promote).unwrap();
    organisation.suspend(&by(), grace).unwrap();
    assert_eq!(demote(&mut organisation, owner), Err(Refusal::LastOwner), "a suspended owner does not count");
    organisation.reactivate(&by(), grace).unwrap();
    demote(&mut organisation, owner).unwrap();
    assert_eq!(organisation.remove(&by(), grace), Err(Refusal::LastOwner));
}

#[test]
fn a_save_records_what_differs_and_nothing_else() {
    let mut organisation = seed(10, 50, 0);
    let ada = id_of(&organisation, "ada@acme.example");
    let same = edit_of(&organisation, ada);
    organisation.edit(&by(), ada, &same).unwrap();
    organisation.edit(&by(), ada, &Edit { name: "  Ada   Lovelace ".into(), ..same.clone() }).unwrap();
    assert!(organisation.record().is_empty(), "nothing was changed");

    let edit = Edit {
        name: "Ada King".into(),
        email: "ada.king@acme.example".into(),
        role: "Admin".into(),
        teams: vec!["Field".into(), "Support".into()],
    };
    organisation.edit(&by(), ada, &edit).unwrap();
    assert_eq!(actions(&organisation), ["updated", "role_changed", "teams_changed"]);
    let changed = |from: &str, to: &str, field| Difference::between(field, from, to).unwrap();
    let told: Vec<Difference> =
        organisation.record().iter().flat_map(|change| change.changed.clone()).collect();
    let expected = [
        changed("Ada Lovelace", "Ada King", "name"),
        changed("ada@acme.example", "ada.king@acme.example", "email"),
        changed("Agent", "Admin", "role"),
        changed(&same.teams.join(", "), "Support, Field", "teams"),
    ];
    assert_eq!(told, expected);
    assert!(organisation.record().iter().all(|change| change.member_id == Some(ada) && change.at_ms == 7));

    let taken = Edit { email: "Grace@acme.example".into(), ..edit };
    assert_eq!(organisation.edit(&by(), ada, &taken), Err(Refusal::AlreadyMember));
    assert_eq!(organisation.record().len(), 3);
}

#[test]
fn an_invitation_lives_until_it_is_accepted_or_cancelled() {
    let mut organisation = seed(3, 50, 0);
    let first = organisation.invite(&by(), invitation("new@acme.example", "", "Viewer")).unwrap();
    assert_eq!(organisation.find(first).unwrap().name, "new");
    assert_eq!(organisation.suspend(&by(), first), Err(Refusal::Stale));
    assert_eq!(organisation.remove(&by(), first), Err(Refusal::Stale));
    organisation.resend_invitation(&by(), first, "second".into()).unwrap();
    assert!(organisation.find_by_invitation("token").is_none());
    assert_eq!(organisation.find_by_invitation("second").unwrap().id, first);
    organisation.cancel_invitation(&by(), first).unwrap();
    assert!(organisation.find(first).is_none());

    let again = organisation.invite(&by(), invitation("new@acme.example", "New", "Agent")).unwrap();
    assert!(again > first, "an id is never used again");
    organisation.accept(again, 9).unwrap();
    assert_eq!(organisation.accept(again, 9), Err(Refusal::Stale));
    assert_eq!(organisation.find(again).unwrap().status, Status::Active);
    assert_eq!(
        actions(&organisation),
        ["invited", "invitation_resent", "invitation_cancelled", "invited", "accepted"]
    );
    let accepted = organisation.record().last().unwrap();
    assert_eq!((accepted.actor.as_str(), accepted.at_ms), ("new@acme.example", 9));
}

#[test]
fn a_team_has_its_own_name() {
    let mut organisation = seed(3, 50, 0);
    assert_eq!(organisation.add_team(&by(), " support "), Err(Refusal::TeamExists));
    assert_eq!(organisation.add_team(&by(), "  "), Err(Refusal::NoName));
    organisation.add_team(&by(), "Weekend").unwrap();
    assert_eq!(organisation.teams().last().unwrap(), "Weekend");
    assert_eq!(actions(&organisation), ["team_added"]);
}
