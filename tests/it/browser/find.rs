//! What locators find.

use super::lab::*;
use usher::browser::{Action, PageError, Read, Unready};
use usher::locator::{Kind, Locator, Name, Nth};

fn a_role(role: &str) -> Kind {
    Kind::Role(role.to_owned())
}

fn contains(kind: Kind, text: &str) -> Locator {
    Locator::one(kind, Name::Contains(text.to_owned()))
}

#[test]
fn each_kind_of_locator_finds_its_element() {
    in_lab(|lab| async move {
        lab.goto("find.html").await;
        let row = |email: &str| any("row").has(role("cell", email));
        let cases = [
            (role("button", "Account menu"), "button \"Account menu\""),
            (role("link", "Billing and seats"), "link \"Billing and seats\""),
            (contains(a_role("link"), "SEATS"), "link \"Billing and seats\""),
            (pattern(a_role("heading"), r"Members \(\d+\)", false), "heading \"Members (3)\""),
            (pattern(a_role("heading"), "^members", true), "heading \"Members (3)\""),
            (role("button", "Invite"), "button \"Invite\""),
            (role("button", "Export"), "button \"Export\""),
            (role("button", "Hidden twin"), "button \"Hidden twin\""),
            (role("button", "Custom"), "button \"Custom\""),
            (role("button", "Send it"), "button \"Send it\""),
            (role("img", "Logo"), "img \"Logo\""),
            (role("status", "Member updated"), "status \"Member updated\""),
            (pattern(a_role("alert"), "wrong password", true), "alert \"Wrong password\""),
            (role("dialog", "Edit member"), "dialog \"Edit member\""),
            (role("dialog", "Unnamed dialog"), "dialog \"Unnamed dialog\""),
            (role("table", "Members"), "table \"Members\""),
            (role("cell", "al@x.com"), "cell \"al@x.com\""),
            (role("cell", "ada@x.com"), "cell \"ada@x.com\""),
            (Locator::one(a_role("cell"), Name::Same("ADA@X.com".to_owned())), "cell \"ada@x.com\""),
            (role("cell", "Love lace"), "cell \"Love lace\""),
            (text("No users"), "paragraph \"No users\""),
            (text("bold"), "strong \"bold\"|text \"bold\""),
            (text("Hello bold world"), "paragraph \"Hello bold world\""),
            (text("\" > button \"Delete"), "paragraph \"\\\" > button \\\"Delete\""),
            (text("Agent"), "text \"Agent\""),
            (exact(Kind::Title, "Close the panel"), "button \"×\""),
            (exact(Kind::TestId, "save-bar"), "text \"bar\""),
            (exact(Kind::Placeholder, "Search members"), "field \"Search members\""),
            (field("Search members"), "field \"Search members\""),
            (exact(Kind::Label, "Phone"), "field \"Phone\""),
            (field("Team name"), "field \"Team name\""),
            (field("Email").inside(role("dialog", "Edit member")), "field \"Email\""),
            (exact(Kind::Column, "Email").inside(row("al@x.com")), "cell \"al@x.com\""),
            (exact(Kind::Column, "Role").inside(row("al@x.com")), "cell \"Owner\""),
            (exact(Kind::Column, "Role").inside(row("pal@x.com")), "cell \"Agent\""),
            (exact(Kind::Column, "Last").inside(row("al@x.com")), "cell \"Pine\""),
            (exact(Kind::Column, "Last").inside(row("pal@x.com")), "cell \"Pal\""),
            (exact(Kind::Column, "Zip").inside(any("row").has(role("cell", "Rome"))), "cell \"001\""),
            (role("button", "Edit row").inside(row("ada@x.com")), "button \"Edit row\""),
            (role("button", "Pay").inside(exact(Kind::Frame, "Invoices")), "button \"Pay\""),
            (role("button", "In the shadow"), "button \"In the shadow\""),
            (field("Deep"), "field \"Deep\""),
            (css("main > p:nth-of-type(1)"), "paragraph \"No users\""),
            (exact(Kind::XPath, "//li[2]"), "listitem \"Two\""),
            (any("listitem").nth(Nth::First), "listitem \"One\""),
            (any("listitem").nth(Nth::Last), "listitem \"Three\""),
            (any("listitem").nth(Nth::Index(2)), "listitem \"Two\""),
        ];
        let mut wrong = Vec::new();
        for (locator, expected) in cases {
            let found = lab.find(locator.clone()).await;
            if !found.as_ref().is_ok_and(|found| expected.split('|').any(|it| it == found)) {
                wrong.push(format!("{locator}: expected {expected}, got {found:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn what_is_not_exactly_the_name_or_not_visible_is_not_found() {
    in_lab(|lab| async move {
        lab.goto("find.html").await;
        let cases = [
            role("button", "edit"),
            role("button", "Edi"),
            role("cell", "l@x.com"),
            role("button", "Ghost"),
            role("listitem", "INVITE"),
            exact(Kind::Column, "Phone").inside(any("row").has(role("cell", "al@x.com"))),
            any("listitem").nth(Nth::Index(4)),
        ];
        for locator in cases {
            let error = lab.find(locator.clone()).await.unwrap_err();
            assert!(matches!(error, PageError::NotFound { .. }), "{locator}: {error:?}");
        }
        let error = lab.find(role("button", "Only hidden")).await.unwrap_err();
        assert!(matches!(error, PageError::NotReady { why: Unready::Hidden, .. }), "{error:?}");
    });
}

#[test]
fn several_matches_are_ambiguous_at_once_and_all_listed() {
    in_lab(|lab| async move {
        lab.goto("find.html").await;
        let error = lab.click(role("button", "Edit row")).await.unwrap_err();
        let PageError::Ambiguous { looked_for, matches } = &error else { panic!("{error:?}") };
        assert_eq!(looked_for, "button \"Edit row\"");
        assert_eq!(matches.len(), 3);
        let target = role("button", "Edit row").within(&[any("row")]);
        let error = lab.page.act(&target, &Action::Click, &[], &soon()).await.unwrap_err();
        assert!(
            matches!(&error, PageError::Ambiguous { looked_for, .. } if looked_for == "row"),
            "{error:?}"
        );
    });
}

#[test]
fn what_was_not_found_is_told_with_what_is_there() {
    in_lab(|lab| async move {
        lab.goto("find.html").await;
        let target = role("button", "Save").within(&[role("dialog", "Edit member")]);
        let error = lab.page.expect(&target, &shortly()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no button \"Save\" in dialog \"Edit member\"; there is button \"Save changes\", button \"Cancel\" (idle)"
        );
        let error = lab.find(field("E-mail").inside(role("dialog", "Edit member"))).await.unwrap_err();
        assert!(error.to_string().contains("there is field \"Email\""), "{error}");
        let error = lab
            .find(exact(Kind::Column, "Rolle").inside(any("row").has(role("cell", "Al"))))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("there is column \"Role"), "{error}");
        let target = role("button", "Save").within(&[role("dialog", "Edit membre")]);
        let error = lab.page.expect(&target, &shortly()).await.unwrap_err();
        assert!(
            error.to_string().starts_with("no dialog \"Edit membre\"; there is dialog \"Edit member\""),
            "{error}"
        );
    });
}

#[test]
fn frames_and_shadow_roots_are_acted_in() {
    in_lab(|lab| async move {
        lab.goto("find.html").await;
        let frame = exact(Kind::Frame, "Invoices");
        lab.act(field("Card").inside(frame.clone()), Action::Fill(plain("4242"))).await.unwrap();
        lab.click(role("button", "Pay").inside(frame.clone())).await.unwrap();
        let card = field("Card").within(std::slice::from_ref(&frame));
        assert_eq!(lab.page.read(&card, &Read::default(), &soon()).await.unwrap().unwrap(), "4242");
        lab.find(role("button", "Paid").inside(frame)).await.unwrap();
        lab.act(field("Deep"), Action::Fill(plain("down"))).await.unwrap();
        lab.click(role("button", "In the shadow")).await.unwrap();
        assert_eq!(lab.log().await, "shadow clicked");
    });
}
