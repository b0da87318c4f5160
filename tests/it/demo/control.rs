//! The switches and the figures under `/-/`, in and out of process.

use std::time::Duration;

use serde_json::{Value, json};

use super::{App, Browser, MEMBERS};

async fn turn(browser: &mut Browser, switches: Value) -> Value {
    let request = browser.http.post(format!("{}/-/switches", browser.base)).json(&switches);
    browser.send(request).await;
    serde_json::from_str(&browser.page).unwrap()
}

#[tokio::test]
async fn switches_turn_at_run_time_and_only_as_asked() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    let answer = turn(&mut browser, json!({ "new_design": true, "latency_ms": 1, "seats": 7 })).await;
    assert_eq!(
        answer,
        json!({ "new_design": true, "whats_new": false, "latency_ms": 1, "seats": 7, "fail_with": null, "missing": "nothing" })
    );
    let page = browser.get(MEMBERS).await;
    assert!(page.contains("<h1>People</h1>") && page.contains(">Add people<") && page.contains("of 7 seats"));
    assert!(!page.contains("Invite member") && !page.contains("<table"));
    assert_eq!(app.desk.switches().latency, Duration::from_millis(1));

    turn(&mut browser, json!({ "fail_with": 503 })).await;
    browser.get("/login").await;
    assert_eq!(browser.status, 503);
    turn(&mut browser, json!({ "fail_with": null, "new_design": false })).await;
    assert!(browser.get(MEMBERS).await.contains("Invite member"));

    for wrong in [json!({ "fail_with": 200 }), json!({ "new_desing": true }), json!({ "seats": -1 })] {
        turn(&mut browser, wrong.clone()).await;
        assert_eq!(browser.status, 400, "{wrong}");
    }
    turn(&mut browser, json!({ "expire_sessions": true })).await;
    browser.get(MEMBERS).await;
    assert_eq!(browser.location.as_deref(), Some("/login"));
}

#[tokio::test]
async fn news_covers_the_members_page_until_it_is_dismissed() {
    let app = App::start(|options| options.whats_new = true).await;
    let mut browser = app.signed_in().await;
    for _ in 0..2 {
        assert!(browser.get(&format!("{MEMBERS}?q=al")).await.contains(">What's new</h2>"));
    }
    browser.post("/whats-new", &[("q", "al")]).await;
    assert_eq!(browser.location.as_deref(), Some("/orgs/acme/members?q=al"));
    assert!(!browser.get(MEMBERS).await.contains("What's new"));
    assert!(app.signed_in().await.get(MEMBERS).await.contains("What's new"), "another session sees it");
}

#[tokio::test]
async fn the_same_is_told_over_http_as_in_process() {
    let app = App::start(|_| {}).await;
    let mut browser = app.browser();
    let email = "edsger@acme.example";
    for expected in [200, 404] {
        let request =
            browser.http.post(format!("{}/-/accept", browser.base)).json(&json!({ "email": email }));
        browser.send(request).await;
        assert_eq!(browser.status, expected);
    }
    let record: Value = serde_json::from_str(browser.get("/-/record").await).unwrap();
    assert_eq!(record, serde_json::to_value(app.desk.record()).unwrap());
    assert_eq!(
        record,
        json!([{
            "at_ms": super::NOON_MS, "actor": email, "action": "accepted", "member_id": 1009, "email": email,
            "changed": [{ "field": "status", "from": "Pending", "to": "Active" }],
        }])
    );
    let members: Value = serde_json::from_str(browser.get("/-/members").await).unwrap();
    assert_eq!(members, serde_json::to_value(app.desk.members()).unwrap());
    assert_eq!((members[8]["status"].as_str(), members[8]["id"].as_u64()), (Some("Active"), Some(1009)));
    assert!(browser.get("/-/").await.contains("<code>accepted</code>"));
}

#[tokio::test]
async fn time_spent_answering_is_counted_for_pages_alone() {
    let app = App::start(|options| {
        // Every look at this clock takes a second.
        let seconds = std::sync::atomic::AtomicU64::new(0);
        options.elapsed = std::sync::Arc::new(move || {
            Duration::from_secs(seconds.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
        });
    })
    .await;
    let mut browser = app.browser();
    browser.get("/login").await;
    browser.get("/assets/desk.css").await;
    let stats: Value = serde_json::from_str(browser.get("/-/stats").await).unwrap();
    assert_eq!(stats, json!({ "requests": 2, "busy_ms": 2000, "sign_ins": 0, "refused_sign_ins": 0 }));
    assert_eq!(app.desk.stats().busy, Duration::from_secs(2));
}

#[tokio::test]
async fn a_stopped_app_no_longer_answers() {
    let app = App::start(|_| {}).await;
    let mut browser = app.browser();
    browser.get("/login").await;
    app.desk.stop().await;
    let refused = browser.http.get(format!("{}/login", browser.base)).send().await;
    assert!(refused.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_secret_that_is_not_one_is_told_at_the_start() {
    let now = std::sync::Arc::new(|| 0);
    let mut options = usher::demo::Options::new(now, std::sync::Arc::new(|_: &mut [u8]| {}));
    options.totp_secret = Some("not base32!".into());
    let refused = usher::demo::AcmeDesk::start(options).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}
