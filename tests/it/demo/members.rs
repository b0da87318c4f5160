//! Members through the pages; the record is the judge.

use usher::demo::{Role, Status};

use super::{App, Browser, MEMBERS};

const LAST_OWNER: &str = "The last owner cannot be changed.";

impl Browser {
    /// Invites somebody as an agent.
    pub(crate) async fn invite(&mut self, email: &str, name: &str) {
        self.get("/orgs/acme/members/invite").await;
        let fields = [("email", email), ("name", name), ("role", "Agent")];
        self.post("/orgs/acme/members/invite", &fields).await;
    }
}

#[tokio::test]
async fn an_invitation_becomes_a_pending_member_and_then_an_active_one() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    browser.get("/orgs/acme/members/invite?q=new&sort=email").await;
    assert!(browser.page.contains("<h2 id=\"dialog-title\">Invite member</h2>"));
    let fields = [
        ("q", "new"),
        ("sort", "email"),
        ("email", " new@acme.example "),
        ("name", "New Person"),
        ("role", "Agent"),
    ];
    browser.post("/orgs/acme/members/invite", &fields).await;
    assert_eq!(browser.location.as_deref(), Some("/orgs/acme/members?q=new&sort=email"), "the place is kept");
    let back = browser.location.clone().unwrap();
    browser.get(&back).await;
    assert_eq!((browser.status(), browser.emails()), (Some("Invitation sent"), vec!["new@acme.example"]));
    browser.get(&back).await;
    assert_eq!(browser.status(), None, "a message is shown once");

    let member = app.member("new@acme.example");
    assert_eq!((member.status, member.role, member.id), (Status::Pending, Role::Agent, 1033));
    let mut invited = app.browser();
    let link = format!("/invitations/{}", member.invitation.unwrap());
    assert!(invited.get(&link).await.contains("Accept invitation"));
    invited.post(&link, &[]).await;
    assert_eq!(invited.status(), Some("Invitation accepted"));
    invited.get(&link).await;
    assert_eq!(invited.status, 404);
    assert_eq!(app.member("new@acme.example").status, Status::Active);

    let record = app.desk.record();
    assert_eq!(app.record(), ["invited new@acme.example", "accepted new@acme.example"]);
    assert_eq!((record[0].actor.as_str(), record[0].at_ms), ("owner@acme.example", super::NOON_MS));
    assert_eq!(record[1].actor, "new@acme.example");
}

#[tokio::test]
async fn a_refused_invitation_leaves_the_dialog_open_with_what_was_typed() {
    let app = App::start(|options| options.seats = 30).await;
    let mut browser = app.signed_in().await;
    let check = [
        ("not an address", "Enter a valid email address."),
        ("ADA@acme.example", "This email is already a member."),
        ("new@acme.example", "No free seats. Ask billing to add some."),
    ];
    let taken = app.desk.members().iter().filter(|member| member.status.holds_seat()).count();
    let mut switches = app.desk.switches();
    switches.seats = taken;
    app.desk.set_switches(switches);
    for (email, expected) in check {
        browser.get("/orgs/acme/members/invite").await;
        browser
            .post("/orgs/acme/members/invite", &[("email", email), ("name", "N"), ("role", "Admin")])
            .await;
        assert_eq!((browser.status, browser.alert()), (422, Some(expected)));
        assert!(browser.page.contains(&format!("name=\"email\" value=\"{email}\"")), "{email}");
        assert!(browser.page.contains("<option value=\"Admin\" selected>"));
    }
    assert!(app.desk.record().is_empty());
}

#[tokio::test]
async fn each_change_is_recorded_once_with_what_differs() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    let ada = app.member("ada@acme.example");
    let mut same = vec![("name", "Ada Lovelace"), ("email", "ada@acme.example"), ("role", "Agent")];
    same.extend(ada.teams.iter().map(|team| ("team", team.as_str())));
    browser.do_to(ada.id, "edit", &same).await;
    assert_eq!(browser.location.as_deref(), Some(MEMBERS));
    assert!(app.desk.record().is_empty(), "nothing was changed");

    let edit = [
        ("name", "Ada King"),
        ("email", "king@acme.example"),
        ("role", "Admin"),
        ("team", "Field"),
        ("team", "Support"),
    ];
    browser.do_to(ada.id, "edit", &edit).await;
    browser.do_to(ada.id, "suspend", &[("from", "1003")]).await;
    assert_eq!(browser.location.as_deref(), Some("/orgs/acme/members/1003"), "back to the member's page");
    assert!(browser.get("/orgs/acme/members/1003").await.contains("Member suspended"));
    browser.do_to(ada.id, "suspend", &[]).await;
    assert_eq!(browser.status, 409, "it is done already");
    browser.do_to(ada.id, "reactivate", &[]).await;
    browser.do_to(ada.id, "remove", &[("from", "1003")]).await;
    assert_eq!(browser.location.as_deref(), Some(MEMBERS), "the member's page is gone");
    browser.get("/orgs/acme/members/1003").await;
    assert_eq!(browser.status, 404);

    let expected = ["updated", "role_changed", "teams_changed", "suspended", "reactivated", "removed"];
    assert_eq!(app.record(), expected.map(|action| format!("{action} king@acme.example")));
    let record = serde_json::to_value(app.desk.record()).unwrap();
    assert_eq!(
        record[1]["changed"],
        serde_json::json!([{ "field": "role", "from": "Agent", "to": "Admin" }])
    );
    assert_eq!(record[2]["changed"][0]["to"], "Support, Field");

    browser.get("/orgs/acme/members/invite").await;
    browser.post("/orgs/acme/members/invite", &[("email", "king@acme.example"), ("role", "Viewer")]).await;
    assert_ne!(app.member("king@acme.example").id, ada.id, "who comes back is somebody new");
}

