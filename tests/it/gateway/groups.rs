//! Groups, as Okta and Entra ID push them.

use usher::integration::Grant;

use super::*;

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

impl Gate {
    pub async fn post_group(&self, group: &Value) -> Answer {
        self.send(self.with_body(Method::POST, "/Groups", group.to_string())).await
    }

    /// Creates a group and returns its id.
    pub async fn create_group(&self, name: &str, members: &[&str]) -> String {
        let answer = self.post_group(&group(name, members)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn put_group(&self, id: &str, group: &Value) -> Answer {
        self.send(self.with_body(Method::PUT, &format!("/Groups/{id}"), group.to_string())).await
    }

    pub fn patching(&self, id: &str, operations: &Value) -> RequestBuilder {
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        self.with_body(Method::PATCH, &format!("/Groups/{id}"), body.to_string())
    }

    /// Patches a group, and asserts that it went well and without a body.
    pub async fn patch_group(&self, id: &str, operations: Value) {
        let answer = self.send(self.patching(id, &operations)).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{answer:?}");
        assert!(answer.header("etag").is_some(), "{answer:?}");
    }

    /// Who is in a group, in their order.
    async fn members(&self, id: &str) -> Vec<String> {
        let group = self.get(&format!("/Groups/{id}")).await.json();
        let members = group["members"].as_array().map_or(&[][..], Vec::as_slice).iter();
        members.map(|member| member["value"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn people<const N: usize>(&self) -> [String; N] {
        let mut ids = Vec::new();
        for n in 0..N {
            ids.push(self.create(&user(&format!("p{n}@acme.example"))).await);
        }
        ids.try_into().unwrap()
    }
}

pub fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id, "display": "whoever" })).collect();
    json!({ "schemas": [GROUP], "displayName": name, "members": members })
}

#[tokio::test]
async fn okta_pushes_a_group_finds_it_by_name_and_replaces_it_whole() {
    let gate = Gate::new().await;
    let [ada, bob] = gate.people().await;
    let created = gate.post_group(&group("Support Agents", &[])).await;
    assert_eq!(created.status, 201, "{created:?}");
    let shown = created.json();
    let id = shown["id"].as_str().unwrap();
    assert_eq!(
        (&shown["displayName"], &shown["meta"]["resourceType"]),
        (&"Support Agents".into(), &"Group".into())
    );
    assert!(shown.get("members").is_none(), "nobody is in it: {shown}");
    assert_eq!(created.header("location"), shown["meta"]["location"].as_str());

    let found =
        gate.get("/Groups?filter=displayName+eq+%22support%20agents%22&startIndex=1&count=100").await.json();
    assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&1.into(), &id.into()), "{found}");
    let taken = gate.post_group(&group("SUPPORT agents", &[])).await.scim_error(409, Some("uniqueness"));
    assert!(taken.contains("displayName"), "{taken}");

    let put = gate.put_group(id, &group("Support", &[&ada, &bob])).await;
    assert_eq!(put.status, 200, "{put:?}");
    let members = put.json()["members"].clone();
    let expected = |id: &String| {
        let address = format!("{}/scim/v2/desk/Users/{id}", gate.server.url());
        json!({ "value": id, "type": "User", "$ref": address })
    };
    assert_eq!(members, json!([expected(&ada), expected(&bob)]));
    let groups = gate.get(&format!("/Users/{ada}")).await.json()["groups"].clone();
    let address = format!("{}/scim/v2/desk/Groups/{id}", gate.server.url());
    assert_eq!(groups, json!([{ "value": id, "display": "Support", "type": "direct", "$ref": address }]));

    let put = gate.put_group(id, &group("Support", &[&bob])).await;
    assert_eq!(put.status, 200);
    assert_eq!(gate.members(id).await, [bob.as_str()]);
    assert!(gate.get(&format!("/Users/{ada}")).await.json().get("groups").is_none());

    let deleted = gate.send(gate.request(Method::DELETE, &format!("/Groups/{id}"))).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    gate.get(&format!("/Groups/{id}")).await.scim_error(404, None);
    assert_eq!(gate.get(&format!("/Users/{bob}")).await.status, 200, "its users stay");
    gate.end().await;
}

