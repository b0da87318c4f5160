//! Pushed groups made in the app, in real Chromium, judged by what Acme Desk itself recorded.

use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use usher::integration::Policy;
use usher::store::{ItemKind, JobFilter, JobState};

use crate::demo::Browser;

use super::world::{ROLE_URN, World, connectors, desk_options, user};

const ADA: &str = "ada.king@acme.example";
const GRACE: &str = "grace.murray@acme.example";
const JOB: &str = "urn:ietf:params:scim:schemas:extension:usher:2.0:Job";

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members
    })
}

impl World {
    /// Asks for something of a group, which must be answered so.
    async fn group(&self, method: Method, id: &str, body: Option<&Value>, expected: u16) -> Value {
        let path = format!("/Groups{id}?attributes=displayName,members,{JOB}");
        let (status, body) = self.scim.send(method, &path, body).await;
        assert_eq!(status, expected, "{body}");
        body
    }

    async fn patch_group(&self, id: &str, operations: Value) -> Value {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        let body = json!({ "schemas": [schema], "Operations": operations });
        self.group(Method::PATCH, &format!("/{id}"), Some(&body), 200).await
    }

    /// Waits until no job is left, and returns the states in which they ended.
    async fn settled(&self) -> Vec<JobState> {
        let store = &self.installation.store;
        loop {
            let jobs = store.list_jobs(&JobFilter { limit: 200, ..JobFilter::default() }).await.unwrap();
            let Some(open) = jobs.iter().find(|job| !job.state.is_settled()) else {
                return jobs.into_iter().map(|job| job.state).collect();
            };
            store.settled_job(&open.id).await.unwrap();
        }
    }

    /// What the app recorded of groups: `group_joined ada@acme.example Ops`.
    fn groups_record(&self) -> Vec<String> {
        let record = self.desk.record().into_iter().map(|change| serde_json::to_value(change).unwrap());
        let of_groups = record.filter(|change| change["action"].as_str().unwrap().starts_with("group_"));
        let line = |change: Value| {
            let group = &change["changed"][0];
            let names = [&group["from"], &group["to"]].map(|name| name.as_str().unwrap_or_default());
            let words =
                [change["action"].as_str().unwrap(), change["email"].as_str().unwrap(), names[0], names[1]];
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        };
        of_groups.map(line).collect()
    }

    /// The addresses of those who are in the app's group of that name; none where there is no such group.
    fn in_group(&self, name: &str) -> Option<Vec<String>> {
        let group = self.desk.groups().into_iter().find(|group| group.name == name)?;
        let members = self.desk.members();
        let email = |id: &u64| members.iter().find(|member| member.id == *id).unwrap().email.clone();
        Some(group.members.iter().map(email).collect())
    }

    fn group_id(&self, name: &str) -> u64 {
        self.desk.groups().into_iter().find(|group| group.name == name).unwrap().id
    }

    async fn two_members(&self) -> [String; 2] {
        let mut ids = Vec::new();
        for (email, name) in [(ADA, "Ada Lovelace"), (GRACE, "Grace Hopper")] {
            ids.push(self.scim.create(&user(email, name, true, "viewer")).await);
            assert!(self.desk.accept(email));
        }
        ids.try_into().unwrap()
    }
}

/// The shipped connectors, without these flows of Acme Desk's.
fn connectors_without(flows: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let desk = folder.path().join("acme-desk");
    fs::create_dir_all(desk.join("flows")).unwrap();
    let shipped = connectors().join("acme-desk");
    let copy = |name: &Path| fs::copy(shipped.join(name), desk.join(name)).unwrap();
    copy(Path::new("connector.yaml"));
    for flow in fs::read_dir(shipped.join("flows")).unwrap() {
        let name = flow.unwrap().file_name();
        if !flows.iter().any(|left_out| name == format!("{left_out}.yaml").as_str()) {
            copy(&Path::new("flows").join(name));
        }
    }
    folder
}

