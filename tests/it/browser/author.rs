//! What authors look at: best locators, what a locator matches, an element that is shown and not used.

use usher::browser::{Action, Guard, PageError};

use super::lab::*;

#[test]
fn every_element_has_a_locator_that_means_it_alone() {
    in_lab(|lab| async move {
        lab.goto("pick.html").await;
        let found = lab.page.locate_all().await.unwrap();
        let locators: Vec<String> = found.iter().map(|one| one.locator.to_string()).collect();
        let expected = [
            r#"link "Team""#,
            r#"heading "Members""#,
            r#"button "Invite member""#,
            r#"region "Team" > field "Name""#,
            r#"region "Team" > button "Save""#,
            r#"region "Billing" > field "Name""#,
            r#"region "Billing" > button "Save""#,
            r#"table "Members""#,
            r#"row (has cell "ada@acme.example") > button "Edit""#,
            r#"row (has cell "alan@acme.example") > button "Edit""#,
            r#"testid "more""#,
            r##"css "#gear""##,
            r#"button "Copy" nth 1"#,
            r#"button "Copy" nth 2"#,
        ];
        assert_eq!(locators, expected);
        for one in found {
            assert_eq!(lab.find(one.locator.clone()).await.unwrap(), one.element, "{}", one.locator);
        }
    });
}

#[test]
fn what_a_person_clicks_is_told_and_not_done() {
    in_lab(|lab| async move {
        lab.goto("pick.html").await;
        let (page, until) = (lab.page.clone(), soon().until);
        let picking = tokio::spawn(async move { page.pick(until).await });
        // The page listens once it says so: the pointer over something marks it.
        let bold = css("b").into_target();
        let marked = css("button[style*=outline]").into_target();
        while !lab.page.is_there(&marked).await.unwrap() {
            lab.page.act(&bold, &Action::Hover, &[], &soon()).await.unwrap();
            lab.page.act(&css("h1").into_target(), &Action::Hover, &[], &soon()).await.unwrap();
            lab.page.act(&bold, &Action::Hover, &[], &soon()).await.unwrap();
        }
        lab.click(css("b")).await.unwrap();
        let picked = picking.await.unwrap().unwrap();
        assert_eq!(picked.locator.to_string(), r#"button "Invite member""#);
        assert_eq!(lab.log().await, "log:", "the page noticed nothing");
        lab.click(css("b")).await.unwrap();
        assert_eq!(lab.log().await, "log:Invite member;", "afterwards it does again");
    });
}

#[test]
fn an_action_is_shown_with_all_that_must_hold_and_not_done() {
    in_lab(|lab| async move {
        lab.goto("pick.html").await;
        let row = any("row").has(role("cell", "ada@acme.example"));
        let edit = role("button", "Edit").within(&[row]);
        let guards = |text: &str| [Guard::Identity { texts: vec![text.to_owned()] }];
        let shown = lab.page.show(&edit, &Action::Click, &guards("ada@acme.example"), &soon()).await;
        assert_eq!(shown.unwrap(), r#"button "Edit""#);
        let marked = css("tr:nth-of-type(2) button[style*=outline]").into_target();
        assert!(lab.page.is_there(&marked).await.unwrap());
        let other = lab.page.show(&edit, &Action::Click, &guards("alan@acme.example"), &shortly()).await;
        assert!(matches!(other, Err(PageError::Guard { index: 0, .. })), "{other:?}");
        assert_eq!(lab.log().await, "log:");
        lab.page.act(&edit, &Action::Click, &[], &soon()).await.unwrap();
        assert_eq!(lab.log().await, "log:Edit;", "the page takes clicks after it");

        let saves = lab.page.matches(&role("button", "Save").into_target()).await.unwrap();
        assert_eq!(saves.elements, [r#"button "Save""#, r#"button "Save""#]);
        assert!(lab.page.matches(&role("button", "Sav").into_target()).await.unwrap().elements.is_empty());
    });
}
