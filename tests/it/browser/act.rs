//! Actions: what they wait for, what they refuse, what the page receives.

use super::lab::*;
use usher::browser::{Acted, Action, Guard, PageError, Read, Unready};
use usher::locator::{Kind, Locator};

#[test]
fn a_click_and_a_text_arrive_as_trusted_events() {
    in_lab(|lab| async move {
        lab.goto("form.html").await;
        let fill = || Action::Fill(plain("zoë@例え.jp 😀"));
        let acted = lab.act(field("Email"), fill()).await.unwrap();
        assert_eq!((acted.element.as_str(), acted.changed), ("field \"Email\"", true));
        assert!(!lab.act(field("Email"), fill()).await.unwrap().changed);
        let acted = lab.click(role("button", "Save")).await.unwrap();
        assert_eq!(acted.element, "button \"Save\"");
        assert_eq!(lab.log().await, "trusted click: zoë@例え.jp 😀");
    });
}

#[test]
fn controls_of_every_sort_are_set_by_their_label() {
    in_lab(|lab| async move {
        lab.goto("form.html").await;
        let cases = [
            ("Email", "a@b.example", "a@b.example"),
            ("Email", "", ""),
            ("Role", "Agent", "Agent"),
            ("Notes", "one\ntwo", "one\ntwo"),
            ("Newsletter", "yes", "true"),
            ("Newsletter", "false", "false"),
            ("Plan", "Paid", "Paid"),
            ("Start", "2026-11-21", "2026-11-21"),
            ("Seats", "12", "12"),
            ("Search members", "ada", "ada"),
            ("Two factor", "on", "true"),
            ("Bio", "new", "new"),
            ("Team", "Blue", "Blue"),
        ];
        for (label, value, expected) in cases {
            let acted = lab.set(field(label), value).await.unwrap_or_else(|error| panic!("{label}: {error}"));
            assert!(acted.changed, "{label}");
            let target = field(label).into_target();
            lab.page
                .field_is(&target, expected, &shortly())
                .await
                .unwrap_or_else(|error| panic!("{label}: {error}"));
            assert!(!lab.set(field(label), value).await.unwrap().changed, "{label} again");
        }
        assert_eq!(lab.log().await, "role a");
    });
}

#[test]
fn a_control_that_cannot_take_the_value_says_why() {
    in_lab(|lab| async move {
        lab.goto("form.html").await;
        let why = |result: Result<Acted, PageError>| match result {
            Err(error) => match error.cause() {
                PageError::NotReady { why, .. } => why.clone(),
                other => panic!("{other:?}"),
            },
            Ok(acted) => panic!("{acted:?}"),
        };
        let act = async |locator, action| {
            lab.page.act(&Locator::into_target(locator), &action, &[], &shortly()).await
        };
        assert_eq!(why(act(field("Locked"), Action::Set(plain("x"))).await), Unready::Disabled);
        assert_eq!(why(act(field("Fixed"), Action::Fill(plain("x"))).await), Unready::ReadOnly);
        let cut = why(act(field("Short"), Action::Fill(plain("abcdef"))).await);
        assert_eq!(cut, Unready::ValueDiffers { is: "abc".into() });
        let cut = why(act(field("Short"), Action::Fill(secret("uvwxyz"))).await);
        assert_eq!(cut, Unready::ValueDiffers { is: String::new() });
        let options = vec!["\"Owner\"".to_owned(), "\"Agent\"".into(), "\"Retired\"".into()];
        assert_eq!(
            why(act(field("Role"), Action::Select("Boss".into())).await),
            Unready::NoOption { options }
        );
        assert_eq!(why(act(field("Role"), Action::Select("Retired".into())).await), Unready::Disabled);
        let error = act(role("button", "Save"), Action::Fill(plain("x"))).await.unwrap_err();
        assert!(matches!(error, PageError::NotReady { why: Unready::WrongKind { .. }, .. }), "{error:?}");
    });
}

#[test]
fn selecting_and_checking_change_only_what_differs() {
    in_lab(|lab| async move {
        lab.goto("form.html").await;
        assert!(lab.act(field("Role"), Action::Select("Agent".into())).await.unwrap().changed);
        assert!(!lab.act(field("Role"), Action::Select("Agent".into())).await.unwrap().changed);
        assert!(lab.act(role("combobox", "Team"), Action::Select("Red".into())).await.unwrap().changed);
        assert!(lab.act(field("Newsletter"), Action::Check(true)).await.unwrap().changed);
        assert!(!lab.act(field("Newsletter"), Action::Check(true)).await.unwrap().changed);
        assert!(lab.act(field("Two factor"), Action::Check(true)).await.unwrap().changed);
        lab.page.field_is(&field("Newsletter").into_target(), "true", &shortly()).await.unwrap();
        lab.page.field_is(&field("Two factor").into_target(), "true", &shortly()).await.unwrap();
    });
}