#[tokio::test]
async fn okta_changes_members_in_every_form_of_its_patches() {
    let gate = Gate::new().await;
    let [ada, bob, eve] = gate.people().await;
    let id = gate.create_group("Support", &[&ada, &bob]).await;
    gate.patch_group(&id, json!([{ "op": "replace", "value": { "id": id, "displayName": "Support 2" } }]))
        .await;
    assert_eq!(gate.members(&id).await, [&*ada, &*bob], "a rename loses nobody");
    let swap = json!([
        { "op": "remove", "path": format!("members[value eq \"{ada}\"]") },
        { "op": "add", "path": "members", "value": [{ "value": eve, "display": "eve@acme.example" }] }
    ]);
    gate.patch_group(&id, swap).await;
    assert_eq!(gate.members(&id).await, [&*bob, &*eve]);
    let tag = gate.get(&format!("/Groups/{id}")).await.header("etag").unwrap().to_owned();
    gate.patch_group(
        &id,
        json!([{ "op": "add", "path": "members", "value": [{ "value": eve }, { "value": eve }] }]),
    )
    .await;
    let again = gate.get(&format!("/Groups/{id}")).await;
    assert_eq!(
        (gate.members(&id).await.len(), again.header("etag")),
        (2, Some(&*tag)),
        "said twice, so once"
    );
    gate.patch_group(&id, json!([{ "op": "replace", "path": "members", "value": [{ "value": ada }] }])).await;
    assert_eq!(gate.members(&id).await, [&*ada]);
    gate.patch_group(&id, json!([{ "op": "remove", "path": format!("members[value eq \"{bob}\"]") }])).await;
    assert_eq!(gate.members(&id).await, [&*ada], "who is not in it cannot leave it");
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "S" }]);
    let asked = gate.send(gate.patching(&format!("{id}?attributes=displayName"), &rename)).await;
    assert_eq!((asked.status, &asked.json()["displayName"]), (200, &"S".into()), "a body for whoever asks");
    gate.patch_group(&id, json!([{ "op": "remove", "path": "members" }])).await;
    assert_eq!(gate.members(&id).await, [""; 0]);
    gate.end().await;
}

#[tokio::test]
async fn entra_removes_the_members_it_names_and_no_others() {
    let gate = Gate::new().await;
    let [ada, bob, eve] = gate.people().await;
    let created = json!({
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        "displayName": "Support",
        "meta": { "resourceType": "Group" }
    });
    let created = gate.post_group(&created).await;
    assert_eq!((created.status, &created.json()["schemas"]), (201, &json!([GROUP])), "{created:?}");
    let id = created.json()["id"].as_str().unwrap().to_owned();
    for member in [&ada, &bob, &eve] {
        gate.patch_group(&id, json!([{ "op": "Add", "path": "members", "value": [{ "value": member }] }]))
            .await;
    }
    gate.patch_group(&id, json!([{ "op": "Remove", "path": "members", "value": [{ "value": bob }] }])).await;
    assert_eq!(gate.members(&id).await, [&*ada, &*eve]);
    let bare = gate.get(&format!("/Groups/{id}?excludedAttributes=members")).await.json();
    assert!(bare.get("members").is_none() && bare["displayName"] == "Support", "{bare}");
    let found = gate.get("/Groups?excludedAttributes=members&filter=externalId+eq+%228aa1a0c0-c4c3-4bc0-b4a5-2ef676900159%22").await;
    assert_eq!(found.json()["Resources"][0]["id"], json!(id), "{found:?}");
    let held =
        format!("/Groups?excludedAttributes=members&filter=id+eq+%22{id}%22+and+members+eq+%22{ada}%22");
    assert_eq!(gate.get(&held).await.json()["totalResults"], 1, "so Entra asks whether somebody is in it");
    gate.end().await;
}

