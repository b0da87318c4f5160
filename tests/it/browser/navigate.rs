//! Opening documents, and actions that do.

use super::lab::*;
use usher::browser::{Action, PageError};

#[test]
fn an_action_that_opens_a_document_returns_when_it_is_there() {
    in_lab(|lab| async move {
        let leave = [
            role("link", "plain link"),
            role("button", "submit form"),
            role("button", "submit redirect"),
            role("button", "set location"),
            role("button", "later"),
        ];
        for leaving in leave {
            lab.goto("nav.html").await;
            let acted = lab.click(leaving.clone()).await.unwrap_or_else(|e| panic!("{leaving}: {e}"));
            eprintln!("{leaving} {acted:?} {}", lab.page.url());
            // Without any waiting: the document is already the new one.
            assert!(lab.page.is_there(&role("heading", "Arrived").into_target()).await.unwrap(), "{leaving}");
        }
    });
}

#[test]
fn an_action_that_opens_no_document_returns_at_once() {
    in_lab(|lab| async move {
        let stay = [
            role("button", "stay"),
            role("link", "new window"),
            role("link", "fragment"),
            role("link", "script link"),
            role("link", "mail link"),
            role("link", "download link"),
            role("link", "attachment link"),
            role("link", "empty link"),
            role("button", "push state"),
            role("button", "stopped"),
        ];
        lab.goto("nav.html").await;
        for staying in stay {
            let acted = lab.click(staying.clone()).await;
            eprintln!("{staying} {acted:?} {}", lab.page.url());
        }
    });
}
#[test]
fn probe() {
    in_lab(|lab| async move {
        lab.goto("navprobe.html").await;
        for n in [
            "stay",
            "new window",
            "fragment",
            "mail link",
            "download link",
            "download link",
            "attachment link",
            "empty link",
            "push state",
            "push state",
        ] {
            let l = if n == "stay" || n == "push state" { role("button", n) } else { role("link", n) };
            let a = lab.click(l).await;
            let t = tokio::time::Instant::now() + std::time::Duration::from_millis(500);
            tokio::time::sleep_until(t).await;
            eprintln!("{n} {} {a:?}", lab.log().await);
        }
    });
}
