//! Coming in, staying out, and forged forms.

use usher::demo::{PASSWORD, SERVICE_ACCOUNT};

use super::{App, MEMBERS};

const WRONG: &str = "Incorrect email or password.";
/// The secret of RFC 6238 appendix B in base32.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

#[tokio::test]
async fn every_page_sends_a_stranger_to_the_sign_in_page() {
    let app = App::start(|_| {}).await;
    let mut browser = app.browser();
    for path in [
        "/",
        MEMBERS,
        "/orgs/acme/members/1003",
        "/orgs/acme/members/invite",
        "/orgs/acme/teams",
        "/orgs/acme/groups",
        "/orgs/acme/groups/501",
        "/no/such",
    ] {
        browser.get(path).await;
        assert_eq!((browser.status, browser.location.as_deref()), (303, Some("/login")), "{path}");
    }
}

#[tokio::test]
async fn the_right_password_opens_a_new_session_and_sign_out_ends_it() {
    let app = App::start(|_| {}).await;
    let mut browser = app.browser();
    browser.get("/login").await;
    let before = browser.cookie.clone();
    browser.sign_in(PASSWORD).await;
    assert_eq!(browser.location.as_deref(), Some("/"));
    assert!(browser.set_cookie.contains("HttpOnly") && browser.set_cookie.contains("SameSite=Lax"));
    assert_ne!(browser.cookie, before, "a planted session is worth nothing");
    browser.get("/").await;
    assert_eq!(browser.location.as_deref(), Some(MEMBERS));
    let page = browser.get(MEMBERS).await;
    assert!(page.contains("aria-label=\"Account menu\"") && page.contains("<span class=\"org\">acme</span>"));
    browser.get("/no/such").await;
    assert_eq!(browser.status, 404);

    let signed_in = browser.cookie.clone();
    browser.get(MEMBERS).await;
    browser.post("/logout", &[]).await;
    browser.cookie = signed_in;
    browser.get(MEMBERS).await;
    assert_eq!(browser.location.as_deref(), Some("/login"));
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour() {
    let app = App::start(|_| {}).await;
    let mut browser = app.browser();
    browser.get("/login").await;
    browser.post("/login", &[("email", "ada@acme.example"), ("password", PASSWORD)]).await;
    assert_eq!(browser.alert(), Some(WRONG), "only the service account signs in");
    for _ in 0..4 {
        browser.sign_in("wrong").await;
        assert_eq!(browser.alert(), Some(WRONG));
    }
    browser.sign_in("wrong").await;
    assert!(browser.alert().unwrap().starts_with("Account locked."), "{:?}", browser.alert());
    app.pass_ms(15 * 60 * 1000 - 1);
    browser.sign_in(PASSWORD).await;
    assert!(browser.alert().unwrap().starts_with("Account locked."), "the right one is not looked at");
    app.pass_ms(1);
    browser.sign_in(PASSWORD).await;
    assert_eq!(browser.location.as_deref(), Some("/"));
    let stats = app.desk.stats();
    assert_eq!((stats.sign_ins, stats.refused_sign_ins), (1, 7));
}

#[tokio::test]
async fn a_code_is_asked_for_after_the_password_and_good_once() {
    let app = App::start(|options| options.totp_secret = Some(SECRET.into())).await;
    app.pass_ms(1_234_567_890_000 - super::NOON_MS);
    let mut browser = app.browser();
    browser.sign_in(PASSWORD).await;
    assert_eq!(browser.location.as_deref(), Some("/login/code"));
    browser.get(MEMBERS).await;
    assert_eq!(browser.location.as_deref(), Some("/login"), "the password alone opens nothing");

    browser.get("/login/code").await;
    browser.post("/login/code", &[("code", "123456")]).await;
    assert_eq!(browser.alert(), Some("Incorrect code."));
    browser.post("/login/code", &[("code", "005924")]).await;
    assert_eq!(browser.location.as_deref(), Some("/"));
    browser.get(MEMBERS).await;
    assert_eq!(browser.status, 200);

    let mut again = app.browser();
    again.sign_in(PASSWORD).await;
    again.get("/login/code").await;
    again.post("/login/code", &[("code", "005924")]).await;
    assert_eq!(again.alert(), Some("Incorrect code."));
}

#[tokio::test]
async fn a_form_without_its_sessions_token_does_nothing() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    let mut other = app.signed_in().await;
    other.get(MEMBERS).await;
    let foreign = other.csrf();
    for token in [None, Some(""), Some("0"), Some(foreign.as_str())] {
        let fields: Vec<(&str, &str)> = token.map(|token| ("csrf", token)).into_iter().collect();
        let invitation = [fields.as_slice(), &[("email", "new@acme.example"), ("role", "Viewer")]].concat();
        for (path, fields) in [
            ("/orgs/acme/members/invite", invitation.as_slice()),
            ("/orgs/acme/members/1003/remove", &fields),
            ("/orgs/acme/teams", &fields),
            ("/orgs/acme/groups", &fields),
            ("/orgs/acme/groups/501/delete", &fields),
            ("/logout", &fields),
        ] {
            browser.post_raw(path, fields).await;
            assert_eq!(browser.status, 403, "{path} {token:?}");
        }
    }
    let mut stranger = app.browser();
    stranger.post_raw("/login", &[("email", SERVICE_ACCOUNT), ("password", PASSWORD)]).await;
    assert_eq!(stranger.status, 403);
    assert!(app.desk.record().is_empty());
    browser.get(MEMBERS).await;
    assert_eq!(browser.status, 200, "nor was anybody signed out");
}

#[tokio::test]
async fn a_session_ends_with_its_owners_power() {
    let app = App::start(|_| {}).await;
    let (mut browser, owner, grace) =
        (app.signed_in().await, app.member(SERVICE_ACCOUNT), app.member("grace@acme.example"));
    let promote = [("name", "Grace"), ("email", "grace@acme.example"), ("role", "Owner")];
    browser.do_to(grace.id, "edit", &promote).await;
    let demote = [("name", "Olivia"), ("email", SERVICE_ACCOUNT), ("role", "Viewer")];
    browser.do_to(owner.id, "edit", &demote).await;
    browser.get(MEMBERS).await;
    assert_eq!(browser.status, 403, "a viewer does not manage members");

    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    app.desk.expire_sessions();
    browser.get(MEMBERS).await;
    assert_eq!(browser.location.as_deref(), Some("/login"));
}
