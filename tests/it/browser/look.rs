//! Reading without touching.

use super::lab::*;
use usher::browser::{PageError, Read, Unready};
use usher::locator::Kind;

fn attribute(name: &str) -> Read {
    Read { attribute: Some(name.to_owned()), ..Read::default() }
}

#[test]
fn rows_are_read_in_one_go_with_missing_cells_empty() {
    in_lab(|lab| async move {
        lab.goto("find.html").await;
        let rows =
            any("row").has(pattern(Kind::Role("cell".into()), "@", false)).inside(role("table", "Members"));
        let cells = [
            (exact(Kind::Column, "Email"), Read::default()),
            (exact(Kind::Column, "First"), Read::default()),
            (exact(Kind::Column, "Role"), Read::default()),
            (role("link", "open"), attribute("href")),
            (role("link", "absent"), Read::default()),
        ];
        let read = lab.page.rows(&rows.clone().into_target(), &cells, &soon()).await.unwrap();
        let row = |values: [&str; 3], id: u8| {
            let mut row: Vec<Option<String>> = values.iter().map(|value| Some((*value).to_owned())).collect();
            row.extend([Some(format!("{}/members/{id}", lab.base)), None]);
            row
        };
        let expected = [
            row(["al@x.com", "Al", "Owner"], 1),
            row(["pal@x.com", "Pal", "Agent"], 2),
            row(["ada@x.com", "Ada", "Viewer"], 3),
        ];
        assert_eq!(read.rows, expected);
        let none = any("row").has(role("cell", "nobody")).inside(role("table", "Members")).into_target();
        assert!(lab.page.rows(&none, &cells, &soon()).await.unwrap().rows.is_empty());
        let nowhere = any("row").inside(role("table", "Teams")).into_target();
        let error = lab.page.rows(&nowhere, &cells, &shortly()).await.unwrap_err();
        assert!(matches!(error, PageError::NotFound { .. }), "{error:?}");
        let several = [(any("cell"), Read::default())];
        let error = lab.page.rows(&rows.into_target(), &several, &shortly()).await.unwrap_err();
        assert!(
            matches!(&error, PageError::Ambiguous { looked_for, .. } if looked_for.ends_with("> cell")),
            "{error:?}"
        );
    });
}

#[test]
fn values_attributes_and_states_are_read() {
    in_lab(|lab| async move {
        lab.goto("find.html").await;
        let read = async |locator: usher::locator::Locator, what: Read| {
            lab.page.read(&locator.into_target(), &what, &soon()).await.unwrap()
        };
        let mail = || field("Email").inside(role("dialog", "Edit member"));
        assert_eq!(read(mail(), Read::default()).await.as_deref(), Some("d@x.com"));
        assert_eq!(
            read(text("Hello bold world"), Read::default()).await.as_deref(),
            Some("Hello bold world")
        );
        let href = format!("{}/orgs/acme/members", lab.base);
        assert_eq!(read(role("link", "Members"), attribute("href")).await, Some(href));
        assert_eq!(read(role("link", "Members"), attribute("download")).await, None);
        assert!(lab.page.is_there(&mail().into_target()).await.unwrap());
        assert!(!lab.page.is_there(&role("button", "Nowhere").into_target()).await.unwrap());
        assert!(lab.page.is_enabled(&role("button", "Edit").into_target()).await.unwrap());
        assert!(lab.page.text().await.unwrap().contains("al@x.com Al Pine Owner"));
        lab.goto("ready.html").await;
        assert!(!lab.page.is_enabled(&role("button", "Never").into_target()).await.unwrap());
        assert!(!lab.page.is_enabled(&role("button", "Nowhere").into_target()).await.unwrap());
    });
}

#[test]
fn waits_end_when_the_page_is_so() {
    in_lab(|lab| async move {
        lab.goto("ready.html").await;
        lab.click(role("button", "Cover for a while")).await.unwrap();
        lab.page.gone(&text("overlay").into_target(), &soon()).await.unwrap();
        lab.click(role("button", "Appear")).await.unwrap();
        let targets =
            [role("alert", "Session expired").into_target(), role("button", "Appearing").into_target()];
        assert_eq!(lab.page.first_of(&targets, &soon()).await.unwrap(), 1);
        lab.goto("nav.html").await;
        let pushed = regex::Regex::new("/pushed$").unwrap();
        let error = lab.page.url_matches(&pushed, &shortly()).await.unwrap_err();
        assert!(matches!(error, PageError::Address { .. }), "{error:?}");
        lab.click(role("button", "push state")).await.unwrap();
        lab.page.url_matches(&pushed, &soon()).await.unwrap();
    });
}

#[test]
fn waits_that_are_never_met_say_what_is_there() {
    in_lab(|lab| async move {
        lab.goto("form.html").await;
        let error = lab.page.gone(&role("button", "Save").into_target(), &shortly()).await.unwrap_err();
        assert_eq!(error.to_string(), "button \"Save\" is still there: button \"Save\" (idle)");
        let error = lab.page.field_is(&field("Role").into_target(), "Agent", &shortly()).await.unwrap_err();
        let owner = Unready::ValueDiffers { is: "Owner".into() };
        assert!(matches!(&error, PageError::NotReady { why, .. } if *why == owner), "{error:?}");
        let targets = [role("button", "Nowhere").into_target(), role("alert", "Wrong").into_target()];
        let error = lab.page.first_of(&targets, &shortly()).await.unwrap_err();
        assert!(error.to_string().starts_with("no button \"Nowhere\" or alert \"Wrong\""), "{error}");
    });
}
