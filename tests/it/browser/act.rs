//! Actions: what they wait for, what they refuse, what the page receives.

use super::lab::*;
use usher::browser::{Action, PageError, Unready};

#[test]
fn a_click_and_a_text_arrive_as_trusted_events() {
    in_lab(|lab| async move {
        lab.goto("form.html").await;
        let acted = lab.act(field("Email"), Action::Fill(plain("zoë@例え.jp 😀"))).await.unwrap();
        assert_eq!((acted.element.as_str(), acted.changed), ("field \"Email\"", true));
        assert!(!lab.act(field("Email"), Action::Fill(plain("zoë@例え.jp 😀"))).await.unwrap().changed);
        let acted = lab.click(role("button", "Save")).await.unwrap();
        assert_eq!(acted.element, "button \"Save\"");
        assert_eq!(lab.log().await, "trusted click: zoë@例え.jp 😀");
        eprintln!("{acted:?}");
    });
}