#[test]
fn an_action_waits_until_its_element_is_ready() {
    in_lab(|lab| async move {
        lab.goto("ready.html").await;
        lab.click(role("button", "Moving")).await.unwrap();
        lab.click(role("button", "Enable later")).await.unwrap();
        lab.click(role("button", "Later")).await.unwrap();
        lab.click(role("button", "Appear")).await.unwrap();
        lab.click(role("button", "Appearing")).await.unwrap();
        lab.click(role("button", "Cover for a while")).await.unwrap();
        lab.click(role("button", "Under")).await.unwrap();
        lab.click(role("button", "Far")).await.unwrap();
        lab.act(css("#menu"), Action::Hover).await.unwrap();
        lab.click(role("button", "Open menu item")).await.unwrap();
        assert_eq!(lab.log().await, "moving;later;appeared;under;far;menu;");
    });
}

#[test]
fn what_is_never_ready_is_never_clicked() {
    in_lab(|lab| async move {
        lab.goto("ready.html").await;
        lab.click(role("button", "Cover")).await.unwrap();
        let click = async |name| {
            let target = role("button", name).into_target();
            lab.page.act(&target, &Action::Click, &[], &shortly()).await.unwrap_err()
        };
        let error = click("Under").await;
        let PageError::NotReady { why: Unready::Covered { by }, .. } = &error else { panic!("{error:?}") };
        assert_eq!(by, "text \"overlay\"");
        let error = click("Never").await;
        assert!(matches!(&error, PageError::NotReady { why: Unready::Disabled, .. }), "{error:?}");
        assert_eq!(lab.log().await, "");
    });
}

#[test]
fn an_element_that_is_replaced_under_the_pointer_is_clicked_and_nothing_else() {
    in_lab(|lab| async move {
        lab.goto("ready.html").await;
        lab.click(role("button", "Start swapping")).await.unwrap();
        lab.click(role("button", "Bait")).await.unwrap();
        assert_eq!(lab.log().await, "bait;");
    });
}

#[test]
fn keys_are_pressed_on_their_element() {
    in_lab(|lab| async move {
        lab.goto("ready.html").await;
        lab.act(role("button", "Keys"), Action::Press("Enter".into())).await.unwrap();
        lab.act(role("button", "Keys"), Action::Press("Control+b".into())).await.unwrap();
        assert_eq!(lab.log().await, "key Enter false true;key b true true;");
    });
}

#[test]
fn a_guard_that_does_not_hold_keeps_the_event_from_the_page() {
    in_lab(|lab| async move {
        lab.goto("ready.html").await;
        let remove = |region: &str| role("button", "Remove").within(&[role("region", region)]);
        let is_al = [Guard::Identity { texts: vec!["nobody".into(), "AL@x.com".into()] }];
        let error = lab.page.act(&remove("Pal"), &Action::Click, &is_al, &soon()).await.unwrap_err();
        assert!(
            matches!(&error, PageError::Guard { index: 0, matches: 0, seen } if seen.contains("pal@x.com")),
            "{error:?}"
        );
        // The pointer's arrival changes the account, after the element was found ready.
        let error = lab.page.act(&remove("Changing"), &Action::Click, &is_al, &soon()).await.unwrap_err();
        assert!(matches!(&error, PageError::Guard { index: 0, .. }), "{error:?}");
        let tenant = |name: &str| [Guard::Present { locator: role("region", name) }];
        let error = lab.page.act(&remove("Al"), &Action::Click, &tenant("Other"), &soon()).await.unwrap_err();
        assert!(matches!(&error, PageError::Guard { index: 0, matches: 0, .. }), "{error:?}");
        // What may stand anywhere on the page need not be where the change is made.
        let shown = |text: &str| [Guard::Shown { texts: vec![text.into()] }];
        let error =
            lab.page.act(&remove("Al"), &Action::Click, &shown("eve@x.com"), &soon()).await.unwrap_err();
        assert!(matches!(&error, PageError::Guard { index: 0, matches: 0, .. }), "{error:?}");
        lab.page.act(&remove("Al"), &Action::Hover, &shown("pal@x.com"), &soon()).await.unwrap();
        assert_eq!(lab.log().await, "");
        lab.page.act(&remove("Al"), &Action::Click, &is_al, &soon()).await.unwrap();
        lab.page.act(&remove("Al"), &Action::Click, &tenant("Al"), &soon()).await.unwrap();
        assert_eq!(lab.log().await, "al;al;");
    });
}

#[test]
fn an_identity_is_a_whole_word() {
    in_lab(|lab| async move {
        lab.goto("ready.html").await;
        let cases = [
            ("al@x.com", "Al", true),
            ("AL@X.COM", "Al", true),
            ("al@x.co", "Al", false),
            ("l@x.com", "Al", false),
            ("x.com", "Al", false),
            ("Al", "Al", true),
            ("owner", "Al", true),
            ("pal@x.com", "Al", false),
            ("", "Al", false),
            ("a.@x.com", "Al", false),
        ];
        for (text, region, expected) in cases {
            let target = role("button", "Remove").within(&[role("region", region)]);
            let guard = [Guard::Identity { texts: vec![text.into()] }];
            let acted = lab.page.act(&target, &Action::Hover, &guard, &soon()).await;
            assert_eq!(acted.is_ok(), expected, "{text:?} {acted:?}");
        }
    });
}