#[tokio::test]
async fn members_are_users_and_nothing_is_written_where_one_is_not() {
    let gate = Gate::new().await;
    let [ada] = gate.people().await;
    let id = gate.create_group("Support", &[&ada]).await;
    let other = gate.create_group("Others", &[]).await;
    let post = |body: Value| gate.with_body(Method::POST, "/Groups", body.to_string());
    let unknown =
        gate.refused(post(group("New", &[&ada, "nobody", "no-one"])), 400, Some("invalidValue")).await;
    assert!(unknown.contains("\"nobody\" is none, and 1 more"), "{unknown}");
    let nested = json!([{ "op": "add", "path": "members", "value": [{ "value": other, "type": "Group" }] }]);
    let nested = gate.refused(gate.patching(&id, &nested), 400, Some("invalidValue")).await;
    assert!(nested.contains("groups in groups are not supported"), "{nested}");
    for (body, scim_type) in [
        (json!({ "schemas": [GROUP], "displayName": " " }), "invalidValue"),
        (json!({ "schemas": [GROUP] }), "invalidValue"),
        (json!({ "schemas": [USER], "displayName": "x" }), "invalidSyntax"),
        (
            json!({ "schemas": [GROUP], "displayName": "x", "members": [{ "display": "Ada" }] }),
            "invalidValue",
        ),
        (json!({ "schemas": [GROUP], "displayName": "x", "members": [[]] }), "invalidValue"),
    ] {
        gate.refused(post(body), 400, Some(scim_type)).await;
    }
    let half = json!([
        { "op": "remove", "path": "members" },
        { "op": "add", "path": "members", "value": [{ "value": "nobody" }] }
    ]);
    gate.refused(gate.patching(&id, &half), 400, Some("invalidValue")).await;
    assert_eq!(gate.members(&id).await, [&*ada], "all or nothing");
    let stale =
        gate.patching(&id, &json!([{ "op": "remove", "path": "members" }])).header("If-Match", "W/\"7\"");
    gate.refused(stale, 412, None).await;
    gate.refused(gate.request(Method::DELETE, "/Groups/none"), 404, None).await;
    gate.end().await;
}

#[tokio::test]
async fn a_user_that_goes_leaves_every_group_and_their_versions_tell() {
    let gate = Gate::new().await;
    let [ada, bob] = gate.people().await;
    let id = gate.create_group("Support", &[&ada, &bob]).await;
    let untouched = gate.create_group("Others", &[&bob]).await;
    assert_eq!(gate.delete(&ada).await.status, 204);
    assert_eq!(gate.members(&id).await, [&*bob]);
    let tag = |answer: Answer| answer.header("etag").unwrap().to_owned();
    assert_eq!(tag(gate.get(&format!("/Groups/{id}")).await), "W/\"2\"");
    assert_eq!(tag(gate.get(&format!("/Groups/{untouched}")).await), "W/\"1\"");
    let again = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
    gate.refused(gate.patching(&id, &again), 400, Some("invalidValue")).await;
    gate.end().await;
}

#[tokio::test]
async fn concurrent_changes_of_one_group_lose_nobody() {
    let gate = Gate::new().await;
    let people: [String; 24] = gate.people().await;
    let id =
        gate.create_group("Everyone", &people[..12].iter().map(String::as_str).collect::<Vec<_>>()).await;
    let changes = (0..12).flat_map(|n| {
        let leaves = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", people[n]) }]);
        let joins = json!([{ "op": "add", "path": "members", "value": [{ "value": people[n + 12] }] }]);
        [leaves, joins]
    });
    futures::future::join_all(changes.map(|change| gate.patch_group(&id, change))).await;
    let mut members = gate.members(&id).await;
    members.sort();
    let mut expected = people[12..].to_vec();
    expected.sort();
    assert_eq!(members, expected);
    gate.end().await;
}

#[tokio::test]
async fn a_thousand_members_come_and_go_in_one_request() {
    let gate = Gate::new().await;
    let mut ids = Vec::new();
    for batch in (0..1000).collect::<Vec<_>>().chunks(100) {
        let made = batch.iter().map(|n| {
            let (gate, user) = (&gate, user(&format!("m{n}@acme.example")));
            async move { gate.create(&user).await }
        });
        ids.extend(futures::future::join_all(made).await);
    }
    let id = gate.create_group("Everyone", &[]).await;
    let all: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    gate.patch_group(&id, json!([{ "op": "add", "path": "members", "value": all }])).await;
    assert_eq!(gate.members(&id).await, ids);
    gate.patch_group(&id, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[7]) }]))
        .await;
    gate.patch_group(&id, json!([{ "op": "Remove", "path": "members", "value": all[500..] }])).await;
    let left: Vec<String> = ids[..500].iter().filter(|id| **id != ids[7]).cloned().collect();
    assert_eq!(gate.members(&id).await, left);
    gate.end().await;
}

