//! Pictures.

use super::lab::*;
use usher::browser::{Action, Read};
use usher::locator::Kind;

/// The picture after these were typed: a name that may be seen, and secrets.
async fn picture(lab: &Lab, user: &str, hidden: &str) -> Vec<u8> {
    lab.goto("secret.html").await;
    lab.act(field("User"), Action::Fill(plain(user))).await.unwrap();
    lab.act(field("Password"), Action::Fill(secret(hidden))).await.unwrap();
    lab.act(field("Code"), Action::Fill(plain(hidden))).await.unwrap();
    let inner = field("Inner password").inside(exact(Kind::Frame, "Inner"));
    lab.act(inner, Action::Fill(plain(hidden))).await.unwrap();
    lab.act(field("Token"), Action::Set(secret(hidden))).await.unwrap();
    lab.page.screenshot().await.unwrap().jpeg.unwrap()
}

#[test]
fn secrets_leave_no_trace_in_a_picture() {
    in_lab(|lab| async move {
        let first = picture(&lab, "ada", "tiger-one").await;
        assert!(first.starts_with(&[0xFF, 0xD8]), "a JPEG");
        if let Some(folder) = std::env::var_os("USHER_TEST_PICTURES") {
            std::fs::write(std::path::Path::new(&folder).join("secret.jpg"), &first).unwrap();
        }
        let second = picture(&lab, "ada", "quite-another-secret").await;
        assert!(first == second, "the pictures of two secrets differ");
        let third = picture(&lab, "bob", "tiger-one").await;
        assert!(first != third, "what is no secret is not seen");
        // The page has its secrets back, and they are not read.
        let token = field("Token").into_target();
        lab.page.field_is(&token, "tiger-one", &soon()).await.unwrap();
        assert_eq!(lab.page.read(&token, &Read::default(), &soon()).await.unwrap().as_deref(), Some(""));
    });
}

/// Moving the pointer makes the page change without an event that anybody could hear.
#[test]
fn a_picture_shows_the_page_until_the_page_changes() {
    in_lab(|lab| async move {
        lab.goto("still.html").await;
        let hover = async |name: &str| drop(lab.act(role("button", name), Action::Hover).await.unwrap());
        hover("Nothing").await;
        let picture = lab.page.screenshot().await.unwrap();
        hover("Nothing").await;
        assert!(lab.page.still_shows(&picture).await, "nothing has changed");
        for change in ["Words", "Value", "Choice"] {
            let picture = lab.page.screenshot().await.unwrap();
            assert!(lab.page.still_shows(&picture).await, "before {change}");
            hover(change).await;
            assert!(!lab.page.still_shows(&picture).await, "{change}");
        }
        let picture = lab.page.screenshot().await.unwrap();
        lab.goto("still.html").await;
        assert!(!lab.page.still_shows(&picture).await, "another document");
    });
}