#[test]
fn what_is_watched_for_ends_a_wait_that_is_not_met() {
    in_lab(|lab| async move {
        lab.goto("ready.html").await;
        lab.click(role("button", "Fail later")).await.unwrap();
        let mut wait = soon();
        wait.watch = vec![role("dialog", "What's new"), pattern(Kind::Role("alert".into()), "expired", true)];
        let error = lab.page.expect(&role("status", "Saved").into_target(), &wait).await.unwrap_err();
        assert_eq!(error, PageError::Watched(1));
        // A wait that only needs a moment is met, whatever else is there.
        lab.page.act(&role("button", "Far").into_target(), &Action::Click, &[], &wait).await.unwrap();
        // Where the wait is met, nothing else is looked for.
        lab.page.expect(&role("button", "Far").into_target(), &wait).await.unwrap();
    });
}

#[test]
fn native_dialogs_are_dismissed_and_fail_the_action() {
    in_lab(|lab| async move {
        for (button, kind, says, log) in
            [("alert", "alert", "Careful", "nothing"), ("confirm", "confirm", "Really?", "false")]
        {
            lab.goto("nav.html").await;
            let error = lab.click(role("button", button)).await.unwrap_err();
            assert!(error.event_was_sent(), "{error:?}");
            assert_eq!(error.cause(), &PageError::Dialog { kind: kind.into(), message: says.into() });
            assert_eq!(lab.log().await, log);
        }
    });
}

#[test]
fn a_page_that_hangs_after_a_dialog_harms_no_other_session() {
    in_lab(|lab| async move {
        lab.goto("nav.html").await;
        let log = css("#log").into_target();
        let act =
            lab.page.act(&role("button", "alert loop").into_target(), &Action::Click, &[], &shortly()).await;
        let first = lab.page.read(&log, &Read::default(), &shortly()).await;
        let second = lab.page.read(&log, &Read::default(), &shortly()).await;
        let dialogs =
            [act.is_err(), first.is_err(), second.is_err()].iter().filter(|failed| **failed).count();
        assert!(dialogs >= 2, "{act:?} {first:?} {second:?}");
        let other = lab.another().await;
        lab.session.close().await;
        other.goto("arrived.html").await;
        assert_eq!(other.log().await, "arrived");
    });
}

#[test]
fn what_is_typed_arrives_in_its_control_whatever_the_page_does_with_the_focus() {
    in_lab(|lab| async move {
        lab.goto("typing.html").await;
        let value = async |name: &str| {
            let target = field(name).into_target();
            lab.page.read(&target, &Read::default(), &soon()).await.unwrap().unwrap_or_default()
        };
        for name in ["Chased", "Waking", "Notes", "Rich"] {
            lab.act(field(name), Action::Fill(plain("two words"))).await.unwrap();
            assert_eq!(value(name).await, "two words", "{name}");
        }
        lab.act(field("Notes"), Action::Fill(plain("one\ntwo"))).await.unwrap();
        lab.act(field("Rich"), Action::Fill(plain(""))).await.unwrap();
        assert_eq!((value("Notes").await, value("Rich").await), ("one\ntwo".to_owned(), String::new()));
        assert_eq!(value("Thief").await, "", "nothing went astray");

        lab.act(field("Late"), Action::Fill(plain("two words"))).await.unwrap();
        lab.act(role("button", "Enter"), Action::Click).await.unwrap();
        assert_eq!(lab.log().await, "entered 9", "a password that the page emptied was typed again");
        lab.act(field("Later"), Action::Fill(plain("two words"))).await.unwrap();
        lab.act(role("checkbox", "Remember"), Action::Check(true)).await.unwrap();
        lab.act(role("button", "Send"), Action::Click).await.unwrap();
        assert_eq!(
            lab.log().await,
            "sent 9",
            "and one that it emptied while the button was down, whatever was ticked"
        );

        let refused = async |name: &str| {
            let target = field(name).into_target();
            let action = Action::Fill(plain("two words"));
            let error = lab.page.act(&target, &action, &[], &shortly()).await.unwrap_err();
            match error.cause() {
                PageError::NotReady { why, .. } => why.clone(),
                other => panic!("{other}"),
            }
        };
        assert_eq!(refused("Refusing").await, Unready::ValueDiffers { is: String::new() });
        assert_eq!(lab.log().await, "refused 4", "once, and three times again");
        assert_eq!(refused("Shy").await, Unready::Unfocused);
        assert_eq!(value("Thief").await, "", "nothing went astray");
    });
}
