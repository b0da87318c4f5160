//! Groups through the pages; the record is the judge.

use serde_json::{Value, json};

use super::{App, Browser, MEMBERS, between};

const GROUPS: &str = "/orgs/acme/groups";

impl Browser {
    /// Opens a group's page, then posts one of its forms.
    pub(crate) async fn do_to_group(&mut self, id: u64, action: &str, fields: &[(&str, &str)]) -> &str {
        self.get(&format!("{GROUPS}/{id}")).await;
        self.post(&format!("{GROUPS}/{id}/{action}"), fields).await
    }

    /// Opens the page of groups; ids, names and sizes in its table, and what it says below.
    async fn groups(&mut self) -> (Vec<(u64, String, usize)>, String) {
        self.get(GROUPS).await;
        let rows = self.page.split("<tr><td>").skip(1).map(|row| {
            let id = between(row, "<a href=\"/orgs/acme/groups/", "\"").unwrap().parse().unwrap();
            let size = between(row, "class=\"number\">", "<").unwrap().parse().unwrap();
            (id, between(row, "\">", "<").unwrap().to_owned(), size)
        });
        (rows.collect(), between(&self.page, "role=\"note\">", "<").unwrap().to_owned())
    }

    /// Opens a group's page; the addresses in its table.
    async fn people(&mut self, id: u64) -> Vec<String> {
        self.get(&format!("{GROUPS}/{id}")).await;
        self.emails().into_iter().map(str::to_owned).collect()
    }
}

/// A row of the table of groups.
fn group(id: u64, name: &str, size: usize) -> (u64, String, usize) {
    (id, name.to_owned(), size)
}

#[tokio::test]
async fn a_group_is_added_renamed_filled_emptied_and_deleted() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    let seeded = [group(501, "Berlin office", 4), group(502, "On call", 3)];
    assert_eq!(browser.groups().await, (seeded.to_vec(), "2 groups".into()));

    browser.post(GROUPS, &[("name", " Lisbon  office ")]).await;
    assert_eq!(browser.location.as_deref(), Some(GROUPS));
    let (shown, count) = browser.groups().await;
    assert_eq!((shown[1].clone(), count.as_str()), (group(503, "Lisbon office", 0), "3 groups"));
    assert_eq!(browser.status(), Some("Group added"));

    browser.do_to_group(503, "rename", &[("name", "Porto office")]).await;
    assert_eq!(browser.location.as_deref(), Some("/orgs/acme/groups/503"));
    assert!(browser.people(503).await.is_empty());
    assert_eq!(browser.status(), Some("Group renamed"));
    assert!(browser.page.contains("<h1>Porto office</h1>") && browser.page.contains(">503</dd>"));

    for email in ["pal@acme.example", "AL@acme.example"] {
        browser.do_to_group(503, "add", &[("email", email)]).await;
        assert_eq!(browser.location.as_deref(), Some("/orgs/acme/groups/503"));
    }
    assert_eq!(browser.people(503).await, ["al@acme.example", "pal@acme.example"]);
    assert_eq!(browser.status(), Some("Added to the group"));
    browser.do_to_group(503, "take-out", &[("member", "1005")]).await;
    assert_eq!(browser.people(503).await, ["pal@acme.example"]);
    assert_eq!(browser.status(), Some("Taken out of the group"));

    let question = "Delete the group Porto office (503)?";
    assert!(browser.get("/orgs/acme/groups/503/delete").await.contains(question));
    browser.post("/orgs/acme/groups/503/delete", &[]).await;
    assert_eq!(browser.location.as_deref(), Some(GROUPS));
    assert_eq!(browser.groups().await, (seeded.to_vec(), "2 groups".into()));
    assert_eq!(browser.status(), Some("Group deleted"));
    for path in ["/orgs/acme/groups/503", "/orgs/acme/groups/503/delete", "/orgs/acme/groups/x"] {
        browser.get(path).await;
        assert_eq!(browser.status, 404, "{path}");
    }
    told_each_change(&app);
}