fn waiting() -> Policy {
    Policy { patience_ms: 50_000, ..Policy::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_filled_renamed_emptied_and_removed() {
    let world = World::new().await;
    let [ada, grace] = world.two_members().await;
    let made = world.group(Method::POST, "", Some(&group("Ops", &[&ada])), 201).await;
    assert_eq!(made[JOB]["state"], "done", "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    world.settled().await;
    assert_eq!(world.in_group("Ops"), Some(vec![ADA.to_owned()]));

    // As Okta's catalogue apps rename, and as they push who comes and who goes.
    let name = json!([{ "op": "replace", "value": { "id": id, "displayName": "Operations" } }]);
    world.patch_group(&id, name).await;
    assert_eq!(world.in_group("Operations"), Some(vec![ADA.to_owned()]));
    let moves = json!([
        { "op": "remove", "path": format!("members[value eq \"{ada}\"]") },
        { "op": "add", "path": "members", "value": [{ "value": grace }] },
    ]);
    world.patch_group(&id, moves).await;
    world.settled().await;
    assert_eq!(world.in_group("Operations"), Some(vec![GRACE.to_owned()]));

    world.group(Method::DELETE, &format!("/{id}"), None, 204).await;
    world.group(Method::GET, &format!("/{id}"), None, 404).await;
    assert_eq!(world.in_group("Operations"), None);
    let again = world.group(Method::POST, "", Some(&group("Operations", &[])), 201).await;
    assert_ne!(again["id"], made["id"], "a group that comes back after a removal is a new one");
    let states = world.settled().await;
    assert!(states.iter().all(|state| *state == JobState::Done), "{states:?}");
    assert_eq!(
        world.groups_record(),
        [
            "group_added Ops".to_owned(),
            format!("group_joined {ADA} Ops"),
            "group_renamed Ops Operations".to_owned(),
            format!("group_left {ADA} Operations"),
            format!("group_joined {GRACE} Operations"),
            "group_removed Operations".to_owned(),
            "group_added Operations".to_owned(),
        ]
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_the_app_is_linked_and_only_those_whom_usher_knows_are_moved() {
    let world = World::new().await;
    let [ada, _] = world.two_members().await;
    let strangers = world.in_group("On call").unwrap();
    assert!(!strangers.is_empty());
    let linked = world.group(Method::POST, "", Some(&group("on call", &[&ada])), 201).await;
    world.settled().await;
    let mut expected = [strangers, vec![ADA.to_owned()]].concat();
    let mut found = world.in_group("on call").expect("it is renamed, and no second one is made");
    expected.sort();
    found.sort();
    assert_eq!(found, expected);

    // Somebody who was put into it by hand leaves again with the next change of the account; who is in another group does not.
    let id = linked["id"].as_str().unwrap();
    world.group(Method::PUT, &format!("/{id}"), Some(&group("on call", &[])), 200).await;
    world.settled().await;
    assert!(!world.in_group("on call").unwrap().contains(&ADA.to_owned()));
    assert_eq!(world.groups_record().last(), Some(&format!("group_left {ADA} on call")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_app_is_told_and_nobody_is_said_to_be_where_nobody_is() {
    let world = World::new().await;
    let [ada, _] = world.two_members().await;
    let refused = world.group(Method::POST, "", Some(&group("Ops, EMEA", &[&ada])), 400).await;
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.starts_with("invalid_value: "), "{detail}");
    assert!(detail.contains("The name of a group cannot have a comma."), "{detail}");
    let (_, found) = world.scim.get("/Groups?filter=displayName%20eq%20%22Ops,%20EMEA%22").await;
    let id = found["Resources"][0]["id"].as_str().unwrap().to_owned();
    let failed = world.group(Method::GET, &format!("/{id}"), None, 200).await;
    assert_eq!((&failed[JOB]["state"], &failed[JOB]["class"]), (&json!("failed"), &json!("invalid_value")));

    // Another name is another wish: those who are in it follow at last.
    world.group(Method::PUT, &format!("/{id}"), Some(&group("Ops EMEA", &[&ada])), 200).await;
    world.settled().await;
    assert_eq!(world.in_group("Ops EMEA"), Some(vec![ADA.to_owned()]));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_by_hand_is_put_right_with_the_next_push() {
    let world = World::new().await;
    let [ada, grace] = world.two_members().await;
    let made = world.group(Method::POST, "", Some(&group("Ops", &[&ada])), 201).await;
    let id = made["id"].as_str().unwrap().to_owned();
    world.settled().await;

    let drift = async || {
        let (_, items) = world.plan().await;
        let drift = items.into_iter().filter(|item| item.item.kind == ItemKind::Drift);
        drift.map(|item| format!("{}: {}", item.item.name, item.item.note)).collect::<Vec<_>>()
    };
    assert_eq!(drift().await, [""; 0]);
    let mut by_hand = Browser::signed_in(&world.desk).await;
    let members = world.desk.members();
    let id_of_ada = members.iter().find(|member| member.email == ADA).unwrap().id.to_string();
    by_hand.do_to_group(world.group_id("Ops"), "add", &[("email", GRACE)]).await;
    by_hand.do_to_group(world.group_id("Ops"), "take-out", &[("member", &id_of_ada)]).await;
    assert_eq!(world.in_group("Ops"), Some(vec![GRACE.to_owned()]));
    let expected = [format!("{ADA}: add to the group Ops"), format!("{GRACE}: take out of the group Ops")];
    assert_eq!(drift().await, expected);
    by_hand.do_to_group(world.group_id("Ops"), "add", &[("email", ADA)]).await;
    let id_of_grace = members.iter().find(|member| member.email == GRACE).unwrap().id.to_string();
    by_hand.do_to_group(world.group_id("Ops"), "take-out", &[("member", &id_of_grace)]).await;
    assert_eq!(drift().await, [""; 0]);

    by_hand.do_to_group(world.group_id("Ops"), "rename", &[("name", "Mine")]).await;
    let push = |members: Vec<&str>| group("Ops", &members);
    world.group(Method::PUT, &format!("/{id}"), Some(&push(vec![&ada, &grace])), 200).await;
    world.settled().await;
    assert_eq!(world.in_group("Ops"), Some(vec![ADA.to_owned(), GRACE.to_owned()]));

    by_hand.do_to_group(world.group_id("Ops"), "delete", &[]).await;
    assert_eq!(world.in_group("Ops"), None);
    world.group(Method::PUT, &format!("/{id}"), Some(&push(vec![&grace])), 200).await;
    world.settled().await;
    assert_eq!(world.in_group("Ops"), Some(vec![GRACE.to_owned()]), "made anew, with who is wanted in it");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_the_connector_cannot_do_is_not_claimed() {
    let folder = connectors_without(&["remove_group"]);
    let world = World::with_connectors(desk_options(), waiting(), folder.path()).await;
    let [ada, _] = world.two_members().await;
    let made = world.group(Method::POST, "", Some(&group("Ops", &[&ada])), 201).await;
    let id = made["id"].as_str().unwrap().to_owned();
    world.settled().await;
    let refused = world.group(Method::DELETE, &format!("/{id}"), None, 400).await;
    assert!(refused["detail"].as_str().unwrap().contains("no flow `remove_group`"), "{refused}");
    let still = world.group(Method::GET, &format!("/{id}"), None, 200).await;
    assert_eq!(still["members"][0]["value"], ada.as_str(), "{still}");
    let (_, user) = world.scim.get(&format!("/Users/{ada}")).await;
    assert_eq!(user["groups"][0]["display"], "Ops", "{user}");

    // Wanted again, it is as if nothing had been.
    let again = world.group(Method::POST, "", Some(&group("Ops", &[&ada])), 201).await;
    assert_eq!(again["id"], made["id"]);
    assert_eq!(world.in_group("Ops"), Some(vec![ADA.to_owned()]));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_flows_for_groups_a_group_is_a_rule_and_nothing_of_the_app() {
    let flows =
        ["list_groups", "create_group", "rename_group", "remove_group", "add_member", "remove_member"];
    let folder = connectors_without(&flows);
    for flow in ["list_accounts", "read_account"] {
        let path = folder.path().join(format!("acme-desk/flows/{flow}.yaml"));
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|line| !line.contains("group: column"));
        fs::write(&path, lines.collect::<Vec<_>>().join("\n")).unwrap();
    }
    let world = World::with_connectors(desk_options(), waiting(), folder.path()).await;
    let ada = world.scim.create(&user(ADA, "Ada Lovelace", true, "viewer")).await;
    let made = world.group(Method::POST, "", Some(&group("Ops", &[&ada])), 201).await;
    assert!(made.get(JOB).is_none(), "{made}");
    let id = made["id"].as_str().unwrap();
    world.group(Method::DELETE, &format!("/{id}"), None, 204).await;
    world.group(Method::POST, "", Some(&group("ops", &[&ada])), 201).await;
    assert_eq!(world.settled().await, [JobState::Done], "the job of the user alone");
    assert_eq!(world.groups_record(), Vec::<String>::new());
    let (_, user) = world.scim.get(&format!("/Users/{ada}")).await;
    assert_eq!((&user["groups"][0]["display"], &user[ROLE_URN]["role"]), (&json!("ops"), &json!("viewer")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_flows_for_members_groups_are_made_and_accounts_go_on() {
    let folder = connectors_without(&["add_member", "remove_member"]);
    let world = World::with_connectors(desk_options(), waiting(), folder.path()).await;
    let [ada, _] = world.two_members().await;
    world.group(Method::POST, "", Some(&group("Ops", &[&ada])), 201).await;
    let (status, body) = world.scim.put(&ada, &user(ADA, "Ada King", true, "agent")).await;
    assert_eq!(status, 200, "{body}");
    let states = world.settled().await;
    assert!(states.iter().all(|state| *state == JobState::Done), "{states:?}");
    assert_eq!(world.in_group("Ops"), Some(Vec::new()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_group_of_another_is_not_taken_though_somebody_gave_it_this_name() {
    let world = World::new().await;
    let ops = world.group(Method::POST, "", Some(&group("Ops", &[])), 201).await;
    let mut by_hand = Browser::signed_in(&world.desk).await;
    by_hand.do_to_group(world.group_id("Ops"), "rename", &[("name", "Marketing")]).await;
    let refused = world.group(Method::POST, "", Some(&group("Marketing", &[])), 400).await;
    assert!(refused["detail"].as_str().unwrap().contains("already exists"), "{refused}");

    let [ada, _] = world.two_members().await;
    let path = format!("/{}", ops["id"].as_str().unwrap());
    world.group(Method::PUT, &path, Some(&group("Ops", &[&ada])), 200).await;
    world.group(Method::POST, "", Some(&group("Marketing", &[])), 201).await;
    world.settled().await;
    assert_eq!(world.in_group("Ops"), Some(vec![ADA.to_owned()]));
    assert_eq!(world.in_group("Marketing"), Some(Vec::new()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_the_app_are_imported_with_their_members_and_are_nobodys_wish_until_somebody_pushes_them() {
    let grant =
        usher::store::Grant { group: "On call".into(), entitlement: "team".into(), key: "Field".into() };
    let world = World::with(desk_options(), Policy { grants: vec![grant], ..waiting() }).await;
    let (_, items) = world.plan().await;
    let found = items.iter().filter(|item| item.item.kind == ItemKind::AdoptGroup);
    assert_eq!(found.count(), world.desk.groups().len());
    let (_, listed) = world.scim.get("/Groups?filter=displayName%20eq%20%22on%20call%22").await;
    let on_call = listed["Resources"][0].clone();
    let names = async |group: &Value| {
        let mut names = Vec::new();
        for member in group["members"].as_array().unwrap() {
            let (_, user) = world.scim.get(&format!("/Users/{}", member["value"].as_str().unwrap())).await;
            names.push(user["userName"].as_str().unwrap().to_owned());
        }
        names.sort();
        names
    };
    let mut expected = world.in_group("On call").unwrap();
    expected.sort();
    assert_eq!(names(&on_call).await, expected);

    // By hand somebody leaves it: the next sync follows, and nothing is drift.
    let left = world.desk.members().into_iter().find(|member| member.email == expected[0]).unwrap();
    let mut by_hand = Browser::signed_in(&world.desk).await;
    by_hand.do_to_group(world.group_id("On call"), "take-out", &[("member", &left.id.to_string())]).await;
    let (_, items) = world.plan().await;
    let kinds: Vec<ItemKind> = super::sync::kinds(&items);
    assert_eq!(kinds, [], "{items:?}");
    let id = on_call["id"].as_str().unwrap();
    let now = world.group(Method::GET, &format!("/{id}"), None, 200).await;
    assert_eq!(names(&now).await, expected[1..]);

    // A client pushes it under its name: it is that group, and from now on it is as wanted.
    let (_, back) = world.scim.get(&format!("/Users?filter=userName%20eq%20%22{}%22", expected[0])).await;
    let back = back["Resources"][0]["id"].as_str().unwrap().to_owned();
    let ids: Vec<&str> =
        now["members"].as_array().unwrap().iter().map(|m| m["value"].as_str().unwrap()).collect();
    let members = [ids, vec![&back]].concat();
    let pushed = world.group(Method::POST, "", Some(&group("On call", &members)), 201).await;
    assert_eq!(pushed["id"], id);
    world.settled().await;
    let mut in_app = world.in_group("On call").unwrap();
    in_app.sort();
    assert_eq!(in_app, expected);
    assert_eq!(
        world.groups_record(),
        [format!("group_left {} On call", expected[0]), format!("group_joined {} On call", expected[0])]
    );
    let mut those = world.desk.members().into_iter().filter(|member| expected.contains(&member.email));
    assert!(those.all(|member| member.teams.contains(&"Field".to_owned())), "what it gives is given");
    let (_, items) = world.plan().await;
    assert_eq!(super::sync::kinds(&items), [], "{items:?}");

    by_hand.do_to_group(world.group_id("On call"), "delete", &[]).await;
    let (_, items) = world.plan().await;
    assert_eq!(super::sync::kinds(&items), [ItemKind::GroupGone], "{items:?}");
    let wanted = world.group(Method::GET, &format!("/{id}"), None, 200).await;
    assert_eq!(wanted["members"].as_array().unwrap().len(), expected.len(), "it is wanted still");
    world.end().await;
}