#[tokio::test]
async fn a_change_of_a_group_that_gives_something_is_work_for_those_whom_it_concerns() {
    let grant = |group: &str| Grant { group: group.into(), entitlement: "role".into(), key: "agent".into() };
    let grants = vec![grant("Support"), grant("Renamed")];
    let gate = Gate::with(Policy { patience_ms: 0, grants, ..Policy::default() }).await;
    let people: [String; 3] = gate.people().await;
    let [ada, bob, eve] = &people;
    let mut known = gate.jobs().await.len();
    // Each has a job already, which is joined; what is new of it is its cause.
    let mut caused = async |event: &str| {
        let jobs: Vec<_> = gate.jobs().await.into_iter().filter(|job| job.user_id.is_some()).collect();
        assert_eq!(jobs.len(), std::mem::replace(&mut known, jobs.len()), "one job for each person at most");
        let hit = jobs.into_iter().filter(|job| job.cause["event"] == event);
        let mut users: Vec<String> = hit.filter_map(|job| job.user_id).collect();
        users.sort();
        users
    };
    let sorted = |ids: &[&String]| {
        let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
        ids.sort();
        ids
    };
    gate.create_group("Lunch", &[ada]).await;
    assert_eq!(caused("group.created").await, [""; 0], "a group that gives nothing");
    let id = gate.create_group("support", &[ada, bob]).await;
    assert_eq!(caused("group.created").await, sorted(&[ada, bob]));
    gate.patch_group(&id, json!([{ "op": "add", "path": "members", "value": [{ "value": eve }] }])).await;
    assert_eq!(caused("group.updated").await, sorted(&[eve]), "nothing changes for the others");
    gate.patch_group(&id, json!([{ "op": "replace", "path": "displayName", "value": "Renamed" }])).await;
    assert_eq!(caused("group.updated").await, sorted(&[ada, bob, eve]));
    gate.patch_group(&id, json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }])).await;
    assert_eq!(gate.send(gate.request(Method::DELETE, &format!("/Groups/{id}"))).await.status, 204);
    assert_eq!(caused("group.deleted").await, sorted(&[bob, eve]));
    gate.end().await;
}

#[tokio::test]
async fn groups_are_listed_sorted_and_searched_like_users() {
    let gate = Gate::new().await;
    let [ada, bob] = gate.people().await;
    let support = gate.create_group("Support", &[&ada]).await;
    let admins = gate.create_group("admins", &[&ada, &bob]).await;
    let found = async |query: &str| {
        let page = gate.get(query).await;
        assert_eq!(page.status, 200, "{query}: {page:?}");
        let page = page.json();
        let ids = page["Resources"].as_array().unwrap().iter();
        ids.map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("/Groups").await, [&*support, &*admins]);
    assert_eq!(found("/Groups?sortBy=displayName").await, [&*admins, &*support]);
    assert_eq!(found("/Groups?startIndex=2&count=1").await, [&*admins]);
    assert_eq!(found("/Groups?filter=displayName+sw+%22SUP%22").await, [&*support]);
    for filter in ["members.value eq \"{}\"", "members[value eq \"{}\" and type eq \"User\"]"] {
        let filter = filter.replace("{}", &bob).replace(' ', "+");
        assert_eq!(found(&format!("/Groups?filter={filter}")).await, [&*admins], "{filter}");
    }
    assert_eq!(found(&format!("/Groups?filter=not+(members.value+eq+%22{bob}%22)")).await, [&*support]);
    assert_eq!(found(&format!("/Users?filter=groups.value+eq+%22{support}%22")).await, [&*ada]);
    assert_eq!(found("/Users?filter=not+(groups+pr)").await, [""; 0]);
    gate.get("/Groups?filter=members.display+eq+%22x%22").await.scim_error(400, Some("invalidFilter"));
    gate.get("/Groups?filter=userName+eq+%22x%22").await.scim_error(400, Some("invalidFilter"));

    let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "startIndex": 2, "count": 2 });
    let all = gate.send(gate.with_body(Method::POST, "/.search", search.to_string())).await.json();
    let kinds: Vec<_> =
        all["Resources"].as_array().unwrap().iter().map(|one| &one["meta"]["resourceType"]).collect();
    assert_eq!((&all["totalResults"], kinds), (&4.into(), vec![&json!("User"), &json!("Group")]), "{all}");
    gate.end().await;
}
