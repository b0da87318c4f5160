//! What has no role or name of its own: cards, states, names of many, the same link twice.

use super::lab::*;
use usher::browser::{Action, Guard, PageError, Read, Target};
use usher::diagnostic::{Source, Span};
use usher::locator::Locator;
use usher::playbook::{Scope, Template, parse_locator};

/// A locator as authors write it.
fn at(text: &str) -> Locator {
    let read = parse_locator(text, &Span::new(Source::new("f", text), 0, text.len())).unwrap();
    let scope = Scope::default();
    read.try_map(&mut |name: &Template| name.render(&scope).map(|rendered| rendered.text)).unwrap()
}

#[test]
fn boxes_and_states_are_found() {
    in_lab(|lab| async move {
        lab.goto("cards.html").await;
        for (locator, expected) in [
            (
                r#"box (has heading "ada" (is level 5)) (has button "Edit") > heading /./ (is level 4)"#,
                "heading \"Ada King\"",
            ),
            (
                r#"box (has heading "ada" (is level 4)) (has button "Edit") > heading /./ (is level 5)"#,
                "heading \"adalbert\"",
            ),
            (r#"box (has text "Nobody") (has button "Edit") > button "Edit""#, "button \"Edit\""),
            (r#"button "Edit" (is disabled)"#, "button \"Edit\""),
            ("tab (is selected)", "tab \"General\""),
            ("tab (is not selected)", "tab \"Groups\""),
            ("button (is expanded)", "button \"Filters\""),
            ("checkbox (is not checked)", "field \"Office\""),
            ("heading ~\"ARIA\" (is level 5)", "heading \"Told by ARIA\""),
            (r#"link "Next page ›""#, "link \"Next page ›\""),
        ] {
            assert_eq!(lab.find(at(locator)).await.as_deref(), Ok(expected), "{locator}");
        }
        for locator in ["link \"Open\"", "link \"Menu\"", "box (has heading /./) (has button \"Delete\")"] {
            let error = lab.find(at(locator)).await.unwrap_err();
            assert!(
                matches!(&error, PageError::Ambiguous { matches, .. } if matches.len() == 2),
                "{error:?}"
            );
        }
    });
}

#[test]
fn cards_are_rows_and_names_are_read_all_at_once() {
    in_lab(|lab| async move {
        lab.goto("cards.html").await;
        let all = || Read { all: true, ..Read::default() };
        let rows = at(r#"box (has heading /./ (is level 5)) (has button "Delete")"#).into_target();
        let cells = [(at("heading /./ (is level 5)"), Read::default()), (at("button"), all())];
        let read = lab.page.rows(&rows, &cells, &soon()).await.unwrap();
        let row = |login: &str| vec![Some(login.to_owned()), Some("Edit\nDelete\n".to_owned())];
        assert_eq!(read.rows, [row("ada"), row("adalbert")]);
        for (locator, expected) in [
            ("checkbox (is checked)", "Sales, EMEA\nField crew\n"),
            ("tab", "General\nGroups\n"),
            ("link \"Open\"", "Open\n"),
            ("row", ""),
        ] {
            let names = lab.page.read(&at(locator).into_target(), &all(), &soon()).await.unwrap();
            assert_eq!(names.as_deref(), Some(expected), "{locator}");
        }
    });
}

#[test]
fn an_act_tells_what_a_control_held_and_any_of_several_identities_is_enough() {
    in_lab(|lab| async move {
        lab.goto("cards.html").await;
        let guard = |texts: &[&str]| {
            [Guard::Identity { texts: texts.iter().map(|text| (*text).to_owned()).collect() }]
        };
        let login = field("Login").into_target();
        let set = Action::Set(plain("lovelace@x.com"));
        let acted = lab.page.act(&login, &set, &[], &soon()).await.unwrap();
        assert_eq!(acted.was.as_deref(), Some("ada@x.com"));
        let save = Target { within: vec![], locator: role("button", "Save") };
        let refused =
            lab.page.act(&save, &Action::Click, &guard(&["grace@x.com", "ada@x.com"]), &shortly()).await;
        assert!(matches!(refused, Err(PageError::Guard { .. })), "{refused:?}");
        let both = guard(&["ada@x.com", "lovelace@x.com"]);
        lab.page.act(&save, &Action::Click, &both, &soon()).await.unwrap();
        lab.find(role("button", "Saved")).await.unwrap();
    });
}
