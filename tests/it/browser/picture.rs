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
    lab.page.screenshot().await.unwrap()
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
