//! The page as HTML that needs nothing else.

use super::lab::*;
use usher::browser::{Kept, Shot};

#[test]
fn what_lies_above_the_page_does_so_in_its_snapshot_and_what_is_hidden_stays_so() {
    in_lab(|lab| async move {
        lab.goto("layers.html").await;
        let shown = lab.page.expose(Shot::Picture, Kept::Page(None)).await.picture().await.unwrap();
        let html = shown.page.unwrap();
        let tag = |text: &str| {
            let at = html.find(text).unwrap_or_else(|| panic!("no {text} in {html}"));
            html[..at].rsplit('<').next().unwrap().to_owned()
        };
        let closed = tag("Sign out");
        assert!(closed.contains(" popover") && !closed.contains("fixed"), "{closed}");
        let open = tag("Opened menu");
        assert!(open.contains("position:fixed") && !open.contains(" popover"), "{open}");
        assert!(open.contains("width: 90px;"), "its own style comes first: {open}");
        let modal = html.split("<dialog").nth(1).unwrap().split('>').next().unwrap();
        assert!(modal.contains(" open") && modal.contains("width:300px;height:120px"), "{modal}");
        let dark = html.split("<dialog").next().unwrap().rsplit('<').nth(1).unwrap();
        assert!(dark.contains("inset:0") && dark.contains("rgb(1, 2, 3)"), "{dark}");
        assert!(!html.contains("secret-address"), "{html}");
    });
}
