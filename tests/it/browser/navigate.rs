//! Opening documents, actions that do, and what may not be reached.

use super::lab::*;
use usher::browser::{Action, Network, PageError, SessionOptions};

#[test]
fn opening_an_address_tells_where_it_led() {
    in_lab(|lab| async move {
        let lab = &lab;
        let arrive =
            async |path: &str| lab.page.goto(&format!("{}/{path}", lab.base), &soon()).await.unwrap();
        let arrival = arrive("arrived.html").await;
        assert_eq!((arrival.url, arrival.status), (format!("{}/arrived.html", lab.base), Some(200)));
        let arrival = arrive("to?url=/arrived.html%23part").await;
        assert_eq!((arrival.url, arrival.status), (format!("{}/arrived.html#part", lab.base), Some(200)));
        let arrival = arrive("status/503").await;
        assert_eq!(arrival.status, Some(503));
        assert_eq!(lab.page.text().await.unwrap(), "Sorry");
        // Without a page of its own.
        assert_eq!(arrive("nowhere.html").await.status, Some(404));
        let arrival = arrive("arrived.html").await;
        assert_eq!(arrival.url, lab.page.url());
        let arrival = arrive("arrived.html#fragment").await;
        assert_eq!(arrival.url, format!("{}/arrived.html#fragment", lab.base));
    });
}

#[test]
fn what_cannot_be_opened_says_why() {
    in_lab(|lab| async move {
        let lab = &lab;
        let goto =
            async |path: &str| lab.page.goto(&format!("{}/{path}", lab.base), &shortly()).await.unwrap_err();
        assert!(matches!(goto("never").await, PageError::TooSlow { .. }));
        assert!(matches!(goto("file").await, PageError::Navigation { .. }));
        // The page goes on working.
        lab.goto("arrived.html").await;
        assert_eq!(lab.log().await, "arrived");
    });
}

#[test]
fn an_action_that_opens_a_document_returns_when_it_is_there() {
    in_lab(|lab| async move {
        let leave = [
            role("link", "plain link"),
            role("link", "late link"),
            role("button", "submit form"),
            role("button", "submit redirect"),
            role("button", "set location"),
            role("button", "later"),
        ];
        for leaving in leave {
            lab.goto("nav.html").await;
            lab.click(leaving.clone()).await.unwrap_or_else(|error| panic!("{leaving}: {error}"));
            // Nothing is waited for: the document is already the new one.
            assert!(lab.page.is_there(&role("heading", "Arrived").into_target()).await.unwrap(), "{leaving}");
        }
        lab.goto("nav.html").await;
        lab.act(field("Go"), Action::Select("leave".into())).await.unwrap();
        assert!(lab.page.is_there(&role("heading", "Arrived").into_target()).await.unwrap());
        lab.goto("nav.html").await;
        lab.act(field("Query"), Action::Press("Enter".into())).await.unwrap();
        assert!(lab.page.is_there(&role("heading", "Arrived").into_target()).await.unwrap());
    });
}

#[test]
fn an_action_that_opens_no_document_returns_and_leaves_the_page() {
    in_lab(|lab| async move {
        lab.goto("nav.html").await;
        let stay = [
            role("link", "fragment"),
            role("link", "script link"),
            role("link", "mail link"),
            role("link", "new window"),
            role("link", "download link"),
            role("link", "attachment link"),
            role("link", "empty link"),
            role("button", "push state"),
            role("button", "stopped"),
            role("button", "stay"),
        ];
        for staying in stay {
            lab.click(staying.clone()).await.unwrap_or_else(|error| panic!("{staying}: {error}"));
        }
        assert_eq!(lab.page.url(), format!("{}/pushed", lab.base));
        assert_eq!(lab.log().await, "stayed");
    });
}

#[test]
fn a_wait_goes_on_in_the_document_that_comes_next() {
    in_lab(|lab| async move {
        lab.goto("nav.html").await;
        let expected = role("heading", "Arrived").into_target();
        let (wait, leave) = (soon(), role("button", "slowly").into_target());
        let (found, clicked) = tokio::join!(lab.page.expect(&expected, &wait), async {
            lab.page.act(&leave, &Action::Click, &[], &soon()).await
        });
        assert_eq!(found.unwrap().element, "heading \"Arrived\"");
        clicked.unwrap();
    });
}

#[test]
fn other_origins_are_blocked_and_recorded_whatever_asks_for_them() {
    in_lab(nothing_gets_out);
}

/// Tries to reach what is not allowed in every way, and looks at what was reached.
pub async fn nothing_gets_out(lab: Lab) {
    // A server that is there, on an origin that is not allowed.
    let outside = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("127.0.0.1:{}", outside.local_addr().unwrap().port());
    let reached = tokio::spawn(async move { outside.accept().await.map(drop) });
    let open = async |path: &str| lab.page.goto(path, &soon()).await;

    let url = format!("http://{base}/direct");
    assert_eq!(open(&url).await.unwrap_err(), PageError::Blocked { url });
    for url in ["file:///etc/passwd", "chrome://version", "data:text/html,x"] {
        let refused = open(url).await;
        assert_eq!(refused.is_err(), !url.starts_with("data:"), "{url} {refused:?}");
    }
    let url = format!("http://{base}/redirected");
    let error = open(&format!("{}/to?url={url}", lab.base)).await.unwrap_err();
    assert_eq!(error, PageError::Blocked { url });

    open(&format!("{}/outside.html?{base}", lab.base)).await.unwrap();
    lab.page.expect(&text("fetch socket frame image script worker").into_target(), &soon()).await.unwrap();
    let error = lab.click(role("link", "leave")).await.unwrap_err();
    assert_eq!(error.cause(), &PageError::Blocked { url: format!("http://{base}/left") });

    let blocked = lab.session.blocked();
    for part in ["fetch", "socket", "frame", "image", "script", "left", "redirected"] {
        assert!(blocked.iter().any(|url| url.ends_with(part)), "{part}: {blocked:?}");
    }
    assert!(!reached.is_finished(), "something got through");
    reached.abort();
}

#[test]
fn sessions_see_nothing_of_each_other() {
    in_lab(|lab| async move {
        lab.goto("storage.html?first").await;
        assert_eq!(lab.log().await, "first");
        lab.goto("storage.html?again").await;
        assert_eq!(lab.log().await, "first");
        let other = lab.another().await;
        other.goto("storage.html?second").await;
        assert_eq!(other.log().await, "second");
    });
}

#[test]
fn an_origin_that_is_none_is_refused() {
    in_lab(|lab| async move {
        let options =
            SessionOptions { origins: vec!["nowhere".into()], viewport: (800, 600), network: Network::Real };
        assert!(lab.browser().open_session(&options).await.is_err());
    });
}