/// What the test above did, and nothing else.
fn told_each_change(app: &App) {
    let change = |action: &str, member: Option<(u64, &str)>, from: Option<&str>, to: Option<&str>| {
        json!({
            "at_ms": super::NOON_MS, "actor": "owner@acme.example", "action": action,
            "member_id": member.map(|(id, _)| id), "email": member.map(|(_, email)| email).unwrap_or_default(),
            "changed": [{ "field": "group", "from": from, "to": to }],
        })
    };
    let (al, pal) = (Some((1005, "al@acme.example")), Some((1006, "pal@acme.example")));
    let porto = Some("Porto office");
    let expected = json!([
        change("group_added", None, None, Some("Lisbon office")),
        change("group_renamed", None, Some("Lisbon office"), porto),
        change("group_joined", pal, None, porto),
        change("group_joined", al, None, porto),
        change("group_left", al, porto, None),
        change("group_removed", None, porto, None),
    ]);
    assert_eq!(serde_json::to_value(app.desk.record()).unwrap(), expected);
}

#[tokio::test]
async fn a_refused_form_is_drawn_again_with_what_was_typed() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    let check = [
        (GROUPS, "name", "on CALL", "A group with this name already exists."),
        (GROUPS, "name", "Berlin, Mitte", "The name of a group cannot have a comma."),
        ("/orgs/acme/groups/501/rename", "name", "on CALL", "A group with this name already exists."),
        ("/orgs/acme/groups/501/rename", "name", "", "Enter a name."),
        (
            "/orgs/acme/groups/501/add",
            "email",
            "nobody@acme.example",
            "Nobody in Acme Desk has this address.",
        ),
        ("/orgs/acme/groups/501/add", "email", "ADA@acme.example", "This person is in the group already."),
    ];
    for (path, field, typed, expected) in check {
        browser.get(GROUPS).await;
        browser.post(path, &[(field, typed)]).await;
        assert_eq!((browser.status, browser.alert()), (422, Some(expected)), "{path} {typed}");
        assert!(browser.page.contains(&format!("name=\"{field}\" value=\"{typed}\"")), "{path} {typed}");
    }
    for (path, member) in [("501", "1005"), ("501", "x"), ("502", "9999")] {
        browser.do_to_group(path.parse().unwrap(), "take-out", &[("member", member)]).await;
        assert_eq!((browser.status, browser.alert()), (422, Some("This person is not in the group.")));
    }
    for path in ["501/other", "599/add", "599/delete", "x/rename"] {
        browser.get(GROUPS).await;
        browser.post(&format!("{GROUPS}/{path}"), &[("email", "al@acme.example")]).await;
        assert_eq!(browser.status, 404, "{path}");
    }
    browser.post_raw("/orgs/acme/groups/501/delete", &[]).await;
    assert_eq!(browser.status, 403, "a form without its token");
    assert!(app.desk.record().is_empty());
}

#[tokio::test]
async fn a_member_is_shown_with_groups_beside_teams() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    let ada = app.member("ada@acme.example");
    browser.get(&format!("{MEMBERS}?q=ada@acme")).await;
    let cells = "<td role=\"cell\" class=\"groups\">";
    assert_eq!(between(&browser.page, cells, "<"), Some("Berlin office, On call"));
    browser.do_to_group(502, "rename", &[("name", "Awake")]).await;
    browser.get(&format!("{MEMBERS}/{}", ada.id)).await;
    let fact = "<dd aria-labelledby=\"fact-groups\">";
    assert_eq!(between(&browser.page, fact, "<"), Some("Awake, Berlin office"), "in order of name");
    assert_eq!(app.member("ada@acme.example"), ada, "teams are not touched");

    let mut switches = app.desk.switches();
    switches.new_design = true;
    app.desk.set_switches(switches);
    assert!(browser.get(MEMBERS).await.contains("Awake, Berlin office</p>"));

    let told: Value = serde_json::from_str(browser.get("/-/groups").await).unwrap();
    assert_eq!(told, serde_json::to_value(app.desk.groups()).unwrap());
    assert_eq!(told[1], json!({ "id": 502, "name": "Awake", "members": [1003, 1004, 1009] }));
}

#[tokio::test]
async fn a_groups_name_that_is_markup_stays_a_name() {
    let app = App::start(|_| {}).await;
    let mut browser = app.signed_in().await;
    browser.do_to_group(502, "rename", &[("name", "<b>On</b> \"> call")]).await;
    for path in [GROUPS, "/orgs/acme/groups/502", "/orgs/acme/groups/502/delete", MEMBERS, "/-/"] {
        let page = browser.get(path).await;
        assert!(
            page.contains("&#60;b&#62;On") && !page.contains("<b>On") && !page.contains("\"> call"),
            "{path}"
        );
    }
}