#[tokio::test]
async fn an_invitation_is_sent_again_or_withdrawn() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    let edsger = app.member("edsger@acme.example");
    browser.do_to(edsger.id, "resend-invitation", &[]).await;
    assert_ne!(app.member("edsger@acme.example").invitation, edsger.invitation);
    browser.do_to(edsger.id, "remove", &[]).await;
    assert_eq!(browser.status, 409);
    browser.do_to(edsger.id, "cancel-invitation", &[]).await;
    browser.get(MEMBERS).await;
    assert_eq!(browser.status(), Some("Invitation cancelled"));
    assert_eq!(
        app.record(),
        ["invitation_resent edsger@acme.example", "invitation_cancelled edsger@acme.example"]
    );
}

#[tokio::test]
async fn the_last_owner_cannot_be_changed() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    let owner = app.member("owner@acme.example").id;
    let demote = [("name", "Olivia Owner"), ("email", "owner@acme.example"), ("role", "Admin")];
    for (action, fields) in [("edit", demote.as_slice()), ("suspend", &[]), ("remove", &[])] {
        browser.do_to(owner, action, fields).await;
        assert_eq!((browser.status, browser.alert()), (422, Some(LAST_OWNER)), "{action}");
        assert!(browser.page.contains("<dialog open"), "{action}");
    }
    assert!(app.desk.record().is_empty());
}

#[tokio::test]
async fn the_list_is_complete_over_its_pages_and_found_by_search() {
    let app = App::start(|options| options.members = 130).await;
    let mut browser = app.signed_in().await;
    let mut seen = Vec::new();
    for page in 1..=6 {
        browser.get(&format!("{MEMBERS}?page={page}&sort=email&dir=desc")).await;
        let last = (page * 25).min(130);
        assert_eq!(browser.shown(), format!("{}–{last} of 130 members", page * 25 - 24));
        assert_eq!(browser.page.contains("<button disabled>Next page"), page == 6);
        assert_eq!(browser.page.contains("<button disabled>Previous page"), page == 1);
        seen.extend(browser.emails().into_iter().map(str::to_owned));
    }
    let mut all: Vec<String> = app.desk.members().into_iter().map(|member| member.email).collect();
    all.sort_by(|a, b| b.cmp(a));
    assert_eq!(seen, all);

    browser.get(&format!("{MEMBERS}?q=LOVELACE")).await;
    assert_eq!((browser.shown(), browser.emails()), ("1–1 of 1 members", vec!["ada@acme.example"]));
    browser.get(&format!("{MEMBERS}?q=nobody@nowhere")).await;
    assert_eq!((browser.shown(), browser.emails()), ("0–0 of 0 members", vec![]));
}

#[tokio::test]
async fn a_name_that_is_markup_stays_a_name() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    let bobby = app.member("bobby.tables@acme.example").id;
    let places = [
        MEMBERS.to_owned(),
        format!("{MEMBERS}/{bobby}"),
        format!("{MEMBERS}/{bobby}/remove"),
        format!("{MEMBERS}/{bobby}/edit"),
        format!("{MEMBERS}?q=%3Cb%3EBobby%22%27%3E"),
    ];
    for place in &places {
        let page = browser.get(place).await;
        assert!(page.contains("&#60;b&#62;Bobby"), "{place}");
        assert!(!page.contains("<b>Bobby") && !page.contains("\"> button"), "{place}");
    }
    browser.do_to(bobby, "remove", &[]).await;
    browser.get("/-/").await;
    assert!(!browser.page.contains("<b>Bobby"));
    assert_eq!(app.record(), ["removed bobby.tables@acme.example"]);
}

#[tokio::test]
async fn teams_can_be_added_once() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    browser.get("/orgs/acme/teams").await;
    browser.post("/orgs/acme/teams", &[("name", "Weekend")]).await;
    assert!(browser.get("/orgs/acme/teams").await.contains(">Weekend</td><td class=\"number\">0</td>"));
    assert_eq!(browser.status(), Some("Team added"));
    browser.post("/orgs/acme/teams", &[("name", "weekend")]).await;
    assert_eq!(browser.alert(), Some("A team with this name already exists."));
    assert_eq!(app.desk.record().len(), 1);
}

#[tokio::test]
async fn ten_thousand_members_are_listed_like_thirty() {
    let app = App::start(|options| (options.members, options.seats) = (10_000, 20_000)).await;
    let mut browser = app.signed_in().await;
    browser.get(&format!("{MEMBERS}?page=400&sort=role")).await;
    assert_eq!((browser.shown(), browser.emails().len()), ("9976–10000 of 10000 members", 25));
}
